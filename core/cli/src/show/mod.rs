//! Everything a person sees. Results go to stdout, everything else to stderr; colours are stripped where nobody sees
//! them.

pub(crate) mod diagnostic;
pub(crate) mod diff;
pub(crate) mod plan;
pub(crate) mod progress;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::failure::Failure;

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

/// Prints a value as JSON. Whoever stops reading has read enough.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let printed = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from);
    match printed.and_then(|()| writeln!(out)) {
        Err(err) if err.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot write the output: {err}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// So many of something: `1 resource`, `3 resources`.
pub(crate) fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
