//! Names people choose.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A lowercase name of letters, digits and single dashes or underscores, such as `redis-sessions`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// The text is not a [`Name`].
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a name: use lowercase letters, digits and single dashes or underscores, 63 at most")]
pub struct InvalidName(pub String);

impl Name {
    /// The longest name: 63 bytes, the bound of a DNS label (RFC 1035, 2.3.4).
    pub const MAX: usize = 63;

    /// A name written in the source of mops or of a plugin.
    ///
    /// # Panics
    /// When `text` is not a name: a bug of whoever wrote it.
    pub fn literal(text: &str) -> Self {
        text.parse().expect("a literal name is valid")
    }

    /// The name that is most like `text`, if its letters and digits make one: `Acme Shop` is like `acme-shop`.
    pub fn like(text: &str) -> Option<Self> {
        let words = text.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
        words.collect::<Vec<_>>().join("-").to_lowercase().parse().ok()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match text.len() <= Self::MAX && text.split(['-', '_']).all(is_word) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
