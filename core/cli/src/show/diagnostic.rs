//! Mistakes in a script, drawn with their place.

use std::collections::BTreeMap;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet};
use mops_eval::SourceTexts;
use mops_model::{Diagnostic, Label, Severity, SourceId};

/// Draws `diagnostics` one below the other, with a line of counts under more than one error.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic], texts: &SourceTexts, renderer: &Renderer) -> String {
    let mut out: Vec<String> = diagnostics.iter().map(|it| diagnostic(it, texts, renderer)).collect();
    let errors = diagnostics.iter().filter(|it| it.is_error()).count();
    if errors > 1 {
        out.push(renderer.render(&[Group::with_title(
            Level::ERROR.primary_title(format!("{errors} mistakes; nothing was changed")),
        )]));
    }
    out.join("\n\n")
}

/// Draws mistakes and warnings onto stderr, if there are any.
pub(crate) fn say(diagnostics: &[Diagnostic], texts: &SourceTexts) {
    if !diagnostics.is_empty() {
        anstream::eprintln!("{}\n", self::diagnostics(diagnostics, texts, &Renderer::styled()));
    }
}

fn diagnostic(diagnostic: &Diagnostic, texts: &SourceTexts, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(&diagnostic.code);
    if diagnostic.labels.is_empty() {
        let help = diagnostic.help.iter().map(|it| Group::with_title(Level::HELP.secondary_title(it)));
        return renderer.render(&[Group::with_title(title)].into_iter().chain(help).collect::<Vec<_>>());
    }
    let mut group = title.elements(snippets(&diagnostic.labels, texts));
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// One snippet for each text that labels point into; the first label is the primary one.
fn snippets<'a>(labels: &'a [Label], texts: &'a SourceTexts) -> Vec<Element<'a>> {
    let mut order: Vec<SourceId> = Vec::new();
    let mut by_source: BTreeMap<SourceId, Vec<Annotation<'a>>> = BTreeMap::new();
    for (i, label) in labels.iter().enumerate() {
        let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let span = label.span.start as usize..label.span.end as usize;
        let is_in =
            |(id, _, text): (SourceId, _, &str)| id == label.span.source && text.get(span.clone()).is_some();
        if !texts.texts().any(is_in) {
            continue; // A plugin may point beyond the text.
        }
        if !order.contains(&label.span.source) {
            order.push(label.span.source);
        }
        by_source.entry(label.span.source).or_default().push(kind.span(span).label(&label.text));
    }
    let snippet = |source: SourceId| {
        let (_, path, text) = texts.texts().find(|(id, ..)| *id == source)?;
        let annotations = by_source.remove(&source)?;
        Some(Snippet::source(text).path(path).annotations(annotations).into())
    };
    order.into_iter().filter_map(snippet).collect()
}
