//! Completion: what may stand at the cursor, as an editor takes it. Nothing is evaluated for it.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, MarkupContent, MarkupKind, Range,
    TextEdit,
};
use mops_eval::{Candidate, CandidateKind, Completion, Declared, Named, Offers};
use mops_model::Site;

use crate::{
    symbols::{self, SymbolKind},
    text::Text,
};

/// What may stand at byte `offset`; `site` is what the script declared when it was last right.
pub(crate) fn complete(
    text: &Text,
    offset: usize,
    offers: &Offers,
    site: Option<&Site>,
) -> Vec<CompletionItem> {
    let cursor = text.cursor(offset);
    let Completion { start, candidates } =
        mops_eval::complete(&cursor, offers, &declared(text, offset, site));
    let range = Range { start: text.position(start), end: text.position(offset) };
    candidates.into_iter().map(|it| item(it, range)).collect()
}

fn item(it: Candidate, range: Range) -> CompletionItem {
    let doc = MarkupContent { kind: MarkupKind::Markdown, value: it.doc };
    let new_text = match it.kind {
        // An editor puts the bracket, or there is one already.
        CandidateKind::Function if it.text.ends_with('(') => it.label.clone(),
        CandidateKind::Function
        | CandidateKind::Module
        | CandidateKind::Option
        | CandidateKind::Value
        | CandidateKind::Variable
        | CandidateKind::Word => it.text,
    };
    CompletionItem {
        label: it.label,
        kind: Some(match it.kind {
            CandidateKind::Module => CompletionItemKind::MODULE,
            CandidateKind::Function => CompletionItemKind::FUNCTION,
            CandidateKind::Option => CompletionItemKind::PROPERTY,
            CandidateKind::Value => CompletionItemKind::VALUE,
            CandidateKind::Variable => CompletionItemKind::VARIABLE,
            CandidateKind::Word => CompletionItemKind::KEYWORD,
        }),
        detail: Some(it.detail),
        documentation: Some(Documentation::MarkupContent(doc)),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
        ..CompletionItem::default()
    }
}

/// What has a name that is seen from byte `offset`.
fn declared(text: &Text, offset: usize, site: Option<&Site>) -> Declared {
    let symbols = symbols::symbols(text);
    let named = symbols.iter().filter(|it| it.is_seen_from(offset)).map(|it| Named {
        name: it.name.to_owned(),
        kind: match it.kind {
            SymbolKind::Function => CandidateKind::Function,
            SymbolKind::Variable => CandidateKind::Variable,
            SymbolKind::Module => CandidateKind::Module,
        },
        detail: "of this script".to_owned(),
        doc: it.doc.clone(),
    });
    let websites = site.into_iter().flat_map(|it| &it.websites).map(|it| it.name.to_string());
    let roles = site.into_iter().flat_map(|it| &it.roles).map(|it| it.name.to_string());
    Declared {
        named: named.collect(),
        websites: websites.collect(),
        roles: roles.collect(),
        ..Declared::default()
    }
}
