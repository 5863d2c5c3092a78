//! Texts that Rhai cannot parse, in words for people: what is wrong, where, and what to write instead.

use mops_model::{Diagnostic, SourceId, Span};
use rhai::{LexError, ParseErrorType, Position};

use crate::{
    lexer::{TokenKind, tokens},
    texts::{SourceTexts, span},
};

/// What to do where nothing better is known.
const LOOK: &str = "check the brackets, quotes and commas before this";

/// A text that cannot be parsed.
pub(crate) fn syntax(
    kind: &ParseErrorType,
    at: Position,
    source: SourceId,
    texts: &SourceTexts,
) -> Diagnostic {
    let refused = Refused { at, source, texts, token: texts.token(source, at) };
    match kind {
        _ if refused.is_about_a_key(kind) => refused.reserved_key(),
        _ if refused.word() == "eval" => refused.said("`eval` is not available", "write a function instead"),
        ParseErrorType::BadInput(wrong) => refused.input(wrong),
        ParseErrorType::MissingToken(missing, why) => refused.missing(missing, why),
        ParseErrorType::UnexpectedEOF => {
            let found = Diagnostic::error("eval::syntax", "the text ends too early");
            let found = found.at(texts.before(source, at), "after this");
            refused.with_opener(found).help("close each bracket that is opened")
        }
        other => refused.other(other),
    }
}

/// A comment that nothing closes hides the rest of `text`; Rhai takes it for one that ends with the text.
pub(crate) fn open_comment(source: SourceId, text: &str) -> Option<Diagnostic> {
    let last = tokens(source, text).pop().filter(|it| it.kind == TokenKind::OpenComment)?;
    let start = last.span.start as usize;
    let found = Diagnostic::error("eval::syntax", "this comment does not end");
    Some(found.at(span(source, start, start + 2), "it begins here").help("close it with `*/`"))
}

/// What to write for a word of another language.
pub(crate) fn elsewhere(word: &str) -> Option<&'static str> {
    match word {
        "True" | "TRUE" | "yes" => Some("write `true`"),
        "False" | "FALSE" | "no" => Some("write `false`"),
        "None" | "NULL" | "Null" | "undefined" => Some("leave the key out"),
        "elseif" | "elsif" | "elif" => Some("write `else if`"),
        "foreach" => Some("write `for item in list { … }`"),
        "function" | "def" | "func" => Some("write `fn name(argument) { … }`"),
        "var" => Some("write `let`"),
        _ => None,
    }
}

/// Whether a statement of another language begins with `word`: what follows it is not looked at.
pub(crate) fn opens_elsewhere(word: &str) -> bool {
    ["elseif", "elsif", "elif", "foreach", "function", "def", "func"].contains(&word)
}

/// Rhai's own sentence, with the words that a script's author knows.
pub(crate) fn in_our_words(said: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("Expecting", "expected"),
        ("object map literal", "map"),
        ("array literal", "list"),
        ("a boolean expression", "true or false"),
        ("an iterable value", "a list"),
        ("a string", "text"),
        ("'", "`"),
    ];
    let said = WORDS.iter().fold(said.to_owned(), |said, (from, to)| said.replace(from, to));
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What the parser stopped at.
struct Refused<'a> {
    at: Position,
    source: SourceId,
    texts: &'a SourceTexts,
    token: Span,
}

