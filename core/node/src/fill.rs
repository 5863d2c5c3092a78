//! A closure with every hole filled, for one node.
//!
//! **Invariant:** two fillings whose digests of a daemon agree need nothing done to that daemon.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use mops_model::{
    Artifact, Bindings, Closure, Daemon, Digest, Duration, Name, OnChange, ReadyCheck, Reload, Secrets, Stop,
    Text,
};
use serde::{Deserialize, Serialize};

use crate::{ActivationError, Layout, Objects};

/// What a node writes and runs.
pub(crate) struct Filled {
    pub(crate) files: BTreeMap<String, FilledFile>,
    pub(crate) trees: BTreeMap<Name, FilledTree>,
    /// The writable directories that the node makes itself: those that the bindings give no path for.
    pub(crate) directories: Vec<PathBuf>,
    pub(crate) manifest: Manifest,
}

/// What a node must know to run a closure again: kept beside its files, readable by nobody else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) daemons: BTreeMap<Name, FilledDaemon>,
    /// The trees and what is laid over each, so that a change of a tree alone is seen.
    pub(crate) trees: BTreeMap<Name, Digest>,
    /// All files together.
    pub(crate) files: Digest,
}

pub(crate) struct FilledFile {
    pub(crate) text: String,
    pub(crate) executable: bool,
    daemon: Name,
    on_change: OnChange,
}

pub(crate) struct FilledTree {
    pub(crate) listing: Digest,
    /// Path within the tree → where it leads.
    pub(crate) links: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FilledDaemon {
    pub(crate) command: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) listens: BTreeMap<Name, Vec<SocketAddr>>,
    pub(crate) after: Vec<Name>,
    pub(crate) check: Option<Vec<String>>,
    pub(crate) ready: FilledReady,
    pub(crate) within: Duration,
    pub(crate) reload: FilledReload,
    pub(crate) stop: Stop,
    /// Files that others write: when one of them changes, it reloads.
    #[serde(default)]
    pub(crate) watches: Vec<String>,
    /// Changes when it must restart.
    pub(crate) start: Digest,
    /// Changes when it must at least reload.
    pub(crate) load: Digest,
    /// Changes when anything it reads does.
    pub(crate) reads: Digest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum FilledReady {
    Http { address: SocketAddr, path: String },
    Port(SocketAddr),
    Socket(String),
    Command(Vec<String>),
    Running,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum FilledReload {
    Restart,
    Signal(String),
    Commands { prepare: Option<Vec<String>>, commit: Vec<String> },
}

/// Fills every hole of `closure`; `files` is the folder that its files will stand in.
///
/// # Errors
/// Everything that cannot be filled, in one error.
pub(crate) fn fill(
    layout: &Layout,
    files: &Path,
    closure: &Closure,
    bindings: Bindings,
    objects: &dyn Objects,
    secrets: &dyn Secrets,
) -> Result<Filled, ActivationError> {
    let own = closure.directories.keys().filter(|it| !bindings.here.contains_key(&format!("data.{it}")));
    let directories = own.map(|it| layout.data.join(it.as_str())).collect();
    let bindings = with_facts(bindings, layout, closure);
    let mut checking = bindings.clone();
    checking.here.insert("files".to_owned(), files.display().to_string());
    let mut filler = Filler { bindings, checking, secrets, problems: Vec::new() };
    let texts = closure.files.iter().map(|(path, artifact)| {
        let bytes = objects.get(&artifact.text).map_err(|err| ActivationError::world(path, &err))?;
        let text =
            serde_json::from_slice(&bytes).map_err(|err| ActivationError::new(format!("{path}: {err}")))?;
        Ok((path.clone(), (artifact, text)))
    });
    let texts: BTreeMap<String, (&Artifact, Text)> = texts.collect::<Result<_, ActivationError>>()?;
    let files = texts.into_iter().map(|(path, (artifact, text))| {
        let file = FilledFile {
            text: filler.text(&path, &text),
            executable: artifact.executable,
            daemon: artifact.daemon.clone(),
            on_change: artifact.on_change,
        };
        (path, file)
    });
    let files: BTreeMap<String, FilledFile> = files.collect();
    let trees = closure.trees.iter().map(|(name, tree)| {
        let place = format!("the tree `{name}`");
        let links = tree.links.iter().map(|(path, to)| (path.clone(), filler.text(&place, to))).collect();
        (name.clone(), FilledTree { listing: tree.digest, links })
    });
    let trees: BTreeMap<Name, FilledTree> = trees.collect();
    let digests: BTreeMap<Name, Digest> =
        trees.iter().map(|(name, it)| (name.clone(), it.digest())).collect();
    let current = layout.current().display().to_string();
    let daemons = closure.daemons.iter().map(|(name, daemon)| {
        let mut whole = filler.daemon(name, daemon);
        let watches = closure.watches.get(name).map_or(&[][..], Vec::as_slice);
        whole.watches = filler.texts(&format!("the daemon `{name}`"), watches);
        whole.judge(name, daemon, &files, &digests, &current);
        (name.clone(), whole)
    });
    let daemons = daemons.collect();
    match filler.problems.is_empty() {
        true => {
            let contents: Vec<_> = files.iter().map(|(path, it)| (path, &it.text, it.executable)).collect();
            let contents = Digest::of_json(&contents);
            let manifest = Manifest { daemons, trees: digests, files: contents };
            Ok(Filled { files, trees, directories, manifest })
        }
        false => Err(ActivationError::new("not everything that the files name is known")
            .detail(filler.problems.join("\n"))),
    }
}

/// The bindings with the facts that only the node knows.
fn with_facts(mut bindings: Bindings, layout: &Layout, closure: &Closure) -> Bindings {
    let folders = [
        ("current", layout.current()),
        ("run", layout.run.clone()),
        ("log", layout.log.clone()),
        ("tmp", layout.tmp.clone()),
        // Not its path: the account that daemons run as may not be let through to there.
        ("mops", PathBuf::from("/proc/self/exe")),
    ];
    for (fact, folder) in folders {
        bindings.here.insert(fact.to_owned(), folder.display().to_string());
    }
    for name in closure.directories.keys() {
        let own = layout.data.join(name.as_str()).display().to_string();
        bindings.here.entry(format!("data.{name}")).or_insert(own);
    }
    bindings
}

struct Filler<'a> {
    bindings: Bindings,
    /// The bindings with the fact `files`, which only commands that judge new files know.
    checking: Bindings,
    secrets: &'a dyn Secrets,
    problems: Vec<String>,
}

impl Filler<'_> {
    fn text(&mut self, place: &str, text: &Text) -> String {
        let filled = self.bindings.fill(text, self.secrets);
        self.known(place, filled)
    }

