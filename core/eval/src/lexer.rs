//! A script as tokens, for those who work on its text: the formatter, the editor, the prompt.
//!
//! **Invariant:** nothing is lost: the tokens one after the other are the text, whatever the text is.
//! **Invariant:** tokens begin where those of Rhai 1.27 begin, except that brackets are a token each (`()` is one in
//! Rhai) and a minus before a number is a token of its own.

use mops_model::{SourceId, Span};

use crate::texts::span;

/// The smallest part of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenKind {
    /// Blanks and line breaks.
    Space,
    /// `// …` to the end of its line, the line break not included.
    LineComment,
    /// `/* … */`; such comments nest.
    BlockComment,
    /// A block comment that nothing closes.
    OpenComment,
    /// A name that a script may give: of a variable, a function, a module, an option.
    Name,
    /// A word of the language, such as `let`; no option is called so.
    Keyword,
    /// A number, such as `12`, `0xff`, `1_000` or `2.5e3`.
    Number,
    /// Text without values in it: `"…"`, `` `…` ``, `#"…"#`, `'c'`.
    Text,
    /// Text that nothing closes: it ends with its line, or with the script.
    OpenText,
    /// `` `…${ ``: text up to the first value in it.
    TextStart,
    /// `}…${`: text between two values.
    TextMiddle,
    /// `` }…` ``: text after the last value.
    TextEnd,
    /// Brackets, separators and operators, each as long as it can be: `#{`, `..=`, `::`.
    Operator,
    /// What the language has no use for.
    Unknown,
}

/// Words of the language, in alphabetical order.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "Fn", "as", "async", "await", "break", "call", "case", "catch", "const", "continue", "curry", "debug",
    "default", "do", "else", "eval", "export", "false", "fn", "for", "go", "goto", "if", "import", "in",
    "is", "is_def_fn", "is_def_var", "is_shared", "let", "loop", "match", "module", "new", "nil", "null",
    "package", "print", "private", "protected", "public", "return", "shared", "spawn", "static", "super",
    "switch", "sync", "this", "thread", "throw", "true", "try", "type_of", "until", "use", "var", "void",
    "while", "with", "yield",
];

/// Operators and brackets, longer ones before those they begin with. `#` with quotes begins a text.
const OPERATORS: &[&str] = &[
    "...", "..=", "===", "!==", "::<", "<<=", ">>=", "**=", "+=", "++", "-=", "->", "--", "*=", "**", "*)",
    "/=", "..", "==", "=>", "::", ":=", ":;", "<=", "<-", "<<", "<|", ">=", ">>", "!=", "!.", "||", "|=",
    "|>", "&&", "&=", "^=", "%=", "?.", "??", "?[", "#{", "(*", "(", ")", "[", "]", "{", "}", "+", "-", "*",
    "/", ";", ",", ".", "=", ":", "<", ">", "!", "|", "&", "^", "~", "%", "@", "$", "?", "#",
];

impl Token {
    /// Its part of `text`, the text it was made from.
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.span.start as usize..self.span.end as usize]
    }

    /// Whether it means nothing: a blank or a comment.
    pub fn is_trivia(&self) -> bool {
        match self.kind {
            TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment | TokenKind::OpenComment => {
                true
            }
            TokenKind::Name
            | TokenKind::Keyword
            | TokenKind::Number
            | TokenKind::Text
            | TokenKind::OpenText
            | TokenKind::TextStart
            | TokenKind::TextMiddle
            | TokenKind::TextEnd
            | TokenKind::Operator
            | TokenKind::Unknown => false,
        }
    }
}

/// Whether `word` is a word of the language, which no option and no variable can be called.
pub fn is_keyword(word: &str) -> bool {
    KEYWORDS.binary_search(&word).is_ok()
}

/// The tokens of `text`, the text number `source`.
pub fn tokens(source: SourceId, text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    // For each value inside a text that is open: how many braces are open in it.
    let mut values: Vec<usize> = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let (kind, length) = match values.last() {
            Some(0) if rest.starts_with('}') => {
                values.pop();
                match until_value(rest) {
                    (Until::Value, length) => (TokenKind::TextMiddle, length),
                    (Until::Quote, length) => (TokenKind::TextEnd, length),
                    (Until::End, length) => (TokenKind::OpenText, length),
                }
            }
            Some(_) | None => next(rest),
        };
        match (kind, &rest[..length]) {
            (TokenKind::TextStart | TokenKind::TextMiddle, _) => values.push(0),
            (TokenKind::Operator, "{" | "#{") => values.iter_mut().last().into_iter().for_each(|it| *it += 1),
            (TokenKind::Operator, "}") => values.iter_mut().last().into_iter().for_each(|it| *it -= 1),
            _ => (),
        }
        tokens.push(Token { kind, span: span(source, start, start + length) });
        start += length;
    }
    tokens
}

