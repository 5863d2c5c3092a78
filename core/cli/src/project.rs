//! Where a command works: the folder of the script, its `mops.toml`, its environment, its store.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use mops_model::{Diagnostic, Digest, Environment, Name, ProviderName};
use mops_store::{Directory, Lease, LeaseError};
use nix::unistd::{Uid, User};
use serde::Deserialize;

use crate::{failure::Failure, plugins::Shelf};

/// The folder that everything mops keeps about a script stands in, beside it.
const FOLDER: &str = ".mops";
/// The file that names environments.
const CONFIGURATION: &str = "mops.toml";

/// The folder of a script, and what its `mops.toml` says about one environment.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder, absolute.
    pub(crate) root: PathBuf,
    /// Where a site goes.
    pub(crate) environment: Environment,
    /// Parameters of the environment, by name.
    pub(crate) parameters: BTreeMap<String, String>,
    /// Plugin libraries, by the plugin's name; without a path they lie in the user's own folder.
    pub(crate) libraries: BTreeMap<Name, Option<String>>,
    /// The only site that may be meant, from `--site`.
    wanted: Option<Name>,
    shelf: Option<Shelf>,
}

/// One site of a project in one environment.
pub(crate) struct SiteFolder {
    /// Its name.
    pub(crate) name: Name,
    /// Its folder: `.mops/<environment>/<site>`.
    pub(crate) path: PathBuf,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default)]
    env: BTreeMap<Name, toml::Table>,
    #[serde(default)]
    plugins: BTreeMap<Name, PluginTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PluginTable {
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvironmentTable {
    #[serde(default = "local")]
    provider: ProviderName,
    #[serde(default)]
    protect: bool,
    #[serde(default)]
    parameters: BTreeMap<String, toml::Value>,
}

/// A parameter as `--set` would give it.
fn parameter(value: toml::Value) -> String {
    match value {
        toml::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn local() -> ProviderName {
    ProviderName::Local
}

impl Project {
    /// The project whose folder is `root`, in the environment `name`; the user's plugin libraries are on `shelf`.
    ///
    /// # Errors
    /// When the folder is not there, `mops.toml` cannot be read, or names no environment `name`.
    pub(crate) fn open(root: &Path, name: &Name, shelf: Option<Shelf>) -> Result<Self, Failure> {
        let root = fs::canonicalize(root).map_err(|err| Failure::io("open the folder", root, &err))?;
        let path = root.join(CONFIGURATION);
        let configuration: Configuration = match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|err| {
                Failure::new(format!("{} cannot be read", path.display())).detail(err.to_string())
            })?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => Configuration::default(),
            Err(err) => return Err(Failure::io("read", &path, &err)),
        };
        let default = Environment::local();
        let libraries = configuration.plugins.into_iter().map(|(name, it)| (name, it.path)).collect();
        let known: Vec<String> = configuration.env.keys().map(Name::to_string).collect();
        match configuration.env.into_iter().find(|(it, _)| it == name) {
            Some((name, table)) => {
                let table: EnvironmentTable = table.try_into().map_err(|err: toml::de::Error| {
                    Failure::new(format!("the environment `{name}` in {} cannot be read", path.display()))
                        .detail(err.message().to_owned())
                        .help("its keys are provider (\"local\"), protect and parameters")
                })?;
                let parameters = table.parameters.into_iter().map(|(key, it)| (key, parameter(it)));
                Ok(Self {
                    root,
                    environment: Environment { name, provider: table.provider, protect: table.protect },
                    parameters: parameters.collect(),
                    libraries,
                    wanted: None,
                    shelf,
                })
            }
            None if *name == default.name => Ok(Self {
                root,
                environment: default,
                parameters: BTreeMap::new(),
                libraries,
                wanted: None,
                shelf,
            }),
            None => {
                Err(Failure::new(format!("there is no environment `{name}`")).help(match known.is_empty() {
                    true => format!("name it in {}: [env.{name}]", path.display()),
                    false => {
                        format!("{} names {}; without -e it is `local`", path.display(), known.join(", "))
                    }
                }))
            }
        }
    }

    /// The project in another folder, in the same environment, with the same shelf.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn beside(&self, root: &Path) -> Result<Self, Failure> {
        Self::open(root, &self.environment.name, self.shelf.clone())
    }

    /// The same, where only the site `wanted` may be meant.
    pub(crate) fn for_site(self, wanted: Option<Name>) -> Self {
        Self { wanted, ..self }
    }

    /// Where plugin libraries lie.
    ///
    /// # Errors
    /// When the user has no folder for data.
    pub(crate) fn shelf(&self) -> Result<&Shelf, Diagnostic> {
        self.shelf.as_ref().ok_or_else(|| {
            let message =
                "there is no place for copies of plugin libraries: neither HOME nor XDG_DATA_HOME is set";
            Diagnostic::error("plugin::cache", message).help("set HOME")
        })
    }

    /// Whether the site that the script `file` declares may be meant.
    ///
    /// # Errors
    /// When `--site` names another.
    pub(crate) fn refuse_other(&self, file: &str, declared: &Name) -> Result<(), Failure> {
        match &self.wanted {
            Some(wanted) if wanted != declared => {
                let message = format!("{file} declares the site `{declared}`, and --site says `{wanted}`");
                Err(Failure::new(message).help("name the script of that site, or leave --site out"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The folder of the site `name`.
    pub(crate) fn site(&self, name: &Name) -> SiteFolder {
        SiteFolder { name: name.clone(), path: self.folder().join(name.as_str()) }
    }

    /// The site that a command without a script means: the one that `--site` names, or the only one.
    ///
    /// # Errors
    /// When there is none, or several.
    pub(crate) fn only_site(&self) -> Result<SiteFolder, Failure> {
        let sites = self.sites()?;
        let list = || sites.iter().map(Name::to_string).collect::<Vec<_>>().join(", ");
        let place = format!("{} in the environment `{}`", self.root.display(), self.environment.name);
        match (&self.wanted, sites.as_slice()) {
            (Some(name), _) if sites.contains(name) => Ok(self.site(name)),
            (Some(name), []) => Err(Failure::new(format!("there is no site `{name}` in {place}"))),
            (Some(name), _) => Err(Failure::new(format!("there is no site `{name}` in {place}"))
                .help(format!("there are {}", list()))),
            (None, [name]) => Ok(self.site(name)),
            (None, []) => Err(Failure::new(format!("there is no site in {place}"))
                .help("make one with `mops script SCRIPT`, or say where it is with -C DIR and -e NAME")),
            (None, _) => Err(Failure::new(format!("there are several sites in {place}"))
                .help(format!("choose one with --site: {}", list()))),
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.join(FOLDER).join(self.environment.name.as_str())
    }

    fn sites(&self) -> Result<Vec<Name>, Failure> {
        let folder = self.folder();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(err) => return Err(Failure::io("read", &folder, &err)),
        };
        let mut sites = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|err| Failure::io("read", &folder, &err))?;
            sites.extend(entry.file_name().to_str().and_then(|it| it.parse::<Name>().ok()));
        }
        sites.sort();
        Ok(sites)
    }
}

impl SiteFolder {
    /// A site is worked on by whoever made it: its daemons and their data are elsewhere for everybody else.
    pub(crate) fn refuse_others(&self) -> Result<(), Failure> {
        let owner = match fs::metadata(&self.path) {
            Ok(found) => Uid::from_raw(found.uid()),
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(err) => return Err(Failure::io("read", &self.path, &err)),
        };
        if owner == nix::unistd::geteuid() {
            return Ok(());
        }
        let name = User::from_uid(owner).ok().flatten().map_or_else(|| owner.to_string(), |it| it.name);
        Err(Failure::new(format!("the site `{}` belongs to {name}", self.name))
            .help(format!("run the command as {name}, or make a copy of the script's folder without .mops")))
    }

    /// Its store.
    pub(crate) fn store(&self) -> Result<Directory, Failure> {
        Directory::open(self.path.join("store")).map_err(|err| Failure::store(&err))
    }

    /// The right to change it, for as long as the value lives.
    pub(crate) fn lease(&self, command: &str) -> Result<Lease, Failure> {
        Lease::acquire(&self.path, command).map_err(|err| match err {
            LeaseError::Held { .. } => Failure::new(err.to_string()).help("wait for it to end"),
            LeaseError::Store(err) => Failure::store(&err),
        })
    }

    /// What sets this site on this machine apart from every other: the digest of its folder.
    pub(crate) fn key(&self) -> Digest {
        Digest::of(self.path.as_os_str().as_encoded_bytes())
    }

    /// The folder for what must not leave this machine.
    pub(crate) fn secrets(&self) -> PathBuf {
        self.path.join("secrets")
    }
}
