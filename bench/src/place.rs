//! Where the program, the libraries of plugins and the results lie.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Outcome;

/// Where things are.
pub(crate) struct Place {
    /// The program `mops`, built with the same profile.
    pub(crate) program: PathBuf,
    /// The folder of the examples.
    pub(crate) scripts: PathBuf,
    /// Where results go.
    pub(crate) results: PathBuf,
    /// Where cargo put the libraries.
    libraries: PathBuf,
}

impl Place {
    /// Looks around the running program.
    ///
    /// # Errors
    /// When `mops` was not built beside it.
    pub(crate) fn find() -> Outcome<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let here = std::env::current_exe()?;
        let built = here.parent().ok_or("this program lies in no folder")?;
        let program = built.join("mops");
        if !program.exists() {
            return Err(
                format!("there is no {}; run `make bench`, which builds it", program.display()).into()
            );
        }
        let results = root.join("target/bench");
        fs::create_dir_all(&results)?;
        Ok(Self { program, scripts: root.join("scripts"), results, libraries: built.join("deps") })
    }

    /// The library of a plugin of the workspace, named like its crate.
    pub(crate) fn library(&self, name: &str) -> PathBuf {
        self.libraries.join(format!("lib{name}.so"))
    }
}
