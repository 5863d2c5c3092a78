//! The plugins of a run: those that are part of this program, and libraries that the script or `mops.toml` names.
//!
//! **Invariant:** a library is opened only when `mops.lock` pins exactly its bytes, and only in a process of its own.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use mops_eval::{Folder, Libraries, SourceTexts, Sources, libraries};
use mops_load::{Child, Library, Lock};
use mops_model::{Diagnostic, Name, Span};
use mops_plugin::{Linked, Registry, Transport};

use crate::{failure::Failure, project::Project};

/// The file that pins libraries, beside the script.
pub(crate) const LOCK: &str = "mops.lock";

/// Every linked plugin.
pub(crate) fn registry() -> Registry {
    Registry::new([
        Linked(&mops_baler::Baler),
        Linked(&mops_cdn::Cdn),
        Linked(&mops_certificates::Certificates),
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

/// Where libraries and their copies lie, for one user; and those that are open, so that a session or an editor opens each
/// once.
#[derive(Clone)]
pub(crate) struct Shelf {
    /// The user's own libraries: `~/.local/share/mops/plugins`.
    pub(crate) own: PathBuf,
    /// Copies by digest.
    pub(crate) cache: PathBuf,
    /// This program, which opens libraries in a process of its own.
    pub(crate) program: PathBuf,
    /// Those that were opened, by their place.
    pub(crate) open: Arc<Mutex<BTreeMap<PathBuf, Open>>>,
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("own", &self.own).field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// A library that is open.
#[derive(Clone)]
pub(crate) struct Open {
    /// Its file as it was then.
    stamp: Option<Stamp>,
    pub(crate) sha256: String,
    pub(crate) child: Shared,
}

/// What tells a file that was written again from what it was.
type Stamp = (u64, SystemTime);

/// The process of a library, for several runs of one program.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<Child>);

impl Transport for Shared {
    fn origin(&self) -> String {
        self.0.origin()
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        self.0.ask(request)
    }
}

/// The plugins that a script may use, and what is wrong with the others that it names.
pub(crate) struct Plugins {
    pub(crate) registry: Registry,
    /// Why libraries cannot be used, each at its place.
    pub(crate) wrong: Vec<Diagnostic>,
    /// The script, to draw places in.
    pub(crate) texts: SourceTexts,
    /// What `mops.lock` said; none without one, and when no library was named.
    pub(crate) lock: Option<String>,
}

impl Plugins {
    /// The plugins of the script `file`, which `folder` reads.
    pub(crate) fn of_script(project: &Project, file: &str, folder: &Folder) -> Self {
        match folder.read(file) {
            Ok(text) => Self::of_text(project, file, &text),
            // Evaluation says why it cannot be read.
            Err(_) => Self::of_project(project),
        }
    }

    /// The plugins of a script called `file` with this text.
    pub(crate) fn of_text(project: &Project, file: &str, text: &str) -> Self {
        Self::of(project, libraries(file, text))
    }

    /// The plugins of every script of `project`.
    pub(crate) fn of_project(project: &Project) -> Self {
        Self::of(project, Libraries::default())
    }

    /// Itself when nothing is wrong; otherwise `say` tells what is.
    ///
    /// # Errors
    /// When a library cannot be used.
    pub(crate) fn or_told(self, say: impl FnOnce(&[Diagnostic], &SourceTexts)) -> Result<Self, Failure> {
        if self.wrong.is_empty() {
            return Ok(self);
        }
        say(&self.wrong, &self.texts);
        Err(Failure::told())
    }

    fn of(project: &Project, libraries: Libraries) -> Self {
        let named = named(project, &libraries);
        let mut all = Self { registry: registry(), wrong: Vec::new(), texts: libraries.texts, lock: None };
        if named.is_empty() {
            return all;
        }
        let path = project.root.join(LOCK);
        let lock = Lock::text(&path).and_then(|text| {
            all.lock = text;
            all.lock.as_ref().map_or_else(|| Ok(Lock::default()), |text| Lock::parse(&path, text))
        });
        match lock {
            Ok(lock) => named.iter().for_each(|it| all.add(project, it, &lock)),
            Err(wrong) => all.wrong.push(wrong),
        }
        all
    }

    fn add(&mut self, project: &Project, named: &Named, lock: &Lock) {
        let added = project.shelf().and_then(|shelf| {
            let open = shelf.open_pinned(&project.root, named, lock)?;
            let pinned = lock.pin(&named.written).map(|pin| pin.name.clone());
            let manifest = self.registry.add(Box::new(open.child))?;
            is_called(named, pinned.as_ref(), &manifest.plugin)
        });
        if let Err(found) = added {
            self.wrong.push(match named.span {
                Some(span) => found.at(span, "named here"),
                None => found,
            });
        }
    }
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

impl Shelf {
    /// Opens the library that `named` names, relative to `root`, in a process of its own.
    pub(crate) fn open(&self, root: &Path, named: &Named) -> Result<Open, Diagnostic> {
        self.open_if(root, named, |_| Ok(()))
    }

    /// Opens the library that `named` names if `lock` pins it.
    pub(crate) fn open_pinned(&self, root: &Path, named: &Named, lock: &Lock) -> Result<Open, Diagnostic> {
        self.open_if(root, named, |sha256| lock.check(&named.written, sha256).map(drop))
    }

    /// Opens a library unless it is open, if its SHA-256 `may` be opened.
    fn open_if(
        &self,
        root: &Path,
        named: &Named,
        may: impl FnOnce(&str) -> Result<(), Diagnostic>,
    ) -> Result<Open, Diagnostic> {
        let path = self.place(root, &named.written);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that cannot be looked at cannot be read either, which says why.
        let stamp = stamp(&path).ok();
        let is_open = |it: &&Open| stamp.is_some() && it.stamp == stamp && it.child.0.is_alive();
        if let Some(known) = open.get(&path).filter(is_open) {
            may(&known.sha256)?;
            return Ok(known.clone());
        }
        let library = Library::read(&named.written, &path)?;
        may(&library.sha256)?;
        let child = Shared(Arc::new(Child::open(&self.program, &library, &self.cache)?));
        let opened = Open { stamp, sha256: library.sha256, child };
        open.insert(path, opened.clone());
        Ok(opened)
    }

    /// Where the library lies that is written like this: a path relative to `root`, or a name in the user's own folder.
    fn place(&self, root: &Path, written: &str) -> PathBuf {
        let is_path = written.contains('/') || Path::new(written).extension().is_some();
        match is_path {
            true => root.join(written).components().collect(),
            false => self.own.join(format!("lib{}.so", written.replace('-', "_"))),
        }
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let found = fs::metadata(path)?;
    Ok((found.len(), found.modified()?))
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
