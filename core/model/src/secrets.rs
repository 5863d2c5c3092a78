//! The port through which secrets are fetched.

use thiserror::Error;

use crate::{Digest, Name};

/// Where secrets come from: files and the environment on `local`, Secrets Manager on AWS.
///
/// **Law:** a value is fetched where it is used and written nowhere else; what is compared and recorded is its
/// version.
pub trait Secrets: Send + Sync {
    /// The value of `name`.
    fn fetch(&self, name: &Name) -> Result<String, SecretError>;

    /// What changes when the value of `name` changes and tells nothing about it: a version, or a keyed digest.
    fn version(&self, name: &Name) -> Result<Digest, SecretError>;
}

/// A secret is not to be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the secret `{name}` is not to be had: {why}")]
pub struct SecretError {
    /// Its name.
    pub name: Name,
    /// Why, and what to do.
    pub why: String,
}