/// The first token of `rest`, which is not empty.
fn next(rest: &str) -> (TokenKind, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    match first {
        ' ' | '\t' | '\n' | '\r' | '\x0c' => (TokenKind::Space, run(rest, |c| c.is_ascii_whitespace())),
        '/' if rest.starts_with("//") => (TokenKind::LineComment, run(rest, |c| c != '\n' && c != '\r')),
        '/' if rest.starts_with("/*") => block_comment(rest),
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = run(rest, is_word);
            let kind = if is_keyword(&rest[..length]) { TokenKind::Keyword } else { TokenKind::Name };
            (kind, length)
        }
        '0'..='9' => (TokenKind::Number, number(rest)),
        '"' | '\'' => quoted(rest, first),
        '`' => match until_value(rest) {
            (Until::Value, length) => (TokenKind::TextStart, length),
            (Until::Quote, length) => (TokenKind::Text, length),
            (Until::End, length) => (TokenKind::OpenText, length),
        },
        '#' if rest.trim_start_matches('#').starts_with('"') => raw(rest),
        '!' if rest.starts_with("!in") && !rest[3..].starts_with(is_word) => (TokenKind::Operator, 3),
        _ => match OPERATORS.iter().find(|it| rest.starts_with(**it)) {
            Some(operator) => (TokenKind::Operator, operator.len()),
            None => (TokenKind::Unknown, first.len_utf8()),
        },
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// How many bytes at the start of `rest` are of characters that `fits` takes.
fn run(rest: &str, fits: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !fits(c)).unwrap_or(rest.len())
}

fn block_comment(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    // Rhai takes the second star of `/**` for a part of the opening, so that `/**/` stays open.
    let (mut at, mut depth) = (if rest.starts_with("/**") { 3 } else { 2 }, 1_usize);
    while depth > 0 {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'/'), Some(b'*')) => (at, depth) = (at + 2, depth + 1),
            (Some(b'*'), Some(b'/')) => (at, depth) = (at + 2, depth - 1),
            (Some(_), _) => at += 1,
            (None, _) => return (TokenKind::OpenComment, rest.len()),
        }
    }
    (TokenKind::BlockComment, at)
}

fn number(rest: &str) -> usize {
    let digits = |rest: &str| run(rest, |c| c.is_ascii_digit() || c == '_');
    match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => return 2 + run(&rest[2..], |c| c.is_ascii_hexdigit() || c == '_'),
        [b'0', b'o' | b'O', ..] => return 2 + run(&rest[2..], |c| matches!(c, '0'..='7' | '_')),
        [b'0', b'b' | b'B', ..] => return 2 + run(&rest[2..], |c| matches!(c, '0' | '1' | '_')),
        _ => (),
    }
    let mut at = digits(rest);
    // A name after the dot is a property or a method, two dots are a range.
    let ends_whole = |c: char| c == '.' || c == '_' || c.is_ascii_alphabetic();
    if rest[at..].starts_with('.') && !rest[at + 1..].starts_with(ends_whole) && at + 1 < rest.len() {
        at += 1;
        at += digits(&rest[at..]);
    }
    match &rest.as_bytes()[at..] {
        [b'e' | b'E', b'0'..=b'9', ..] => at + 1 + digits(&rest[at + 1..]),
        [b'e' | b'E', b'+' | b'-', ..] => at + 2 + digits(&rest[at + 2..]),
        _ => at,
    }
}

/// `"…"` or `'…'`: a backslash takes what follows it, a doubled quote stands for one, a line break ends it unless a
/// backslash in double quotes stands before it.
fn quoted(rest: &str, quote: char) -> (TokenKind, usize) {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\n' => return (TokenKind::OpenText, at),
            '\\' => {
                if rest[at + 1..].starts_with("\r\n") {
                    characters.next();
                }
                if let Some((line, '\n')) = characters.next()
                    && quote == '\''
                {
                    return (TokenKind::OpenText, line);
                }
            }
            c if c == quote && characters.next_if(|it| it.1 == quote).is_none() => {
                return (TokenKind::Text, at + 1);
            }
            _ => (),
        }
    }
    (TokenKind::OpenText, rest.len())
}

fn raw(rest: &str) -> (TokenKind, usize) {
    let hashes = run(rest, |c| c == '#');
    let end = format!("\"{}", &rest[..hashes]);
    match rest[hashes + 1..].find(&end) {
        Some(at) => (TokenKind::Text, hashes + 1 + at + end.len()),
        None => (TokenKind::OpenText, rest.len()),
    }
}

/// What a piece of back-tick text ends with.
enum Until {
    Value,
    Quote,
    End,
}

/// How long a piece of back-tick text is, from its quote or brace on.
fn until_value(rest: &str) -> (Until, usize) {
    let mut at = 1;
    while let Some(found) = rest[at..].find(['`', '$', '\\']) {
        at += found;
        match &rest[at..] {
            it if it.starts_with("\\${") => at += 3,
            it if it.starts_with("${") => return (Until::Value, at + 2),
            it if it.starts_with("``") => at += 2,
            it if it.starts_with('`') => return (Until::Quote, at + 1),
            _ => at += 1,
        }
    }
    (Until::End, rest.len())
}

#[cfg(test)]
mod tests;
