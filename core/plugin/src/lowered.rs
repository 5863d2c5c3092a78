//! What a call comes to.

use std::collections::BTreeMap;

use mops_model::{Address, Daemon, Diagnostic, Directory, FlowEnd, Name, OnChange, Resource, Text, Value};
use serde::{Deserialize, Serialize};

/// What a call comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowered {
    /// Rendered files.
    pub files: Vec<File>,
    /// Daemons, by the role whose nodes run them.
    pub daemons: BTreeMap<Name, BTreeMap<Name, Daemon>>,
    /// Writable directories, by role.
    pub directories: BTreeMap<Name, BTreeMap<Name, Directory>>,
    /// The Debian package of each program, by role.
    pub packages: BTreeMap<Name, BTreeMap<String, String>>,
    /// Symbolic links laid over the release, by role: path within the release → where it leads.
    pub release_links: BTreeMap<Name, BTreeMap<String, Text>>,
    /// Files that others write while a daemon runs, by role and daemon: it reloads when one of them changes.
    #[serde(default)]
    pub watches: BTreeMap<Name, BTreeMap<Name, Vec<Text>>>,
    /// Permitted conversations.
    pub flows: Vec<Flow>,
    /// Values that lints and `explain` read, by name: `varnish.http_resp_hdr_len`.
    pub settings: BTreeMap<String, Value>,
    /// Passwords and the like that mops makes and keeps.
    pub generated: Vec<Generated>,
    /// Certificates that nodes of a role need.
    pub certificates: Vec<Certificate>,
    /// Resources of a provider.
    pub resources: Vec<Resource>,
    /// What is worth saying though nothing is wrong.
    pub warnings: Vec<Diagnostic>,
}

/// One rendered file of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The role whose nodes get it.
    pub role: Name,
    /// Its path within the closure: `varnish/default.vcl`.
    pub path: String,
    /// What stands in it.
    pub text: Text,
    /// Whether it is run as a program.
    #[serde(default)]
    pub executable: bool,
    /// The daemon that reads it.
    pub daemon: Name,
    /// What that daemon needs when it changes.
    pub on_change: OnChange,
}

/// One permitted conversation: who may talk to which daemon.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Flow {
    /// Who begins it.
    pub from: FlowEnd,
    /// The role it reaches.
    pub to: Name,
    /// The daemon it reaches.
    pub daemon: Name,
    /// The place where that daemon listens.
    pub listen: Name,
}

/// A value that mops makes up once and keeps: it is a secret of this name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generated {
    /// The secret that it becomes.
    pub name: Name,
    /// What is made.
    pub kind: GeneratedKind,
}

/// What is made up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratedKind {
    /// So many random letters and digits.
    Password(u32),
}

/// A certificate for some hosts. A node finds it under the facts `certificate.<name>` and `certificate-key.<name>`, as
/// paths of PEM files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Certificate {
    /// Its name: that of the website.
    pub name: Name,
    /// The role whose nodes need it.
    pub role: Name,
    /// The hosts it is for.
    pub hosts: Vec<String>,
    /// The shared directory in which somebody else renews it, as `<name>.pem` with chain and key in one file. What the
    /// provider issues stands there until then. Without it, the provider's is used.
    #[serde(default)]
    pub kept_in: Option<Name>,
}

impl Lowered {
    /// Adds a file.
    pub fn file(&mut self, role: &str, path: &str, text: Text, daemon: &str, on_change: OnChange) {
        self.files.push(File {
            role: Name::literal(role),
            path: path.to_owned(),
            text,
            executable: false,
            daemon: Name::literal(daemon),
            on_change,
        });
    }

    /// Adds a program: a file that is run. Changing it changes nothing until it is run again.
    pub fn program(&mut self, role: &str, path: &str, text: Text, daemon: &str) {
        self.file(role, path, text, daemon, OnChange::None);
        self.files.last_mut().expect("just pushed").executable = true;
    }

    /// Adds a daemon.
    pub fn daemon(&mut self, role: &str, name: &str, daemon: Daemon) {
        self.daemons.entry(Name::literal(role)).or_default().insert(Name::literal(name), daemon);
    }

    /// Adds a writable directory.
    pub fn directory(&mut self, role: &str, name: &str, directory: Directory) {
        self.directories.entry(Name::literal(role)).or_default().insert(Name::literal(name), directory);
    }

    /// Has a daemon reload whenever the file at `path` changes, which somebody else writes while it runs.
    pub fn watch(&mut self, role: &str, daemon: &str, path: Text) {
        let daemons = self.watches.entry(Name::literal(role)).or_default();
        daemons.entry(Name::literal(daemon)).or_default().push(path);
    }

    /// Says which Debian package brings `program`.
    pub fn package(&mut self, role: &str, program: &str, package: &str) {
        self.packages.entry(Name::literal(role)).or_default().insert(program.to_owned(), package.to_owned());
    }

    /// Permits `from` to talk to a daemon.
    pub fn flow(&mut self, from: FlowEnd, to: &str, daemon: &str, listen: &str) {
        let (to, daemon, listen) = (Name::literal(to), Name::literal(daemon), Name::literal(listen));
        self.flows.push(Flow { from, to, daemon, listen });
    }

    /// Says the value of a setting.
    pub fn setting(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// Makes up a password of `length` letters and digits, once; it is the secret `name`.
    pub fn password(&mut self, name: &str, length: u32) {
        self.generated.push(Generated { name: Name::literal(name), kind: GeneratedKind::Password(length) });
    }

    /// Asks for a certificate for `hosts`, for the nodes of `role`; `kept_in` is the shared directory in which somebody
    /// else renews it.
    pub fn certificate(&mut self, role: &str, name: &Name, hosts: Vec<String>, kept_in: Option<Name>) {
        let role = Name::literal(role);
        self.certificates.push(Certificate { name: name.clone(), role, hosts, kept_in });
    }

    /// The addresses of its resources.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.resources.iter().map(|it| &it.address)
    }
}
