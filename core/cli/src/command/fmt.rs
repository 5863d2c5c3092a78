//! `mops fmt`: scripts in one style.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use mops_eval::{Failed, format};

use crate::{failure::Failure, show};

/// What is done with a script that is not in the style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is written.
    Written,
    /// It is named, and nothing is written.
    Named,
}

/// Formats `files`, each relative to `here`; `-` is stdin, which goes to stdout.
///
/// # Errors
/// When one cannot be read, or its layout not be changed; the others are formatted all the same. With
/// [`Change::Named`], when one is not in the style.
pub(crate) fn fmt(here: &Path, files: &[PathBuf], change: Change) -> Result<(), Failure> {
    let mut is_refused = false;
    let mut unformatted = Vec::new();
    for file in files {
        let is_stdin = file.as_os_str() == "-";
        let path = here.join(file);
        let text = match is_stdin {
            true => io::read_to_string(io::stdin().lock()),
            false => fs::read_to_string(&path),
        };
        let text = text.map_err(|err| Failure::io("read", file, &err))?;
        let formatted = match format(&file.to_string_lossy(), &text) {
            Ok(formatted) => formatted,
            Err(Failed { diagnostics, texts }) => {
                let renderer = annotate_snippets::Renderer::styled();
                let drawn = show::diagnostic::diagnostics(&diagnostics, &texts, &renderer);
                anstream::eprintln!("{drawn}\n");
                is_refused = true;
                continue;
            }
        };
        let is_done = formatted == text;
        match change {
            Change::Written if is_stdin => {
                let written = io::stdout().write_all(formatted.as_bytes());
                written.map_err(|err| Failure::io("write", file, &err))?;
            }
            Change::Written if !is_done => {
                fs::write(&path, &formatted).map_err(|err| Failure::io("write", file, &err))?;
            }
            Change::Named if !is_done => unformatted.push(file.display().to_string()),
            Change::Written | Change::Named => (),
        }
    }
    match (is_refused, unformatted.is_empty()) {
        (_, false) => Err(Failure::new(format!("not formatted: {}", unformatted.join(", ")))
            .help("run mops fmt without --check")),
        (true, true) => Err(Failure::told()),
        (false, true) => Ok(()),
    }
}
