//! A tree of files as one object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// Every file of a tree, by its path within; the object that a tree's digest names is the JSON form of this.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing(pub BTreeMap<String, Entry>);

/// One entry of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// A file.
    File {
        /// Its bytes.
        digest: Digest,
        /// Whether it may be run.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        executable: bool,
    },
    /// A symbolic link that stays within the tree.
    Link {
        /// Where it leads, as it stands in the link.
        to: String,
    },
}

impl Listing {
    /// The bytes under which it is stored.
    ///
    /// # Panics
    /// Never: it is plain data.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data serializes")
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }
}
