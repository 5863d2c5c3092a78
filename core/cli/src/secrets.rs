//! Secrets of the user's own, on this machine: from a file or from the environment.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use mops_model::{Digest, Name, SecretError, Secrets};

/// Reads a secret from `<folder>/<name>`, or from the variable `MOPS_SECRET_<NAME>`; the variable wins.
pub(crate) struct FolderSecrets {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
    key: [u8; 32],
}

impl FolderSecrets {
    /// The variables that name secrets begin with this.
    pub(crate) const VARIABLE: &'static str = "MOPS_SECRET_";

    /// Secrets from `folder` and `variables`. Versions are digests under `key`, so that nobody can guess a value from
    /// one.
    pub(crate) fn new(folder: PathBuf, variables: BTreeMap<String, String>, key: [u8; 32]) -> Self {
        Self { folder, variables, key }
    }

    fn variable(name: &Name) -> String {
        format!("{}{}", Self::VARIABLE, name.as_str().to_ascii_uppercase().replace('-', "_"))
    }
}

impl Secrets for FolderSecrets {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        let variable = Self::variable(name);
        if let Some(value) = self.variables.get(&variable) {
            return Ok(value.clone());
        }
        let path = self.folder.join(name.as_str());
        let wrong = |why: String| SecretError { name: name.clone(), why };
        match fs::read_to_string(&path) {
            Ok(value) => Ok(value.trim_end_matches('\n').to_owned()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                Err(wrong(format!("write it to {} or set {variable}", path.display())))
            }
            Err(err) => Err(wrong(format!("{} cannot be read: {err}", path.display()))),
        }
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        Ok(Digest::keyed(&self.key, self.fetch(name)?.as_bytes()))
    }
}
