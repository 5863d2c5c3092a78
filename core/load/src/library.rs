//! One library: its bytes, what they are, and where a copy of exactly those bytes is kept.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use mops_plugin::{door, model::Diagnostic};
use object::{Architecture, FileKind, Object, ObjectKind, ObjectSegment, ObjectSymbol};
use sha2::{Digest, Sha256};

/// The largest library: 256 MiB. A plugin built without optimisation takes about 20.
const LARGEST: u64 = 256 << 20;

/// A library that was read and examined, and of which nothing has run.
#[derive(Debug)]
pub struct Library {
    /// What a person calls it: as the script or `mops.toml` wrote it.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    symbol: String,
    bytes: Vec<u8>,
}

impl Library {
    /// Reads the library at `path`, which a person calls `name`.
    ///
    /// # Errors
    /// When it is missing, no library, not whole, for another machine, or no plugin.
    pub fn read(name: &str, path: &Path) -> Result<Self, Diagnostic> {
        let bytes = bytes(name, path)?;
        let symbol = examine(name, &bytes)?;
        let sha256 = hexadecimal(&bytes);
        Ok(Self { name: name.to_owned(), sha256, symbol, bytes })
    }

    /// The symbol that its door is exported under.
    pub(crate) fn symbol(&self) -> &str {
        &self.symbol
    }

    /// The copy of exactly these bytes in the folder `cache`, made if it is not there: what is opened is what was
    /// examined, whatever becomes of the original meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self, cache: &Path) -> Result<PathBuf, Diagnostic> {
        let path = cache.join(format!("{}.so", self.sha256));
        if fs::read(&path).is_ok_and(|kept| kept == self.bytes) {
            return Ok(path);
        }
        let put = || {
            fs::create_dir_all(cache)?;
            let mut file = tempfile::NamedTempFile::new_in(cache)?;
            file.write_all(&self.bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|err| err.error)
        };
        match put() {
            Ok(_) => Ok(path),
            Err(err) => Err(Diagnostic::error(
                "plugin::cache",
                format!("the copy of the plugin library `{}` cannot be written: {err}", self.name),
            )
            .help(format!("see that {} can be written", cache.display()))),
        }
    }
}

fn bytes(name: &str, path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let size = fs::metadata(path).map(|it| it.len());
    if size.as_ref().is_ok_and(|it| *it > LARGEST) {
        return Err(Diagnostic::error(
            "plugin::no-library",
            format!("the plugin library `{name}` is larger than 256 MiB"),
        )
        .help("build it in release mode: cargo build --release"));
    }
    match size.and_then(|_| fs::read(path)) {
        Ok(bytes) => Ok(bytes),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            Err(Diagnostic::error("plugin::missing", format!("there is no plugin library `{name}`"))
                .help(format!("build it, or copy it to {}", path.display())))
        }
        Err(err) => Err(Diagnostic::error(
            "plugin::missing",
            format!("the plugin library `{name}` cannot be read: {err}"),
        )
        .help(format!("see that {} can be read", path.display()))),
    }
}

/// Examines a library without running it; returns the symbol of its door.
fn examine(name: &str, bytes: &[u8]) -> Result<String, Diagnostic> {
    if !matches!(FileKind::parse(bytes), Ok(FileKind::Elf64 | FileKind::Elf32)) {
        let message = format!("`{name}` is no library for Linux");
        return Err(Diagnostic::error("plugin::no-library", message)
            .help("name the file that `cargo build --release` makes: target/release/lib….so"));
    }
    let broken = || {
        Diagnostic::error("plugin::broken", format!("the plugin library `{name}` is not whole"))
            .help("copy it again, or build it again")
    };
    let file = object::File::parse(bytes).map_err(|_| broken())?;
    if let Some(ours) = architecture().filter(|it| *it != file.architecture()) {
        let message = format!(
            "the plugin library `{name}` is for another machine: {:?}, and this is {ours:?}",
            file.architecture()
        );
        return Err(Diagnostic::error("plugin::wrong-architecture", message)
            .help("build it on this kind of machine; `mops.lock` has a place for each"));
    }
    let is_cut = |(start, length): (u64, u64)| start.saturating_add(length) > bytes.len() as u64;
    if file.segments().any(|it| is_cut(it.file_range())) {
        return Err(broken());
    }
    if file.kind() != ObjectKind::Dynamic {
        return Err(no_plugin(name, "it is no shared library"));
    }
    let symbols = file.dynamic_symbols().filter(|it| !it.is_undefined());
    let mut doors = symbols.filter_map(|it| it.name().ok().filter(|it| it.starts_with(door::SYMBOL)));
    match (doors.next(), doors.next()) {
        (Some(door), None) => Ok(door.to_owned()),
        (None, _) => Err(no_plugin(name, "it exports no door")),
        (Some(one), Some(other)) => Err(no_plugin(name, &format!("it exports two doors, {one} and {other}"))),
    }
}

fn no_plugin(name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("plugin::no-plugin", format!("`{name}` is no plugin of mops: {why}"))
        .help("a plugin says `mops_plugin::export_plugin!(…)` once and is built with crate-type = [\"cdylib\"]; `mops plugin new` makes one")
}

/// The architecture of this machine, where libraries for it are known.
fn architecture() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86_64),
        "aarch64" => Some(Architecture::Aarch64),
        _ => None,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("text takes everything");
    }
    text
}
