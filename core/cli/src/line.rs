//! From what is wanted to what is: refresh, plan, show, ask, apply, record. The same for a script, a rollback and a
//! destruction; they differ in where the wanted side comes from.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Instant,
};

use mops_apply::{Applied, Cancellation, End, Refused, World};
use mops_local::{Local, Place};
use mops_model::{
    Address, Catalog, Closure, Digest, Generation, Graph, Move, Name, ProviderName, Secrets, State, Text,
    Value,
};
use mops_plan::{Closures, Intent, Plan, Situation};
use mops_store::{Directory, Entry, PublishError, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    ask::{Answer, ask},
    failure::Failure,
    outside::Outside,
    ports::Stored,
    project::{Project, SiteFolder},
    show::{self, DIM, plan::View, progress::Progress, styled},
};

/// What should be, wherever it comes from.
#[derive(Default)]
pub(crate) struct Wanted {
    /// The resources that should exist.
    pub(crate) graph: Graph,
    /// The closures that the graph names.
    pub(crate) closures: BTreeMap<Digest, Closure>,
    /// Rendered files that may not be in the store yet.
    pub(crate) objects: BTreeMap<Digest, Vec<u8>>,
    /// What to show afterwards.
    pub(crate) outputs: BTreeMap<String, Value>,
    /// The source texts it came from, by path.
    pub(crate) sources: BTreeMap<String, Digest>,
    /// Where each file and daemon was asked for.
    pub(crate) origins: BTreeMap<String, String>,
    /// Resources that have a new address.
    pub(crate) moves: Vec<Move>,
    /// What a person named to be deleted or replaced although it holds data or is protected.
    pub(crate) may_delete: BTreeSet<Address>,
}

/// One site in one environment, opened.
pub(crate) struct Line<'a> {
    project: &'a Project,
    site: SiteFolder,
    place: Place,
    store: Option<Arc<Directory>>,
    secrets: Arc<dyn Secrets>,
    catalog: Catalog,
}

/// A plan, and what it was made from.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    closures: Closures,
    state: State,
    head: Option<Entry>,
}

/// Whether a plan may be carried out without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// `--yes`.
    Given,
    /// A person is asked.
    Asked,
}

impl Planned {
    /// Whether a node that should run does not.
    fn starts_what_is_down(&self) -> bool {
        self.plan.changes.iter().any(|it| it.attributes.iter().any(|it| it.name == "running"))
    }
}

impl<'a> Line<'a> {
    /// Opens `site` of `project`. Nothing is made: a site that was never applied has no store.
    pub(crate) fn open(project: &'a Project, site: SiteFolder, outside: &Outside) -> Result<Self, Failure> {
        site.refuse_others()?;
        let place = outside.place(&site)?;
        let store = site.path.exists().then(|| site.store()).transpose()?.map(Arc::new);
        let secrets = Arc::new(outside.secrets(&site, &place)?);
        Ok(Self { project, site, place, store, secrets, catalog: catalog() })
    }

    /// The secrets of the site.
    pub(crate) fn secrets(&self) -> &dyn Secrets {
        &*self.secrets
    }

    /// Where the site lives.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The site's folder.
    pub(crate) fn site(&self) -> &SiteFolder {
        &self.site
    }

    /// The environment it is in.
    pub(crate) fn environment(&self) -> &Name {
        &self.project.environment.name
    }

    /// What an unfinished run was doing, by address.
    pub(crate) fn unfinished(&self) -> Result<BTreeMap<String, String>, Failure> {
        let resumed = mops_apply::resume(State::default(), &self.journal()?)
            .map_err(|err| Failure::new(err.to_string()))?;
        Ok(resumed.unfinished.iter().map(|it| (it.address.to_string(), it.operation.to_string())).collect())
    }

    /// Nothing that is protected is destroyed.
    pub(crate) fn refuse_if_protected(&self) -> Result<(), Failure> {
        match self.project.environment.protect {
            true => Err(Failure::new(format!("the environment `{}` is protected", self.environment()))
                .help("take `protect = true` out of mops.toml first")),
            false => Ok(()),
        }
    }

    /// The newest generation.
    pub(crate) fn head(&self) -> Result<Option<Entry>, Failure> {
        match &self.store {
            Some(store) => mops_store::latest(&**store).map_err(|err| Failure::store(&err)),
            None => Ok(None),
        }
    }

