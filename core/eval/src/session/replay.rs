//! Evaluates a session's text: everything before, and the latest input.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use mops_model::{Catalog, Diagnostic, Name, Site, SourceId};
use rhai::{ASTNode, Dynamic, Engine, Scope, Stmt};

use super::{
    Answer, Interrupt,
    joined::{BEGINS, Joined, Piece, joined},
    print,
};
use crate::{
    Failed, InputFound, STACK, SourceError, SourceTexts, Sources,
    chain::Watch,
    engine, finish,
    load::Loader,
    marks::Placing,
    refused,
    resolve::{self, Files},
    run::{Run, State},
    sources::{Reader, answer, folder_of},
    table::Table,
};

/// Seconds after which an evaluation is ended, whatever it counts.
const DEADLINE: Duration = Duration::from_secs(30);
/// What only a whole script must have.
const ONLY_WHOLE: [&str; 2] = ["eval::site-missing", "eval::unknown-parameter"];

/// What a session's text is evaluated with.
pub(super) struct Replay<'a> {
    pub(super) table: &'a Table,
    pub(super) catalog: &'a Catalog,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) environment: &'a Name,
    pub(super) sources: &'a dyn Sources,
    pub(super) interrupt: &'a Interrupt,
    /// The path that the text goes by: its folder is what paths are relative to.
    pub(super) script: &'a str,
}

/// What came of it.
pub(super) enum Outcome {
    Right(Answer, Box<Seen>),
    Wrong(Failed),
    Interrupted,
}

/// What a session's text declares.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) site: Option<Site>,
    /// The joined text and what it imports.
    pub(super) texts: SourceTexts,
    /// What was named, and the kind of each.
    pub(super) names: BTreeSet<(&'static str, String)>,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) functions: Vec<ScriptFunction>,
    /// The names of Rhai's own functions.
    pub(super) natives: BTreeSet<String>,
}

/// A variable of the session.
pub(super) struct Variable {
    /// What kind of value it holds, with its article.
    pub(super) kind: String,
    /// What can stand after a dot.
    pub(super) properties: Vec<String>,
}

/// A function of the session's own.
pub(super) struct ScriptFunction {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    /// The comment before it.
    pub(super) doc: String,
}

/// What the latest input did.
#[derive(Clone)]
struct Latest(Arc<Mutex<Said>>);

struct Said {
    printed: Vec<String>,
    began: Instant,
}

/// What the thread that evaluates hands back.
struct Evaluated {
    state: State,
    took: Duration,
    site: Option<Site>,
    value: Option<(Option<String>, String)>,
    seen: Seen,
}

/// The joined text in the place of the script.
struct Growing<'a> {
    path: &'a str,
    text: &'a str,
    sources: &'a dyn Sources,
}

impl Sources for Growing<'_> {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        match path == self.path {
            true => Ok(self.text.to_owned()),
            false => self.sources.read(path),
        }
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        self.sources.input(path)
    }
}

