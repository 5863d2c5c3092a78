//! Everything a person sees. Results go to stdout, everything else to stderr; colours are stripped where nobody sees
//! them.

pub(crate) mod diagnostic;
pub(crate) mod diff;
pub(crate) mod plan;
pub(crate) mod progress;

use anstyle::{AnsiColor, Style};

/// What exists from now on.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// What changes.
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What goes, or is wrong.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// What is beside the point.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What matters most.
pub(crate) const BOLD: Style = Style::new().bold();

/// `text` in `style`.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// So many of something: `1 resource`, `3 resources`.
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
