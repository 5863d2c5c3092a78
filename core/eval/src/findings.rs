//! The mistakes of an evaluation: all of them, each once, in the order of the source.

use std::collections::BTreeSet;

use mops_model::{Diagnostic, Label, Span};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Findings {
    found: Vec<Diagnostic>,
    told: BTreeSet<(Option<Span>, String, String)>,
}

impl Findings {
    /// Adds `found`, unless the same was found before: by the pass over the text, or by an earlier turn of a loop.
    pub(crate) fn push(&mut self, found: Diagnostic) {
        if self.told.insert((place(&found), found.code.clone(), found.message.clone())) {
            self.found.push(found);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }

    /// Whether something was found at `span` already: what follows from it is not told.
    pub(crate) fn is_wrong_at(&self, span: Span) -> bool {
        self.found.iter().any(|it| place(it) == Some(span))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Adds `labels` to each that was found since there were `before`.
    pub(crate) fn show(&mut self, before: usize, labels: &[(Span, String)]) {
        for found in self.found.iter_mut().skip(before) {
            for (span, text) in labels {
                if found.labels.iter().all(|it| it.span != *span) {
                    found.labels.push(Label { span: *span, text: text.clone() });
                }
            }
        }
    }

    /// Whether a mistake was found at one of `places`, or within it.
    pub(crate) fn is_wrong_within<'a>(&self, mut places: impl Iterator<Item = &'a Span>) -> bool {
        let wrong: Vec<Span> = self.found.iter().filter(|it| it.is_error()).filter_map(place).collect();
        let holds = |outer: &Span, inner: &Span| {
            outer.source == inner.source && outer.start <= inner.start && inner.end <= outer.end
        };
        places.any(|outer| wrong.iter().any(|inner| holds(outer, inner)))
    }

    /// Everything, in the order of the source; what has no place comes last.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|it| (place(it).is_none(), place(it).map(|span| (span.source, span.start))));
        self.found
    }
}

fn place(it: &Diagnostic) -> Option<Span> {
    it.labels.first().map(|label| label.span)
}
