//! What a text gives names to: functions, variables, imported files.

use mops_eval::{Token, TokenKind};
use mops_model::Span;

use crate::text::Text;

/// Something that a text gives a name.
#[derive(Debug)]
pub(crate) struct Symbol<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: SymbolKind,
    /// Where its name stands.
    pub(crate) span: Span,
    /// Its doc comment.
    pub(crate) doc: String,
    /// From where to where it is seen.
    from: usize,
    to: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Function,
    Variable,
    /// An imported file, by the name it is given.
    Module,
}

impl Symbol<'_> {
    /// Whether byte `offset` is where it is seen.
    pub(crate) fn is_seen_from(&self, offset: usize) -> bool {
        (self.from..=self.to).contains(&offset)
    }
}

/// Everything that `text` gives a name, in its order.
pub(crate) fn symbols(text: &Text) -> Vec<Symbol<'_>> {
    let significant: Vec<Token> = text.tokens.iter().filter(|it| !it.is_trivia()).copied().collect();
    let ends = ends(&significant, text);
    let word = |at: usize| significant.get(at).map_or("", |it| it.text(&text.content));
    let mut found = Vec::new();
    for (i, token) in significant.iter().enumerate() {
        let end = ends[i];
        let name = |at: usize, kind, from: usize, to: usize| {
            let it = significant.get(at).filter(|it| it.kind == TokenKind::Name)?;
            let doc = if kind == SymbolKind::Function {
                doc_before(text, token.span.start as usize)
            } else {
                String::new()
            };
            Some(Symbol { name: it.text(&text.content), kind, span: it.span, doc, from, to })
        };
        let start = token.span.end as usize;
        match (token.kind, token.text(&text.content)) {
            (TokenKind::Keyword, "let" | "const") => {
                found.extend(name(i + 1, SymbolKind::Variable, start, end));
            }
            (TokenKind::Keyword, "as") => found.extend(name(i + 1, SymbolKind::Module, start, end)),
            (TokenKind::Keyword, "fn") => {
                found.extend(name(i + 1, SymbolKind::Function, 0, text.content.len()));
                let (parameters, body) = parameters(&significant, text, i + 2);
                let to = significant.get(body).map_or(end, |_| ends.get(body + 1).copied().unwrap_or(end));
                found.extend(
                    parameters.into_iter().filter_map(|at| name(at, SymbolKind::Variable, start, to)),
                );
            }
            (TokenKind::Keyword, "for") => {
                let body = (i..significant.len()).find(|at| word(*at) == "{").unwrap_or(i);
                let to = ends.get(body + 1).copied().unwrap_or(end);
                let variables = (i + 1..body).take_while(|at| word(*at) != "in");
                found.extend(variables.filter_map(|at| name(at, SymbolKind::Variable, start, to)));
            }
            (TokenKind::Operator, "|") => {
                let close = (i + 1..significant.len().min(i + 20)).find(|at| word(*at) == "|");
                let variables =
                    (i + 1..close.unwrap_or(i + 1)).filter(|at| matches!(word(at - 1), "|" | ","));
                let are_names = close.is_some_and(|close| {
                    (i + 1..close).all(|at| word(at) == "," || significant[at].kind == TokenKind::Name)
                });
                found.extend(
                    variables
                        .filter(|_| are_names)
                        .filter_map(|at| name(at, SymbolKind::Variable, start, end)),
                );
            }
            _ => (),
        }
    }
    found
}

/// For each token: where the innermost bracket around it closes.
fn ends(tokens: &[Token], text: &Text) -> Vec<usize> {
    let mut ends = vec![text.content.len(); tokens.len()];
    let mut open: Vec<usize> = vec![text.content.len()];
    for (i, token) in tokens.iter().enumerate().rev() {
        match (token.kind, token.text(&text.content)) {
            (TokenKind::Operator, ")" | "]" | "}") | (TokenKind::TextEnd, _) => {
                open.push(token.span.start as usize);
            }
            (TokenKind::Operator, "(" | "[" | "{" | "#{" | "?[") | (TokenKind::TextStart, _)
                if open.len() > 1 =>
            {
                ends[i] = *open.last().unwrap_or(&0);
                open.pop();
                continue;
            }
            _ => (),
        }
        ends[i] = *open.last().unwrap_or(&0);
    }
    ends
}

/// The parameters of the function whose bracket is at `open`, and where its body opens.
fn parameters(tokens: &[Token], text: &Text, open: usize) -> (Vec<usize>, usize) {
    let word = |at: usize| tokens.get(at).map_or("", |it| it.text(&text.content));
    let close = (open..tokens.len()).find(|at| word(*at) == ")").unwrap_or(open);
    ((open + 1..close).filter(|at| tokens[*at].kind == TokenKind::Name).collect(), close + 1)
}

/// The doc comment that ends before byte `offset`.
fn doc_before(text: &Text, offset: usize) -> String {
    let end = text.tokens.partition_point(|it| (it.span.start as usize) < offset);
    let mut lines: Vec<&str> = Vec::new();
    for token in text.tokens[..end].iter().rev() {
        let it = token.text(&text.content);
        match token.kind {
            TokenKind::Space if it.matches('\n').count() < 2 => (),
            TokenKind::Keyword if it == "private" => (),
            TokenKind::LineComment if it.starts_with("///") => lines.push(it.trim_start_matches('/').trim()),
            _ => break,
        }
    }
    lines.reverse();
    lines.join("\n")
}
