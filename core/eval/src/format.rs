//! Scripts in one style: four spaces, a statement a line, one blank line at most, a key a line where a map takes several.
//!
//! **Invariant:** only blanks, breaks of lines and commas at the end of lists change. Text that would read differently
//! is refused, never written.
//! **Invariant:** what is formatted stays as it is when it is formatted again.

mod gap;
mod print;
mod tree;

use mops_model::{Diagnostic, SourceId};

use crate::{
    Failed, SourceTexts,
    lexer::{Token, TokenKind, tokens},
    meaning::{same_meaning, syntax_error},
    syntax,
};

/// The script `text` in the style of mops. `path` names it in what is said about it.
///
/// # Errors
/// Where `text` cannot be read as a script, and where its layout cannot be changed without changing what it means.
pub fn format(path: &str, text: &str) -> Result<String, Failed> {
    let mut texts = SourceTexts::default();
    let source = texts.add(path, text);
    let found = match syntax_error(text) {
        Some(err) => syntax::syntax(err.err_type(), err.position(), source, &texts),
        None => match checked(text) {
            Some(formatted) => return Ok(formatted),
            None => Diagnostic::error(
                "eval::format",
                "this cannot be laid out without changing what it means",
            )
            .help(
                "it stays as it is; text that goes on after a backslash at the end of a line is such a case",
            ),
        },
    };
    Err(Failed { diagnostics: vec![found], texts })
}

/// `text` formatted, if that is the same script with the same comments, and stays as it is when it is formatted again.
fn checked(text: &str) -> Option<String> {
    let formatted = laid_out(text)?;
    let is_sound = words(text) == words(&formatted)
        && comments(text) == comments(&formatted)
        && same_meaning(text, &formatted)
        && laid_out(&formatted).as_ref() == Some(&formatted);
    is_sound.then_some(formatted)
}

fn laid_out(text: &str) -> Option<String> {
    tree::tree(text, &tokens(SourceId(0), text)).map(|it| print::print(&it))
}

/// Everything that is neither blank nor comment, without commas before a closing bracket.
fn words(text: &str) -> Vec<(TokenKind, &str)> {
    let all = tokens(SourceId(0), text);
    let mut words: Vec<(TokenKind, &str)> = Vec::new();
    for token in all.iter().filter(|it| !it.is_trivia()) {
        let word = token.text(text);
        let closes = token.kind == TokenKind::Operator && matches!(word, "]" | "}");
        if closes && words.last() == Some(&(TokenKind::Operator, ",")) {
            words.pop();
        }
        words.push((token.kind, word));
    }
    words
}

fn comments(text: &str) -> Vec<&str> {
    let is_comment = |it: &&Token| it.is_trivia() && it.kind != TokenKind::Space;
    tokens(SourceId(0), text).iter().filter(is_comment).map(|it| it.text(text).trim_end()).collect()
}

#[cfg(test)]
mod tests;
