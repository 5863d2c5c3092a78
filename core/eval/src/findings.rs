//! The mistakes of an evaluation: all of them, each once, in the order of the source.

use std::collections::BTreeSet;

use mops_model::{Diagnostic, Span};

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

    /// Everything, in the order of the source; what has no place comes last.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|it| (place(it).is_none(), place(it).map(|span| (span.source, span.start))));
        self.found
    }
}

fn place(it: &Diagnostic) -> Option<Span> {
    it.labels.first().map(|label| label.span)
}
