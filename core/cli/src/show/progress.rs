//! What is being done, while it is done: one line for each thing that takes longer than a moment, on a terminal only.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mops_model::Address;

/// How often a line is drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// The lines of what is being done.
pub(crate) struct Progress {
    lines: MultiProgress,
    running: Mutex<BTreeMap<Address, ProgressBar>>,
}

impl Progress {
    /// Lines on stderr; none where it is no terminal.
    pub(crate) fn new() -> Self {
        let lines = MultiProgress::new();
        if !std::io::stderr().is_terminal() {
            lines.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        Self { lines, running: Mutex::default() }
    }

    /// Something begins: `creating`, `updating`.
    pub(crate) fn begin(&self, address: &Address, verb: &str) {
        let style =
            ProgressStyle::with_template("  {spinner} {msg} {elapsed:.dim}").expect("the template is valid");
        let line = self
            .lines
            .add(ProgressBar::new_spinner().with_style(style).with_message(format!("{verb} {address}")));
        line.enable_steady_tick(TICK);
        if let Some(before) = self.running().insert(address.clone(), line) {
            before.finish_and_clear();
        }
    }

    /// It has ended.
    pub(crate) fn end(&self, address: &Address) {
        if let Some(line) = self.running().remove(address) {
            line.finish_and_clear();
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<Address, ProgressBar>> {
        // Lines are only drawn: a panic elsewhere leaves nothing half done.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
