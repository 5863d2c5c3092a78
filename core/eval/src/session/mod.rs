//! The session behind the prompt: inputs, one after the other, that declare a site as a script does.
//!
//! **Invariant:** a session is a text: the script that was loaded and every input that was right, joined. Each new input
//! is evaluated together with all before it, so that it means what it would mean in a script, and an input with mistakes
//! changes nothing: it is not kept.
//! **Invariant:** nothing is applied, and no secret is fetched.

mod complete;
mod describe;
mod joined;
mod print;
mod replay;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use mops_model::{Diagnostic, Name, Site};

pub use joined::is_incomplete;

use crate::{Failed, Offers, SourceError, SourceTexts, Sources, World};
use joined::Piece;
use replay::{Outcome, Replay, Seen};

/// What a session without a script is called in places and messages.
const NAMELESS: &str = "repl";

/// Inputs that declare a site, one after the other.
pub struct Session {
    offers: Arc<Offers>,
    parameters: BTreeMap<String, String>,
    environment: Name,
    sources: Arc<dyn Sources>,
    interrupt: Interrupt,
    /// The path of the script that was loaded.
    script: Option<String>,
    pieces: Vec<Piece>,
    /// How many inputs there were, wrong ones too: each has its number.
    inputs: usize,
    seen: Seen,
}

/// What came of an input.
#[derive(Clone, Debug)]
pub enum Fed {
    /// It ends too early: more lines belong to it.
    Incomplete,
    /// It is right, and kept.
    Right(Answer),
    /// It has mistakes, and changed nothing.
    Wrong(Failed),
    /// It was interrupted, and changed nothing.
    Interrupted,
}

/// What an input that is right gives.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The value of its last statement as a script would write it; none for nothing.
    pub value: Option<String>,
    /// What kind of value that is, with its article.
    pub kind: String,
    /// What it printed.
    pub printed: Vec<String>,
    /// What is worth saying.
    pub warnings: Vec<Diagnostic>,
    /// What the warnings point into.
    pub texts: SourceTexts,
    /// How long it took, without what came before it.
    pub took: Duration,
}