    /// The store of a site that has one.
    pub(crate) fn store(&self) -> Result<&Arc<Directory>, Failure> {
        self.store
            .as_ref()
            .ok_or_else(|| Failure::new(format!("the site `{}` was never applied", self.site.name)))
    }

    /// Makes the site's folder and store, if they are not there.
    pub(crate) fn make_store(&mut self) -> Result<(), Failure> {
        self.store = Some(Arc::new(self.site.store()?));
        Ok(())
    }

    /// Compares `wanted` with what exists.
    pub(crate) async fn plan(&self, wanted: &Wanted, intent: Intent) -> Result<Planned, Failure> {
        let head = self.head()?;
        let recorded = head.as_ref().map(|it| it.generation.state.clone()).unwrap_or_default();
        let resumed =
            mops_apply::resume(recorded, &self.journal()?).map_err(|err| Failure::new(err.to_string()))?;
        let provider = self.provider();
        let state = mops_apply::refresh(resumed, &wanted.graph, &*provider)
            .await
            .map_err(|err| Failure::refused(&err))?;
        let closures = self.closures(wanted, &state)?;
        let situation = Situation {
            catalog: &self.catalog,
            closures: &closures,
            moves: &wanted.moves,
            intent,
            may_delete: &wanted.may_delete,
        };
        let plan = mops_plan::plan(&wanted.graph, &state, &situation);
        Ok(Planned { plan, closures, state, head })
    }

    /// Where it is: site, environment, provider, generation.
    pub(crate) fn whereabouts(&self, head: Option<&Entry>) -> String {
        let provider = match self.project.environment.provider {
            ProviderName::Local => "this machine",
        };
        let generation = head.map_or_else(
            || "no generation yet".to_owned(),
            |it| format!("generation {}", it.generation.number),
        );
        let environment = &self.project.environment.name;
        styled(show::BOLD, format!("{} · {environment} · {provider} · {generation}", self.site.name))
    }

    /// The plan on a screen.
    pub(crate) fn show(&self, planned: &Planned, wanted: &Wanted) -> String {
        let texts = |digest: &Digest| self.text(digest, wanted);
        let view = View { closures: &planned.closures, texts: &texts, origins: &wanted.origins };
        let verdict = match (planned.state.resources.is_empty(), planned.plan.is_empty()) {
            (true, false) => "a new site: nobody uses it yet",
            (_, _) if planned.starts_what_is_down() => "something that should run does not; this starts it",
            (_, _) => &planned.plan.verdict.line,
        };
        let mut lines = vec![self.whereabouts(planned.head.as_ref()), capitalised(verdict) + "."];
        if let Some(address) = &planned.plan.verdict.last_way_back {
            lines.push(format!("There is no way back once {address} is changed."));
        }
        lines.push(String::new());
        lines.push(show::plan::plan(&planned.plan, &view));
        lines.join("\n")
    }

    /// Closes the journal of an earlier run, when nothing is left to do: what it did is recorded. It may have been cut off
    /// in the middle, or after its last change and before its generation.
    pub(crate) async fn close(&self, planned: Planned, wanted: Wanted, command: &str) -> Result<(), Failure> {
        if self.journal()?.is_empty() {
            return Ok(());
        }
        let store = self.store()?;
        let is_recorded = planned.head.as_ref().is_some_and(|it| it.generation.state == planned.state);
        match is_recorded {
            true => store.journal_clear().map_err(|err| Failure::store(&err)),
            false => self.apply(planned, wanted, command).await.map(drop),
        }
    }

