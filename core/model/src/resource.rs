//! One real thing that should exist.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Name, Source, Value};

/// A resource's stable name in the graph: provider, type and name, such as `local.node.edge-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// The resource type, such as `local.node`.
    pub kind: String,
    /// Its name among resources of that type.
    pub name: Name,
}

/// The text is not an [`Address`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not an address: one looks like `local.node.edge-1`")]
pub struct InvalidAddress(pub String);

/// One real thing that should exist, as declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Where it stands in the graph.
    pub address: Address,
    /// What it should look like; texts may hold outputs of other resources.
    pub inputs: BTreeMap<String, Value>,
    /// What must exist before it, besides the resources whose outputs it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// How it may be changed and removed.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// What asked for it.
    #[serde(default)]
    pub origin: Origin,
}

/// How a resource may be changed and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Deleting or replacing it is refused unless it is asked for by name.
    pub protect: bool,
}

/// What asked for a resource: a line of the script, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Such as `shop.rhai:14`; empty when mops itself asked.
    pub place: String,
}

impl Resource {
    /// The resources that must exist before it: those it names and those whose outputs it uses, each once.
    pub fn all_needs(&self) -> Vec<Address> {
        let mut needs = self.needs.clone();
        for source in self.inputs.values().flat_map(Value::texts).flat_map(crate::Text::sources) {
            if let Source::Output { address, .. } = source {
                needs.push(address.clone());
            }
        }
        needs.sort();
        needs.dedup();
        needs
    }
}

impl Address {
    /// The address of the resource `name` of the type `kind`.
    pub fn new(kind: &str, name: Name) -> Self {
        Self { kind: kind.to_owned(), name }
    }

    /// The provider that knows its type: the first word.
    pub fn provider(&self) -> &str {
        self.kind.split('.').next().unwrap_or(&self.kind)
    }
}

impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let wrong = || InvalidAddress(text.to_owned());
        let (kind, name) = text.rsplit_once('.').ok_or_else(wrong)?;
        let is_kind = kind.split('.').all(|it| it.parse::<Name>().is_ok());
        match (is_kind, name.parse()) {
            (true, Ok(name)) => Ok(Self { kind: kind.to_owned(), name }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.kind, self.name))
    }
}
