//! `mops script`, `mops plan` and `mops check`: the line from a script's text to what is.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use mops_eval::{Evaluated, Folder, SourceTexts};
use mops_lower::{Lowering, World};
use mops_model::{
    Address, Closure, Diagnostic, Digest, Entry, Input, InputKind, Listing, Missing, Name, Site, Sound,
};
use mops_plan::{Intent, Plan, Shown};
use mops_plugin::Registry;
use mops_store::Store;
use serde::Serialize;

use crate::{
    args,
    command::why::why,
    failure::Failure,
    line::{Consent, Line, Wanted, catalog, closing},
    outside::Outside,
    plugins::{LOCK, Plugins},
    project::Project,
    show::{self, diagnostic::say},
};

/// A script that was read, and what to draw its mistakes with.
pub(crate) struct Script<'a> {
    project: &'a Project,
    file: String,
    folder: Folder,
    registry: Registry,
    /// What `mops.lock` said about the libraries that are open.
    lock: Option<String>,
    parameters: BTreeMap<String, String>,
}

/// A script that was evaluated and lowered.
struct Lowered {
    evaluated: Evaluated,
    lowering: Lowering,
}

/// Whether pending changes decide what `mops plan` ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCodes {
    /// 0 whatever it found.
    Plain,
    /// 2 when something would change.
    Detailed,
}

/// How a plan is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Screen,
    /// As JSON.
    Json,
}

impl<'a> Script<'a> {
    /// Opens the script that `arguments` name; its folder is that of `project`.
    pub(crate) fn open(project: &'a Project, arguments: &args::Script) -> Result<Self, Failure> {
        let file = arguments.path.file_name().and_then(|it| it.to_str());
        let file = file
            .ok_or_else(|| Failure::new(format!("{} is no script", arguments.path.display())))?
            .to_owned();
        let cache = project.root.join(".mops").join("cache.json");
        let folder = Folder::open(&project.root, &cache).map_err(|err| Failure::io("read", &cache, &err))?;
        let mut parameters = project.parameters.clone();
        parameters.extend(arguments.parameters.iter().cloned());
        let Plugins { registry, lock, .. } = Plugins::of_script(project, &file, &folder).or_told(say)?;
        Ok(Self { project, file, folder, registry, lock, parameters })
    }

    /// Shows where the values of the options that `option` means come from.
    pub(crate) fn why(&self, option: &str) -> Result<(), Failure> {
        why(option, &self.evaluated()?.site, &self.registry)
    }

