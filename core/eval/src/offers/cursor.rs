//! What stands around a cursor, in a text that may be half written.
//!
//! **Invariant:** only tokens are looked at, so that it works while a script cannot be read as a whole.

use mops_model::{Field, Kind};

use super::Offers;
use crate::lexer::{Token, TokenKind};

/// A call by the names it is written with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// The module.
    pub module: Option<String>,
    /// The function.
    pub name: String,
}

/// A bracket that is open before the cursor.
#[derive(Debug)]
enum Frame {
    /// A call with its arguments so far: those that are plain text, by position.
    Call {
        called: Called,
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

/// What may stand at a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A statement or a value of which nothing is known.
    Anything,
    /// A file that is imported.
    Import,
    /// A function of this module.
    Function(String),
    /// A property of this variable.
    Property(String),
    /// A key of a map.
    Key {
        /// Those that the map takes.
        fields: Vec<Field>,
        /// Those that are there already.
        given: Vec<String>,
    },
    /// A value of this kind.
    Value(Kind),
    /// A comment, or text that nobody describes.
    Nothing,
}

/// A place in a text, and what is open there.
#[derive(Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    /// What means something, up to the token the cursor is in or behind.
    before: Vec<Token>,
    /// The word or text that the cursor is in or behind.
    at: Option<Token>,
    is_comment: bool,
    frames: Vec<Frame>,
}

impl<'a> Cursor<'a> {
    /// The cursor at byte `offset` of `text`, whose tokens are `tokens`.
    pub fn new(text: &'a str, tokens: &[Token], offset: usize) -> Self {
        let end = tokens.partition_point(|it| (it.span.start as usize) < offset);
        let last = end.checked_sub(1).map(|it| tokens[it]);
        let is_comment = last.is_some_and(|it| match it.kind {
            TokenKind::LineComment => offset <= it.span.end as usize,
            TokenKind::BlockComment => offset < it.span.end as usize,
            TokenKind::OpenComment => true,
            _ => false,
        });
        let at = last.filter(|it| match it.kind {
            TokenKind::Name | TokenKind::Keyword | TokenKind::OpenText => offset <= it.span.end as usize,
            TokenKind::Text => offset < it.span.end as usize,
            _ => false,
        });
        let count = end - usize::from(at.is_some());
        let before: Vec<Token> = tokens[..count].iter().filter(|it| !it.is_trivia()).copied().collect();
        let frames = frames(&before, text);
        Self { text, offset, before, at, is_comment, frames }
    }

    /// Whether it is inside quotes.
    pub fn is_quoted(&self) -> bool {
        self.at.is_some_and(|it| matches!(it.kind, TokenKind::Text | TokenKind::OpenText))
    }

    /// The first byte of the word or text that is begun.
    pub fn start(&self) -> usize {
        self.at.map_or(self.offset, |it| it.span.start as usize + usize::from(self.is_quoted()))
    }

