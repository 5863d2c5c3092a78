//! The mistakes of an evaluation: all of them, each once, in the order of the source.

use mops_model::{Diagnostic, Span};

/// What was found so far.
#[derive(Default)]
pub(crate) struct Findings(Vec<Diagnostic>);

impl Findings {
    /// Adds `found`, unless the same was found before: by the pass over the text, or by an earlier turn of a loop.
    pub(crate) fn push(&mut self, found: Diagnostic) {
        let is_same = |it: &Diagnostic| {
            it.code == found.code && it.message == found.message && place(it) == place(&found)
        };
        if !self.0.iter().any(is_same) {
            self.0.push(found);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// Whether a mistake of another kind than `code` was found at `span` already: what follows from it is not told.
    pub(crate) fn is_wrong_at(&self, span: Span) -> bool {
        self.0.iter().any(|it| place(it) == Some(span))
    }

    /// Everything, in the order of the source; what has no place comes last.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|it| (place(it).is_none(), place(it).map(|span| (span.source, span.start))));
        self.0
    }
}

fn place(it: &Diagnostic) -> Option<Span> {
    it.labels.first().map(|label| label.span)
}