    /// Finds every mistake.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let evaluated = self.evaluated()?;
        let count = show::count(evaluated.site.calls.len(), "call");
        let (site, texts) = (evaluated.site.name.clone(), evaluated.texts.clone());
        self.lowered_without_secrets(evaluated)?;
        anstream::println!(
            "{site}: no mistakes in {} ({count} to plugins)",
            show::count(texts.texts().count(), "file")
        );
        Ok(())
    }

    /// Draws what it comes to, onto stdout or into the file `out`.
    pub(crate) fn graph(&self, picture: args::Picture, out: Option<&Path>) -> Result<(), Failure> {
        let lowered = self.lowered_without_secrets(self.evaluated()?)?;
        let environment = &self.project.environment.name;
        super::graph::graph(&lowered.evaluated.site, &lowered.lowering, environment, picture, out)
    }

    /// Shows what would change; returns what the program ends with.
    pub(crate) async fn plan(&self, outside: &Outside, form: Form, codes: ExitCodes) -> Result<u8, Failure> {
        let evaluated = self.evaluated()?;
        let line = Line::open(self.project, self.project.site(&evaluated.site.name), outside)?;
        let lowered = self.lower(evaluated, &line)?;
        let wanted = lowered.wanted();
        let planned = line.plan(&wanted, Intent::Apply).await?;
        match form {
            Form::Screen => anstream::println!("{}", line.show(&planned, &wanted)),
            Form::Json => print_json(&planned.plan, &wanted.closures)?,
        }
        match (codes, planned.plan.is_empty()) {
            (ExitCodes::Detailed, false) => Ok(2),
            (ExitCodes::Detailed, true) | (ExitCodes::Plain, _) => Ok(0),
        }
    }

    /// Makes the world as the script says. Resources in `may_delete` may be deleted or replaced although they hold data or are protected.
    pub(crate) async fn apply(
        &self,
        outside: &Outside,
        consent: Consent,
        may_delete: &[Address],
    ) -> Result<(), Failure> {
        let evaluated = self.evaluated()?;
        let mut line = Line::open(self.project, self.project.site(&evaluated.site.name), outside)?;
        let lowered = self.lower(evaluated, &line)?;
        let command = format!("script {}", self.file);
        let lease = line.site().lease(&format!("mops {command}"))?;
        let mut wanted = lowered.wanted();
        wanted.may_delete = may_delete.iter().cloned().collect();
        let planned = line.plan(&wanted, Intent::Apply).await?;
        anstream::println!("{}", line.show(&planned, &wanted));
        if planned.plan.is_empty() {
            return line.close(planned, wanted, &command).await;
        }
        Line::agreed(&planned, consent, "Apply?")?;
        line.make_store()?;
        self.keep_inputs(&lowered.evaluated, &line)?;
        wanted.sources = self.keep_sources(&lowered.evaluated.texts, &line)?;
        let began = Instant::now();
        let generation = line.apply(planned, wanted, &command).await?;
        anstream::println!("{}", closing(&generation, began));
        let authority = line.place().authority();
        for (name, value) in Line::outputs(&generation) {
            match name.strip_prefix("url.") {
                Some(_) => anstream::println!("  {value}\n    curl --cacert {} {value}", authority.display()),
                None => anstream::println!("  {name} = {value}"),
            }
        }
        drop(lease);
        Ok(())
    }

    fn evaluated(&self) -> Result<Evaluated, Failure> {
        let catalog = catalog();
        let world = mops_eval::World {
            manifests: self.registry.manifests().collect(),
            catalog: &catalog,
            parameters: self.parameters.clone(),
            environment: self.project.environment.name.clone(),
        };
        let outcome = mops_eval::eval(&self.file, &self.folder, &world);
        // Digests of files that did not change are found faster the next time; without them nothing is wrong.
        if let Err(err) = self.folder.remember() {
            anstream::eprintln!("note: digests of files are not remembered: {err}");
        }
        match outcome {
            Ok(evaluated) => {
                self.project.refuse_other(&self.file, &evaluated.site.name)?;
                say(&evaluated.warnings, &evaluated.texts);
                Ok(evaluated)
            }
            Err(wrong) => {
                Err(told(&self.with_those_of_plugins(wrong.diagnostics, wrong.sound), &wrong.texts))
            }
        }
    }

    /// `mistakes` of the script, and what plugins have against what is `sound` of it, in the order of the script.
    fn with_those_of_plugins(&self, mistakes: Vec<Diagnostic>, sound: Option<Box<Sound>>) -> Vec<Diagnostic> {
        let world =
            World { environment: &self.project.environment, catalog: &catalog(), secrets: &BTreeMap::new() };
        let more = sound.map(|it| mops_lower::mistakes(&it, &self.registry, &world));
        in_order(mistakes.into_iter().chain(more.into_iter().flatten()))
    }

    /// A secret's value is not needed to find mistakes or to draw: any version stands for it.
    fn lowered_without_secrets(&self, evaluated: Evaluated) -> Result<Lowered, Failure> {
        let versions = evaluated.site.secrets.keys().map(|it| (it.clone(), Digest::of(b""))).collect();
        self.lowered(evaluated, &versions)
    }

    fn lower(&self, evaluated: Evaluated, line: &Line<'_>) -> Result<Lowered, Failure> {
        match versions(&evaluated.site, line) {
            Ok(versions) => self.lowered(evaluated, &versions),
            Err(wrong) => {
                let sound = Sound { site: evaluated.site, missing: Missing::default() };
                let wrong = self.with_those_of_plugins(wrong, Some(Box::new(sound)));
                Err(told(&wrong, &evaluated.texts))
            }
        }
    }

    fn lowered(&self, evaluated: Evaluated, secrets: &BTreeMap<Name, Digest>) -> Result<Lowered, Failure> {
        let world = World { environment: &self.project.environment, catalog: &catalog(), secrets };
        match mops_lower::lower(&evaluated.site, &self.registry, &world) {
            Ok(lowering) => {
                say(&lowering.warnings, &evaluated.texts);
                Ok(Lowered { evaluated, lowering })
            }
            Err(wrong) => Err(told(&wrong, &evaluated.texts)),
        }
    }

    /// Puts the files that the script named into the store.
    fn keep_inputs(&self, evaluated: &Evaluated, line: &Line<'_>) -> Result<(), Failure> {
        let store = line.store()?;
        for input in &evaluated.site.inputs {
            let listing =
                evaluated.site.listings.get(&input.digest).filter(|_| input.kind == InputKind::Folder);
            if let Some(listing) = listing {
                self.keep_folder(input, listing, &**store)?;
            }
        }
        Ok(())
    }

    /// Puts the script, what it imports, and the digests of the libraries that were open into the store.
    fn keep_sources(
        &self,
        texts: &SourceTexts,
        line: &Line<'_>,
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        let store = line.store()?;
        let lock = self.lock.iter().map(|it| (LOCK, it.as_str()));
        let keep = |(path, text): (&str, &str)| {
            let digest = store.put(text.as_bytes()).map_err(|err| Failure::store(&err))?;
            Ok((path.to_owned(), digest))
        };
        texts.texts().map(|(_, path, text)| (path, text)).chain(lock).map(keep).collect()
    }

    fn keep_folder(&self, input: &Input, listing: &Listing, store: &dyn Store) -> Result<(), Failure> {
        for (path, entry) in &listing.0 {
            let Entry::File { digest, .. } = entry else { continue };
            if store.has(digest).map_err(|err| Failure::store(&err))? {
                continue;
            }
            let place = PathBuf::from(&input.path).join(path);
            let bytes =
                self.folder.bytes(&input.path, path).map_err(|err| Failure::io("read", &place, &err))?;
            let kept = store.put(&bytes).map_err(|err| Failure::store(&err))?;
            if kept != *digest {
                return Err(changed_meanwhile(&place));
            }
        }
        store.put(&listing.to_bytes()).map_err(|err| Failure::store(&err))?;
        Ok(())
    }
}

