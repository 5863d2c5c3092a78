//! Completion: what may stand at the cursor. Nothing is evaluated for it.

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, MarkupContent, MarkupKind, Range,
    TextEdit,
};
use mops_eval::{TokenKind, is_keyword, library};
use mops_model::{Field, Kind, Site};
use mops_plugin::Function;

use crate::{
    cursor::{Cursor, Wanted},
    offers::{Offers, described, script_name, signature},
    symbols::{self, SymbolKind},
    text::Text,
};

/// What may stand at byte `offset`; `site` is what the script declared when it was last right.
pub(crate) fn complete(
    text: &Text,
    offset: usize,
    offers: &Offers<'_>,
    site: Option<&Site>,
) -> Vec<CompletionItem> {
    let cursor = Cursor::new(text, offset);
    if cursor.is_comment {
        return Vec::new();
    }
    let quoted = cursor.at.filter(|it| matches!(it.kind, TokenKind::Text | TokenKind::OpenText));
    let start = cursor.at.map_or(offset, |it| it.span.start as usize + usize::from(quoted.is_some()));
    let range = Range { start: text.position(start), end: text.position(offset) };
    let list = List { range, site, is_quoted: quoted.is_some() };
    match (quoted.is_some(), cursor.word(1)) {
        (true, "import") => library()
            .map(|(name, _)| list.item(name, CompletionItemKind::MODULE, "standard library", ""))
            .collect(),
        (false, "::") => functions_of(cursor.word(2), offers, &list),
        (false, "." | "?.") => Vec::new(),
        (_, _) => match cursor.wanted(offers) {
            Wanted::Key(fields, given) if !list.is_quoted => list.keys(fields, &given),
            Wanted::Key(_, _) => Vec::new(),
            Wanted::Value(kind) => {
                let mut items = list.values(kind);
                if !list.is_quoted {
                    items.extend(names(text, offset, offers, &list));
                }
                items
            }
            Wanted::Anything if list.is_quoted => Vec::new(),
            Wanted::Anything => names(text, offset, offers, &list),
        },
    }
}

/// How candidates are written where the cursor is.
struct List<'a> {
    /// What they replace.
    range: Range,
    site: Option<&'a Site>,
    is_quoted: bool,
}

impl List<'_> {
    fn item(&self, label: &str, kind: CompletionItemKind, detail: &str, doc: &str) -> CompletionItem {
        let doc = MarkupContent { kind: MarkupKind::Markdown, value: doc.to_owned() };
        CompletionItem {
            label: label.to_owned(),
            kind: Some(kind),
            detail: Some(detail.to_owned()),
            documentation: Some(Documentation::MarkupContent(doc)),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit {
                range: self.range,
                new_text: label.to_owned(),
            })),
            ..CompletionItem::default()
        }
    }

    /// Writes `text` for what is shown as its label.
    fn writing(mut item: CompletionItem, text: String) -> CompletionItem {
        if let Some(CompletionTextEdit::Edit(edit)) = &mut item.text_edit {
            edit.new_text = text;
        }
        item
    }

    fn keys(&self, fields: &[Field], given: &[String]) -> Vec<CompletionItem> {
        let left = fields.iter().filter(|it| !given.contains(&it.name));
        left.map(|it| {
            let item = self.item(&it.name, CompletionItemKind::PROPERTY, &described(it), &it.doc);
            match is_keyword(&it.name) {
                true => Self::writing(item, format!("{:?}: ", it.name)),
                false => Self::writing(item, format!("{}: ", it.name)),
            }
        })
        .collect()
    }

    /// A text as a value: in quotes where there are none.
    fn literal(&self, text: &str, detail: &str) -> CompletionItem {
        let item = self.item(text, CompletionItemKind::VALUE, detail, "");
        if self.is_quoted { item } else { Self::writing(item, format!("{text:?}")) }
    }

    fn values(&self, kind: &Kind) -> Vec<CompletionItem> {
        let websites = || {
            self.site
                .into_iter()
                .flat_map(|it| &it.websites)
                .map(|it| self.literal(it.name.as_str(), "website"))
        };
        let roles = || {
            self.site.into_iter().flat_map(|it| &it.roles).map(|it| self.literal(it.name.as_str(), "role"))
        };
        match kind {
            Kind::OneOf(words) => words.iter().map(|it| self.literal(it, "value")).collect(),
            Kind::Website => websites().collect(),
            Kind::Role => roles().collect(),
            Kind::Target => websites().chain(roles()).collect(),
            Kind::OneOrMany(kind) => self.values(kind),
            Kind::Either(kinds) => kinds.iter().flat_map(|it| self.values(it)).collect(),
            Kind::Bool if !self.is_quoted => {
                ["true", "false"].map(|it| self.item(it, CompletionItemKind::VALUE, "value", "")).to_vec()
            }
            Kind::Path(_) if !self.is_quoted => {
                let item = self.item("path", CompletionItemKind::FUNCTION, &kind.to_string(), "");
                vec![Self::writing(item, "path(\"".to_owned())]
            }
            Kind::Any
            | Kind::Bool
            | Kind::Int { .. }
            | Kind::Text
            | Kind::Name
            | Kind::Pattern
            | Kind::Size { .. }
            | Kind::Duration { .. }
            | Kind::Rate
            | Kind::Cidr
            | Kind::Host
            | Kind::Path(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Record(_) => Vec::new(),
        }
    }

    fn function(&self, module: Option<&str>, function: &Function) -> CompletionItem {
        let (name, detail) = (script_name(&function.name), signature(module, function));
        self.item(&name, CompletionItemKind::FUNCTION, &detail, &function.doc)
    }
}

fn functions_of(module: &str, offers: &Offers<'_>, list: &List<'_>) -> Vec<CompletionItem> {
    let manifest = offers.modules.get(module);
    manifest.into_iter().flat_map(|it| &it.functions).map(|it| list.function(Some(module), it)).collect()
}

/// Everything that has a name here.
fn names(text: &Text, offset: usize, offers: &Offers<'_>, list: &List<'_>) -> Vec<CompletionItem> {
    let symbols = symbols::symbols(text);
    let own = symbols.iter().filter(|it| it.is_seen_from(offset)).map(|it| {
        let kind = match it.kind {
            SymbolKind::Function => CompletionItemKind::FUNCTION,
            SymbolKind::Variable => CompletionItemKind::VARIABLE,
            SymbolKind::Module => CompletionItemKind::MODULE,
        };
        list.item(it.name, kind, "of this script", &it.doc)
    });
    let globals = offers.globals.values().map(|it| list.function(None, it));
    let modules = offers.modules.iter().map(|(name, it)| {
        let item = list.item(name, CompletionItemKind::MODULE, "plugin", &it.doc);
        List::writing(item, format!("{name}::"))
    });
    own.chain(globals).chain(modules).collect()
}