    /// Whether to go on: the plan is allowed, and somebody agrees.
    pub(crate) fn agreed(planned: &Planned, consent: Consent, question: &str) -> Result<(), Failure> {
        if let Some(refusal) = planned.plan.refused.first() {
            return Err(
                Failure::new(format!("{}: {}", refusal.address, refusal.why)).help(refusal.help.clone())
            );
        }
        if consent == Consent::Given {
            return Ok(());
        }
        match ask(question).map_err(|err| Failure::new(format!("cannot ask: {err}")))? {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::new("nothing was changed")),
            Answer::Nobody => {
                Err(Failure::new("changes are pending and nobody can be asked")
                    .help("add --yes to apply them"))
            }
        }
    }

    /// Carries out a plan and records the generation that comes of it.
    pub(crate) async fn apply(
        &self,
        planned: Planned,
        wanted: Wanted,
        command: &str,
    ) -> Result<Generation, Failure> {
        let cancellation = Cancellation::default();
        let signals =
            Signals::listen().map_err(|err| Failure::new(format!("cannot listen to signals: {err}")))?;
        let code = Arc::new(AtomicU8::new(Failure::CANCELLED));
        let signal = tokio::spawn(signals.cancel(cancellation.clone(), code.clone()));
        let store = self.store()?;
        self.keep(&wanted)?;
        let stored = Stored(store.clone());
        let progress = Progress::new();
        let world = World { provider: self.provider(), journal: &stored, observer: &progress, cancellation };
        let applied = mops_apply::apply(&planned.plan, planned.state, &wanted.graph, &world).await;
        signal.abort();
        self.complete(&applied, code.load(Ordering::SeqCst))?;
        let parent = planned.head.as_ref();
        let generation = Generation {
            number: parent.map_or(0, |it| it.generation.number) + 1,
            parent: parent.map(|it| it.digest),
            site: self.site.name.clone(),
            graph: wanted.graph,
            state: applied.state,
            closures: wanted.closures.into_keys().collect(),
            sources: wanted.sources,
            outputs: wanted.outputs,
        };
        mops_store::publish(&**store, &generation, Outside::now(), &Outside::who(), command)
            .map_err(published)?;
        store.journal_clear().map_err(|err| Failure::store(&err))?;
        Ok(generation)
    }

    /// What a generation shows, with the outputs of its state filled in.
    pub(crate) fn outputs(generation: &Generation) -> BTreeMap<String, String> {
        let shown = |value: &Value| match value {
            Value::Text(text) => filled(text, &generation.state),
            other => serde_json::to_string(other).unwrap_or_else(|err| err.to_string()),
        };
        generation.outputs.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
    }

    fn provider(&self) -> Arc<dyn mops_apply::Provider> {
        match self.project.environment.provider {
            ProviderName::Local => {
                let objects: Arc<dyn mops_apply::Objects> = match &self.store {
                    Some(store) => Arc::new(Stored(store.clone())),
                    None => Arc::new(Nothing),
                };
                Arc::new(Local::new(
                    self.place.clone(),
                    objects,
                    self.secrets.clone(),
                    Outside::now().unsigned_abs(),
                ))
            }
        }
    }

    /// What runs since the newest generation have done.
    fn journal(&self) -> Result<Vec<Vec<u8>>, Failure> {
        match &self.store {
            Some(store) => store.journal_read().map_err(|err| Failure::store(&err)),
            None => Ok(Vec::new()),
        }
    }

    /// Puts everything that the wanted side names into the store, before the first intent.
    fn keep(&self, wanted: &Wanted) -> Result<(), Failure> {
        let store = self.store()?;
        let closures =
            wanted.closures.values().map(|it| serde_json::to_vec(it).expect("a closure serializes"));
        for bytes in wanted.objects.values().cloned().chain(closures) {
            store.put(&bytes).map_err(|err| Failure::store(&err))?;
        }
        Ok(())
    }

    /// The closures of the wanted side and of what exists.
    fn closures(&self, wanted: &Wanted, state: &State) -> Result<Closures, Failure> {
        let mut closures = wanted.closures.clone();
        let named = state
            .resources
            .values()
            .filter_map(|it| it.inputs.get("closure")?.as_text()?.parse::<Digest>().ok());
        for digest in named {
            let Some(store) = self.store.as_ref().filter(|_| !closures.contains_key(&digest)) else {
                continue;
            };
            let bytes = store.get(&digest).map_err(|err| Failure::store(&err))?;
            let closure = serde_json::from_slice(&bytes).map_err(|err| {
                Failure::new(format!("the closure {} cannot be read: {err}", digest.short()))
            })?;
            closures.insert(digest, closure);
        }
        Ok(Closures(closures))
    }

    fn text(&self, digest: &Digest, wanted: &Wanted) -> Option<Text> {
        let bytes = match wanted.objects.get(digest) {
            Some(bytes) => bytes.clone(),
            None => self.store.as_ref()?.get(digest).ok()?,
        };
        serde_json::from_slice(&bytes).ok()
    }

    /// What customers get right now, in a few words.
    fn customers(&self) -> &'static str {
        let is_well = |it: &mops_node::DaemonStatus| it.state == mops_node::DaemonState::Ready;
        match mops_local::status(&self.place) {
            Ok(it) if it.nodes.is_empty() => "nothing runs yet",
            Ok(it) if it.nodes.values().all(|it| !it.is_empty() && it.values().all(is_well)) => {
                "customers get what they got before"
            }
            Ok(_) | Err(_) => "not everything runs: `mops status` says what",
        }
    }

    fn complete(&self, applied: &Applied, code: u8) -> Result<(), Failure> {
        let done = format!("{} done, {} not begun", applied.done.len(), applied.skipped.len());
        let next = "the next run goes on from here; `mops status` says how it is";
        match &applied.end {
            End::Complete => Ok(()),
            End::Cancelled => Err(Failure::new(format!("cancelled: {done}")).help(next).code(code)),
            End::Unrecorded(why) => {
                Err(Failure::new(format!("the journal cannot be written: {why}")).help(next))
            }
            End::Failed => Err(failed(&applied.failed, &done, self.customers())),
        }
    }
}

