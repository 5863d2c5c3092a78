//! What stands in a journal, and the state that follows from it.

use mops_model::{Address, Recorded, State};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Operation;

/// One entry of a journal, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// A provider is about to be asked.
    Intent {
        /// About what.
        address: Address,
        /// For what.
        operation: Operation,
        /// What will be recorded when it is done, without outputs; nothing for a deletion.
        planned: Option<Recorded>,
    },
    /// It was made or changed.
    Made {
        /// Which.
        address: Address,
        /// What is on record of it from now on.
        recorded: Recorded,
    },
    /// It is gone.
    Removed {
        /// Which.
        address: Address,
    },
    /// The provider said no; what came of it has to be looked at.
    Refused {
        /// Which.
        address: Address,
        /// What was said.
        message: String,
    },
    /// It has a new address.
    Moved {
        /// The old one.
        from: Address,
        /// The new one.
        to: Address,
    },
}

/// What a journal tells about an unfinished run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// What exists for certain.
    pub state: State,
    /// What may or may not have happened, by address.
    pub unfinished: Vec<Unfinished>,
}

/// A call whose outcome is not known, or was a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// What it was about.
    pub address: Address,
    /// What was asked.
    pub operation: Operation,
    /// What would have been recorded, without outputs; nothing for a deletion.
    pub planned: Option<Recorded>,
    /// What the provider said, if it said anything.
    pub refused: Option<String>,
}

/// An entry is whole and makes no sense: another version wrote it.
#[derive(Debug, Error)]
#[error("entry {number} of the journal makes no sense to this version of mops: {why}")]
pub struct JournalError {
    /// Which, counted from 1.
    pub number: usize,
    /// What the reader said.
    pub why: String,
}

/// Brings `state`, which is that of the head, up to what the journal tells. Entries that the head knows already change
/// nothing.
///
/// # Errors
/// When an entry makes no sense.
pub fn resume(state: State, entries: &[Vec<u8>]) -> Result<Resumed, JournalError> {
    let mut resumed = Resumed { state, unfinished: Vec::new() };
    for (index, bytes) in entries.iter().enumerate() {
        let senseless = |error: serde_json::Error| JournalError { number: index + 1, why: error.to_string() };
        resumed.follow(serde_json::from_slice(bytes).map_err(senseless)?);
    }
    resumed.unfinished.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(resumed)
}

impl Entry {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data serializes")
    }
}

impl Resumed {
    fn follow(&mut self, entry: Entry) {
        match entry {
            Entry::Intent { address, operation, planned } => {
                self.settle(&address);
                self.unfinished.push(Unfinished { address, operation, planned, refused: None });
            }
            Entry::Made { address, recorded } => {
                self.settle(&address);
                self.state.resources.insert(address, recorded);
            }
            Entry::Removed { address } => {
                self.settle(&address);
                self.state.resources.remove(&address);
            }
            Entry::Refused { address, message } => {
                if let Some(it) = self.unfinished.iter_mut().find(|it| it.address == address) {
                    it.refused = Some(message);
                }
            }
            Entry::Moved { from, to } => {
                self.state.rename(&from, &to);
            }
        }
    }

    fn settle(&mut self, address: &Address) {
        self.unfinished.retain(|it| it.address != *address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(name: &str) -> Address {
        format!("test.thing.{name}").parse().unwrap()
    }

    fn recorded(size: i64) -> Recorded {
        Recorded {
            inputs: [("size".to_owned(), size.into())].into(),
            outputs: [].into(),
            needs: Vec::new(),
            lifecycle: mops_model::Lifecycle::default(),
            origin: mops_model::Origin::default(),
        }
    }

    fn resume_entries(state: State, entries: &[Entry]) -> Resumed {
        resume(state, &entries.iter().map(Entry::to_bytes).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn outcomes_change_the_state_and_intents_without_one_are_unfinished() {
        let state = State { resources: [(address("old"), recorded(1))].into() };
        let intent = |name, operation| Entry::Intent { address: address(name), operation, planned: None };
        let entries = [
            intent("new", Operation::Create),
            intent("old", Operation::Delete),
            Entry::Made { address: address("new"), recorded: recorded(2) },
        ];
        let resumed = resume_entries(state, &entries);
        assert_eq!(resumed.state.resources.keys().collect::<Vec<_>>(), [&address("new"), &address("old")]);
        let unfinished: Vec<_> = resumed.unfinished.iter().map(|it| (&it.address, it.operation)).collect();
        assert_eq!(unfinished, [(&address("old"), Operation::Delete)]);
    }

    #[test]
    fn a_refusal_stays_unfinished_and_says_why() {
        let intent =
            Entry::Intent { address: address("a"), operation: Operation::Create, planned: Some(recorded(1)) };
        let refused = Entry::Refused { address: address("a"), message: "no space left".to_owned() };
        let resumed = resume_entries(State::default(), &[intent, refused]);
        assert_eq!(resumed.unfinished[0].refused.as_deref(), Some("no space left"));
    }

    #[test]
    fn a_journal_that_the_head_knows_already_changes_nothing() {
        let entries = [
            Entry::Moved { from: address("a"), to: address("b") },
            Entry::Made { address: address("b"), recorded: recorded(2) },
            Entry::Removed { address: address("c") },
        ];
        let before = State { resources: [(address("a"), recorded(1)), (address("c"), recorded(1))].into() };
        let once = resume_entries(before, &entries);
        assert_eq!(once.state, State { resources: [(address("b"), recorded(2))].into() });
        assert_eq!(resume_entries(once.state.clone(), &entries), once);
    }

    #[test]
    fn an_entry_of_another_version_is_named() {
        let err = resume(State::default(), &[b"{\"unheard-of\":{}}".to_vec()]).unwrap_err();
        assert!(err.to_string().starts_with("entry 1 of the journal makes no sense"), "{err}");
    }
}
