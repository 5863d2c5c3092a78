//! Go to definition: in the script, in what it imports, in the standard library, in the manual of a plugin.

use std::path::{Path, PathBuf};

use lsp_types::{Location, Position, Range};
use mops_eval::{Called, Cursor, TokenKind, Wanted};

use crate::{
    hover::token_at,
    offered::{Known, Offered},
    symbols::{SymbolKind, symbols},
    text::{Text, uri_of},
};

/// What definitions are looked for in.
pub(crate) struct Places<'a> {
    pub(crate) offered: &'a Offered,
    /// The folder that the pages of the manual are in.
    pub(crate) folder: &'a Path,
    /// The file that is looked at.
    pub(crate) path: &'a Path,
    /// What is known of the script it belongs to.
    pub(crate) known: Option<&'a Known>,
    /// Reads a file of the workspace.
    pub(crate) read: &'a dyn Fn(&Path) -> Option<Text>,
}

impl Places<'_> {
    /// Where what stands at byte `offset` of `text` is defined.
    pub(crate) fn define(&self, text: &Text, offset: usize) -> Option<Location> {
        let token = token_at(text, offset)?;
        let word = token.text(&text.content);
        let cursor = text.cursor(token.span.start as usize + 1);
        if token.kind == TokenKind::Text {
            return self.text(&cursor, word.trim_matches(['"', '`']));
        }
        if let (Wanted::Key { fields, .. }, Some(call)) = (cursor.wanted(&self.offered.offers), cursor.call())
        {
            let _field = fields.iter().find(|it| it.name == word)?;
            let path = [vec![call.name.as_str()], cursor.path(), vec![word]].concat().join(".");
            return self.manual(call.module.as_deref(), &path);
        }
        let symbols = symbols(text);
        let seen = |name: &str, wanted: Option<SymbolKind>| {
            let is_it = |it: &&_| {
                let it: &crate::symbols::Symbol<'_> = it;
                it.name == name
                    && it.is_seen_from(token.span.end as usize)
                    && wanted.is_none_or(|kind| it.kind == kind)
            };
            symbols.iter().rfind(is_it)
        };
        match cursor.module() {
            None => match seen(word, None) {
                Some(symbol) => self.here(text, symbol.span),
                None => self.manual(None, word),
            },
            Some(module) => match seen(module, Some(SymbolKind::Module)) {
                Some(alias) => self.imported(text, alias.span.start as usize, Some(word)),
                None => self.manual(Some(module), word),
            },
        }
    }

    fn here(&self, text: &Text, span: mops_model::Span) -> Option<Location> {
        Some(Location { uri: uri_of(self.path)?, range: text.range(span) })
    }

    /// What a text names: an imported file, a file beside the script, a website, a role.
    fn text(&self, cursor: &Cursor<'_>, named: &str) -> Option<Location> {
        if cursor.word(1) == "import" {
            return top(&self.import(named)?);
        }
        if cursor.call() == Some(&Called { module: None, name: "path".to_owned() }) {
            return top(&self.path.parent()?.join(named))
                .filter(|_| self.path.parent().is_some_and(|it| it.join(named).is_file()));
        }
        let known = self.known?;
        let website = known.site.website(named).map(|it| it.declared.span);
        let role =
            known.site.role(named).filter(|it| !it.declared.place.is_empty()).map(|it| it.declared.span);
        let span = website.or(role)?;
        let (_, path, text) = known.texts.texts().find(|it| it.0 == span.source)?;
        let uri = uri_of(&known.root.join(path))?;
        Some(Location { uri, range: Text::new(text.to_owned()).range(span) })
    }

    /// The function `name` of the file whose alias stands at `at`, or the file.
    fn imported(&self, text: &Text, at: usize, name: Option<&str>) -> Option<Location> {
        let cursor = text.cursor(at);
        let path = self.import(cursor.word(2).trim_matches('"'))?;
        let file = (self.read)(&path)?;
        let symbols = symbols(&file);
        let symbol =
            name.and_then(|name| symbols.iter().find(|it| it.name == name && it.kind != SymbolKind::Module));
        match symbol {
            Some(symbol) => Some(Location { uri: uri_of(&path)?, range: file.range(symbol.span) }),
            None => top(&path),
        }
    }

    /// The file that `import` names.
    fn import(&self, named: &str) -> Option<PathBuf> {
        let file = format!("{named}.rhai");
        match named.starts_with("std/") {
            true => Some(self.folder.join(file)),
            false => {
                let beside = self.path.parent()?.join(file.trim_start_matches("./"));
                let root = self.known.map(|it| it.root.join(&file));
                let is_there = |it: &PathBuf| (self.read)(it).is_some();
                [Some(beside), root].into_iter().flatten().find(is_there)
            }
        }
    }

    fn manual(&self, module: Option<&str>, entry: &str) -> Option<Location> {
        let (page, line) = self.offered.manual.line(module, entry)?;
        let start = Position { line, character: 0 };
        Some(Location { uri: uri_of(&self.folder.join(page))?, range: Range { start, end: start } })
    }
}

/// The first character of a file.
fn top(path: &Path) -> Option<Location> {
    Some(Location { uri: uri_of(path)?, range: Range::default() })
}
