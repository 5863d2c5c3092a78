//! Where a site lives on this machine.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use mops_apply::Refused;
use mops_model::Digest;
use mops_node::{Account, Layout, Shim, make_passage};
use nix::unistd::User;
use serde::{Deserialize, Serialize};

/// The account that daemons run as when root starts them.
const ACCOUNT: &str = "mops";

/// Where a site lives on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What tells the site from all others on this machine.
    pub key: String,
    /// Nodes, trees, certificates and writable directories.
    pub data: PathBuf,
    /// Sockets: short, because the path of one has 107 bytes at most (`unix(7)`).
    pub run: PathBuf,
    /// Passwords that mops made.
    pub private: PathBuf,
    /// What all sites of whoever runs mops share: the list of addresses and ports, the certificate authority.
    pub machine: PathBuf,
    /// Who daemons run as; none: whoever runs mops.
    pub account: Option<Account>,
    /// The program that supervises, run as `<program> __supervise`, and that starts daemons, as `<program> __daemon`.
    pub program: PathBuf,
}

/// Who runs mops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Root: everything lies below `/var/lib/mops` and `/run/mops`; daemons run as the account `mops`.
    Root,
    /// Somebody else, as whom the daemons run too.
    User {
        /// The number of the user.
        uid: u32,
        /// The folder for data: `$XDG_DATA_HOME`, or `~/.local/share`.
        data: PathBuf,
        /// The folder for sockets: `$XDG_RUNTIME_DIR`; none: `/tmp/mops-<uid>`.
        run: Option<PathBuf>,
    },
}

impl Place {
    /// The place of the site `key` (letters, digits, dashes, underscores and dots, such as `acme-local-1f2e3d4c`).
    ///
    /// # Errors
    /// When root runs mops and the account is missing, or `key` is no name of a folder.
    pub fn new(key: &str, whose: Whose, program: PathBuf) -> Result<Self, Refused> {
        let fits = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if key.is_empty() || key.starts_with('.') || !key.chars().all(fits) {
            return Err(Refused::new(format!("`{key}` cannot be the name of a folder")));
        }
        let short = Digest::of(key.as_bytes()).to_string()[..8].to_owned();
        let (data, run, account) = match whose {
            Whose::Root => (PathBuf::from("/var/lib/mops"), PathBuf::from("/run/mops"), Some(account()?)),
            Whose::User { uid, data, run } => {
                let run = run.map_or_else(|| PathBuf::from(format!("/tmp/mops-{uid}")), |it| it.join("mops"));
                (data.join("mops"), run, None)
            }
        };
        let site = data.join("sites").join(key);
        Ok(Self {
            key: key.to_owned(),
            private: site.join("private"),
            data: site,
            run: run.join(short),
            machine: data.join("machine"),
            account,
            program,
        })
    }

    /// The certificate of the authority that signs certificates of this machine; made with the first of them.
    pub fn authority(&self) -> PathBuf {
        self.machine.join("ca.pem")
    }

    /// Makes its folders.
    pub(crate) fn make(&self) -> io::Result<()> {
        if let Some(parent) = self.run.parent().filter(|it| self.account.is_none() && it.starts_with("/tmp"))
        {
            // Everybody may write into /tmp: the folder must be ours before anything is trusted to it.
            private_in_tmp(parent)?;
        }
        for folder in
            [&self.data, &self.run, &self.nodes(), &self.certificates(), &self.directories(), &self.trees()]
        {
            make_passage(folder, self.account.as_ref())?;
        }
        make_passage(&self.private, None)?;
        fs::DirBuilder::new().recursive(true).mode(0o755).create(&self.machine)
    }

    /// The folders of a node.
    pub(crate) fn layout(&self, node: &str) -> Layout {
        let root = self.nodes().join(node);
        Layout {
            run: self.run.join(node),
            log: root.join("log"),
            tmp: root.join("tmp"),
            data: root.join("data"),
            root,
            trees: self.trees(),
            account: self.account.clone(),
            shim: Shim { program: self.program.clone(), argument: "__daemon".to_owned() },
        }
    }

    pub(crate) fn nodes(&self) -> PathBuf {
        self.data.join("nodes")
    }

    pub(crate) fn trees(&self) -> PathBuf {
        self.data.join("trees")
    }

    pub(crate) fn certificates(&self) -> PathBuf {
        self.data.join("certificates")
    }

    /// The writable directories that outlive closures.
    pub(crate) fn directories(&self) -> PathBuf {
        self.data.join("data")
    }

    /// Where the supervisor is spoken to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.run.join("supervisor.sock")
    }

    /// Held by the supervisor for as long as it lives.
    pub(crate) fn lock(&self) -> PathBuf {
        // Not beside the socket: run folders may be cleared while it lives.
        self.data.join("supervisor.lock")
    }

    /// What the supervisor says.
    pub(crate) fn supervisor_log(&self) -> PathBuf {
        self.data.join("supervisor.log")
    }

    /// The nodes in the order of their first activation.
    pub(crate) fn order(&self) -> PathBuf {
        self.data.join("order.json")
    }
}

/// A folder in `/tmp` that belongs to us and nobody else can enter.
fn private_in_tmp(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists => return Err(err),
        Ok(()) | Err(_) => (),
    }
    let found = fs::symlink_metadata(path)?;
    let ours = found.is_dir() && found.uid() == nix::unistd::geteuid().as_raw();
    let open_to_others = found.permissions().mode() & 0o077;
    match ours && open_to_others == 0 {
        true => Ok(()),
        false => Err(io::Error::other(format!(
            "{} belongs to somebody else, or others may enter it",
            path.display()
        ))),
    }
}

fn account() -> Result<Account, Refused> {
    let found = User::from_name(ACCOUNT)
        .map_err(|err| Refused::new(format!("the accounts of this machine: {err}")))?;
    match found {
        Some(it) => Ok(Account { name: it.name, uid: it.uid.as_raw(), gid: it.gid.as_raw() }),
        None => {
            Err(Refused::new(format!("daemons run as the account `{ACCOUNT}`, and this machine has none"))
                .help(format!("useradd --system --no-create-home --shell /usr/sbin/nologin {ACCOUNT}")))
        }
    }
}
