//! The standard library: files in Rhai that are part of the program.
//!
//! **Invariant:** a file of the standard library is known by its name without an extension (`std/profiles`), a file of
//! a script's never is, so that the two are never taken for each other.

use mops_model::SourceId;

use crate::texts::SourceTexts;

const FILES: [(&str, &str); 6] = [
    ("std/lists", include_str!("../../../stdlib/lists.rhai")),
    ("std/maps", include_str!("../../../stdlib/maps.rhai")),
    ("std/overlay", include_str!("../../../stdlib/overlay.rhai")),
    ("std/profiles", include_str!("../../../stdlib/profiles.rhai")),
    ("std/roles", include_str!("../../../stdlib/roles.rhai")),
    ("std/websites", include_str!("../../../stdlib/websites.rhai")),
];

/// Every file of the standard library: the name it is imported by, and its text.
pub fn library() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter()
}

/// The text of the file `name` of the standard library.
pub(crate) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(it, _)| *it == name).map(|(_, text)| *text)
}

/// Whether `source` is a file of the standard library.
pub(crate) fn holds(texts: &SourceTexts, source: SourceId) -> bool {
    texts.path(source).is_some_and(|it| text(it).is_some())
}
