//! `mops plugin`: libraries of third parties, and a crate to begin one with.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use mops_eval::libraries;
use mops_load::{Guard, Lock, Pin, platform};
use mops_model::{Diagnostic, Name};
use mops_plugin::door;

use crate::{
    failure::Failure,
    plugins::{self, LOCK, Named, Open, Shelf},
    project::Project,
    scaffold,
    show::{BOLD, DIM, styled},
};

/// Lists every plugin that scripts in the folder can use, and how it is guarded.
pub(crate) fn list(project: &Project) -> Result<(), Failure> {
    for manifest in plugins::registry().manifests() {
        anstream::println!("{:<24} part of mops  {}", manifest.plugin.as_str(), styled(DIM, &manifest.doc));
    }
    let named = all_named(project)?;
    if named.is_empty() {
        return Ok(());
    }
    let lock = Lock::read(&project.root.join(LOCK)).map_err(failure)?;
    let shelf = project.shelf().map_err(failure)?;
    for it in named {
        let name = lock.pin(&it.written).map_or_else(|| "?".to_owned(), |pin| pin.name.to_string());
        let how = match shelf.open_pinned(&project.root, &it, &lock) {
            Ok(open) => format!("pinned, guards: {}", guards(open.child.0.guards())),
            Err(wrong) => wrong.message,
        };
        anstream::println!("{name:<24} {}  {how}", it.written);
    }
    Ok(())
}

fn guards(on: &[Guard]) -> String {
    let says = |guard: &Guard| match on.contains(guard) {
        true => guard.to_string(),
        false => format!("no {guard} (this kernel has none)"),
    };
    Guard::ALL.iter().map(says).collect::<Vec<_>>().join(", ")
}

/// Pins every library that scripts in the folder or `mops.toml` name, by its SHA-256 on this platform.
pub(crate) fn lock(project: &Project) -> Result<(), Failure> {
    let path = project.root.join(LOCK);
    let named = all_named(project)?;
    if named.is_empty() {
        anstream::println!("no script here names a plugin library, nor does mops.toml");
        return Ok(());
    }
    let before = Lock::read(&path).map_err(failure)?;
    let shelf = project.shelf().map_err(failure)?;
    let mut after = Lock::default();
    let mut wrong = Vec::new();
    for it in &named {
        match pin(project, it, &before, shelf) {
            Ok(pin) => after.pins.push(pin),
            Err(found) => wrong.push(found),
        }
    }
    if !wrong.is_empty() {
        let said: Vec<String> = wrong.into_iter().map(|it| failure(it).to_string()).collect();
        return Err(Failure::new(format!("nothing was pinned\n{}", said.join("\n"))));
    }
    after.pins.sort_by(|a, b| a.path.cmp(&b.path));
    for pin in &after.pins {
        anstream::println!("{}", change(before.pin(&pin.path), pin));
    }
    for gone in before.pins.iter().filter(|it| after.pin(&it.path).is_none()) {
        anstream::println!("- {} {}: nothing names it any more", gone.name, gone.path);
    }
    write(&path, &after.to_text()).map_err(|err| Failure::io("write", &path, &err))
}

/// What a pin changes, for people.
fn change(before: Option<&Pin>, after: &Pin) -> String {
    let here = platform();
    let digest = |pin: &Pin| pin.sha256.get(&here).cloned();
    let new = digest(after).unwrap_or_default();
    let sign = match before.and_then(digest) {
        None => "+",
        Some(old) if old == new => "=",
        Some(_) => "~",
    };
    format!("{} {} {} {}", styled(BOLD, sign), after.name, after.path, styled(DIM, &new))
}

/// The pin of a library as it is now; what is known of it on other platforms stays.
fn pin(project: &Project, named: &Named, before: &Lock, shelf: &Shelf) -> Result<Pin, Diagnostic> {
    let Open { sha256, child, .. } = shelf.open(&project.root, named)?;
    let mut registry = plugins::registry();
    let name = registry.add(Box::new(child))?.plugin.clone();
    plugins::is_called(named, None, &name)?;
    let known = before.pin(&named.written).filter(|it| it.name == name && it.abi == door::ABI);
    let mut digests: BTreeMap<String, String> = known.map_or_else(BTreeMap::new, |it| it.sha256.clone());
    digests.insert(platform(), sha256);
    Ok(Pin { name, path: named.written.clone(), abi: door::ABI, sha256: digests })
}

/// Every library that a script in the folder or `mops.toml` names, each once.
fn all_named(project: &Project) -> Result<Vec<Named>, Failure> {
    let mut all = Vec::new();
    for script in scripts(&project.root)? {
        let text = fs::read_to_string(&script).map_err(|err| Failure::io("read", &script, &err))?;
        all.extend(plugins::named(project, &libraries(&script.display().to_string(), &text)));
    }
    all.extend(plugins::named(project, &mops_eval::Libraries::default()));
    all.sort_by(|a, b| a.written.cmp(&b.written));
    all.dedup_by(|a, b| a.written == b.written);
    Ok(all)
}

fn scripts(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(root).map_err(|err| Failure::io("read", root, &err))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|err| Failure::io("read", root, &err))?.path();
        if path.extension().is_some_and(|it| it == "rhai") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes a crate that becomes the plugin `name`, in a folder of that name in `here`.
pub(crate) fn new(here: &Path, name: &Name, sdk: Option<&Path>) -> Result<(), Failure> {
    if name.as_str().starts_with(|it: char| it.is_ascii_digit()) {
        return Err(Failure::new(format!("no crate can be called `{name}`")).help("begin it with a letter"));
    }
    let folder = here.join(name.as_str());
    if folder.exists() {
        return Err(Failure::new(format!("{} is there already", folder.display()))
            .help("choose another name, or take it away"));
    }
    for (path, text) in scaffold::files(name, &scaffold::Sdk::find(sdk)?) {
        let path = folder.join(path);
        write(&path, &text).map_err(|err| Failure::io("write", &path, &err))?;
    }
    anstream::println!("made {}; next:", folder.display());
    anstream::println!("  cd {} && cargo test && cargo build --release", folder.display());
    Ok(())
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_added_extension("new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn failure(wrong: Diagnostic) -> Failure {
    let failure = Failure::new(wrong.message);
    match wrong.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}
