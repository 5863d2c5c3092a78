//! Whether a blank stands between two tokens of a line.

use mops_model::SourceId;

use super::tree::Leaf;
use crate::lexer::{TokenKind, tokens};

/// What an operator is where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Anything that is no operator of one side and no bar of a closure.
    Plain,
    /// Before its only side: `!x`, `-x`.
    Prefix,
    /// The bar before the parameters of a closure.
    OpenBar,
    /// The bar after them.
    CloseBar,
}

/// Whether a blank stands between `before` and `after`; `joined` says whether they touch in the source.
pub(crate) fn gap(before: (Leaf<'_>, Place), after: (Leaf<'_>, Place), joined: bool) -> bool {
    let ((left, left_place), (right, right_place)) = (before, after);
    wanted(left, left_place, right, right_place, joined) || would_merge(left.text, right.text)
}

fn wanted(left: Leaf<'_>, left_place: Place, right: Leaf<'_>, right_place: Place, joined: bool) -> bool {
    let operator = |it: Leaf<'_>| match it.kind {
        TokenKind::Operator => it.text.to_owned(),
        _ => String::new(),
    };
    let (a, b) = (operator(left), operator(right));
    match (a.as_str(), b.as_str()) {
        (_, "," | ";" | ")" | "]" | ":") | ("(" | "[" | "?[", _) | ("#{" | "{", "}") => false,
        // Whether a minus belongs to its number is seen by Rhai, too.
        ("+" | "-", _) if left_place == Place::Prefix => !joined,
        ("!", _) if left_place == Place::Prefix => false,
        ("." | "?." | "::" | ".." | "..=", _) | (_, "." | "?." | "::" | ".." | "..=") => false,
        ("|", _) if left_place == Place::OpenBar => false,
        (_, "|") if right_place == Place::CloseBar => false,
        (_, "(") if left_place == Place::Plain => !left.ends_value() && a != "!",
        // With a bang: a call that sees the caller's variables, `name!(…)`.
        (_, "[" | "?[" | "!") => !left.ends_value(),
        _ => true,
    }
}

/// Whether two tokens without a blank between them would be read as others.
fn would_merge(left: &str, right: &str) -> bool {
    let both = format!("{left}{right}");
    let is_boundary = tokens(SourceId(0), &both).iter().any(|it| it.span.start as usize == left.len());
    !is_boundary
}
