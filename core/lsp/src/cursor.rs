//! What stands around a cursor, in a text that may be half written.
//!
//! **Invariant:** only tokens are looked at, so that it works while a script cannot be read as a whole.

use mops_eval::{Token, TokenKind};
use mops_model::{Field, Kind};
use mops_plugin::Function;

use crate::{
    offers::{Offers, element},
    text::Text,
};

/// A call by the names it is written with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Called {
    pub(crate) module: Option<String>,
    pub(crate) name: String,
}

/// A bracket that is open before the cursor.
#[derive(Debug)]
enum Frame {
    Call { called: Called, position: usize },
    Map { key: Option<String>, given: Vec<String> },
    List,
    Other,
}

/// What the innermost brackets take.
pub(crate) enum Wanted<'a> {
    /// A key of a map, and those that are there.
    Key(&'a [Field], Vec<String>),
    /// A value of this kind.
    Value(&'a Kind),
    /// Nothing is known.
    Anything,
}

/// The tokens of a text up to a cursor.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    /// What means something, up to the token the cursor is in or behind.
    before: Vec<Token>,
    /// The token the cursor is in or behind, if it is a word or a text.
    pub(crate) at: Option<Token>,
    pub(crate) is_comment: bool,
    frames: Vec<Frame>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a Text, offset: usize) -> Self {
        let end = text.tokens.partition_point(|it| (it.span.start as usize) < offset);
        let last = end.checked_sub(1).map(|it| text.tokens[it]);
        let touches = |it: &Token| offset <= it.span.end as usize;
        let is_comment = last.is_some_and(|it| it.is_trivia() && it.kind != TokenKind::Space && touches(&it));
        let at = last.filter(|it| {
            let is_inside = offset < it.span.end as usize || it.kind == TokenKind::OpenText;
            match it.kind {
                TokenKind::Name | TokenKind::Keyword => touches(it),
                TokenKind::Text | TokenKind::OpenText => is_inside && touches(it),
                _ => false,
            }
        });
        let count = end - usize::from(at.is_some());
        let before: Vec<Token> = text.tokens[..count].iter().filter(|it| !it.is_trivia()).copied().collect();
        let frames = frames(&before, &text.content);
        Self { text: &text.content, before, at, is_comment, frames }
    }

    /// The word that is `count` tokens before what the cursor is in.
    pub(crate) fn word(&self, count: usize) -> &'a str {
        let at = self.before.len().checked_sub(count);
        at.and_then(|it| self.before.get(it)).map_or("", |it| it.text(self.text))
    }

    /// The module that a name at the cursor is looked up in.
    pub(crate) fn module(&self) -> Option<&'a str> {
        (self.word(1) == "::").then(|| self.word(2))
    }

    /// The innermost call around the cursor.
    pub(crate) fn call(&self) -> Option<&Called> {
        self.frames.iter().rev().find_map(|it| match it {
            Frame::Call { called, .. } => Some(called),
            Frame::Map { .. } | Frame::List | Frame::Other => None,
        })
    }

    /// The keys that lead to the cursor within the innermost call.
    pub(crate) fn path(&self) -> Vec<&str> {
        let call = self.frames.iter().rposition(|it| matches!(it, Frame::Call { .. })).map_or(0, |it| it + 1);
        let keys = self.frames[call..].iter().filter_map(|it| match it {
            Frame::Map { key, .. } => key.as_deref(),
            Frame::Call { .. } | Frame::List | Frame::Other => None,
        });
        keys.collect()
    }

    /// What `offers` say may stand at the cursor.
    pub(crate) fn wanted<'b>(&self, offers: &'b Offers<'_>) -> Wanted<'b> {
        self.function(offers).map_or(Wanted::Anything, |(function, at)| self.wanted_by(function, at))
    }

    fn function<'b>(&self, offers: &'b Offers<'_>) -> Option<(&'b Function, usize)> {
        let at = self.frames.iter().rposition(|it| matches!(it, Frame::Call { .. }))?;
        let called = self.call()?;
        Some((offers.get(called.module.as_deref(), &called.name)?, at))
    }

    fn wanted_by<'b>(&self, function: &'b Function, at: usize) -> Wanted<'b> {
        let Frame::Call { position, .. } = &self.frames[at] else { return Wanted::Anything };
        let argument = function.arguments.get(*position);
        let inner = &self.frames[at + 1..];
        let (mut fields, mut kind) = match argument {
            Some(field) => (field.kind.fields(), Some(&field.kind)),
            None if *position == function.arguments.len() => (Some(function.options.as_slice()), None),
            None => return Wanted::Anything,
        };
        for frame in inner {
            match frame {
                Frame::Map { key: None, given } => {
                    return fields.map_or(Wanted::Anything, |it| Wanted::Key(it, given.clone()));
                }
                Frame::Map { key: Some(key), .. } => {
                    kind = match (fields, kind) {
                        (Some(fields), _) => fields.iter().find(|it| it.name == *key).map(|it| &it.kind),
                        (None, Some(Kind::Map(values))) => Some(values),
                        (None, _) => None,
                    };
                }
                Frame::List => kind = kind.map(element),
                Frame::Call { .. } | Frame::Other => return Wanted::Anything,
            }
            fields = kind.and_then(Kind::fields);
        }
        kind.map_or(Wanted::Anything, Wanted::Value)
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
                frames.push(Frame::Call { called: Called { module, name: word(1).to_owned() }, position: 0 });
            }
            (TokenKind::Operator, "#{") => frames.push(Frame::Map { key: None, given: Vec::new() }),
            (TokenKind::Operator, "[") if !is_name => frames.push(Frame::List),
            (TokenKind::Operator, "(" | "{" | "[" | "?[") | (TokenKind::TextStart, _) => {
                frames.push(Frame::Other);
            }
            (TokenKind::Operator, ")" | "}" | "]") | (TokenKind::TextEnd, _) => drop(frames.pop()),
            (TokenKind::Operator, ",") => match frames.last_mut() {
                Some(Frame::Call { position, .. }) => *position += 1,
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
            // A statement ends: what is open was forgotten.
            (TokenKind::Operator, ";") => {
                let block = frames.iter().rposition(|it| matches!(it, Frame::Other)).map_or(0, |it| it + 1);
                frames.truncate(block);
            }
            _ => (),
        }
    }
    frames
}
