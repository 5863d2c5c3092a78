//! Where values were written: each value that a map of a script holds carries a mark, wherever it is handed on to.
//!
//! A text is parsed twice: as it stands, to be checked, and with maps that note the places of their keys, to be run.
//!
//! **Invariant:** marks change nothing about a value but where it is said to come from.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use mops_model::{SourceId, Span, Value};
use rhai::{
    AST, Dynamic, Engine, EvalAltResult, EvalContext, Expression, ImmutableString, Map, ParseError, Position,
    Scope, Token,
};

use crate::{
    given::Given,
    library, plain,
    run::{Run, State},
};

/// How a map begins.
const MAP: &str = "#{";
/// No text is being parsed with places.
const OFF: i64 = -1;

/// The number of a mark; 0 is none.
pub(crate) type Mark = i32;

/// Every mark of an evaluation.
#[derive(Default)]
pub(crate) struct Marks {
    made: Vec<Made>,
    by_place: BTreeMap<Span, Mark>,
}

/// Where one value was written.
#[derive(Clone)]
pub(crate) struct Made {
    /// For people: `shop.rhai:14`, `websites.csv:3`.
    pub(crate) place: String,
    /// In a text of the evaluation.
    pub(crate) span: Option<Span>,
    /// The value it replaced, and that value's mark.
    pub(crate) replaced: Option<(Value, Mark)>,
}

/// Which text is being parsed with places, and where its last map began: see [`Start`].
pub(crate) struct Placing(AtomicI64);

/// Where a map begins, as a number that the parser keeps for us: the text, line, column, and whether the map has ended.
#[derive(Clone, Copy)]
struct Start(i64);

impl Default for Placing {
    fn default() -> Self {
        Self(AtomicI64::new(OFF))
    }
}

impl Start {
    fn new(source: SourceId) -> Self {
        Self(i64::from(source.0) << 33)
    }

    fn at(self, position: Position) -> Self {
        let part = |it: Option<usize>| i64::try_from(it.unwrap_or(0) & 0xffff).unwrap_or(0);
        Self(self.0 >> 33 << 33 | part(position.line()) << 17 | part(position.position()) << 1)
    }

    fn ended(self) -> Self {
        Self(self.0 | 1)
    }

    fn has_ended(self) -> bool {
        self.0 & 1 == 1
    }

    fn source(self) -> SourceId {
        SourceId(u16::try_from(self.0 >> 33).unwrap_or_default())
    }

    fn position(self) -> Position {
        let part = |shift: i64| u16::try_from(self.0 >> shift & 0xffff).unwrap_or_default();
        match part(17) {
            0 => Position::NONE,
            line => Position::new(line, part(1)),
        }
    }
}

impl Marks {
    pub(crate) fn get(&self, mark: Mark) -> Option<&Made> {
        self.made.get(usize::try_from(mark).ok()?.checked_sub(1)?)
    }

    pub(crate) fn add(&mut self, made: Made) -> Mark {
        self.made.push(made);
        Mark::try_from(self.made.len()).unwrap_or(0)
    }
}

impl State {
    /// The mark of what is written at `span`.
    fn mark(&mut self, span: Span) -> Mark {
        if let Some(mark) = self.marks.by_place.get(&span) {
            return *mark;
        }
        let place = self.texts.place(span);
        let mark = self.marks.add(Made { place, span: Some(span), replaced: None });
        self.marks.by_place.insert(span, mark);
        mark
    }

    /// Notes what a script does at `span`: what the standard library then does is done for it.
    pub(crate) fn said_at(&mut self, span: Span) {
        if !library::holds(&self.texts, span.source) {
            self.last_said = Some(span);
        }
    }

    /// Whether `mark` is of a place outside the standard library.
    pub(crate) fn is_of_a_script(&self, mark: Mark) -> bool {
        let made = self.marks.get(mark);
        made.is_some_and(|it| it.span.is_none_or(|span| !library::holds(&self.texts, span.source)))
    }
}

