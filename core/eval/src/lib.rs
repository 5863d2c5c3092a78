//! Script text in, [`Site`] out, with the place of everything. The only crate that knows Rhai.
//!
//! A script is read and checked as a whole, then it runs; what is wrong is collected on both ways and told at once, in
//! the order of the source, each mistake once and none that follows from another.
//!
//! **Invariant:** evaluation is pure and bounded. It reads through [`Sources`] only; the same script, sources and
//! [`World`] give the same site.
//! **Invariant:** no type of Rhai is in the public interface.

mod chain;
mod check;
mod declare;
mod engine;
mod findings;
mod finish;
mod folder;
mod format;
mod functions;
mod given;
mod handle;
mod lexer;
mod library;
mod literal;
mod load;
mod marks;
mod meaning;
mod offers;
mod origin;
mod plain;
mod plugins;
mod refused;
mod resolve;
mod run;
mod session;
mod sources;
mod stat_cache;
mod syntax;
mod table;
mod texts;

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{Arc, Mutex},
    thread,
};

use mops_model::{Catalog, Diagnostic, Name, Site, Sound};
use mops_plugin::Manifest;

pub use folder::Folder;
pub use format::format;
pub use functions::functions;
pub use lexer::{Token, TokenKind, is_keyword, tokens};
pub use library::library;
pub use meaning::same_meaning;
pub use offers::{
    Called, Candidate, CandidateKind, Completion, Cursor, Declared, Named, Offers, Wanted, complete,
    described, signature_of,
};
pub use plugins::{Libraries, NamedLibrary, libraries};
pub use session::{Answer, Fed, Interrupt, Session, is_incomplete};
pub use sources::{InputFound, SourceError, Sources};
pub use texts::SourceTexts;

use crate::{
    chain::Watch,
    load::Loader,
    marks::Placing,
    resolve::Files,
    run::{Run, State},
    sources::{Reader, answer, folder_of},
    table::Table,
};

/// What a script may know besides its own text.
#[derive(Clone)]
pub struct World<'a> {
    /// What the plugins offer.
    pub manifests: Vec<&'a Manifest>,
    /// Every resource type that can be declared.
    pub catalog: &'a Catalog,
    /// Values for `param`, from `--set` and mops.toml, by name.
    pub parameters: BTreeMap<String, String>,
    /// The environment's name, as `environment()` returns it.
    pub environment: Name,
}

/// A script that is right.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// What it declares.
    pub site: Site,
    /// What was read.
    pub texts: SourceTexts,
    /// What is worth saying.
    pub warnings: Vec<Diagnostic>,
}

/// A script that is wrong.
#[derive(Clone, Debug)]
pub struct Failed {
    /// All its mistakes, in the order of the source; those without a place come last.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read.
    pub texts: SourceTexts,
}

/// A script that is wrong, and what is sound of it nevertheless.
#[derive(Clone, Debug)]
pub struct Wrong {
    /// All its mistakes, in the order of the source; those without a place come last.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read.
    pub texts: SourceTexts,
    /// What plugins can be asked about; nothing where the text could not even be read.
    pub sound: Option<Box<Sound>>,
}

impl From<Wrong> for Failed {
    fn from(wrong: Wrong) -> Self {
        Self { diagnostics: wrong.diagnostics, texts: wrong.texts }
    }
}

/// The stack of the thread that evaluates: 512 calls deep fit in a debug build too. Only what is used is taken.
const STACK: usize = 256 << 20;
/// What Rhai names closures by, so that their names are the same in every run.
const SEED: [u64; 4] = [0x6d, 0x6f, 0x70, 0x73];

/// Evaluates the script at `script`, a path relative to the root of `sources`.
///
/// # Errors
/// Everything that is wrong with the script.
///
/// # Panics
/// When evaluation has a bug.
pub fn eval(script: &str, sources: &dyn Sources, world: &World<'_>) -> Result<Evaluated, Wrong> {
    let (reader, questions) = Reader::new();
    let run = Arc::new(Run {
        table: Table::new(&world.manifests),
        catalog: world.catalog.clone(),
        parameters: world.parameters.clone(),
        environment: world.environment.clone(),
        reader,
        folder: folder_of(script).to_owned(),
        script: script.to_owned(),
        watch: Watch::Off,
        placing: Placing::default(),
        state: Mutex::new(State::default()),
    });
    let path = script.to_owned();
    let thread =
        thread::Builder::new().name("eval".to_owned()).stack_size(STACK).spawn(move || found(&run, &path));
    match thread {
        Ok(thread) => {
            answer(&questions, sources);
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        }
        Err(err) => {
            let found = Diagnostic::error("eval::limit-thread", format!("no thread can be started: {err}"));
            let diagnostics = vec![found.help("free some memory")];
            Err(Wrong { diagnostics, texts: SourceTexts::default(), sound: None })
        }
    }
}

/// Evaluates, and shows the way to each mistake that was found inside a function.
fn found(run: &Arc<Run>, path: &str) -> Result<Evaluated, Wrong> {
    let first = evaluate(run, path);
    match run.state().is_inside_a_function {
        true => chain::with_chains(first, || evaluate(&chain::watched(run), path)),
        false => first,
    }
}

fn evaluate(run: &Arc<Run>, path: &str) -> Result<Evaluated, Wrong> {
    fix_names();
    let mut engine = engine::engine(run);
    let natives = engine::natives(&engine, run);
    run.state().natives.clone_from(&natives);
    let mut loader = Loader::new(run, &mut engine, natives);
    loader.load(path, None);
    let Loader { files, stubs, missing_variables, has_syntax_errors, .. } = loader;
    let mut sound = None;
    if !has_syntax_errors {
        run.state().declared.missing.anything = !stubs.is_empty();
        engine::offer(&mut engine, run, &stubs);
        if run.watch == Watch::On {
            chain::watch(&mut engine);
            run.state().signatures = chain::signatures(&files);
        }
        let ended = resolve::execute(
            engine,
            run,
            path,
            Files { trees: files, stubs: stubs.files },
            missing_variables,
        );
        let mut state = run.state();
        sound = Some(match ended {
            Ok(()) => finish::finish(run, &mut state),
            Err(err) => {
                refused::ended(run, &mut state, &err, path);
                finish::unfinished(&mut state)
            }
        });
    }
    let state = std::mem::take(&mut *run.state());
    run.state().is_inside_a_function = state.is_inside_a_function;
    let is_right = !state.findings.has_errors();
    let (texts, diagnostics) = (state.texts, state.findings.into_sorted());
    match sound {
        Some(sound) if is_right => Ok(Evaluated { site: sound.site, texts, warnings: diagnostics }),
        sound => Err(Wrong { diagnostics, texts, sound: sound.map(Box::new) }),
    }
}

/// Closures are named by hash; with a fixed seed their names are the same in every run.
fn fix_names() {
    // Set already means set to this.
    let _is_first = rhai::config::hashing::set_hashing_seed(Some(SEED)).is_ok();
}
