//! Where a site goes.

use serde::{Deserialize, Serialize};

use crate::Name;

/// Where a site goes, as named in `mops.toml`. Without one it is `local`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name, chosen with `-e`.
    pub name: Name,
    /// Who makes things there.
    pub provider: ProviderName,
    /// Whether destroying it is refused until this is taken away.
    pub protect: bool,
}

/// Who makes, reads and removes real things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderName {
    /// This machine.
    Local,
}

impl Environment {
    /// The environment that needs no `mops.toml`.
    pub fn local() -> Self {
        Self { name: Name::literal("local"), provider: ProviderName::Local, protect: false }
    }
}
