//! Finding programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{ActivationError, shim::PATH};

/// The program that `word` names: a path as it stands, a name through [`PATH`].
pub(crate) fn find(word: &str) -> Option<PathBuf> {
    let runs =
        |path: &Path| fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0);
    match word.contains('/') {
        true => Some(PathBuf::from(word)).filter(|it| runs(it)),
        false => PATH.split(':').map(|folder| Path::new(folder).join(word)).find(|it| runs(it)),
    }
}

/// Says which of `programs` are not installed, and what installs them.
pub(crate) fn require<'a>(
    programs: impl IntoIterator<Item = &'a str>,
    packages: &BTreeMap<String, String>,
) -> Result<(), ActivationError> {
    let missing: BTreeSet<&str> = programs.into_iter().filter(|it| find(it).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|it| format!("`{it}`")).collect();
    let needed: BTreeSet<&str> =
        missing.iter().filter_map(|it| packages.get(*it)).map(String::as_str).collect();
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let error = ActivationError::new(format!("{} {verb} not installed", names.join(", ")));
    Err(match needed.is_empty() {
        true => error.help(format!("install what brings it; it is looked for in {PATH}")),
        false => {
            let needed: Vec<&str> = needed.into_iter().collect();
            error.help(format!("apt-get install {}", needed.join(" ")))
        }
    })
}
