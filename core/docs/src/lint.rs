//! What the reference leaves out.

use crate::{Entry, EntryKind, Reference};

impl Reference {
    /// Everything that has no documentation, or no example although somebody writes it: one line each.
    pub fn lint(&self) -> Vec<String> {
        let pages = self.pages.iter().filter(|it| it.doc.trim().is_empty());
        let pages = pages.map(|it| format!("the page `{}` says nothing about itself", it.name));
        let entries = self.entries().flat_map(|(_, it)| lint(it));
        pages.chain(entries).collect()
    }
}

fn lint(entry: &Entry) -> Vec<String> {
    let mut found = Vec::new();
    let name = format!("the {} `{}`", entry.kind.word(), entry.name);
    if entry.doc.trim().is_empty() {
        found.push(format!("{name} has no documentation"));
    }
    let is_written = match entry.kind {
        EntryKind::Function | EntryKind::Resource | EntryKind::Command => true,
        // A slot is filled by plugins; whether a code has examples is said by the table itself.
        EntryKind::Slot | EntryKind::Code => false,
    };
    if is_written && entry.examples.iter().all(|it| it.text.trim().is_empty()) {
        found.push(format!("{name} has no example"));
    }
    let silent = entry.items().filter(|it| it.doc.trim().is_empty());
    found.extend(silent.map(|it| format!("{name} says nothing about `{}`", it.path)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Item, ItemGroup, Page, PageKind};

    #[test]
    fn what_is_left_out_is_found() {
        let item = Item { path: "memory".to_owned(), ..Item::default() };
        let groups = vec![ItemGroup { title: "Options".to_owned(), items: vec![item] }];
        let entry = Entry { name: "varnish::cache".to_owned(), groups, ..Entry::default() };
        let page = Page {
            kind: PageKind::Plugin,
            name: "varnish".to_owned(),
            doc: String::new(),
            facts: Vec::new(),
            entries: vec![entry],
        };
        assert_eq!(
            Reference { pages: vec![page] }.lint(),
            [
                "the page `varnish` says nothing about itself",
                "the function `varnish::cache` has no documentation",
                "the function `varnish::cache` has no example",
                "the function `varnish::cache` says nothing about `memory`",
            ]
        );
    }
}
