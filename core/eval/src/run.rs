//! What a running script has declared so far.
//!
//! **Invariant:** a mistake in a call never stops the script: it is noted, and the call returns something that other
//! calls take without complaint.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mops_model::{Catalog, Declared, Diagnostic, Name, Options, SourceId, Span, Value};
use rhai::{Dynamic, Map, NativeCallContext, Position};

use crate::{
    chain::{self, Signatures, Watch},
    check::Index,
    declare::{self, Declarations},
    findings::Findings,
    given::{Given, Places, diagnostic},
    handle::{Handle, Raised},
    library,
    marks::{Marks, Placing},
    plain,
    sources::{Reader, SourceError},
    table::{Callee, Table},
    texts::SourceTexts,
};

/// One evaluation.
pub(crate) struct Run {
    pub(crate) table: Table,
    pub(crate) catalog: Catalog,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) environment: Name,
    pub(crate) reader: Reader,
    /// The folder of the script, which paths are relative to.
    pub(crate) folder: String,
    /// The path of the script.
    pub(crate) script: String,
    /// Whether the functions that are running are known.
    pub(crate) watch: Watch,
    pub(crate) placing: Placing,
    pub(crate) state: Mutex<State>,
}

/// What an evaluation has found so far.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) texts: SourceTexts,
    pub(crate) findings: Findings,
    pub(crate) index: Index,
    pub(crate) declared: Declarations,
    pub(crate) marks: Marks,
    /// The functions of Rhai itself.
    pub(crate) natives: BTreeSet<String>,
    /// The arguments of the script's functions, where it is watched.
    pub(crate) signatures: Signatures,
    /// Whether a mistake was found inside a function.
    pub(crate) is_inside_a_function: bool,
    /// What a script, not the standard library, did last.
    pub(crate) last_said: Option<Span>,
}

/// One call that runs, checked.
pub(crate) struct Checked<'a> {
    pub(crate) callee: &'a Callee,
    /// Arguments and options, defaults filled in.
    pub(crate) options: Options,
    pub(crate) places: Places,
    pub(crate) declared: Declared,
    /// Whether anything is wrong or not known: then only its name counts.
    pub(crate) is_whole: bool,
}

impl Run {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding it; were it so, the panic would end the evaluation anyway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of the file at `path`: of the standard library, or beside the script.
    pub(crate) fn text(&self, path: &str) -> Result<String, SourceError> {
        match library::text(path) {
            Some(text) => Ok(text.to_owned()),
            None => self.reader.read(path),
        }
    }

    /// Calls `callee` for a script.
    pub(crate) fn call(
        &self,
        callee: &Arc<Callee>,
        context: &NativeCallContext<'_>,
        arguments: &[&mut Dynamic],
    ) -> Dynamic {
        let mut state = self.state();
        let before = state.findings.count();
        let answer = self.checked(&mut state, callee, context, arguments);
        if state.findings.count() > before && context.call_level() > 0 {
            state.is_inside_a_function = true;
            let steps = chain::chain(self, &state, context);
            state.show_chain(before, &steps);
        }
        answer
    }

    fn checked(
        &self,
        state: &mut State,
        callee: &Arc<Callee>,
        context: &NativeCallContext<'_>,
        arguments: &[&mut Dynamic],
    ) -> Dynamic {
        let mut places = state.places(context, callee);
        let given = given(callee, arguments);
        state.trace(&mut places, &given);
        let wrong = given.check(callee);
        let is_whole = wrong.is_empty() && given.unknown.is_empty() && !given.is_open;
        for mismatch in &wrong {
            let found = diagnostic(callee, mismatch, &places);
            let found = with_value(found, given.at(&mismatch.path), &state.texts);
            state.findings.push(found);
        }
        let place = state.texts.place(places.call);
        let origins = state.origins(&places, &given);
        let declared = Declared { span: places.call, keys: places.whole(), place, origins };
        let options = callee.function.with_defaults(given.into_options());
        declare::declare(self, state, Checked { callee, options, places, declared, is_whole })
    }

    /// Notes a mistake at the place of `context`.
    pub(crate) fn report(&self, context: &NativeCallContext<'_>, raised: Raised) {
        let mut state = self.state();
        let source = state.source(context.call_source());
        let span = state.texts.token(source, context.call_position());
        let found = Diagnostic::error(raised.code, raised.message).at(span, "here");
        state.findings.push(match raised.help {
            Some(help) => found.help(help),
            None => found,
        });
    }
}

impl State {
    pub(crate) fn source(&self, path: Option<&str>) -> SourceId {
        path.and_then(|it| self.texts.id(it)).unwrap_or_default()
    }

    /// Where the call stands. A closure that runs inside another file's function reports that file: then the position
    /// is looked up in the others.
    fn places(&self, context: &NativeCallContext<'_>, callee: &Callee) -> Places {
        let source = self.source(context.call_source());
        let at = context.call_position();
        let is_here = |places: &&Places| self.texts.slice(places.call).ends_with(last_word(&callee.shown));
        let key = |source| (source, at.line(), at.position());
        let here = self.index.get(&key(source)).filter(is_here);
        let anywhere =
            || self.texts.texts().find_map(|(source, _, _)| self.index.get(&key(source)).filter(is_here));
        let nowhere = || Places { call: self.texts.token(source, at), ..Places::default() };
        here.or_else(anywhere).cloned().unwrap_or_else(nowhere)
    }

    pub(crate) fn at(&self, source: SourceId, position: Position) -> Span {
        self.texts.token(source, position)
    }
}

/// Shows the value that was wrong, where the script does not write it there but hands it on.
fn with_value(mut found: Diagnostic, value: Option<&Value>, texts: &SourceTexts) -> Diagnostic {
    let (Some(label), Some(value)) = (found.labels.first_mut(), value) else { return found };
    let said = texts.slice(label.span);
    let is_handed_on = said.starts_with(|c: char| c.is_alphabetic() || c == '_') || said.contains("${");
    let is_known = value.texts().iter().all(|it| it.as_literal().is_some());
    let shown = serde_json::to_string(value).expect("plain data serializes");
    if is_known
        && is_handed_on
        && !matches!(said, "true" | "false")
        && label.text == "here"
        && shown.len() <= 60
    {
        label.text = format!("here it is {shown}");
    }
    found
}

fn last_word(shown: &str) -> &str {
    shown.rsplit("::").next().unwrap_or(shown)
}

fn given(callee: &Callee, arguments: &[&mut Dynamic]) -> Given {
    let mut given = Given::default();
    let mut rest = arguments;
    if callee.ends_in_options(arguments.len())
        && let Some((options, before)) = arguments.split_last()
    {
        rest = before;
        match options.read_lock::<Map>() {
            Some(map) => {
                given.marks.insert(String::new(), options.tag());
                given.options = plain::record(&map, "", &mut given);
            }
            None if options.read_lock::<Handle>().is_some_and(|it| matches!(*it, Handle::Broken)) => {
                given.is_open = true;
            }
            None => {
                given.is_open = true;
                let help = "write each with its name: #{ option: value }";
                given.refuse("", "wrong-type", "its options must be a map".to_owned(), Some(help));
            }
        }
    }
    for (field, it) in callee.function.arguments.iter().zip(rest) {
        let value = plain::plain(it, &field.name, &mut given);
        given.arguments.insert(field.name.clone(), value);
    }
    given
}