/// A store that was never made.
struct Nothing;

impl mops_apply::Objects for Nothing {
    fn get(&self, digest: &Digest) -> std::io::Result<Vec<u8>> {
        Err(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            format!("object {} was never kept", digest.short()),
        ))
    }
}

/// Every resource type that is known.
pub(crate) fn catalog() -> Catalog {
    mops_local::catalog()
}

/// Ctrl-C and SIGTERM, which have another meaning from the moment this is made.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Asks a run to stop at the first signal: what has begun is finished. The second ends the program at once; the
    /// journal is complete at any instant.
    async fn cancel(mut self, cancellation: Cancellation, ends_with: Arc<AtomicU8>) {
        let code = self.next().await;
        ends_with.store(code, Ordering::SeqCst);
        cancellation.request();
        anstream::eprintln!(
            "stopping: what has begun is finished; once more ends it at once, and the next run goes on"
        );
        self.next().await;
        // The person insists; intents are on disk.
        std::process::exit(code.into());
    }

    /// Waits for a signal; what the program ends with because of it.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => Failure::CANCELLED,
            _ = self.terminate.recv() => Failure::TERMINATED,
        }
    }
}

fn failed(failed: &[(Address, Refused)], done: &str, customers: &str) -> Failure {
    let mut detail = Vec::new();
    for (address, refused) in failed {
        detail.push(format!("{address}: {}", refused.message));
        detail.extend(refused.detail.iter().map(|it| it.trim_end().to_owned()));
        detail.extend(refused.help.iter().map(|it| format!("help: {it}")));
    }
    Failure::new(format!("not everything could be done: {done}; {customers}"))
        .detail(detail.join("\n"))
        .help("mend it and run the same command again: it goes on from here")
}

fn published(err: PublishError) -> Failure {
    match err {
        PublishError::Moved { .. } => Failure::new("someone else recorded a generation meanwhile")
            .help("run it again: it begins from what they made")
            .code(Failure::MOVED),
        PublishError::Store(err) => Failure::store(&err),
    }
}

/// A text with outputs of `state` filled in.
fn filled(text: &Text, state: &State) -> String {
    let mut out = String::new();
    for part in text.parts() {
        match part {
            mops_model::Part::Literal(text) => out.push_str(text),
            mops_model::Part::Hole(hole) => match &hole.source {
                mops_model::Source::Output { address, attribute } => {
                    let known =
                        state.output(address, attribute).and_then(|it| it.as_text().map(str::to_owned));
                    out.push_str(&known.unwrap_or_else(|| format!("‹{}›", hole.source)));
                }
                other => out.extend(["‹", &other.to_string(), "›"]),
            },
            mops_model::Part::Each(each) => out.extend(["‹each ", each.role.as_str(), "›"]),
        }
    }
    out
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The line that closes a command which changed something, and began at `began`.
pub(crate) fn closing(generation: &Generation, began: Instant) -> String {
    let took = began.elapsed().as_secs_f32();
    styled(DIM, format!("generation {} of {}, in {took:.1} s", generation.number, generation.site))
}