impl Refused<'_> {
    fn word(&self) -> &str {
        self.texts.slice(self.token)
    }

    fn text(&self) -> &str {
        self.texts.text(self.source)
    }

    fn said(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic::error("eval::syntax", message).at(self.token, "here").help(help)
    }

    /// Whether a word of the language stands where a key should.
    fn is_about_a_key(&self, kind: &ParseErrorType) -> bool {
        let word = self.word();
        let is_key = !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
            && self.text()[self.token.end as usize..].trim_start().starts_with(':');
        let before = self.texts.slice(self.texts.before(self.source, self.at));
        is_key
            && match kind {
                ParseErrorType::Reserved(_) | ParseErrorType::PropertyExpected => true,
                ParseErrorType::MissingToken(_, _) => matches!(before, "{" | ","),
                _ => false,
            }
    }

    fn reserved_key(&self) -> Diagnostic {
        let word = self.word();
        let message = format!("`{word}` is a word of the language and no key by itself");
        Diagnostic::error("eval::reserved-key", message)
            .at(self.token, "reserved word")
            .help(format!("write it in quotes: \"{word}\""))
    }

    /// What is no token at all.
    fn input(&self, wrong: &LexError) -> Diagnostic {
        match wrong {
            LexError::MalformedEscapeSequence(sequence) => {
                let escape = self.texts.escape(self.source, self.at, sequence);
                let pattern = self.texts.quoted_around(escape).unwrap_or("^/\\d+$");
                Diagnostic::error("eval::bad-escape", format!("`{sequence}` means nothing inside quotes"))
                    .at(escape, "no escape of text")
                    .help(format!(
                        "write a regular expression in backticks, where `\\` stays as it is: `{pattern}`"
                    ))
            }
            LexError::UnterminatedString => Diagnostic::error("eval::syntax", "this text does not end")
                .at(self.token, "it begins here")
                .help("close it with the quote it begins with"),
            LexError::MalformedChar(text) => {
                let message = "single quotes stand around one character, and no text";
                self.said(message, format!("write \"{}\"", text.trim_matches('\'')))
            }
            LexError::MalformedNumber(number) => self.said(
                format!("`{number}` is no number"),
                format!("a value with a unit is text: write \"{number}\""),
            ),
            LexError::UnexpectedInput(_) => self.said(
                format!("`{}` does not belong here", self.word()),
                "look before it: each call has brackets, each statement ends with `;`",
            ),
            LexError::ImproperSymbol(_, why) if why.contains("'=='") => {
                self.said("`=` gives a value, and does not compare", "write `==`")
            }
            other => self.said(in_our_words(&other.to_string()), LOOK),
        }
    }

    /// Where `missing` was expected; Rhai says `why`, and names only one of the tokens that may follow.
    fn missing(&self, missing: &str, why: &str) -> Diagnostic {
        if let Some(found) = self.unit_without_quotes().or_else(|| self.closes_nothing(missing)) {
            return found;
        }
        let list = |what: &str, parts: &str, end: &str| {
            let help =
                format!("put `,` between {parts} and `{end}` at the end; a text has a quote at both ends");
            (format!("`,` or `{end}` is missing in this {what}"), help)
        };
        let (message, help) = match missing {
            ";" => (
                "`;` is missing at the end of this statement".to_owned(),
                "end the statement with `;`".to_owned(),
            ),
            _ if self.word() == "of" => (
                "this loop does not say over what it runs".to_owned(),
                "write `for item in list { … }`".to_owned(),
            ),
            "," if why.contains("array") => list("list", "items", "]"),
            "," if why.contains("map") => list("map", "keys", "}"),
            "," if why.contains("call") => list("call", "arguments", ")"),
            ":" => ("`:` is missing after this key".to_owned(), "write `key: value`".to_owned()),
            _ => (
                format!("`{missing}` is missing"),
                "close each bracket that is opened; a text has a quote at both ends".to_owned(),
            ),
        };
        let found = Diagnostic::error("eval::syntax", message)
            .at(self.texts.before(self.source, self.at), "after this");
        match missing {
            ")" | "]" | "}" => self.with_opener(found).help(help),
            _ => found.help(help),
        }
    }

    /// `128M` is read as a number and a word.
    fn unit_without_quotes(&self) -> Option<Diagnostic> {
        let (before, start) = (&self.text()[..self.token.start as usize], self.token.start as usize);
        let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').len();
        let is_word = self.word().starts_with(|c: char| c.is_alphabetic());
        let value =
            (digits > 0 && is_word).then(|| span(self.source, start - digits, self.token.end as usize))?;
        let shown = self.texts.slice(value);
        let found = Diagnostic::error("eval::syntax", format!("`{shown}` is no number")).at(value, "here");
        Some(found.help(format!("a value with a unit is text: write \"{shown}\"")))
    }

    /// A bracket that closes what nothing opens.
    fn closes_nothing(&self, missing: &str) -> Option<Diagnostic> {
        let word = self.word().chars().next().filter(|it| missing == ";" && matches!(it, ')' | ']' | '}'))?;
        let token = span(self.source, self.token.start as usize, self.token.start as usize + 1);
        let found =
            Diagnostic::error("eval::syntax", format!("this `{word}` closes nothing")).at(token, "here");
        Some(found.help("take it away, or open before it what it shall close"))
    }

    /// Shows the innermost bracket that is still open.
    fn with_opener(&self, found: Diagnostic) -> Diagnostic {
        let mut open = Vec::new();
        for it in tokens(self.source, self.text()) {
            if it.span.start >= self.token.start && !self.token_is_at_the_end() {
                break;
            }
            match self.texts.slice(it.span) {
                "(" | "[" | "{" | "#{" => open.push(it.span),
                ")" | "]" | "}" => drop(open.pop()),
                _ => (),
            }
        }
        match open.pop() {
            Some(opener) => found.at(opener, "opened here"),
            None => found,
        }
    }

    fn token_is_at_the_end(&self) -> bool {
        self.text().len() <= self.token.end as usize
    }

    fn other(&self, kind: &ParseErrorType) -> Diagnostic {
        let word = self.word();
        match kind {
            ParseErrorType::DuplicatedProperty(key) => {
                Diagnostic::error("eval::duplicate", format!("the key `{key}` is given twice"))
                    .at(self.token, "here again")
                    .help("keep one of them")
            }
            ParseErrorType::Reserved(word) => {
                let help = elsewhere(word).unwrap_or("choose another name");
                self.said(format!("`{word}` is a reserved word"), help)
            }
            ParseErrorType::ExprTooDeep => {
                Diagnostic::error("eval::limit-depth", "this expression is nested too deeply")
                    .at(self.token, "here")
                    .help("give its parts names with `let`")
            }
            ParseErrorType::PropertyExpected => {
                Diagnostic::error("eval::syntax", format!("a map has keys, and `{word}` is none"))
                    .at(self.token, "expected a key here")
                    .help("write `key: value`")
            }
            ParseErrorType::MismatchedType(wanted, given) => {
                let (wanted, given) = (in_our_words(wanted), in_our_words(given));
                let help = match wanted.as_str() {
                    "true or false" => "write a comparison, such as `country == \"pl\"`",
                    _ => "a loop runs over a list, such as `[\"pl\", \"de\"]`, or a range, such as `0..3`",
                };
                Diagnostic::error("eval::wrong-type", format!("expected {wanted}, not {given}"))
                    .at(self.token, "here")
                    .help(help)
            }
            ParseErrorType::WrongFnDefinition => self.said(
                "a function stands inside a block or another function",
                "move it out: functions stand at the level of the file",
            ),
            ParseErrorType::FnMissingParams(name) => self.said(
                format!("the function `{name}` has no brackets for its arguments"),
                format!("write `fn {name}() {{ … }}`"),
            ),
            ParseErrorType::FnMissingBody(name) => self
                .said(format!("the function `{name}` has no body"), format!("write `fn {name}(…) {{ … }}`")),
            ParseErrorType::FnDuplicatedDefinition(name, _) => Diagnostic::error(
                "eval::duplicate",
                format!("the function `{name}` is declared twice, with as many arguments"),
            )
            .at(self.token, "here again")
            .help("keep one of them, or give one another name"),
            ParseErrorType::AssignmentToConstant(name) => self.said(
                format!("`{name}` is a constant and stays as it is"),
                "declare it with `let`, or give the other value another name",
            ),
            ParseErrorType::LoopBreak => self.said(
                format!("`{word}` leaves a loop, and here is none"),
                "take it away, or put it into the loop",
            ),
            other => self.said(in_our_words(&other.to_string()), LOOK),
        }
    }
}
