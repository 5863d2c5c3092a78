//! The plugins of a run: those that are part of this program, and libraries that the script or `mops.toml` names.
//!
//! **Invariant:** a library is opened only when `mops.lock` pins exactly its bytes, and only in a process of its own.

use std::path::{Path, PathBuf};

use mops_eval::{Folder, Libraries, Sources, libraries};
use mops_load::{Child, Library, Lock};
use mops_model::{Diagnostic, Name, Span};
use mops_plugin::{Linked, Registry};

use crate::{failure::Failure, project::Project};

/// The file that pins libraries, beside the script.
pub(crate) const LOCK: &str = "mops.lock";

/// Every linked plugin.
pub(crate) fn registry() -> Registry {
    Registry::new([
        Linked(&mops_baler::Baler),
        Linked(&mops_cdn::Cdn),
        Linked(&mops_elasticsuite::Elasticsuite),
        Linked(&mops_geo_redirects::GeoRedirects),
        Linked(&mops_magento::Magento),
        Linked(&mops_nginx::Nginx),
        Linked(&mops_php::Php),
        Linked(&mops_rabbitmq::Rabbitmq),
        Linked(&mops_redis::Redis),
        Linked(&mops_throttling::Throttling),
        Linked(&mops_varnish::Varnish),
    ])
}

/// A library that the script or `mops.toml` names.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    /// As it is written: a path, or the name of a plugin in the user's own folder.
    pub(crate) written: String,
    /// The name that `mops.toml` gives it.
    pub(crate) plugin: Option<Name>,
    /// Where the script names it.
    pub(crate) span: Option<Span>,
}

/// Where libraries and their copies lie, for one user.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    /// The user's own libraries: `~/.local/share/mops/plugins`.
    pub(crate) own: PathBuf,
    /// Copies by digest.
    pub(crate) cache: PathBuf,
    /// This program, which opens libraries in a process of its own.
    pub(crate) program: PathBuf,
}

/// A library that was opened, and what it is called.
pub(crate) struct Opened {
    pub(crate) library: Library,
    pub(crate) child: Child,
}

/// The libraries that `mops.toml` names, then those of the script.
pub(crate) fn named(project: &Project, libraries: &Libraries) -> Vec<Named> {
    let of_toml = project.libraries.iter().map(|(name, path)| Named {
        written: path.clone().unwrap_or_else(|| name.to_string()),
        plugin: Some(name.clone()),
        span: None,
    });
    let of_script = libraries.named.iter().map(|it| Named {
        written: it.path.clone(),
        plugin: None,
        span: Some(it.span),
    });
    let mut all: Vec<Named> = Vec::new();
    for it in of_toml.chain(of_script) {
        match all.iter_mut().find(|known| known.written == it.written) {
            Some(known) => known.span = known.span.or(it.span),
            None => all.push(it),
        }
    }
    all
}

/// The plugins of the script `file`, which `folder` reads.
///
/// # Errors
/// Every library that cannot be used, drawn at its place.
pub(crate) fn of_script(
    project: &Project,
    file: &str,
    folder: &Folder,
    draw: impl Fn(&[Diagnostic], &Libraries),
) -> Result<Registry, Failure> {
    let mut registry = registry();
    let libraries = match folder.read(file) {
        Ok(text) => libraries(file, &text),
        // Evaluation says why it cannot be read.
        Err(_) => return Ok(registry),
    };
    let named = named(project, &libraries);
    if named.is_empty() {
        return Ok(registry);
    }
    let lock = match Lock::read(&project.root.join(LOCK)) {
        Ok(lock) => lock,
        Err(wrong) => {
            draw(&[wrong], &libraries);
            return Err(Failure::told());
        }
    };
    let shelf = project.shelf()?;
    let mut wrong = Vec::new();
    for it in named {
        let added = open_pinned(&project.root, &it, &lock, shelf).and_then(|child| {
            let pinned = lock.pin(&it.written).map(|pin| pin.name.clone());
            let manifest = registry.add(Box::new(child))?;
            is_called(&it, pinned.as_ref(), &manifest.plugin)
        });
        if let Err(found) = added {
            wrong.push(match it.span {
                Some(span) => found.at(span, "named here"),
                None => found,
            });
        }
    }
    match wrong.is_empty() {
        true => Ok(registry),
        false => {
            draw(&wrong, &libraries);
            Err(Failure::told())
        }
    }
}

/// Reads the library that `named` names, relative to `root`.
pub(crate) fn read(root: &Path, named: &Named, shelf: &Shelf) -> Result<Library, Diagnostic> {
    let is_path = named.written.contains('/') || Path::new(&named.written).extension().is_some();
    let path = match is_path {
        true => root.join(&named.written).components().collect(),
        false => shelf.own.join(format!("lib{}.so", named.written.replace('-', "_"))),
    };
    Library::read(&named.written, &path)
}

/// Opens `library` in a process of its own.
pub(crate) fn open(library: Library, shelf: &Shelf) -> Result<Opened, Diagnostic> {
    let child = Child::open(&shelf.program, &library, &shelf.cache)?;
    Ok(Opened { library, child })
}

/// Opens the library that `named` names if `lock` pins it.
pub(crate) fn open_pinned(
    root: &Path,
    named: &Named,
    lock: &Lock,
    shelf: &Shelf,
) -> Result<Child, Diagnostic> {
    let library = read(root, named, shelf)?;
    lock.check(&library)?;
    open(library, shelf).map(|it| it.child)
}

/// Whether the plugin calls itself what `mops.toml` and `mops.lock` call it.
pub(crate) fn is_called(named: &Named, pinned: Option<&Name>, itself: &Name) -> Result<(), Diagnostic> {
    let places = [(named.plugin.as_ref(), "mops.toml"), (pinned, LOCK)];
    let other =
        places.into_iter().find_map(|(name, place)| name.filter(|it| *it != itself).map(|it| (it, place)));
    match other {
        None => Ok(()),
        Some((name, place)) => Err(Diagnostic::error(
            "plugin::disagrees",
            format!(
                "the plugin library `{}` calls itself `{itself}`, and {place} calls it `{name}`",
                named.written
            ),
        )
        .help(format!("call it `{itself}` in {place}, if that is the plugin you mean"))),
    }
}
