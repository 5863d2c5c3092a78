//! What mops believes exists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Address, Lifecycle, Origin, Value};

/// What mops believes exists, as of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Every resource on record.
    pub resources: BTreeMap<Address, Recorded>,
}

/// One resource on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// What it was made from, with every output filled in. Never the value of a secret.
    pub inputs: BTreeMap<String, Value>,
    /// What it gave.
    pub outputs: BTreeMap<String, Value>,
    /// What had to exist before it; what is deleted goes in the reverse of this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// How it may be changed and removed.
    #[serde(default)]
    pub lifecycle: Lifecycle,
    /// What asked for it.
    #[serde(default)]
    pub origin: Origin,
}

impl State {
    /// The output `attribute` of the resource at `address`.
    pub fn output(&self, address: &Address, attribute: &str) -> Option<&Value> {
        self.resources.get(address)?.outputs.get(attribute)
    }

    /// Gives the resource at `from` the address `to`, everywhere; whether there was one and its new address was free.
    pub fn rename(&mut self, from: &Address, to: &Address) -> bool {
        if self.resources.contains_key(to) {
            return false;
        }
        let Some(renamed) = self.resources.remove(from) else { return false };
        self.resources.insert(to.clone(), renamed);
        for other in self.resources.values_mut() {
            for need in other.needs.iter_mut().filter(|need| *need == from) {
                *need = to.clone();
            }
        }
        true
    }
}