/// Ends an evaluation from another thread.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Ends the evaluation that is under way.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Session {
    /// A session in `world` that reads through `sources`; nothing is declared yet.
    pub fn new(world: &World<'_>, sources: Arc<dyn Sources>) -> Self {
        Self {
            offers: Arc::new(Offers::new(world)),
            parameters: world.parameters.clone(),
            environment: world.environment.clone(),
            sources,
            interrupt: Interrupt::default(),
            script: None,
            pieces: Vec::new(),
            inputs: 0,
            seen: Seen::default(),
        }
    }

    /// What ends an evaluation of this session.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// The path of the script that was loaded last.
    pub fn script(&self) -> Option<&str> {
        self.script.as_deref()
    }

    /// Every input that was right so far, in its order.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter(|it| it.is_input).map(|it| it.text.as_str())
    }

    /// Goes on with what `offers` say, for the next input and for what was right before; returns what was offered so far.
    pub fn offer(&mut self, offers: Arc<Offers>) -> Arc<Offers> {
        std::mem::replace(&mut self.offers, offers)
    }

    /// Evaluates `input`, and keeps it when it is right. A function that was declared before is replaced.
    pub fn feed(&mut self, input: &str) -> Fed {
        match is_incomplete(input) {
            true => Fed::Incomplete,
            false => self.feed_last(input),
        }
    }

    /// As [`Self::feed`], when no more lines can come.
    pub fn feed_last(&mut self, input: &str) -> Fed {
        let piece = self.next_piece(input);
        let mut pieces = joined::without_functions_of(&self.pieces, input);
        pieces.push(piece);
        let outcome = self.replay(&pieces);
        self.keep(pieces, outcome)
    }

    /// Evaluates `input` and keeps nothing.
    pub fn ask(&mut self, input: &str) -> Fed {
        let piece = self.next_piece(input);
        let mut pieces = joined::without_functions_of(&self.pieces, input);
        pieces.push(piece);
        match self.replay(&pieces) {
            Outcome::Right(answer, _) => Fed::Right(answer),
            Outcome::Wrong(failed) => Fed::Wrong(failed),
            Outcome::Interrupted => Fed::Interrupted,
        }
    }

    /// Begins anew with the script at `path`, relative to the root of the sources. A script with mistakes changes
    /// nothing but what [`Self::reload`] reads.
    pub fn load(&mut self, path: &str) -> Fed {
        self.script = Some(path.to_owned());
        self.read_script(path, &[])
    }

    /// Reads the script again, and evaluates the inputs that were right on top of it.
    pub fn reload(&mut self) -> Fed {
        match self.script.clone() {
            Some(path) => {
                let inputs: Vec<Piece> = self.pieces.iter().filter(|it| it.is_input).cloned().collect();
                self.read_script(&path, &inputs)
            }
            None => {
                let found = Diagnostic::error("eval::path", "no script is loaded");
                wrong(found.help("load one with `:load shop.rhai`"))
            }
        }
    }

    /// Takes the last input back; what it was, or nothing when there is none.
    pub fn undo(&mut self) -> Option<String> {
        let last = self.pieces.pop_if(|it| it.is_input)?;
        let pieces = self.pieces.clone();
        // What was right before the last input came is right without it.
        if let Outcome::Right(_, seen) = self.replay(&pieces) {
            self.seen = *seen;
        }
        Some(last.text)
    }

    /// What has been declared so far.
    ///
    /// # Errors
    /// When nothing names the site.
    pub fn site(&self) -> Result<&Site, Failed> {
        self.seen.site.as_ref().ok_or_else(|| {
            let found = Diagnostic::error("eval::site-missing", "nothing names the site yet");
            let help = "begin with site(\"acme\", #{ magento: #{ version: \"2.4.6\", release: path(\"release\") } })";
            Failed { diagnostics: vec![found.help(help)], texts: SourceTexts::default() }
        })
    }

    /// What somebody found in the site, where its author wrote it.
    pub fn placed(&self, diagnostics: Vec<Diagnostic>) -> Failed {
        let (diagnostics, texts) = self.seen.texts.apart(diagnostics);
        Failed { diagnostics, texts }
    }

    /// The names of what was declared: `website`, `role`.
    fn names(&self, what: &str) -> BTreeSet<String> {
        let always: &[&str] = if what == "role" { &["edge", "app", "persistent"] } else { &[] };
        let declared = self.seen.names.iter().filter(|(it, _)| *it == what);
        declared.map(|(_, name)| name.clone()).chain(always.iter().map(|it| (*it).to_owned())).collect()
    }

    fn read_script(&mut self, path: &str, inputs: &[Piece]) -> Fed {
        let text = match self.sources.read(path) {
            Ok(text) => text,
            Err(err) => return wrong(unreadable(&err)),
        };
        let mut pieces = vec![Piece { path: path.to_owned(), text, is_input: false }];
        pieces.extend(inputs.iter().cloned());
        let outcome = self.replay(&pieces);
        self.keep(pieces, outcome)
    }

    fn keep(&mut self, pieces: Vec<Piece>, outcome: Outcome) -> Fed {
        match outcome {
            Outcome::Right(answer, seen) => {
                self.seen = *seen;
                self.pieces = pieces;
                Fed::Right(answer)
            }
            Outcome::Wrong(failed) => Fed::Wrong(failed),
            Outcome::Interrupted => Fed::Interrupted,
        }
    }

    fn next_piece(&mut self, input: &str) -> Piece {
        self.inputs += 1;
        Piece { path: format!("input {}", self.inputs), text: input.to_owned(), is_input: true }
    }

    fn replay(&self, pieces: &[Piece]) -> Outcome {
        let replay = Replay {
            table: &self.offers.table,
            catalog: &self.offers.catalog,
            parameters: &self.parameters,
            environment: &self.environment,
            sources: &*self.sources,
            interrupt: &self.interrupt,
            script: self.script.as_deref().unwrap_or(NAMELESS),
        };
        replay.run(pieces)
    }
}

fn wrong(found: Diagnostic) -> Fed {
    Fed::Wrong(Failed { diagnostics: vec![found], texts: SourceTexts::default() })
}

fn unreadable(err: &SourceError) -> Diagnostic {
    Diagnostic::error("eval::path", err.to_string()).help("paths are relative to the script's folder")
}