/// Teaches the engine to parse maps with places, and to remember what a value replaced.
pub(crate) fn register(engine: &mut Engine, run: &Arc<Run>) {
    let placing = Arc::clone(run);
    #[expect(deprecated, reason = "Rhai marks what may change as deprecated; the version is pinned")]
    engine.on_parse_token(move |token, at, _| {
        let last = &placing.placing.0;
        match (token, last.load(Ordering::Relaxed)) {
            (Token::MapStart, it) if it != OFF => {
                last.store(Start(it).at(at).0, Ordering::Relaxed);
                Token::Custom(Box::new(MAP.into()))
            }
            (token, _) => token,
        }
    });
    let (parsing, running) = (Arc::clone(run), Arc::clone(run));
    engine.register_custom_syntax_with_state_raw(
        MAP,
        move |symbols, next, state| {
            let last = Start(parsing.placing.0.load(Ordering::Relaxed));
            let start = state.as_int().map_or(last, Start);
            let (part, start) = next_part(symbols.len() - 1, next, start);
            *state = start.0.into();
            Ok(part)
        },
        false,
        move |context, parts, state| map(&running, context, parts, Start(state.as_int().unwrap_or_default())),
    );
    let replacing = Arc::clone(run);
    engine.register_fn("replaced", move |base: Dynamic, over: Dynamic| replaced(&replacing, &base, over));
    engine.register_fn("made_from", |base: Dynamic, mut it: Dynamic| {
        it.set_tag(base.tag());
        it
    });
}

/// Parses `text` once more, with maps that note the places of their keys.
///
/// # Errors
/// When it has no such form, as for a map that is nested almost too deeply.
pub(crate) fn compile(
    engine: &Engine,
    run: &Run,
    source: SourceId,
    scope: &Scope<'_>,
    text: &str,
) -> Result<AST, ParseError> {
    run.placing.0.store(Start::new(source).0, Ordering::Relaxed);
    let parsed = engine.compile_with_scope(scope, text);
    run.placing.0.store(OFF, Ordering::Relaxed);
    parsed
}

/// What comes after `count` parts of a map: `key : value , key : value … }`.
fn next_part(count: usize, next: &str, start: Start) -> (Option<ImmutableString>, Start) {
    if start.has_ended() {
        return (None, start);
    }
    let part = match (count % 4, next) {
        (0, "}") => "}",
        (0, _) => "$token$",
        (1, _) => ":",
        (2, _) => "$expr$",
        (_, ",") => ",",
        (_, _) => "}",
    };
    (Some(part.into()), if part == "}" { start.ended() } else { start })
}

fn map(
    run: &Run,
    context: &mut EvalContext<'_, '_, '_, '_, '_, '_>,
    parts: &[Expression<'_>],
    start: Start,
) -> Result<Dynamic, Box<EvalAltResult>> {
    let source = start.source();
    let mut map = Map::new();
    for part in parts.chunks_exact(2) {
        let mut value = part[1].eval_with_context(context)?.flatten();
        let mut state = run.state();
        let span = state.at(source, part[0].position());
        let is_kept = state.is_of_a_script(value.tag()) && library::holds(&state.texts, source);
        if !is_kept {
            value.set_tag(state.mark(span));
        }
        let key = part[0].get_string_value().unwrap_or_default();
        let key = key.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(key);
        map.insert(key.into(), value);
    }
    let mut state = run.state();
    let span = state.at(source, start.position());
    state.said_at(span);
    let mut map = Dynamic::from_map(map);
    map.set_tag(state.mark(span));
    Ok(map)
}

/// `over`, which stands where `base` stood. Without a mark of its own, the script made it where it was last.
fn replaced(run: &Run, base: &Dynamic, mut over: Dynamic) -> Dynamic {
    let mut state = run.state();
    let above = match (over.tag(), state.last_said) {
        (0, Some(said)) => state.mark(said),
        (mark, _) => mark,
    };
    let was = plain::plain(base, "", &mut Given::default());
    let mark = match state.marks.get(above).cloned() {
        Some(made) if base.tag() != 0 => state.marks.add(Made { replaced: Some((was, base.tag())), ..made }),
        Some(_) | None => above,
    };
    over.set_tag(mark);
    over
}
