//! What stands before the cursor, in a text that may be half written.

use mops_model::{Field, Kind, SourceId};

use crate::{
    lexer::{Token, TokenKind, tokens},
    table::{Callee, Table},
};

/// What may stand at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A statement or a value of which nothing is known.
    Anything,
    /// After `module::`.
    Function { module: String },
    /// After `variable.`.
    Property { variable: String },
    /// A key of a map that takes these.
    Key(Vec<Field>),
    /// A value of this kind.
    Value(Kind),
    /// Nothing: a comment, or text that nobody describes.
    Nothing,
}

/// A cursor, and the call it is in.
pub(super) struct Context {
    pub(super) place: Place,
    /// Whether it is inside quotes.
    pub(super) is_quoted: bool,
    /// The first byte of the word that is begun.
    pub(super) start: usize,
    /// The innermost call around the cursor, if it is to a function of mops.
    pub(super) call: Option<String>,
}

/// One bracket that is open before the cursor.
enum Frame {
    /// A call: its name, the arguments so far that are plain text, by position.
    Call {
        name: String,
        arguments: Vec<Option<String>>,
    },
    Map {
        key: Option<String>,
        given: Vec<String>,
    },
    List,
    /// Braces and brackets of statements and expressions.
    Other,
}

/// What the cursor at the end of `before` is in. `inputs` tells the inputs of a resource type.
pub(super) fn context(before: &str, table: &Table, inputs: &dyn Fn(&str) -> Vec<Field>) -> Context {
    let all = tokens(SourceId(0), before);
    let mut significant: Vec<Token> = all.iter().filter(|it| !it.is_trivia()).copied().collect();
    let nothing = Context { place: Place::Nothing, is_quoted: false, start: before.len(), call: None };
    let (mut start, mut is_quoted) = (before.len(), false);
    match all.last() {
        Some(it) if matches!(it.kind, TokenKind::LineComment | TokenKind::OpenComment) => return nothing,
        Some(it) if it.kind == TokenKind::OpenText => {
            (start, is_quoted) = (it.span.start as usize + 1, true);
            significant.pop();
        }
        Some(it) if matches!(it.kind, TokenKind::Name | TokenKind::Keyword) => {
            start = it.span.start as usize;
            significant.pop();
        }
        Some(_) | None => (),
    }
    let word = |from_end: usize| {
        let at = significant.len().checked_sub(from_end)?;
        significant.get(at).map(|it| it.text(before).to_owned())
    };
    let frames = frames(&significant, before);
    let call = frames.iter().rev().find_map(|it| match it {
        Frame::Call { name, .. } => Some(name.clone()),
        Frame::Map { .. } | Frame::List | Frame::Other => None,
    });
    let place = match (is_quoted, word(1).as_deref(), word(2)) {
        (false, Some("::"), Some(module)) => Place::Function { module },
        (false, Some("." | "?."), Some(variable)) => Place::Property { variable },
        (_, _, _) => match (place(&frames, table, inputs), is_quoted) {
            (Place::Anything | Place::Key(_), true) => Place::Nothing,
            (place, _) => place,
        },
    };
    Context { place, is_quoted, start, call }
}

