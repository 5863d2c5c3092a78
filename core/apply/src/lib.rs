//! [`Plan`](mops_plan::Plan) in, [`State`] out: carries out changes through a [`Provider`].
//!
//! ```text
//! head's state ──resume──► Resumed ──refresh──► State ──(plan)──► Plan ──apply──► Applied
//! ```
//!
//! **Invariant:** before any call that changes the world its intent is in the journal; after it, its outcome, before
//! anything that depends on it begins.
//! **Invariant:** the state that comes back is true, however the run ended.

mod journal;
mod ports;
mod refresh;
mod run;
mod steps;

pub mod contract;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use mops_model::{Address, State};
use serde::{Deserialize, Serialize};

pub use journal::{JournalError, Resumed, Unfinished, resume};
pub use ports::{Clock, Inputs, Journal, Objects, Observed, Observer, Outputs, Provider, Refused, Silent};
pub use refresh::refresh;
pub use run::apply;

/// Everything outside that a run needs.
pub struct World<'a> {
    /// Who makes, changes and removes real things.
    pub provider: Arc<dyn Provider>,
    /// Where intents and outcomes go.
    pub journal: &'a dyn Journal,
    /// Who is told how it goes.
    pub observer: &'a dyn Observer,
    /// Whether somebody wants it to stop.
    pub cancellation: Cancellation,
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the state in it is the only record of what was done"]
pub struct Applied {
    /// What exists now.
    pub state: State,
    /// What was done, in the order in which it was finished; what turned out unchanged is among it.
    pub done: Vec<Address>,
    /// What was refused, and why: causes only.
    pub failed: Vec<(Address, Refused)>,
    /// What was not begun: it depends on a failure, or the run was to stop.
    pub skipped: Vec<Address>,
    /// Why it ended.
    pub end: End,
}

/// Why an apply ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything is done.
    Complete,
    /// Something was refused; all that does not depend on it is done.
    Failed,
    /// Somebody wanted it to stop; what had begun is finished.
    Cancelled,
    /// The journal could not be written, for this reason; what had begun is finished, nothing more was begun.
    Unrecorded(String),
}

/// What is asked of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Make it.
    Create,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
}

/// A wish to stop, shared by all its clones.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Asks whoever works to begin nothing new.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}