    fn texts(&mut self, place: &str, texts: &[Text]) -> Vec<String> {
        texts.iter().map(|it| self.text(place, it)).collect()
    }

    fn judging(&mut self, place: &str, texts: &[Text]) -> Vec<String> {
        let filled: Vec<_> = texts.iter().map(|it| self.checking.fill(it, self.secrets)).collect();
        filled.into_iter().map(|it| self.known(place, it)).collect()
    }

    /// The value; of a problem an empty text that nobody will see, because a problem fails the filling.
    fn known(&mut self, place: &str, filled: Result<String, mops_model::FillError>) -> String {
        filled.unwrap_or_else(|err| {
            self.problems.push(format!("{place}: {err}"));
            String::new()
        })
    }

    fn daemon(&mut self, name: &Name, daemon: &Daemon) -> FilledDaemon {
        let place = format!("the daemon `{name}`");
        let ports: BTreeMap<Name, SocketAddr> =
            daemon.listens.keys().map(|it| (it.clone(), self.address(&place, name, it))).collect();
        let listens = daemon.listens.iter().map(|(listen, it)| {
            let own = ports[listen];
            let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), own.port());
            let both = it.public && own.ip().is_loopback() && own != local;
            (listen.clone(), if both { vec![own, local] } else { vec![own] })
        });
        let own = |listen: &Name| ports.get(listen).copied().unwrap_or(NOWHERE);
        let ready = match &daemon.ready.check {
            ReadyCheck::Http { listen, path } => {
                FilledReady::Http { address: own(listen), path: path.clone() }
            }
            ReadyCheck::Port(listen) => FilledReady::Port(own(listen)),
            ReadyCheck::Socket(path) => FilledReady::Socket(self.text(&place, path)),
            ReadyCheck::Command(command) => FilledReady::Command(self.texts(&place, command)),
            ReadyCheck::Running => FilledReady::Running,
        };
        let environment = &daemon.environment;
        FilledDaemon {
            listens: listens.collect(),
            command: self.texts(&place, &daemon.command),
            environment: environment.iter().map(|(key, it)| (key.clone(), self.text(&place, it))).collect(),
            after: daemon.after.clone(),
            check: daemon.check.as_ref().map(|it| self.judging(&place, it)),
            ready,
            within: daemon.ready.within,
            reload: match &daemon.reload {
                Reload::Restart => FilledReload::Restart,
                Reload::Signal(signal) => FilledReload::Signal(signal.clone()),
                Reload::Commands { prepare, commit } => FilledReload::Commands {
                    prepare: prepare.as_ref().map(|it| self.judging(&place, it)),
                    commit: self.judging(&place, commit),
                },
            },
            stop: daemon.stop,
            watches: Vec::new(),
            start: Digest::of(b""),
            load: Digest::of(b""),
            reads: Digest::of(b""),
        }
    }

    /// Where a daemon listens.
    fn address(&mut self, place: &str, daemon: &Name, listen: &Name) -> SocketAddr {
        let port = self.text(place, &Text::here(format!("port.{daemon}.{listen}")));
        let address = self.text(place, &Text::here("address"));
        match (address.parse(), port.parse()) {
            (Ok(address), Ok(port)) => SocketAddr::new(address, port),
            _ => {
                self.problems.push(format!("{place}: `{address}:{port}` is no address to listen on"));
                NOWHERE
            }
        }
    }
}

