//! Everything one node group needs, as one value with one digest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Duration, Name, Size, Text};

/// All files, daemons, directories and packages of one node group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    /// The node group.
    pub group: Name,
    /// The roles that its nodes play.
    pub roles: Vec<Name>,
    /// Rendered files by their path within the closure.
    pub files: BTreeMap<String, Artifact>,
    /// Daemons by name.
    pub daemons: BTreeMap<Name, Daemon>,
    /// Writable directories by name.
    pub directories: BTreeMap<Name, Directory>,
    /// Trees of files by name: the release, and what daemons of the script bring along.
    pub trees: BTreeMap<Name, Tree>,
    /// Files outside of it that others write while a daemon runs, by the daemon: when one of them changes, it reloads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub watches: BTreeMap<Name, Vec<Text>>,
    /// The Debian package of each program that its daemons run.
    pub packages: BTreeMap<String, String>,
}

/// One rendered file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The object that holds its text, as the JSON form of a [`Text`].
    pub text: Digest,
    /// Whether the file is run as a program.
    #[serde(default)]
    pub executable: bool,
    /// The daemon that reads it.
    pub daemon: Name,
    /// What the daemon needs when it changes.
    pub on_change: OnChange,
}

/// What a daemon needs when a file of its changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnChange {
    /// Nothing: it reads the file when it needs it.
    None,
    /// Its reload.
    Reload,
    /// A restart.
    Restart,
}

/// What customers lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loses {
    /// Nothing.
    #[default]
    Nothing,
    /// What was cached: pages are slower until it is warm again.
    Cache,
    /// Requests that are under way, or that arrive until it is back.
    Requests,
    /// Sessions: people are logged out, carts of guests are gone.
    Sessions,
}

/// A tree of files, put into a closure under its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The object that lists its files.
    pub digest: Digest,
    /// Symbolic links laid over it: path within the tree → where it leads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, Text>,
}

/// A writable directory that outlives closures. A node's path for it is the fact `data.<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// Whether all nodes of the site see the same one.
    pub shared: bool,
    /// Whether it holds data of people, which nothing but `destroy` may remove.
    pub holds_data: bool,
}

/// One supervised process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Daemon {
    /// Program and arguments. A change restarts it.
    pub command: Vec<Text>,
    /// Environment; nothing is inherited but `PATH`. A change restarts it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, Text>,
    /// Where it listens, by name; the fact `port.<daemon>.<name>` is the port.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub listens: BTreeMap<Name, Listen>,
    /// Daemons of the same node that must be ready before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Name>,
    /// Checks its files before anything changes: program and arguments, 0 when they are good. The fact `files` is the
    /// folder of the new files; `run` and the rest are those of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Vec<Text>>,
    /// When it is ready.
    pub ready: Ready,
    /// How it takes new files.
    pub reload: Reload,
    /// What customers lose when it restarts.
    #[serde(default)]
    pub restart_loses: Loses,
    /// How it stops.
    pub stop: Stop,
    /// The memory it is meant to use, for sizing and display; not enforced on `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
}

/// One place where a daemon listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listen {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The port on a machine of its own; on `local` a free one is found.
    pub port: u16,
    /// Whether the Internet may reach it.
    pub public: bool,
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Any protocol over TCP.
    Tcp,
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// When a daemon is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// What must hold.
    pub check: ReadyCheck,
    /// How long it may take from the start.
    pub within: Duration,
}

/// What must hold for a daemon to be ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadyCheck {
    /// `GET path` on a port of its own answers with a status below 400.
    Http {
        /// The name of the port.
        listen: Name,
        /// The path.
        path: String,
    },
    /// A port of its own accepts connections.
    Port(Name),
    /// A unix socket accepts connections.
    Socket(Text),
    /// A program ends with 0.
    Command(Vec<Text>),
    /// It runs.
    Running,
}

/// How a daemon takes new files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reload {
    /// It cannot: it is restarted.
    Restart,
    /// A signal to its process.
    Signal(String),
    /// Two programs. The first runs before anything is switched and may refuse; the second makes what the first
    /// prepared take effect. Both see the fact `files` as the folder of the new files.
    Commands {
        /// Loads and judges the new files while the old ones serve; leaves nothing behind when it fails.
        prepare: Option<Vec<Text>>,
        /// Uses them.
        commit: Vec<Text>,
    },
}

/// How a daemon stops: the signal, again after 2 s, KILL when the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The signal that asks it to.
    pub signal: StopSignal,
    /// How long it may take.
    pub within: Duration,
}

/// The signal that asks a daemon to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopSignal {
    /// SIGTERM.
    Term,
    /// SIGQUIT: what nginx and PHP-FPM call graceful.
    Quit,
    /// SIGINT.
    Int,
}

impl Closure {
    /// The digest of its unfilled form.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// Every object it names besides itself.
    pub fn objects(&self) -> Vec<Digest> {
        self.files.values().map(|it| it.text).chain(self.trees.values().map(|it| it.digest)).collect()
    }
}
