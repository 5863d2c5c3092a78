//! Content digests.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The BLAKE3 digest of some bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The text is not a [`Digest`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a digest: 64 hexadecimal digits are")]
pub struct InvalidDigest(pub String);

impl Digest {
    /// Digests `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Digests `bytes` under `key`: what cannot be guessed without the key, for values of secrets.
    pub fn keyed(key: &[u8; 32], bytes: &[u8]) -> Self {
        Self(*blake3::keyed_hash(key, bytes).as_bytes())
    }

    /// Digests a value through its JSON form.
    ///
    /// # Panics
    /// When `value` does not serialize to JSON: a bug, every noun does.
    pub fn of_json(value: &impl Serialize) -> Self {
        Self::of(&serde_json::to_vec(value).expect("plain data serializes"))
    }

    /// The first 12 digits: enough to tell two apart on a screen.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let wrong = || InvalidDigest(text.to_owned());
        blake3::Hash::from_hex(text).map(|it| Self(*it.as_bytes())).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}
