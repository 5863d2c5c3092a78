//! Every text that an evaluation read, and places in it.
//!
//! **Invariant:** a span is a byte range on character boundaries of its text, whatever position it was made from.
//! **Invariant:** texts keep the number they got: the script is 0, imported files follow in the order of their import.

use std::ops::Range;

use mops_model::{Diagnostic, SourceId, Span};
use rhai::Position;

/// What operators are made of.
const OPERATOR: &str = "=!<>+-*/%&|^";

/// Every text that an evaluation read: the script and the files it imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTexts(Vec<SourceText>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct SourceText {
    path: String,
    text: String,
    /// The first byte of each line.
    lines: Vec<usize>,
    /// Texts that this one was joined from, each with its place in it; empty for a text that is one.
    parts: Vec<Part>,
}

/// One of several texts that were joined into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What it is called.
    pub(crate) path: String,
    /// Its bytes in the joined text.
    pub(crate) range: Range<usize>,
}

impl SourceTexts {
    /// Each text with its number and its path relative to the root of the sources, in the order of reading.
    pub fn texts(&self) -> impl Iterator<Item = (SourceId, &str, &str)> {
        self.0.iter().enumerate().map(|(i, it)| (id_of(i), it.path.as_str(), it.text.as_str()))
    }

    /// The place for people: `shop.rhai:14`, the line counted from 1; the path alone when there is no such line.
    pub fn place(&self, span: Span) -> String {
        match self.get(span.source) {
            None => String::new(),
            Some(it) => {
                let line = |at: usize| it.lines.partition_point(|start| *start <= at);
                match it.part(span.start as usize) {
                    None => format!("{}:{}", it.path, line(span.start as usize)),
                    Some(part) => {
                        format!("{}:{}", part.path, line(span.start as usize) + 1 - line(part.range.start))
                    }
                }
            }
        }
    }

    /// Says that the text `source` was joined from `parts`, in their order.
    pub(crate) fn divide(&mut self, source: SourceId, parts: Vec<Part>) {
        if let Some(text) = self.0.get_mut(usize::from(source.0)) {
            text.parts = parts;
        }
    }

    /// `found` and the texts as their author knows them: each part is a text of its own. The numbers of the others stay.
    pub(crate) fn apart(&self, mut found: Vec<Diagnostic>) -> (Vec<Diagnostic>, Self) {
        let mut apart = self.clone();
        let mut own: Vec<(SourceId, &Part, SourceId)> = Vec::new();
        for (index, joined) in self.0.iter().enumerate() {
            for part in &joined.parts {
                let text = joined.text.get(part.range.clone()).unwrap_or("");
                own.push((id_of(index), part, apart.add(&part.path, text)));
            }
        }
        for label in found.iter_mut().flat_map(|it| &mut it.labels) {
            let within = |it: &&(SourceId, &Part, SourceId)| {
                it.0 == label.span.source && it.1.range.start <= label.span.start as usize
            };
            if let Some((_, part, source)) = own.iter().rfind(within) {
                let moved = |at: u32| (at as usize).min(part.range.end) - part.range.start;
                label.span = span(*source, moved(label.span.start), moved(label.span.end));
            }
        }
        (found, apart)
    }

    pub(crate) fn add(&mut self, path: &str, text: &str) -> SourceId {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.0.push(SourceText { path: path.to_owned(), text: text.to_owned(), lines, parts: Vec::new() });
        id_of(self.0.len() - 1)
    }

    pub(crate) fn id(&self, path: &str) -> Option<SourceId> {
        self.0.iter().position(|it| it.path == path).map(id_of)
    }

    pub(crate) fn path(&self, source: SourceId) -> Option<&str> {
        self.get(source).map(|it| it.path.as_str())
    }

    pub(crate) fn text(&self, source: SourceId) -> &str {
        self.get(source).map_or("", |it| &it.text)
    }

    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text(span.source).get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The token that starts at `position`: Rhai knows no ends, so that the token is measured here. No position means
    /// the start of the text.
    pub(crate) fn token(&self, source: SourceId, position: Position) -> Span {
        let start = self.offset(source, position);
        let rest = &self.text(source)[start..];
        span(source, start, start + token_length(rest))
    }

