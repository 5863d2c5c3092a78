//! [`Graph`] and [`State`] in, [`Plan`] out.
//!
//! **Invariant:** pure and total: the same arguments give the same plan, and no arguments fail.
//! **Invariant:** no value of a sensitive input is part of a plan.

mod change;
mod consequence;
mod consequences;
mod edges;
mod planning;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{Address, Catalog, Closure, Digest, Graph, Move, State};
use serde::Serialize;

pub use change::{Action, AttributeChange, Change, Counts, Forces, Refusal, Shown};
pub use consequence::{Consequence, Effect, Subject};
pub use verdict::Verdict;

/// What to do, what not to do, and what customers notice of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Moves first, then what is made, each after what it needs, then what is deleted, each before what it needed. No
    /// address is moved, made or deleted twice; only a move may have the address of another change.
    pub changes: Vec<Change>,
    /// What a rollback leaves as it is, because it holds data or is protected.
    pub kept: Vec<Address>,
    /// What must be asked for by name before anything of this plan may be carried out.
    pub refused: Vec<Refusal>,
    /// What customers notice.
    pub verdict: Verdict,
}

/// Everything besides the two sides that a plan depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// What is known of resource types.
    pub catalog: &'a Catalog,
    /// The closures that nodes have and shall have.
    pub closures: &'a Closures,
    /// Addresses that the script says have changed.
    pub moves: &'a [Move],
    /// What the person is about.
    pub intent: Intent,
    /// What holds data or is protected and may be deleted or replaced all the same: named by a person.
    pub may_delete: &'a BTreeSet<Address>,
}

/// What the person is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Make what the script says: deleting data is refused unless it is named.
    Apply,
    /// Go back to an older generation: data stays as it is unless it is named.
    Rollback,
    /// Remove everything; the wanted graph counts as empty.
    Destroy,
}

/// Closures by digest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closures(pub BTreeMap<Digest, Closure>);

/// Compares what is `wanted` with what is `recorded`.
pub fn plan(wanted: &Graph, recorded: &State, situation: &Situation<'_>) -> Plan {
    planning::plan(wanted, recorded, situation)
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many changes of each kind there are.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            let count = match change.action {
                Action::Create => &mut counts.create,
                Action::Update => &mut counts.update,
                Action::Replace => &mut counts.replace,
                Action::Delete => &mut counts.delete,
                Action::Move { .. } => &mut counts.moves,
            };
            *count += 1;
        }
        counts
    }
}

impl Closures {
    /// `closures` by their digests.
    pub fn new(closures: impl IntoIterator<Item = Closure>) -> Self {
        Self(closures.into_iter().map(|it| (it.digest(), it)).collect())
    }

    /// The closure that the input `closure` among `inputs` names, if it names one of these.
    pub fn named_by(&self, inputs: &BTreeMap<String, mops_model::Value>) -> Option<&Closure> {
        self.0.get(&inputs.get("closure")?.as_text()?.parse().ok()?)
    }
}
