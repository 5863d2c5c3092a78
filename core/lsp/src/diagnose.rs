//! Diagnostics: scripts are evaluated on a thread of their own, the newest state of the buffers only.
//!
//! **Invariant:** evaluation is pure: nothing is planned or applied, no secret is fetched, no file is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, mpsc::Receiver},
};

use lsp_server::{Message, Notification};
use lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString,
    PublishDiagnosticsParams, Range,
    notification::{Notification as _, PublishDiagnostics},
};
use mops_eval::{
    Evaluated, Failed, Folder, InputFound, SourceError, SourceTexts, Sources, TokenKind, World, eval, tokens,
};
use mops_model::{Digest, Severity, SourceId};

use crate::{
    offered::{Known, Scripts, Workspace},
    text::{Text, uri_of},
};

/// The mistake of a file that is no script by itself.
const NO_SCRIPT: &str = "eval::site-missing";
/// The mistake that a plugin is not there, which follows when its library cannot be used.
const NO_PLUGIN: &str = "eval::unknown-module";

/// Buffers that changed.
pub(crate) struct Job {
    /// The file that changed, opened or closed.
    pub(crate) changed: PathBuf,
    /// Every open buffer.
    pub(crate) open: BTreeMap<PathBuf, String>,
    /// Whether files on the disk may have changed, too.
    pub(crate) disk: Disk,
}

/// Whether files on the disk may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disk {
    /// They may.
    Changed,
    /// They are as they were.
    Unchanged,
}

/// Evaluates and publishes until nobody sends jobs any more.
pub(crate) struct Worker<'a> {
    pub(crate) workspace: &'a dyn Workspace,
    pub(crate) scripts: &'a Mutex<Scripts>,
    pub(crate) send: &'a dyn Fn(Message),
    /// The files that each script read.
    pub(crate) read: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    pub(crate) folders: BTreeMap<PathBuf, Folder>,
    pub(crate) inputs: Mutex<BTreeMap<PathBuf, Result<InputFound, SourceError>>>,
}

/// Open buffers over a folder.
struct Overlay<'a> {
    root: &'a Path,
    open: &'a BTreeMap<PathBuf, String>,
    folder: &'a Folder,
    inputs: &'a Mutex<BTreeMap<PathBuf, Result<InputFound, SourceError>>>,
}

impl Sources for Overlay<'_> {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        match self.open.get(&self.root.join(path)) {
            Some(text) => Ok(text.clone()),
            None => self.folder.read(path),
        }
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        let key = self.root.join(path);
        if let Some(known) = self.inputs.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let found = self.folder.input(path);
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
        found
    }
}

impl Worker<'_> {
    /// Does what `jobs` ask, the newest for all that wait.
    pub(crate) fn work(mut self, jobs: &Receiver<Job>) {
        while let Ok(mut job) = jobs.recv() {
            let mut changed = BTreeSet::from([job.changed.clone()]);
            let mut disk = job.disk;
            while let Ok(newer) = jobs.try_recv() {
                changed.insert(newer.changed.clone());
                disk = if newer.disk == Disk::Changed { Disk::Changed } else { disk };
                job = newer;
            }
            if disk == Disk::Changed {
                self.inputs.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
            for script in self.affected(&changed, &job.open) {
                self.script(&script, &job.open);
            }
        }
    }

    /// The scripts that `changed` files are part of; a file that is part of none is taken for one.
    fn affected(&self, changed: &BTreeSet<PathBuf>, open: &BTreeMap<PathBuf, String>) -> BTreeSet<PathBuf> {
        let mut scripts = BTreeSet::new();
        for path in changed {
            let of_others = self.read.iter().filter(|(script, read)| read.contains(path) && *script != path);
            let of_others: Vec<PathBuf> = of_others.map(|(script, _)| script.clone()).collect();
            let is_script = open.get(path).is_none_or(|it| names_site(it));
            if is_script || of_others.is_empty() {
                scripts.insert(path.clone());
            }
            scripts.extend(of_others);
        }
        scripts
    }

    fn script(&mut self, script: &Path, open: &BTreeMap<PathBuf, String>) {
        let earlier = self.read.remove(script).unwrap_or_default();
        let mut told: BTreeMap<PathBuf, Vec<Diagnostic>> =
            earlier.into_iter().map(|path| (path, Vec::new())).collect();
        if let (true, Some((root, name))) = (open.contains_key(script), parts(script)) {
            let Failed { texts, diagnostics: found } = self.found(script, root, name, open);
            let is_script = texts.texts().next().is_none_or(|(_, _, text)| names_site(text));
            let found: Vec<_> = found.into_iter().filter(|it| is_script || it.code != NO_SCRIPT).collect();
            let files = Files::new(script, root, &texts, &found);
            self.read.insert(script.to_owned(), files.paths.values().cloned().collect());
            for path in files.paths.values() {
                told.entry(path.clone()).or_default();
            }
            for diagnostic in &found {
                let (path, it) = files.diagnostic(diagnostic);
                told.entry(path).or_default().push(it);
            }
        }
        for (path, diagnostics) in told {
            if let Some(uri) = uri_of(&path) {
                let params = PublishDiagnosticsParams { uri, diagnostics, version: None };
                (self.send)(Notification::new(PublishDiagnostics::METHOD.to_owned(), params).into());
            }
        }
    }

    /// What is wrong with `script`, or worth saying about it.
    fn found(&mut self, script: &Path, root: &Path, name: &str, open: &BTreeMap<PathBuf, String>) -> Failed {
        let around = self.workspace.around(script, open.get(script).map_or("", String::as_str));
        let world = around.world(self.workspace);
        let kept = self.scripts().offer(script, &world, self.workspace);
        let unkept = kept.err().map(|err| {
            let message = format!("pages in {} cannot be written: {err}", self.workspace.pages().display());
            mops_model::Diagnostic::error("eval::path", message)
        });
        let mut failed = match self.eval(root, name, open, &world) {
            Ok(Evaluated { site, texts, warnings }) => {
                let known = Known { site, texts: texts.clone(), root: root.to_owned() };
                self.scripts().learn(script, known);
                Failed { texts, diagnostics: warnings }
            }
            Err(failed) => failed,
        };
        // Which plugin a library would be is not known: any that is missing may be it.
        failed.diagnostics.retain(|it| around.wrong.is_empty() || it.code != NO_PLUGIN);
        failed.diagnostics.extend(around.wrong.into_iter().chain(unkept));
        failed
    }

    fn scripts(&self) -> MutexGuard<'_, Scripts> {
        // A panic while it was held is a bug that ends the program.
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn eval(
        &mut self,
        root: &Path,
        name: &str,
        open: &BTreeMap<PathBuf, String>,
        world: &World<'_>,
    ) -> Result<Evaluated, Failed> {
        if !self.folders.contains_key(root) {
            let digest = Digest::of(root.to_string_lossy().as_bytes());
            match Folder::open(root, &self.workspace.pages().join(format!("{digest}.json"))) {
                Ok(folder) => drop(self.folders.insert(root.to_owned(), folder)),
                Err(err) => {
                    let message = format!("{} cannot be read: {err}", root.display());
                    let found = mops_model::Diagnostic::error("eval::path", message);
                    return Err(Failed { diagnostics: vec![found], texts: SourceTexts::default() });
                }
            }
        }
        let overlay = Overlay { root, open, folder: &self.folders[root], inputs: &self.inputs };
        Ok(eval(name, &overlay, world)?)
    }
}