/// Stands where an address is missing; the filling fails then.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Manifest {
    /// Whether it differs from `other` in nothing but the folder of its files.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let daemons = self.daemons.iter().zip(&other.daemons);
        self.daemons.len() == other.daemons.len()
            && daemons.into_iter().all(|(ours, theirs)| ours.0 == theirs.0 && ours.1.is_like(theirs.1))
            && (self.files, &self.trees) == (other.files, &other.trees)
    }
}

impl FilledDaemon {
    /// Whether it differs from `other` in nothing but the folder that its checks name.
    fn is_like(&self, other: &Self) -> bool {
        *self == Self { check: self.check.clone(), reload: self.reload.clone(), ..other.clone() }
    }

    /// Works out the digests.
    fn judge(
        &mut self,
        name: &Name,
        unfilled: &Daemon,
        files: &BTreeMap<String, FilledFile>,
        trees: &BTreeMap<Name, Digest>,
        current: &str,
    ) {
        let of = |wanted: &[OnChange]| -> Vec<(&str, &str, bool)> {
            let mine = files.iter().filter(|(_, it)| it.daemon == *name && wanted.contains(&it.on_change));
            mine.map(|(path, it)| (path.as_str(), it.text.as_str(), it.executable)).collect()
        };
        let words = || self.command.iter().chain(self.environment.values());
        let runs = |tree: &Name| words().any(|it| it.contains(&format!("{current}/trees/{tree}")));
        let trees: BTreeMap<&Name, &Digest> = trees.iter().filter(|(tree, _)| runs(tree)).collect();
        let started = (&self.command, &self.environment, &self.listens, trees, of(&[OnChange::Restart]));
        let start = Digest::of_json(&started);
        let load = Digest::of_json(&of(&[OnChange::Reload]));
        let all = of(&[OnChange::None, OnChange::Reload, OnChange::Restart]);
        self.reads = Digest::of_json(&(start, &unfilled.check, &unfilled.reload, all));
        (self.start, self.load) = (start, load);
    }
}

impl FilledTree {
    /// What names it among all trees.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of_json(&(self.listing, &self.links))
    }
}
