//! Hover: what stands under the cursor, with its kind and what it is without one.

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind};
use mops_eval::{Cursor, Offers, Token, TokenKind, Wanted, described, signature_of};

use crate::{symbols, text::Text};

/// What is known of what stands at byte `offset`.
pub(crate) fn hover(text: &Text, offset: usize, offers: &Offers) -> Option<Hover> {
    let token = token_at(text, offset)?;
    let cursor = text.cursor(token.span.start as usize + 1);
    let word = token.text(&text.content);
    let said = match (cursor.wanted(offers), token.kind) {
        (Wanted::Key { fields, .. }, TokenKind::Name | TokenKind::Text) => {
            let field = fields.iter().find(|it| it.name == word.trim_matches('"'))?;
            format!("**{}**: {}\n\n{}", field.name, described(field), field.doc)
        }
        (Wanted::Value(kind), TokenKind::Text) => kind.to_string(),
        (_, TokenKind::Name) => named(text, &token, &cursor, offers)?,
        _ => return None,
    };
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value: said });
    Some(Hover { contents, range: Some(text.range(token.span)) })
}

fn named(text: &Text, token: &Token, cursor: &Cursor<'_>, offers: &Offers) -> Option<String> {
    let word = token.text(&text.content);
    let module = cursor.module();
    let symbols = symbols::symbols(text);
    let own = symbols.iter().rfind(|it| it.name == word && it.is_seen_from(token.span.end as usize));
    match (offers.function(module, word), own, offers.module(word)) {
        (_, Some(symbol), _) if module.is_none() => Some(format!("`{word}`\n\n{}", symbol.doc)),
        (Some(function), _, _) => {
            let head = format!("`{}`\n\n{}", signature_of(module, function), function.doc);
            let fields = function.arguments.iter().chain(&function.options);
            let rows: Vec<String> =
                fields.map(|it| format!("- **{}**: {}", it.name, described(it))).collect();
            Some(format!("{head}\n\n{}\n\n```rhai\n{}\n```", rows.join("\n"), function.example))
        }
        (None, _, Some(doc)) => Some(format!("**{word}**\n\n{doc}")),
        (None, _, None) => None,
    }
}

/// The token that byte `offset` is in, or a word that ends there.
pub(crate) fn token_at(text: &Text, offset: usize) -> Option<Token> {
    let end = text.tokens.partition_point(|it| it.span.start as usize <= offset);
    let here = end.checked_sub(1).map(|it| text.tokens[it])?;
    let before = end.checked_sub(2).map(|it| text.tokens[it]);
    let is_word = |it: &Token| it.kind == TokenKind::Name && it.span.end as usize == offset;
    match here.kind {
        TokenKind::Name | TokenKind::Text => Some(here),
        _ => before.filter(is_word),
    }
}
