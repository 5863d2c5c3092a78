//! `mops lsp`: an editor on stdin and stdout.

use std::{fs, path::Path};

use mops_eval::World;
use mops_lsp::Manual;
use mops_model::Name;

use crate::{failure::Failure, line::catalog, plugins, project::Project};

/// Serves an editor until it says that it is done, or is gone. Pages that definitions lead to are written to `folder`.
///
/// # Errors
/// When they cannot be written, or the editor does not keep to the protocol.
pub(crate) fn lsp(project: &Project, environment: &Name, folder: &Path) -> Result<(), Failure> {
    let registry = plugins::registry();
    let catalog = catalog();
    let world = World {
        manifests: registry.manifests().collect(),
        catalog: &catalog,
        parameters: project.parameters.clone(),
        environment: environment.clone(),
    };
    let manual = Manual::new(&world);
    for (page, text) in manual.pages() {
        let path = folder.join(page);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|err| Failure::io("make", parent, &err))?;
        fs::write(&path, text).map_err(|err| Failure::io("write", &path, &err))?;
    }
    mops_lsp::serve_stdio(&world, &manual, folder).map_err(|err| Failure::new(err.to_string()))
}
