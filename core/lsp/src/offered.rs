//! What each script may use, and what it declared: what an editor is answered from.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use mops_eval::{Offers, SourceTexts, World};
use mops_model::{Catalog, Diagnostic, Name, Site};
use mops_plugin::{Manifest, Registry};

use crate::manual::Manual;

/// What scripts of a workspace may use, and a place for what definitions lead to.
pub trait Workspace: Sync {
    /// Every resource type that can be declared.
    fn catalog(&self) -> &Catalog;

    /// What every script may use.
    fn everywhere(&self) -> Around;

    /// What the script at `path` with this text may use. It is asked after each change.
    fn around(&self, path: &Path, text: &str) -> Around;

    /// The folder that [`Self::keep`] writes to.
    fn pages(&self) -> &Path;

    /// Keeps a page, under `page` in the folder for pages.
    ///
    /// # Errors
    /// When it cannot be written.
    fn keep(&self, page: &str, text: &str) -> io::Result<()>;
}

/// What a script may use besides what every script has.
pub struct Around {
    /// The plugins.
    pub registry: Registry,
    /// Values for `param`, by name.
    pub parameters: BTreeMap<String, String>,
    /// The environment's name.
    pub environment: Name,
    /// Why plugins that it names cannot be used, each at its place in the script.
    pub wrong: Vec<Diagnostic>,
}

/// What is said about plugins, until a script names others.
pub(crate) struct Offered {
    pub(crate) offers: Offers,
    pub(crate) manual: Manual,
    manifests: Vec<Manifest>,
}

/// What a script declared when it was last right.
pub(crate) struct Known {
    pub(crate) site: Site,
    pub(crate) texts: SourceTexts,
    /// The folder of the script.
    pub(crate) root: PathBuf,
}

/// What is known of the scripts that were open.
pub(crate) struct Scripts {
    everywhere: Arc<Offered>,
    offered: BTreeMap<PathBuf, Arc<Offered>>,
    known: BTreeMap<PathBuf, Known>,
}

impl Around {
    /// The world that a script is evaluated in.
    pub(crate) fn world<'a>(&'a self, workspace: &'a dyn Workspace) -> World<'a> {
        World {
            manifests: self.registry.manifests().collect(),
            catalog: workspace.catalog(),
            parameters: self.parameters.clone(),
            environment: self.environment.clone(),
        }
    }
}

impl Offered {
    fn new(world: &World<'_>, workspace: &dyn Workspace) -> io::Result<Self> {
        let manual = Manual::new(&world.manifests);
        for (page, text) in manual.pages() {
            workspace.keep(page, text)?;
        }
        let manifests = world.manifests.iter().map(|it| (*it).clone()).collect();
        Ok(Self { offers: Offers::new(world), manual, manifests })
    }
}

impl Scripts {
    /// Nothing is known of any script yet.
    ///
    /// # Errors
    /// When a page cannot be written.
    pub(crate) fn new(workspace: &dyn Workspace) -> io::Result<Self> {
        let everywhere = Offered::new(&workspace.everywhere().world(workspace), workspace)?;
        Ok(Self { everywhere: Arc::new(everywhere), offered: BTreeMap::new(), known: BTreeMap::new() })
    }

    /// The script at `path` may use what `world` has.
    ///
    /// # Errors
    /// When a page cannot be written.
    pub(crate) fn offer(
        &mut self,
        path: &Path,
        world: &World<'_>,
        workspace: &dyn Workspace,
    ) -> io::Result<()> {
        let is_same = |it: &&Arc<Offered>| it.manifests.iter().eq(world.manifests.iter().copied());
        let offered = match [self.offered_to(path), &self.everywhere].into_iter().find(is_same) {
            Some(same) => Arc::clone(same),
            None => Arc::new(Offered::new(world, workspace)?),
        };
        self.offered.insert(path.to_owned(), offered);
        Ok(())
    }

    /// The script at `path` is right.
    pub(crate) fn learn(&mut self, path: &Path, known: Known) {
        self.known.insert(path.to_owned(), known);
    }

    /// What the file at `path` may use: as a script, or as a part of one.
    pub(crate) fn offered_to(&self, path: &Path) -> &Arc<Offered> {
        let own = self.offered.get(path);
        let of_reader = || self.reader(path).and_then(|(script, _)| self.offered.get(script));
        own.or_else(of_reader).unwrap_or(&self.everywhere)
    }

    /// What is known of the script at `path`, or of one that reads it.
    pub(crate) fn known_of(&self, path: &Path) -> Option<&Known> {
        self.known.get(path).or_else(|| self.reader(path).map(|(_, known)| known))
    }

    fn reader(&self, path: &Path) -> Option<(&PathBuf, &Known)> {
        let reads = |it: &Known| it.texts.texts().any(|(_, name, _)| it.root.join(name) == path);
        self.known.iter().find(|(_, known)| reads(known))
    }
}
