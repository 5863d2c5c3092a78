//! One thing to do, and why.

use std::fmt;

use mops_model::{Address, Origin, Value};
use serde::Serialize;

use crate::Consequence;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is done to; of a move the new address.
    pub address: Address,
    /// What is done.
    pub action: Action,
    /// Every input that differs, by name.
    pub attributes: Vec<AttributeChange>,
    /// Why it is replaced or deleted, each reason one line; nothing for other actions.
    pub reasons: Vec<String>,
    /// What asked for it: now, or when it is deleted, then.
    pub origin: Origin,
    /// Changes that must have made theirs before this one makes its own.
    pub needs: Vec<Address>,
    /// Changes that must have deleted theirs, or only updated it, before this one deletes its own.
    pub after: Vec<Address>,
    /// What it means for daemons.
    pub consequences: Vec<Consequence>,
}

/// What is done to a resource. An action is its sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// `+`: make what does not exist.
    Create,
    /// `~`: change what exists.
    Update,
    /// `±`: delete it and make it anew.
    Replace,
    /// `-`: remove it.
    Delete,
    /// `→`: know it by another address; nothing real changes.
    Move {
        /// The address it had.
        from: Address,
    },
}

/// One input that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttributeChange {
    /// Its name; `lifecycle.protect` is not an input and stands here all the same.
    pub name: String,
    /// What it was; nothing where it was not there.
    pub old: Option<Shown>,
    /// What it shall be; nothing where it shall not be there.
    pub new: Option<Shown>,
    /// What it does to the resource.
    pub forces: Forces,
}

/// What a changed input does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Forces {
    /// It is changed in place.
    Update,
    /// It must be made anew.
    Replacement,
}

/// A value as far as it can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// The value.
    Known(Value),
    /// It is known only after apply.
    Unknown,
    /// It is sensitive.
    Hidden,
}

/// Something that is not done unless it is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// What would be deleted or replaced.
    pub address: Address,
    /// Why it is refused: one line.
    pub why: String,
    /// What to do: one line.
    pub help: String,
}

/// How many changes of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// `+`
    pub create: usize,
    /// `~`
    pub update: usize,
    /// `±`
    pub replace: usize,
    /// `-`
    pub delete: usize,
    /// `→`
    #[serde(rename = "move")]
    pub moves: usize,
}

impl Action {
    /// Its sign.
    pub fn sign(&self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Replace => '±',
            Self::Delete => '-',
            Self::Move { .. } => '→',
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sign())
    }
}

/// The last line of a plan: `3 to create, 1 to update`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.create, "create"),
            (self.update, "update"),
            (self.replace, "replace"),
            (self.delete, "delete"),
            (self.moves, "move"),
        ];
        let said: Vec<_> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, verb)| format!("{count} to {verb}"))
            .collect();
        match said.is_empty() {
            true => f.pad("nothing to do"),
            false => f.pad(&said.join(", ")),
        }
    }
}
