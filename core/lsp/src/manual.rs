//! What definitions of mops itself lead to: a page for each plugin, and the files of the standard library.
//!
//! **Invariant:** pages are made from what is checked, so that they cannot say anything else.

use std::collections::BTreeMap;

use mops_eval::{described, functions, library, signature_of};
use mops_model::Field;
use mops_plugin::{Function, Manifest};

/// Pages that definitions lead to, by the path of each in the folder that they are written to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manual {
    pages: BTreeMap<String, Page>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    text: String,
    /// Lines by entry: `cache`, `cache.memory`.
    lines: BTreeMap<String, u32>,
}

impl Manual {
    /// The pages about functions of every script, those of `manifests`, and the standard library.
    pub(crate) fn new(manifests: &[&Manifest]) -> Self {
        let mut pages = BTreeMap::new();
        let mut own = Page::default();
        own.line("# Functions of every script");
        for function in &functions() {
            own.function(None, function);
        }
        pages.insert(file(None), own);
        for manifest in manifests {
            let module = manifest.module();
            let mut page = Page::default();
            page.line(&format!("# {module}\n\n{}", manifest.doc));
            for function in &manifest.functions {
                page.function(Some(&module), function);
            }
            pages.insert(file(Some(&module)), page);
        }
        for (name, text) in library() {
            pages.insert(format!("{name}.rhai"), Page { text: text.to_owned(), lines: BTreeMap::new() });
        }
        Self { pages }
    }

    /// Each page: its path, and its text.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pages.iter().map(|(path, it)| (path.as_str(), it.text.as_str()))
    }

    /// The page and the line, counted from 0, of a function or of one of its options: `cache`, `cache.memory`.
    pub(crate) fn line(&self, module: Option<&str>, entry: &str) -> Option<(String, u32)> {
        let path = file(module);
        let line = *self.pages.get(&path)?.lines.get(entry)?;
        Some((path, line))
    }
}

fn file(module: Option<&str>) -> String {
    format!("{}.md", module.unwrap_or("mops"))
}

impl Page {
    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Begins the part about `entry`.
    fn entry(&mut self, entry: &str, title: &str) {
        self.line("");
        let line = self.text.matches('\n').count();
        self.lines.insert(entry.to_owned(), u32::try_from(line).unwrap_or(u32::MAX));
        self.line(title);
        self.line("");
    }

    fn function(&mut self, module: Option<&str>, function: &Function) {
        let name = function.name.as_str().replace('-', "_");
        self.entry(&name, &format!("## {}", signature_of(module, function)));
        self.line(&format!("{}\n\n    {}", function.doc, function.example));
        self.fields(&name, &function.arguments);
        self.fields(&name, &function.options);
    }

    fn fields(&mut self, path: &str, fields: &[Field]) {
        for field in fields {
            let path = format!("{path}.{}", field.name);
            self.entry(&path, &format!("### {}: {}", field.name, described(field)));
            self.line(&field.doc);
            self.fields(&path, field.kind.fields().unwrap_or_default());
        }
    }
}
