//! The standard library from its own text: the comment at the top of a file, and the one before each function.
//!
//! A comment may hold an example between lines of three backticks; functions that are `private` are nobody's business.

use crate::{Entry, EntryKind, Example, Fact, Page, PageKind};

/// The page of one file that is imported as `name`.
pub(crate) fn page(name: &str, text: &str) -> Page {
    let header = text.lines().take_while(|it| it.starts_with("//") && !it.starts_with("///"));
    let doc: Vec<&str> = header.map(|it| it.trim_start_matches('/').trim()).collect();
    let mut entries = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("///"), line.strip_prefix("fn ")) {
            (Some(doc), _) => comment.push(doc.strip_prefix(' ').unwrap_or(doc)),
            (None, Some(declared)) => entries.push(entry(name, declared, &std::mem::take(&mut comment))),
            (None, None) => comment.clear(),
        }
    }
    Page { kind: PageKind::Library, name: name.to_owned(), doc: doc.join(" "), facts: Vec::new(), entries }
}

fn entry(file: &str, declared: &str, comment: &[&str]) -> Entry {
    let module = file.rsplit('/').next().unwrap_or(file);
    let call = declared.trim_end().trim_end_matches('{').trim_end();
    let name = call.split('(').next().unwrap_or(call);
    let (doc, example) = apart(comment);
    let example = Example { title: "Example".to_owned(), text: example, language: "rhai" };
    Entry {
        kind: EntryKind::Function,
        name: format!("{module}::{name}"),
        signature: format!("{module}::{call}"),
        doc,
        facts: vec![Fact::new("Import it", format!("`import \"{file}\" as {module};`"))],
        groups: Vec::new(),
        examples: (!example.text.is_empty()).then_some(example).into_iter().collect(),
    }
}

/// What a comment says, and the example that it holds.
fn apart(comment: &[&str]) -> (String, String) {
    let (mut doc, mut example) = (Vec::new(), Vec::new());
    let mut is_example = false;
    for line in comment {
        match line.starts_with("```") {
            true => is_example = !is_example,
            false if is_example => example.push(*line),
            false => doc.push(*line),
        }
    }
    (doc.join("\n").trim().to_owned(), example.join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r"// Role layouts.

/// Everything on one node.
///
/// ```rhai
/// roles::together(#{});
/// ```
fn together(node) {
    declare(node);
}

private fn declare(node) {}
";

    #[test]
    fn comments_and_examples_come_from_the_text() {
        let page = page("std/roles", FILE);
        assert_eq!(page.doc, "Role layouts.");
        let [together] = page.entries.as_slice() else { panic!("{:?}", page.entries) };
        assert_eq!(together.signature, "roles::together(node)");
        assert_eq!(together.doc, "Everything on one node.");
        assert_eq!(together.examples[0].text, "roles::together(#{});");
    }
}
