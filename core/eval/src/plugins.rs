//! Plugin libraries that a script names with `plugin("…")`.
//!
//! What a script may call must be known before it is checked, and so before it runs. Therefore only a plain text in the
//! script itself counts: it is found without running anything. Everything else that calls `plugin` is a mistake, which is
//! told when it runs.

use mops_model::{SourceId, Span};

use crate::{
    lexer::{Token, TokenKind, tokens},
    texts::SourceTexts,
};

/// The libraries that a script names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Libraries {
    /// Each library, in the order of the script.
    pub named: Vec<NamedLibrary>,
    /// The script, to draw places in.
    pub texts: SourceTexts,
}

/// One library that a script names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLibrary {
    /// As it is written: a path relative to the script's folder, or the name of a plugin in the user's own folder.
    pub path: String,
    /// Where it is written.
    pub span: Span,
}

/// The libraries that the script at `path` with this text names.
pub fn libraries(path: &str, text: &str) -> Libraries {
    let mut texts = SourceTexts::default();
    let source = texts.add(path, text);
    let said: Vec<Token> = tokens(source, text).into_iter().filter(|it| !it.is_trivia()).collect();
    let named = (0..said.len()).filter_map(|at| named(&said, at, text)).collect();
    Libraries { named, texts }
}

/// The library that the call of `plugin` at `said[at]` names, if that is one.
fn named(said: &[Token], at: usize, text: &str) -> Option<NamedLibrary> {
    let [function, open, path, close] = said.get(at..at + 4)? else { return None };
    let before = at.checked_sub(1).map_or("", |it| said[it].text(text));
    let is_call = function.text(text) == "plugin" && open.text(text) == "(" && close.text(text) == ")";
    let is_other = ["::", ".", "?.", "fn"].contains(&before);
    if !is_call || is_other || path.kind != TokenKind::Text {
        return None;
    }
    let plain = plain(path.text(text))?;
    Some(NamedLibrary { path: plain.to_owned(), span: path.span })
}

/// The path in `"…"` where it is written as it is.
fn plain(quoted: &str) -> Option<&str> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.is_empty() && !inside.contains('\\')).then_some(inside)
}

/// Whether a call of `plugin` with `path`, written at `span`, is one that [`libraries`] finds.
pub(crate) fn is_found(texts: &SourceTexts, span: Span, path: &str) -> bool {
    span.source == SourceId::default() && plain(texts.slice(span)) == Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        libraries("shop.rhai", text).named.into_iter().map(|it| it.path).collect()
    }

    #[test]
    fn a_plain_text_is_found_wherever_it_is_called() {
        let text = "// plugin(\"no\");\nplugin(\"./a.so\"); if true { plugin( /* ! */ \"b\" ) }";
        assert_eq!(found(text), ["./a.so", "b"]);
    }

    #[test]
    fn what_is_calculated_or_is_another_function_is_not_found() {
        let text =
            "let p = \"a\"; plugin(p); plugin(\"a\" + \"b\"); plugin(`a`); x::plugin(\"c\"); fn plugin(d) {}";
        assert_eq!(found(text), [] as [&str; 0]);
    }
}
