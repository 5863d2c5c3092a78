//! `mops lsp`: an editor on stdin and stdout.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mops_lsp::{Around, Workspace};
use mops_model::Catalog;

use crate::{failure::Failure, line::catalog, plugins::Plugins, project::Project};

/// Serves an editor until it says that it is done, or is gone. Pages that definitions lead to are written to `pages`.
///
/// # Errors
/// When they cannot be written, or the editor does not keep to the protocol.
pub(crate) fn lsp(project: &Project, pages: PathBuf) -> Result<(), Failure> {
    let folders = Folders { project, catalog: catalog(), pages };
    mops_lsp::serve_stdio(&folders).map_err(|err| Failure::new(err.to_string()))
}

/// The folders of scripts, each with its `mops.toml`.
struct Folders<'a> {
    /// The one that the editor was started in.
    project: &'a Project,
    catalog: Catalog,
    pages: PathBuf,
}

impl Workspace for Folders<'_> {
    fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    fn everywhere(&self) -> Around {
        around(self.project, Plugins::of_project(self.project))
    }

    fn around(&self, path: &Path, text: &str) -> Around {
        match self.project.beside(path.parent().unwrap_or(&self.project.root)) {
            Ok(project) => around(&project, Plugins::of_text(&project, &path.display().to_string(), text)),
            Err(failure) => {
                Around { wrong: vec![failure.into_diagnostic("eval::project")], ..self.everywhere() }
            }
        }
    }

    fn pages(&self) -> &Path {
        &self.pages
    }

    fn keep(&self, page: &str, text: &str) -> io::Result<()> {
        let path = self.pages.join(page);
        fs::create_dir_all(path.parent().unwrap_or(&self.pages))?;
        fs::write(path, text)
    }
}

fn around(project: &Project, plugins: Plugins) -> Around {
    Around {
        registry: plugins.registry,
        parameters: project.parameters.clone(),
        environment: project.environment.name.clone(),
        wrong: plugins.wrong,
    }
}
