//! The history of a site.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Graph, Name, State, Value};

/// One immutable entry in the history of a site: everything a rollback needs, by digest or in itself.
///
/// **Invariant:** neither time nor person is part of it (they stand in its [`Record`]): the same script applied to the
/// same world is the same generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Counts from 1.
    pub number: u64,
    /// The [`Record`] of the generation this one replaced.
    pub parent: Option<Digest>,
    /// The site.
    pub site: Name,
    /// What was wanted.
    pub graph: Graph,
    /// What existed afterwards.
    pub state: State,
    /// The closures that the graph names; their artifacts and trees are objects too.
    pub closures: Vec<Digest>,
    /// The source texts it came from, by path.
    pub sources: BTreeMap<String, Digest>,
    /// What is shown after an apply, by name: `url.pl`; texts may hold outputs of resources.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
}

/// When and by whom a generation was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The [`Generation`].
    pub generation: Digest,
    /// When, in seconds since 1970 (UTC).
    pub at: i64,
    /// Who: `user@host`.
    pub by: String,
    /// What made it: the command, such as `script shop.rhai` or `rollback 3`.
    pub command: String,
}