    /// The word that is `count` tokens before what the cursor is in.
    pub fn word(&self, count: usize) -> &'a str {
        let at = self.before.len().checked_sub(count);
        at.and_then(|it| self.before.get(it)).map_or("", |it| it.text(self.text))
    }

    /// The module that a name at the cursor is looked up in.
    pub fn module(&self) -> Option<&'a str> {
        (self.word(1) == "::").then(|| self.word(2))
    }

    /// The innermost call around the cursor.
    pub fn call(&self) -> Option<&Called> {
        self.frames.iter().rev().find_map(|it| match it {
            Frame::Call { called, .. } => Some(called),
            Frame::Map { .. } | Frame::List | Frame::Other => None,
        })
    }

    /// The keys that lead to the cursor within the innermost call.
    pub fn path(&self) -> Vec<&str> {
        let call = self.frames.iter().rposition(|it| matches!(it, Frame::Call { .. })).map_or(0, |it| it + 1);
        let keys = self.frames[call..].iter().filter_map(|it| match it {
            Frame::Map { key, .. } => key.as_deref(),
            Frame::Call { .. } | Frame::List | Frame::Other => None,
        });
        keys.collect()
    }

    /// What `offers` say may stand here.
    pub fn wanted(&self, offers: &Offers) -> Wanted {
        if self.is_comment {
            return Wanted::Nothing;
        }
        match (self.is_quoted(), self.word(1)) {
            (true, "import") => Wanted::Import,
            (false, "::") => Wanted::Function(self.word(2).to_owned()),
            (false, "." | "?.") => Wanted::Property(self.word(2).to_owned()),
            (_, _) => self.argument(offers),
        }
    }

    /// What the innermost bracket takes, as the call around it says.
    fn argument(&self, offers: &Offers) -> Wanted {
        let Some(at) = self.frames.iter().rposition(|it| matches!(it, Frame::Call { .. })) else {
            return Wanted::Anything;
        };
        let Frame::Call { called, arguments } = &self.frames[at] else { return Wanted::Anything };
        let Some(callee) = offers.callee(called) else { return Wanted::Anything };
        let position = arguments.len() - 1;
        let kind = match callee.function.arguments.get(position) {
            Some(field) if field.name == "inputs" => {
                let kind = arguments.first().and_then(Option::as_deref);
                Kind::Record(kind.map(|it| offers.inputs(it)).unwrap_or_default())
            }
            Some(field) => field.kind.clone(),
            None if position == callee.function.arguments.len() => {
                Kind::Record(callee.function.options.clone())
            }
            None => return Wanted::Nothing,
        };
        within(&self.frames[at + 1..], kind)
    }
}

/// What the innermost of `frames` takes, where the outermost stands for a value of `kind`.
fn within(frames: &[Frame], mut kind: Kind) -> Wanted {
    for frame in frames {
        let inner = match frame {
            Frame::Map { key: None, given } => {
                return match kind.fields() {
                    Some(fields) => Wanted::Key { fields: fields.to_vec(), given: given.clone() },
                    None => Wanted::Nothing,
                };
            }
            Frame::Map { key: Some(key), .. } => match (kind.fields(), &kind) {
                (Some(fields), _) => fields.iter().find(|it| it.name == *key).map(|it| it.kind.clone()),
                (None, Kind::Map(values)) => Some((**values).clone()),
                (None, _) => None,
            },
            Frame::List => element(kind),
            Frame::Call { .. } | Frame::Other => None,
        };
        match inner {
            Some(inner) => kind = inner,
            None => return Wanted::Anything,
        }
    }
    Wanted::Value(kind)
}

/// What a list of this kind holds.
fn element(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::List(kind) | Kind::OneOrMany(kind) => Some(*kind),
        Kind::Either(kinds) => kinds.into_iter().find_map(element),
        _ => None,
    }
}

/// The brackets that are open after `tokens`.
fn frames(tokens: &[Token], text: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let before = |count: usize| i.checked_sub(count).map(|it| tokens[it]);
        let is_name = before(1).is_some_and(|it| it.kind == TokenKind::Name);
        match (token.kind, token.text(text)) {
            (TokenKind::Operator, "(") if is_name => {
                let word = |count| before(count).map_or("", |it| it.text(text));
                let module = (word(2) == "::").then(|| word(3).to_owned());
                let called = Called { module, name: word(1).to_owned() };
                frames.push(Frame::Call { called, arguments: vec![None] });
            }
            (TokenKind::Operator, "#{") => frames.push(Frame::Map { key: None, given: Vec::new() }),
            (TokenKind::Operator, "[") if !is_name => frames.push(Frame::List),
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
                if let (Some(Frame::Map { key, given }), Some(name)) = (frames.last_mut(), before(1)) {
                    let name = name.text(text).trim_matches('"').to_owned();
                    given.push(name.clone());
                    *key = Some(name);
                }
            }
            // A statement ends: what was open before it was never closed.
            (TokenKind::Operator, ";") => {
                let block = frames.iter().rposition(|it| matches!(it, Frame::Other)).map_or(0, |it| it + 1);
                frames.truncate(block);
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
