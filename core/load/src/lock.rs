//! `mops.lock`: which plugin libraries a script may open, by their SHA-256 on each platform.
//!
//! **Invariant:** a library is opened only when its digest is the one that stands here.

use std::{collections::BTreeMap, fs, io, path::Path};

use mops_plugin::model::{Diagnostic, Name};
use serde::{Deserialize, Serialize};

/// What stands above the pins.
const HEADER: &str = "# Plugin libraries that may be opened, by SHA-256. Written by `mops plugin lock`; keep it with the script.\n\n";

/// The pins of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Each library, in the order of their paths.
    #[serde(default, rename = "plugin", skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
}

/// One library that may be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The plugin's name, as its manifest tells it.
    pub name: Name,
    /// The library, as the script or `mops.toml` writes it.
    pub path: String,
    /// The ABI number of its door.
    pub abi: u32,
    /// Its SHA-256, in hexadecimal, by [`platform`].
    pub sha256: BTreeMap<String, String>,
}

/// What libraries of this machine are built for, as Rust calls it: `x86_64-unknown-linux-gnu`.
pub fn platform() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    format!("{}-unknown-{}-{libc}", std::env::consts::ARCH, std::env::consts::OS)
}

impl Lock {
    /// Reads the lock file at `path`; without one nothing is pinned.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, Diagnostic> {
        Self::text(path)?.map_or_else(|| Ok(Self::default()), |text| Self::parse(path, &text))
    }

    /// The text of the lock file at `path`; none without one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(path: &Path) -> Result<Option<String>, Diagnostic> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(unreadable(path, &err.to_string())),
        }
    }

    /// Parses `text`, which stands at `path`.
    ///
    /// # Errors
    /// When it is no lock file.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Diagnostic> {
        toml::from_str(text).map_err(|err| unreadable(path, err.message()))
    }

    /// Its text.
    ///
    /// # Panics
    /// Never: pins are plain data.
    pub fn to_text(&self) -> String {
        format!("{HEADER}{}", toml::to_string(self).expect("plain data serializes"))
    }

    /// The pin of the library that is written as `path`.
    pub fn pin(&self, path: &str) -> Option<&Pin> {
        self.pins.iter().find(|it| it.path == path)
    }

    /// Checks that the library written as `name` may be opened, whose SHA-256 is `sha256`, in hexadecimal.
    ///
    /// # Errors
    /// When it is not pinned on this platform, or has changed.
    pub fn check(&self, name: &str, sha256: &str) -> Result<&Pin, Diagnostic> {
        let platform = platform();
        let pin =
            self.pin(name).ok_or_else(|| unpinned(format!("the plugin library `{name}` is not pinned")))?;
        match pin.sha256.get(&platform) {
            None => Err(unpinned(format!("the plugin library `{name}` is not pinned for {platform}"))),
            Some(pinned) if pinned != sha256 => Err(Diagnostic::error(
                "plugin::changed",
                format!(
                    "the plugin library `{name}` is not the one that was pinned: its SHA-256 is {}…, not {}…",
                    short(sha256),
                    short(pinned)
                ),
            )
            .help("if you trust the new one, pin it: mops plugin lock")),
            Some(_) => Ok(pin),
        }
    }
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::error("plugin::lock", format!("{} cannot be read: {why}", path.display()))
        .help("take it away and pin what you trust again: mops plugin lock")
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn unpinned(message: String) -> Diagnostic {
    Diagnostic::error("plugin::unpinned", message)
        .help("if you trust it, pin it in mops.lock: mops plugin lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_reads_as_it_is_written() {
        let pin = Pin {
            name: Name::literal("acme"),
            path: "./plugins/libacme.so".to_owned(),
            abi: 1,
            sha256: BTreeMap::from([(platform(), "00ff".to_owned())]),
        };
        let lock = Lock { pins: vec![pin] };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mops.lock");
        fs::write(&path, lock.to_text()).unwrap();
        assert_eq!(Lock::read(&path), Ok(lock.clone()));
        let expected = format!(
            "{HEADER}[[plugin]]\nname = \"acme\"\npath = \"./plugins/libacme.so\"\nabi = 1\n\n[plugin.sha256]\n{} = \"00ff\"\n",
            platform()
        );
        assert_eq!(lock.to_text(), expected);
    }

    #[test]
    fn without_a_lock_file_nothing_is_pinned() {
        assert_eq!(Lock::read(Path::new("/nowhere/mops.lock")), Ok(Lock::default()));
    }

    #[test]
    fn a_broken_lock_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mops.lock");
        fs::write(&path, "[[plugin]]\nnome = \"acme\"").unwrap();
        let wrong = Lock::read(&path).unwrap_err();
        assert!(
            wrong.message.contains("mops.lock cannot be read: unknown field `nome`"),
            "{}",
            wrong.message
        );
    }
}