impl Latest {
    fn get(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replay<'_> {
    /// Evaluates `pieces`; the last of them is the latest input.
    pub(super) fn run(&self, pieces: &[Piece]) -> Outcome {
        let joined = joined(pieces);
        let (reader, questions) = Reader::new();
        let run = Arc::new(Run {
            table: self.table.clone(),
            catalog: self.catalog.clone(),
            parameters: self.parameters.clone(),
            environment: self.environment.clone(),
            reader,
            folder: folder_of(self.script).to_owned(),
            script: self.script.to_owned(),
            watch: Watch::Off,
            placing: Placing::default(),
            state: Mutex::default(),
        });
        self.interrupt.forget();
        let latest = Latest(Arc::new(Mutex::new(Said { printed: Vec::new(), began: Instant::now() })));
        let sources = Growing { path: self.script, text: &joined.text, sources: self.sources };
        let (path, watched, said) = (self.script.to_owned(), self.interrupt.clone(), latest.clone());
        let parts = joined.parts.clone();
        let thread = thread::Builder::new()
            .name("eval".to_owned())
            .stack_size(STACK)
            .spawn(move || evaluate(&run, &path, parts, &watched, &said));
        let evaluated = match thread {
            Ok(thread) => {
                answer(&questions, &sources);
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
            Err(err) => {
                let found =
                    Diagnostic::error("eval::limit-thread", format!("no thread can be started: {err}"));
                let diagnostics = vec![found.help("free some memory")];
                return Outcome::Wrong(Failed { diagnostics, texts: SourceTexts::default() });
            }
        };
        match self.interrupt.is_requested() {
            true => Outcome::Interrupted,
            false => outcome(evaluated, &joined, &latest),
        }
    }
}

fn outcome(evaluated: Evaluated, joined: &Joined, latest: &Latest) -> Outcome {
    let Evaluated { state, took, site, value, mut seen } = evaluated;
    let has_errors = |found: &[Diagnostic]| found.iter().any(Diagnostic::is_error);
    let texts = state.texts;
    let mut found = state.findings.into_sorted();
    found.retain(|it| !ONLY_WHOLE.contains(&it.code.as_str()));
    let (Some((value, kind)), false) = (value, has_errors(&found)) else {
        let (diagnostics, texts) = texts.apart(found);
        return Outcome::Wrong(Failed { diagnostics, texts });
    };
    // What earlier inputs had to say was said then.
    let begins = joined.parts.last().map_or(0, |it| it.range.start);
    found.retain(|it| {
        it.labels.first().is_none_or(|it| it.span.source != SourceId(0) || it.span.start as usize >= begins)
    });
    let (warnings, apart) = texts.apart(found);
    seen.site = site;
    seen.texts = texts;
    let printed = std::mem::take(&mut latest.get().printed);
    Outcome::Right(Answer { value, kind, printed, warnings, texts: apart, took }, Box::new(seen))
}

fn evaluate(
    run: &Arc<Run>,
    path: &str,
    parts: Vec<crate::texts::Part>,
    interrupt: &Interrupt,
    latest: &Latest,
) -> Evaluated {
    crate::fix_names();
    let mut engine = engine::engine(run);
    watch(&mut engine, interrupt, latest);
    let natives = engine::natives(&engine, run);
    let mut loader = Loader::new(run, &mut engine, natives);
    loader.load(path, None);
    let Loader { files, stubs, missing_variables, mut has_syntax_errors, mut natives, .. } = loader;
    natives.remove(BEGINS);
    run.state().texts.divide(SourceId(0), parts);
    let mut seen = Seen { natives, ..Seen::default() };
    if let Some(tree) = files.get(path) {
        has_syntax_errors |= returns(run, tree);
        seen.functions = functions(tree);
    }
    let (mut site, mut value, mut took) = (None, None, Duration::ZERO);
    if !has_syntax_errors {
        engine::offer(&mut engine, run, &stubs);
        let files = Files { trees: files, stubs: stubs.files };
        let mut scope = Scope::new();
        let ended = resolve::answer(engine, run, path, files, missing_variables, &mut scope);
        let mut state = run.state();
        match ended {
            Ok((given, end)) => {
                took = end.saturating_duration_since(latest.get().began);
                value = Some((print::print(&given), print::kind(&given)));
                seen.names = state.declared.names.keys().cloned().collect();
                seen.variables = variables(&scope, &run.catalog);
                let finished = finish::finish(run, &mut state);
                site = (!finished.missing.site).then_some(finished.site);
            }
            Err(err) => refused::ended(run, &mut state, &err, path),
        }
    }
    let state = std::mem::take(&mut *run.state());
    Evaluated { state, took, site, value, seen }
}

/// Lets the session hear what the latest input prints, and lets a person end it.
fn watch(engine: &mut Engine, interrupt: &Interrupt, latest: &Latest) {
    let said = latest.clone();
    engine.register_fn(BEGINS, move || {
        *said.get() = Said { printed: Vec::new(), began: Instant::now() };
    });
    let said = latest.clone();
    engine.on_print(move |text| said.get().printed.push(text.to_owned()));
    let said = latest.clone();
    engine.on_debug(move |text, _, _| said.get().printed.push(text.to_owned()));
    let (interrupt, start) = (interrupt.clone(), Instant::now());
    engine.on_progress(move |count| {
        let is_over = || interrupt.is_requested() || start.elapsed() > DEADLINE;
        (count.trailing_zeros() >= 12 && is_over()).then(|| Dynamic::from("deadline"))
    });
}

/// Whether something returns outside every function: what comes after it would never run.
fn returns(run: &Run, tree: &rhai::AST) -> bool {
    let mut places = Vec::new();
    tree.clone_statements_only().walk(&mut |path: &[ASTNode<'_>]| {
        if let Some(ASTNode::Stmt(Stmt::Return(_, _, at))) = path.last() {
            places.push(*at);
        }
        true
    });
    let mut state = run.state();
    for at in &places {
        let span = state.at(SourceId(0), *at);
        // `throw` is the same statement to Rhai; it ends an input as a mistake does.
        if state.texts.slice(span) == "return" {
            let found = Diagnostic::error("eval::syntax", "`return` has nothing to return from here");
            state.findings.push(found.at(span, "outside a function").help("take it away, or use `if`"));
        }
    }
    state.findings.has_errors() && !places.is_empty()
}

fn functions(tree: &rhai::AST) -> Vec<ScriptFunction> {
    let own = tree.iter_functions().filter(|it| !it.name.starts_with("anon$"));
    own.map(|it| ScriptFunction {
        name: it.name.to_owned(),
        parameters: it.params.iter().map(ToString::to_string).collect(),
        doc: it.comments.iter().map(|it| it.trim_start_matches("///").trim()).collect::<Vec<_>>().join("\n"),
    })
    .collect()
}

fn variables(scope: &Scope<'_>, catalog: &Catalog) -> BTreeMap<String, Variable> {
    let variable = |(name, _, value): (&str, bool, Dynamic)| {
        let properties = print::properties(&value, catalog);
        (name.to_owned(), Variable { kind: print::kind(&value), properties })
    };
    scope.iter().map(variable).collect()
}