    /// The escape sequence whose character after the backslash is at `position`.
    pub(crate) fn escape(&self, source: SourceId, position: Position, sequence: &str) -> Span {
        let at = self.offset(source, position);
        let text = self.text(source);
        let start = text[..at].rfind('\\').filter(|it| text[*it..].starts_with(sequence)).unwrap_or(at);
        let end = (start + sequence.len()).min(text.len());
        match text.is_char_boundary(end) {
            true => span(source, start, end),
            false => span(source, start, start),
        }
    }

    /// What stands between the quotes around `inner`, on its line.
    pub(crate) fn quoted_around(&self, inner: Span) -> Option<&str> {
        let text = self.text(inner.source);
        let (before, after) = (text.get(..inner.start as usize)?, text.get(inner.end as usize..)?);
        let start = before.rfind(['"', '\n']).filter(|it| before[*it..].starts_with('"'))? + 1;
        let end = after.find(['"', '\n']).filter(|it| after[*it..].starts_with('"'))?;
        text.get(start..inner.end as usize + end)
    }

    /// The last character of the last token before `position`, where something is missing.
    pub(crate) fn before(&self, source: SourceId, position: Position) -> Span {
        let text = self.text(source);
        let mut end = self.offset(source, position);
        loop {
            let code = text[..end].trim_end();
            let line = code.rfind('\n').map_or(0, |it| it + 1);
            match comment_start(&code[line..]) {
                Some(comment) => end = line + comment,
                None => {
                    let start = code.char_indices().next_back().map_or(0, |(at, _)| at);
                    return span(source, start, code.len());
                }
            }
        }
    }

    fn get(&self, source: SourceId) -> Option<&SourceText> {
        self.0.get(usize::from(source.0))
    }

    /// Rhai counts lines and columns from 1, columns in characters.
    fn offset(&self, source: SourceId, position: Position) -> usize {
        let Some(text) = self.get(source) else { return 0 };
        let line = position.line().unwrap_or(1).saturating_sub(1);
        let Some(start) = text.lines.get(line) else { return text.text.len() };
        let column = position.position().unwrap_or(1).saturating_sub(1);
        let rest = &text.text[*start..];
        start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
    }
}

impl SourceText {
    /// The part that the byte `at` is in, or that is the last before it.
    fn part(&self, at: usize) -> Option<&Part> {
        self.parts.iter().rfind(|it| it.range.start <= at)
    }
}

/// Where a `//` comment starts in a line, quotes minded.
fn comment_start(line: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open && !escaped => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '/') if line[at..].starts_with("//") => return Some(at),
            _ => (),
        }
        escaped = c == '\\' && !escaped && quote != Some('`');
    }
    None
}

fn token_length(rest: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let Some(first) = rest.chars().next() else { return 0 };
    match first {
        '"' | '`' => quoted_length(rest, first),
        '#' if rest.starts_with("#{") => 2,
        '\n' | '\r' => 0,
        // A property: Rhai gives the place of the dot.
        '.' if rest[1..].starts_with(is_word) => {
            1 + rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1)
        }
        c if OPERATOR.contains(c) => rest.find(|c| !OPERATOR.contains(c)).unwrap_or(rest.len()),
        c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        c => c.len_utf8(),
    }
}

fn quoted_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            c if c == quote && !escaped => return at + c.len_utf8(),
            '\n' => return at,
            c => escaped = c == '\\' && !escaped && quote == '"',
        }
    }
    rest.len()
}

fn id_of(index: usize) -> SourceId {
    SourceId(u16::try_from(index).unwrap_or(u16::MAX))
}

pub(crate) fn span(source: SourceId, start: usize, end: usize) -> Span {
    let byte = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    Span { source, start: byte(start), end: byte(end) }
}