impl Lowered {
    fn wanted(&self) -> Wanted {
        wanted(&self.lowering, &self.evaluated.site)
    }
}

/// What `site` comes to, as something to plan.
pub(crate) fn wanted(lowering: &Lowering, site: &Site) -> Wanted {
    Wanted {
        graph: lowering.graph.clone(),
        closures: lowering.closures.clone(),
        objects: lowering.objects.clone(),
        outputs: lowering.outputs.clone(),
        origins: lowering.origins.clone(),
        moves: site.moves.clone(),
        ..Wanted::default()
    }
}

fn told(wrong: &[Diagnostic], texts: &SourceTexts) -> Failure {
    say(wrong, texts);
    Failure::told()
}

/// In the order of the source; what has no place comes last.
fn in_order(mistakes: impl Iterator<Item = Diagnostic>) -> Vec<Diagnostic> {
    let mut mistakes: Vec<Diagnostic> = mistakes.collect();
    let place = |it: &Diagnostic| it.labels.first().map(|label| (label.span.source, label.span.start));
    mistakes.sort_by_key(|it| (place(it).is_none(), place(it)));
    mistakes
}

/// The versions of the secrets that `site` uses.
///
/// # Errors
/// Every secret that has no value.
pub(crate) fn versions(site: &Site, line: &Line<'_>) -> Result<BTreeMap<Name, Digest>, Vec<Diagnostic>> {
    let mut versions = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, declared) in &site.secrets {
        match line.secrets().version(name) {
            Ok(version) => drop(versions.insert(name.clone(), version)),
            Err(err) => wrong.push(
                Diagnostic::error("secret::missing", format!("the secret `{name}` has no value"))
                    .at(declared.span, "used here")
                    .help(err.why),
            ),
        }
    }
    if wrong.is_empty() { Ok(versions) } else { Err(wrong) }
}

fn print_json(plan: &Plan, closures: &BTreeMap<Digest, Closure>) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Json<'a> {
        #[serde(flatten)]
        plan: &'a Plan,
        counts: mops_plan::Counts,
        // Those that changes name.
        closures: BTreeMap<String, &'a Closure>,
    }
    let named = |digest: &String| {
        let values = plan.changes.iter().flat_map(|it| &it.attributes).flat_map(|it| [&it.old, &it.new]);
        values.flatten().any(|it| matches!(it, Shown::Known(value) if value.as_text() == Some(digest)))
    };
    let closures = closures.iter().map(|(digest, it)| (digest.to_string(), it)).filter(|(it, _)| named(it));
    show::json(&Json { plan, counts: plan.counts(), closures: closures.collect() })
}

fn changed_meanwhile(path: &Path) -> Failure {
    Failure::new(format!("{} changed while it was read", path.display()))
        .help("run it again when nobody writes to it")
}