/// The brackets that are open after `tokens`.
fn frames(tokens: &[Token], text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let before = |n: usize| i.checked_sub(n).and_then(|at| tokens.get(at));
        let is_name = |n: usize| before(n).is_some_and(|it| it.kind == TokenKind::Name);
        match (token.kind, token.text(text)) {
            (TokenKind::Operator, "(") if is_name(1) => {
                frames.push(Frame::Call { name: called(tokens, i, text), arguments: vec![None] });
            }
            (TokenKind::Operator, "#{") => frames.push(Frame::Map { key: None, given: Vec::new() }),
            (TokenKind::Operator, "[") if !is_name(1) => frames.push(Frame::List),
            (TokenKind::Operator, "(" | "{" | "[" | "?[") | (TokenKind::TextStart, _) => {
                frames.push(Frame::Other);
            }
            (TokenKind::Operator, ")" | "}" | "]") | (TokenKind::TextEnd, _) => drop(frames.pop()),
            (TokenKind::Operator, ",") => match frames.last_mut() {
                Some(Frame::Call { arguments, .. }) => arguments.push(None),
                Some(Frame::Map { key, .. }) => *key = None,
                Some(Frame::List | Frame::Other) | None => (),
            },
            (TokenKind::Operator, ":") => {
                if let (Some(Frame::Map { key, given }), Some(it)) = (frames.last_mut(), before(1)) {
                    let name = it.text(text).trim_matches('"').to_owned();
                    given.push(name.clone());
                    *key = Some(name);
                }
            }
            // A statement ends: what was open before it was never closed.
            (TokenKind::Operator, ";") => {
                while frames.last().is_some_and(|it| !matches!(it, Frame::Other)) {
                    frames.pop();
                }
            }
            (TokenKind::Text, literal) => {
                if let Some(Frame::Call { arguments, .. }) = frames.last_mut()
                    && let Some(argument) = arguments.last_mut()
                {
                    *argument = Some(literal.trim_matches(['"', '`']).to_owned());
                }
            }
            _ => (),
        }
    }
    frames
}

/// The name before the bracket at `i`, its module before it.
fn called(tokens: &[Token], i: usize, text: &str) -> String {
    let word = |n: usize| i.checked_sub(n).map_or("", |at| tokens[at].text(text));
    match word(2) {
        "::" => format!("{}::{}", word(3), word(1)),
        _ => word(1).to_owned(),
    }
}

/// What the innermost bracket takes, as the call around it says.
fn place(frames: &[Frame], table: &Table, inputs: &dyn Fn(&str) -> Vec<Field>) -> Place {
    let Some(at) = frames.iter().rposition(|it| matches!(it, Frame::Call { .. })) else {
        return Place::Anything;
    };
    let Frame::Call { name, arguments } = &frames[at] else { return Place::Anything };
    let inner = &frames[at + 1..];
    let Some(callee) = find(table, name) else { return Place::Anything };
    let position = arguments.len() - 1;
    let mut kind = match callee.function.arguments.get(position) {
        Some(field) if field.name == "inputs" => {
            Kind::Record(arguments.first().and_then(Option::as_deref).map(inputs).unwrap_or_default())
        }
        Some(field) => field.kind.clone(),
        None if position == callee.function.arguments.len() => Kind::Record(callee.function.options.clone()),
        None => return Place::Nothing,
    };
    for frame in inner {
        kind = match (frame, kind) {
            (Frame::Map { key, given }, kind) => match (key, kind.fields().map(<[Field]>::to_vec)) {
                (None, Some(fields)) => {
                    let left = fields.into_iter().filter(|it| !given.contains(&it.name));
                    return Place::Key(left.collect());
                }
                (Some(key), Some(fields)) => match fields.into_iter().find(|it| it.name == *key) {
                    Some(field) => field.kind,
                    None => return Place::Anything,
                },
                (Some(_), None) => match kind {
                    Kind::Map(kind) => *kind,
                    _ => return Place::Anything,
                },
                (None, None) => return Place::Nothing,
            },
            (Frame::List, kind) => match element(kind) {
                Some(kind) => kind,
                None => return Place::Anything,
            },
            (Frame::Call { .. } | Frame::Other, _) => return Place::Anything,
        };
    }
    Place::Value(kind)
}

/// The function that a script calls `name`.
pub(super) fn find<'a>(table: &'a Table, name: &str) -> Option<&'a Callee> {
    let found = match name.split_once("::") {
        Some((module, function)) => table.get(Some(module), function),
        None => table.get(None, name),
    };
    found.map(|it| &**it)
}

/// What a list of this kind holds.
fn element(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::List(kind) | Kind::OneOrMany(kind) => Some(*kind),
        Kind::Either(kinds) => kinds.into_iter().find_map(element),
        _ => None,
    }
}
