//! What can be measured: one file each.

mod door;
mod editor;
mod prompt;
mod start;
mod websites;

use crate::{Outcome, place::Place, report::Report};

/// One thing that is promised, and how it is measured.
pub(crate) struct Topic {
    /// What it is asked for by, and what its files are called.
    pub(crate) name: &'static str,
    /// The headline.
    pub(crate) about: &'static str,
    /// Measures it.
    pub(crate) measure: fn(&Place) -> Outcome<Report>,
}

/// Every topic.
pub(crate) const TOPICS: &[Topic] = &[
    Topic { name: "door", about: "one call of a plugin, by the way it is reached", measure: door::measure },
    Topic {
        name: "start",
        about: "twenty plugin libraries until each has told what it offers",
        measure: start::measure,
    },
    Topic { name: "prompt", about: "mops repl until it answers", measure: prompt::measure },
    Topic { name: "editor", about: "mops lsp in a workspace of many lines", measure: editor::measure },
    Topic {
        name: "websites",
        about: "a script with many websites until its graph stands",
        measure: websites::measure,
    },
];
