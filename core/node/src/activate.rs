//! Making a node use a closure.
//!
//! **Invariant:** until `current` is switched, whatever fails leaves no trace; after it, whatever fails is undone.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use mops_model::{Bindings, Closure, Name, Secrets};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Node, Objects,
    change::{Step, Steps},
    files::{make_folder, make_passage, remove, switch_link, within, write_new, write_private},
    fill::{self, Filled, FilledReload, Manifest},
    program, tree,
};

/// How many closures are kept, the current one among them.
const KEPT: usize = 3;
/// How long a closure is kept after another took its place: a daemon that was not told may remember where links led
/// (PHP's `realpath_cache_ttl`).
const RESTS: Duration = Duration::from_mins(10);

/// What an activation did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activated {
    /// Daemons that did not run before.
    pub started: Vec<Name>,
    /// Daemons that began anew.
    pub restarted: Vec<Name>,
    /// Daemons that took new files while they ran.
    pub reloaded: Vec<Name>,
    /// Daemons that are not part of the node any more.
    pub stopped: Vec<Name>,
}

/// A closure was refused, or did not come to life; the node serves what it served before.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize, Deserialize)]
#[error("{message}")]
pub struct ActivationError {
    /// What failed: one line.
    pub message: String,
    /// What the daemon or its checker said.
    pub detail: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// What was done on the way back, a line each.
    pub undone: Vec<String>,
}

impl Node {
    /// Makes the node use `closure`, with its holes filled from `bindings`, `secrets` and the facts of the node.
    ///
    /// # Errors
    /// When something is missing, a checker refuses, or a daemon does not become ready. Then the node is as it was.
    pub fn activate(
        &mut self,
        closure: &Closure,
        bindings: Bindings,
        objects: &dyn Objects,
        secrets: &dyn Secrets,
    ) -> Result<Activated, ActivationError> {
        self.notice().map_err(|err| ActivationError::world("the node", &err))?;
        let folder = self.next_folder().map_err(|err| ActivationError::world("the node", &err))?;
        let files = folder.join("files");
        let filled = fill::fill(&self.layout, &files, closure, bindings, objects, secrets)?;
        program::require(programs(&filled.manifest), &closure.packages)?;
        let steps = self.steps(&filled.manifest);
        if steps.is_empty() && self.manifest.as_ref().is_some_and(|it| it.is_like(&filled.manifest)) {
            return Ok(Activated::default());
        }
        let judged = self
            .write(&folder, &filled, objects)
            .map_err(|err| ActivationError::world("the new files", &err))
            .and_then(|()| self.check(&filled.manifest, &files))
            .and_then(|()| self.prepare(&steps, &files));
        let result = judged.and_then(|()| self.switch(&folder, filled.manifest, steps));
        match result {
            Ok(done) => {
                self.prune().map_err(|err| ActivationError::world("old closures", &err))?;
                Ok(done)
            }
            Err(mut err) => {
                if let Err(left) = remove(&folder) {
                    err.undone.push(format!("{} could not be removed: {left}", folder.display()));
                }
                Err(err)
            }
        }
    }

    /// Uses the closure in `folder`, or goes back.
    fn switch(
        &mut self,
        folder: &Path,
        wanted: Manifest,
        steps: Steps,
    ) -> Result<Activated, ActivationError> {
        let back = match fs::read_link(self.layout.current()) {
            Ok(target) => Some(target),
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(ActivationError::world("the current closure", &err)),
        };
        switch_link(&self.layout.current(), &relative(folder))
            .map_err(|err| ActivationError::world("the switch", &err))?;
        let surplus: Vec<Name> =
            self.running.keys().filter(|it| !wanted.daemons.contains_key(*it)).cloned().collect();
        let mut touched = BTreeMap::new();
        let carried = self
            .stop_these(surplus.iter().cloned().collect())
            .map_err(|err| ActivationError::world("the daemons that are not wanted any more", &err))
            .and_then(|()| self.carry_out(steps, &folder.join("files"), &mut touched));
        if let Err(mut err) = carried {
            err.undone = self.go_back(back.as_deref(), &touched);
            return Err(err);
        }
        for (name, daemon) in &wanted.daemons {
            self.running.get_mut(name).expect("it was started").daemon = daemon.clone();
        }
        self.manifest = Some(wanted);
        self.publish();
        let those = |step: Step| touched.iter().filter(|it| *it.1 == step).map(|it| it.0.clone()).collect();
        Ok(Activated {
            started: those(Step::Start),
            restarted: those(Step::Restart),
            reloaded: those(Step::Reload),
            stopped: surplus,
        })
    }

