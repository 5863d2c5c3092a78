//! A script and inputs as one text.

use std::ops::Range;

use mops_model::SourceId;

use crate::{
    lexer::{Token, TokenKind, tokens},
    texts::Part,
};

/// The function that says, to the session alone, that the latest input begins.
pub(super) const BEGINS: &str = "mops_latest_input_begins";

/// A script, or an input that was right.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// What it is called: its path, or `input 3`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) is_input: bool,
}

/// Pieces as one text.
pub(super) struct Joined {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
}

/// Joins `pieces`; before the last of them [`BEGINS`] is called.
pub(super) fn joined(pieces: &[Piece]) -> Joined {
    let mut joined = Joined { text: String::new(), parts: Vec::new() };
    for (i, piece) in pieces.iter().enumerate() {
        if i > 0 {
            joined.text.push_str("\n;\n");
        }
        if i + 1 == pieces.len() {
            joined.text.push_str(BEGINS);
            joined.text.push_str("();\n");
        }
        let start = joined.text.len();
        joined.text.push_str(&piece.text);
        joined.parts.push(Part { path: piece.path.clone(), range: start..joined.text.len() });
    }
    joined
}

/// Whether `input` ends too early: something is open, or an operator waits for its right side.
pub fn is_incomplete(input: &str) -> bool {
    let tokens = tokens(SourceId(0), input);
    let mut open: Vec<&str> = Vec::new();
    for token in &tokens {
        let closes = match (token.kind, token.text(input)) {
            (TokenKind::OpenComment, _) => return true,
            (TokenKind::OpenText, text) => return text.starts_with(['`', '}']),
            (TokenKind::TextStart, _) => {
                open.push("${");
                continue;
            }
            (TokenKind::TextEnd, _) => "${",
            (TokenKind::Operator, it @ ("(" | "[" | "{" | "#{" | "?[")) => {
                open.push(it);
                continue;
            }
            (TokenKind::Operator, ")") => "(",
            (TokenKind::Operator, "]") => "[",
            (TokenKind::Operator, "}") => "{",
            _ => continue,
        };
        // What does not fit is a mistake, and no more lines mend it.
        if open.pop().is_none_or(|it| !it.ends_with(closes)) {
            return false;
        }
    }
    let last = tokens.iter().rfind(|it| !it.is_trivia());
    !open.is_empty() || last.is_some_and(|it| it.kind == TokenKind::Operator && waits(it.text(input)))
}

/// Whether an operator at the end waits for what is on its right.
fn waits(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "+"
            | "-"
            | "*"
            | "/"
            | "%"
            | "&&"
            | "||"
            | "??"
            | "=="
            | "!="
            | "<"
            | ">"
            | "<="
            | ">="
            | "=>"
            | "+="
            | "-="
            | "*="
            | "/="
            | ","
    )
}

/// `pieces` without the functions that `input` declares again. Nothing moves: blanks stand in their place.
pub(super) fn without_functions_of(pieces: &[Piece], input: &str) -> Vec<Piece> {
    let again: Vec<(String, usize)> = functions(input).into_iter().map(|it| it.0).collect();
    let mut pieces = pieces.to_vec();
    if again.is_empty() {
        return pieces;
    }
    for piece in &mut pieces {
        for (name, range) in functions(&piece.text) {
            if again.contains(&name) {
                let blank = |c: char| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) };
                let blanks: String = piece.text[range.clone()].chars().map(blank).collect();
                piece.text.replace_range(range, &blanks);
            }
        }
    }
    pieces
}

/// Each function of `text` by its name and number of parameters, with the bytes it takes.
fn functions(text: &str) -> Vec<((String, usize), Range<usize>)> {
    let all = tokens(SourceId(0), text);
    let tokens: Vec<&Token> = all.iter().filter(|it| !it.is_trivia()).collect();
    let word = |i: usize| tokens.get(i).map_or("", |it| it.text(text));
    let mut found = Vec::new();
    for i in 0..tokens.len() {
        if word(i) != "fn" || word(i + 2) != "(" {
            continue;
        }
        let Some(close) = (i + 3..tokens.len()).find(|it| word(*it) == ")") else { break };
        let parameters = tokens[i + 3..close].iter().filter(|it| it.kind == TokenKind::Name).count();
        let Some(end) = closing_brace(&tokens, text, close + 1) else { break };
        let start = if i > 0 && word(i - 1) == "private" { i - 1 } else { i };
        let range = tokens[start].span.start as usize..tokens[end].span.end as usize;
        found.push(((word(i + 1).to_owned(), parameters), range));
    }
    found
}

/// The token that closes the brace at `from`.
fn closing_brace(tokens: &[&Token], text: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, token) in tokens.iter().enumerate().skip(from) {
        match (token.kind, token.text(text)) {
            (TokenKind::Operator, "{" | "#{") => depth += 1,
            (TokenKind::Operator, "}") if depth == 1 => return Some(i),
            (TokenKind::Operator, "}") => depth = depth.checked_sub(1)?,
            _ => (),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_waits_for_more() {
        for open in ["fn f() {", "cache(#{", "[1,\n 2", "let x =", "`abc ${", "`abc", "1 +", "foo(", "/* abc"]
        {
            assert!(is_incomplete(open), "{open}");
        }
        for whole in
            ["fn f() { 1 }", "\"abc", "let x = 5;", "x.", "varnish::", "}", "(]", "", "// a", "`a ${b} c`"]
        {
            assert!(!is_incomplete(whole), "{whole}");
        }
    }

    #[test]
    fn a_function_that_is_declared_again_is_blank_in_the_pieces_before() {
        let piece = |text: &str| Piece { path: String::new(), text: text.to_owned(), is_input: true };
        let pieces = [piece("let a = 1; fn f(x) { `${x}}` } f(a)"), piece("fn f() { 2 }")];
        let left: Vec<String> =
            without_functions_of(&pieces, "fn f(y) { 3 }").into_iter().map(|it| it.text).collect();
        assert_eq!(left, ["let a = 1;                     f(a)", "fn f() { 2 }"]);
    }
}