/// The folder and the name of a script.
fn parts(script: &Path) -> Option<(&Path, &str)> {
    Some((script.parent()?, script.file_name()?.to_str()?))
}

/// Whether a text calls `site`, as a script does and a file that scripts import does not.
fn names_site(text: &str) -> bool {
    let all = tokens(SourceId(0), text);
    all.windows(2)
        .any(|it| it[0].kind == TokenKind::Name && it[0].text(text) == "site" && it[1].text(text) == "(")
}

/// The files of one evaluation.
struct Files<'a> {
    script: &'a Path,
    /// Those that something is told about: a text is taken apart for its places only.
    texts: BTreeMap<SourceId, Text>,
    /// Those that are files, and not part of the standard library.
    paths: BTreeMap<SourceId, PathBuf>,
}

impl<'a> Files<'a> {
    fn new(script: &'a Path, root: &Path, texts: &SourceTexts, found: &[mops_model::Diagnostic]) -> Self {
        let told: BTreeSet<SourceId> =
            found.iter().flat_map(|it| &it.labels).map(|it| it.span.source).collect();
        let is_told = |it: &(SourceId, &str, &str)| told.contains(&it.0);
        let is_file = |it: &(SourceId, &str, &str)| !it.1.starts_with("std/");
        Self {
            script,
            texts: texts
                .texts()
                .filter(is_told)
                .map(|(id, _, text)| (id, Text::new(text.to_owned())))
                .collect(),
            paths: texts.texts().filter(is_file).map(|(id, path, _)| (id, root.join(path))).collect(),
        }
    }

    /// A diagnostic as an editor shows it, and the file it belongs to.
    fn diagnostic(&self, it: &mops_model::Diagnostic) -> (PathBuf, Diagnostic) {
        let first = it.labels.iter().position(|label| self.paths.contains_key(&label.span.source));
        let (path, range) = first
            .and_then(|at| self.place(it.labels[at].span))
            .unwrap_or_else(|| (self.script.to_owned(), Range::default()));
        let related = it.labels.iter().enumerate().filter(|(at, _)| Some(*at) != first);
        let related = related.filter_map(|(_, label)| {
            let (path, range) = self.place(label.span)?;
            let location = Location { uri: uri_of(&path)?, range };
            Some(DiagnosticRelatedInformation { location, message: label.text.clone() })
        });
        let help = it.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        let diagnostic = Diagnostic {
            range,
            severity: Some(match it.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
            }),
            code: Some(NumberOrString::String(it.code.clone())),
            source: Some("mops".to_owned()),
            message: format!("{}{help}", it.message),
            related_information: Some(related.collect()),
            ..Diagnostic::default()
        };
        (path, diagnostic)
    }

    fn place(&self, span: mops_model::Span) -> Option<(PathBuf, Range)> {
        Some((self.paths.get(&span.source)?.clone(), self.texts.get(&span.source)?.range(span)))
    }
}