    /// Puts the old closure back and lets every daemon serve it again. Says what it did.
    fn go_back(&mut self, back: Option<&Path>, touched: &BTreeMap<Name, Step>) -> Vec<String> {
        let mut said = Vec::new();
        let mut note = |what: String, result: Result<(), String>| match result {
            Ok(()) => said.push(what),
            Err(err) => said.push(format!("{what}: failed: {err}")),
        };
        let link = self.layout.current();
        let switched = match back {
            Some(target) => switch_link(&link, target),
            None => remove(&link),
        };
        note("the old files are current again".to_owned(), switched.map_err(|err| err.to_string()));
        let begun = |step: &Step| matches!(step, Step::Start | Step::Restart);
        let stop = touched.iter().filter(|it| begun(it.1)).map(|it| it.0.clone()).collect();
        let stopped = self.stop_these(stop).map_err(|err| err.to_string());
        note("what the new files had started is stopped".to_owned(), stopped);
        let (Some(old), Some(target)) = (self.manifest.clone(), back) else {
            self.publish();
            return said;
        };
        let mut steps = self.steps(&old);
        for name in touched.iter().filter(|it| *it.1 == Step::Reload).map(|it| it.0) {
            // A reload that failed may have happened in part.
            steps.extend(old.daemons.get(name).map(|it| (name.clone(), (Step::Reload, it.clone()))));
        }
        let files = self.layout.root.join(target).join("files");
        let names: Vec<String> = steps.keys().map(|it| format!("`{it}`")).collect();
        if !names.is_empty() {
            let prepared = self.prepare(&steps, &files);
            let carried = prepared.and_then(|()| self.carry_out(steps, &files, &mut BTreeMap::new()));
            note(format!("{} as before", names.join(", ")), carried.map_err(|err| err.in_full()));
        }
        self.start();
        said
    }

    /// Writes the files and trees of a closure into its folder.
    fn write(&self, folder: &Path, filled: &Filled, objects: &dyn Objects) -> io::Result<()> {
        let account = self.layout.account.as_ref();
        let (files, trees) = (folder.join("files"), folder.join("trees"));
        for it in [folder, &files, &trees] {
            make_passage(it, account)?;
        }
        for (path, file) in &filled.files {
            let to = within(&files, path)?;
            let mut folders: Vec<&Path> = to.ancestors().skip(1).take_while(|it| *it != files).collect();
            folders.reverse();
            folders.into_iter().try_for_each(|it| make_passage(it, account))?;
            let mode = if file.executable { 0o700 } else { 0o600 };
            write_new(&to, file.text.as_bytes(), mode, account)?;
        }
        for (name, it) in &filled.trees {
            tree::lay_out(&self.layout.trees, it, &trees.join(name.as_str()), objects)?;
        }
        filled.directories.iter().try_for_each(|it| make_folder(it, account))?;
        write_private(&folder.join("node.json"), &serde_json::to_vec(&filled.manifest)?, account)
    }

    /// The folder of the next closure: its number was never used before.
    fn next_folder(&self) -> io::Result<PathBuf> {
        let file = self.layout.root.join("number");
        let last: u64 = match fs::read_to_string(&file) {
            Ok(text) => text.trim_end().parse().map_err(io::Error::other)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => 0,
            Err(err) => return Err(err),
        };
        write_private(&file, (last + 1).to_string().as_bytes(), self.layout.account.as_ref())?;
        Ok(self.layout.closures().join((last + 1).to_string()))
    }

    /// Removes closures that are older than the last few and have not been in use for a while.
    fn prune(&self) -> io::Result<()> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(self.layout.closures())? {
            let name = entry?.file_name();
            numbers.extend(name.to_str().and_then(|it| it.parse::<u64>().ok()));
        }
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let folder = |number: u64| self.layout.closures().join(number.to_string());
        for pair in numbers.windows(2).skip(KEPT - 1) {
            let [next, old] = [folder(pair[0]), folder(pair[1])];
            // A clock that was set back makes a folder younger than now: it is kept.
            let rested = fs::metadata(next)?.modified()?.elapsed().unwrap_or(Duration::ZERO);
            if rested > RESTS {
                remove(&old)?;
            }
        }
        Ok(())
    }
}

/// Every program that a closure runs.
fn programs(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.daemons.values().flat_map(|daemon| {
        let (prepare, commit) = match &daemon.reload {
            FilledReload::Commands { prepare, commit } => (prepare.as_ref(), Some(commit)),
            FilledReload::Restart | FilledReload::Signal(_) => (None, None),
        };
        let commands = [Some(&daemon.command), daemon.check.as_ref(), prepare, commit];
        // Programs of the closure itself and of its trees are not there before it is written.
        let words = commands.into_iter().flatten().filter_map(|it| it.first());
        words.map(String::as_str).filter(|it| !it.contains('/') || it.starts_with("/usr/"))
    })
}

/// The target of `current`, as it stands in the link.
fn relative(folder: &Path) -> PathBuf {
    Path::new("closures").join(folder.file_name().expect("a closure has a name"))
}

impl ActivationError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: None, help: None, undone: Vec::new() }
    }

    /// The machine refused something that was done for `what`.
    pub(crate) fn world(what: impl Display, err: &io::Error) -> Self {
        Self::new(format!("{what}: {err}"))
    }

    pub(crate) fn detail(self, detail: impl Into<String>) -> Self {
        self.maybe_detail(Some(detail.into()))
    }

    pub(crate) fn maybe_detail(mut self, detail: Option<String>) -> Self {
        self.detail = detail;
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Everything it says, as one text.
    pub(crate) fn in_full(&self) -> String {
        match &self.detail {
            Some(detail) => format!("{}\n{detail}", self.message),
            None => self.message.clone(),
        }
    }
}
