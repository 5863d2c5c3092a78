//! Where a node keeps what it needs.

use std::{io, path::PathBuf};

use mops_model::{Digest, Name};
use serde::{Deserialize, Serialize};

/// The unprivileged user that daemons run as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// How the exec shim is run: the program that calls [`crate::daemon_main`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shim {
    /// The program.
    pub program: PathBuf,
    /// Its only argument, such as `__daemon`.
    pub argument: String,
}

/// The folders of one node. Those that do not exist are made when the node is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Closures, the `current` link and the record of processes.
    pub root: PathBuf,
    /// Sockets and pid files. Its path is short: a socket's may have 107 bytes (`unix(7)`).
    pub run: PathBuf,
    /// Log files.
    pub log: PathBuf,
    /// Scratch.
    pub tmp: PathBuf,
    /// Writable directories that the bindings give no path for, by name.
    pub data: PathBuf,
    /// Trees, shared by the nodes of a site.
    pub trees: PathBuf,
    /// Who daemons run as; none: whoever runs the node.
    pub account: Option<Account>,
    /// How daemons are started.
    pub shim: Shim,
}

/// Bytes under their digest.
///
/// **Law:** what is returned has the digest that was asked for.
pub trait Objects {
    /// The bytes under `digest`.
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>>;
}

impl Layout {
    /// The link to the closure in use.
    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("current")
    }

    /// The folder of the closures, each in a folder of its own, named by a number that only grows.
    pub(crate) fn closures(&self) -> PathBuf {
        self.root.join("closures")
    }

    /// The log file of a daemon.
    pub(crate) fn log_of(&self, daemon: &Name) -> PathBuf {
        self.log.join(format!("{daemon}.log"))
    }
}
