//! What somebody means by a name: `varnish`, `varnish::cache`, `varnish::cache.grace`, `slot edge.throttle`.

use mops_model::nearest;

use crate::{Entry, EntryKind, Item, Page, PageKind, Reference};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A page.
    Page(&'a Page),
    /// An entry, with its page.
    Entry(&'a Page, &'a Entry),
    /// An option of an entry, or an input, output or argument.
    Item(&'a Page, &'a Entry, &'a Item),
}

/// The words that say what kind of thing a name stands for, when they come before it.
const WORDS: [(&str, Wanted); 11] = [
    ("function", Wanted::Entry(EntryKind::Function)),
    ("option", Wanted::Item),
    ("slot", Wanted::Entry(EntryKind::Slot)),
    ("resource", Wanted::Entry(EntryKind::Resource)),
    ("type", Wanted::Entry(EntryKind::Resource)),
    ("code", Wanted::Entry(EntryKind::Code)),
    ("error", Wanted::Entry(EntryKind::Code)),
    ("command", Wanted::Entry(EntryKind::Command)),
    ("plugin", Wanted::Page(PageKind::Plugin)),
    ("mistakes", Wanted::Page(PageKind::Codes)),
    ("library", Wanted::Page(PageKind::Library)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Anything,
    Entry(EntryKind),
    Item,
    Page(PageKind),
}

impl Reference {
    /// What `words` stand for: what has that name, or else what has it as the last part of its own. Several things may
    /// share a name; nothing is found when none has it.
    pub fn find(&self, words: &[&str]) -> Vec<Found<'_>> {
        let (wanted, name) = meant(words);
        let mut whole = self.having(wanted, |it| same(it, &name));
        let is_codes = |it: &Found<'_>| matches!(it, Found::Page(page) if page.kind == PageKind::Codes);
        // A plugin's own page names its codes.
        if whole.iter().any(|it| !is_codes(it)) {
            whole.retain(|it| !is_codes(it));
        }
        match whole.is_empty() {
            true => self.having(wanted, |it| last_parts(it).any(|it| same(it, &name))),
            false => whole,
        }
    }

    /// The name nearest to `words` that stands for something.
    pub fn nearest(&self, words: &[&str]) -> Option<String> {
        let (wanted, name) = meant(words);
        let all: Vec<String> = self.having(wanted, |_| true).iter().map(Found::name).collect();
        let near = nearest(&name, all.iter().map(String::as_str));
        // Without its module a name may be near as well.
        let last = || all.iter().find(|it| last_parts(it).any(|it| nearest(&name, [it]).is_some()));
        near.map(str::to_owned).or_else(|| last().cloned())
    }

    fn having(&self, wanted: Wanted, is_it: impl Fn(&str) -> bool) -> Vec<Found<'_>> {
        let pages = self.pages.iter().map(Found::Page);
        let entries = self.entries().map(|(page, it)| Found::Entry(page, it));
        let items = self
            .entries()
            .flat_map(|(page, entry)| entry.items().map(move |it| Found::Item(page, entry, it)));
        let fits = |it: &Found<'_>| match (wanted, it) {
            (Wanted::Anything, _) | (Wanted::Item, Found::Item(..)) => true,
            (Wanted::Entry(kind), Found::Entry(_, it)) => it.kind == kind,
            (Wanted::Page(kind), Found::Page(it)) => it.kind == kind,
            (Wanted::Entry(_) | Wanted::Page(_) | Wanted::Item, _) => false,
        };
        let mut found: Vec<Found<'_>> = Vec::new();
        for all in [entries.collect::<Vec<_>>(), pages.collect(), items.collect()] {
            let these = all.into_iter().filter(|it| fits(it) && is_it(&it.name()));
            match found.is_empty() {
                true => found.extend(these),
                // An option is what is meant only when nothing bigger has the name.
                false => found.extend(these.filter(|it| !matches!(it, Found::Item(..)))),
            }
        }
        found
    }
}

fn meant(words: &[&str]) -> (Wanted, String) {
    let kind = |word: &str| WORDS.iter().find(|(it, _)| *it == word).map(|(_, wanted)| *wanted);
    match words {
        ["mops", ..] => (Wanted::Entry(EntryKind::Command), words.join(" ")),
        [first, rest @ ..] if !rest.is_empty() => match kind(first) {
            Some(wanted) => (wanted, rest.join(" ")),
            None => (Wanted::Anything, words.join(" ")),
        },
        _ => (Wanted::Anything, words.join(" ")),
    }
}

/// Dashes and underscores are one: a plugin is called `geo-redirects`, its module `geo_redirects`.
fn same(a: &str, b: &str) -> bool {
    a.replace('-', "_") == b.trim_end_matches("()").replace('-', "_")
}

/// The name without its module, its entry, its folder or the program: `cache.grace` and `grace`.
fn last_parts(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices([':', '.', ' ', '/']).map(|(at, _)| &name[at + 1..]).filter(|it| !it.starts_with(':'))
}

impl Found<'_> {
    /// Its whole name.
    pub fn name(&self) -> String {
        match self {
            Self::Page(page) => page.name.clone(),
            Self::Entry(_, entry) => entry.name.clone(),
            Self::Item(_, entry, item) => format!("{}.{}", entry.name, item.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ItemGroup;

    fn entry(kind: EntryKind, name: &str, options: &[&str]) -> Entry {
        let item = |path: &&str| Item { path: (*path).to_owned(), ..Item::default() };
        let groups =
            vec![ItemGroup { title: "Options".to_owned(), items: options.iter().map(item).collect() }];
        Entry { kind, name: name.to_owned(), groups, ..Entry::default() }
    }

    fn page(kind: PageKind, name: &str, entries: Vec<Entry>) -> Page {
        Page { kind, name: name.to_owned(), doc: String::new(), facts: Vec::new(), entries }
    }

    fn reference() -> Reference {
        let cache = entry(EntryKind::Function, "varnish::cache", &["memory", "grace"]);
        let by_country = entry(EntryKind::Function, "geo_redirects::by_country", &["mode"]);
        let vcl = entry(EntryKind::Function, "varnish::vcl", &[]);
        let code = entry(EntryKind::Code, "varnish::vcl", &[]);
        let plan = entry(EntryKind::Command, "mops plan", &[]);
        Reference {
            pages: vec![
                page(PageKind::Plugin, "varnish", vec![cache, vcl]),
                page(PageKind::Plugin, "geo_redirects", vec![by_country]),
                page(PageKind::Commands, "commands", vec![plan]),
                page(PageKind::Codes, "varnish", vec![code]),
            ],
        }
    }

    fn names(words: &[&str]) -> Vec<String> {
        reference().find(words).iter().map(Found::name).collect()
    }

    #[test]
    fn a_name_is_found_with_and_without_what_stands_before_it() {
        assert_eq!(names(&["varnish::cache"]), ["varnish::cache"]);
        assert_eq!(names(&["cache"]), ["varnish::cache"]);
        assert_eq!(names(&["varnish::cache.grace"]), ["varnish::cache.grace"]);
        assert_eq!(names(&["grace"]), ["varnish::cache.grace"]);
        assert_eq!(names(&["mops", "plan"]), ["mops plan"]);
        assert_eq!(names(&["plan"]), ["mops plan"]);
    }

    #[test]
    fn dashes_and_underscores_are_one() {
        assert_eq!(names(&["geo-redirects"]), ["geo_redirects"]);
        assert_eq!(names(&["geo-redirects::by-country"]), ["geo_redirects::by_country"]);
    }

    #[test]
    fn a_word_before_the_name_says_which_of_several_is_meant() {
        assert_eq!(names(&["varnish::vcl"]).len(), 2);
        assert!(
            matches!(reference().find(&["code", "varnish::vcl"])[..], [Found::Entry(page, _)] if page.kind == PageKind::Codes)
        );
        assert_eq!(names(&["slot", "varnish::vcl"]), [] as [String; 0]);
        assert!(
            matches!(reference().find(&["varnish"])[..], [Found::Page(page)] if page.kind == PageKind::Plugin)
        );
        assert!(
            matches!(reference().find(&["mistakes", "varnish"])[..], [Found::Page(page)] if page.kind == PageKind::Codes)
        );
    }

    #[test]
    fn a_name_that_stands_for_nothing_has_a_nearest() {
        assert_eq!(names(&["varnish::cash"]), [] as [String; 0]);
        assert_eq!(reference().nearest(&["varnish::cash"]).as_deref(), Some("varnish::cache"));
        assert_eq!(reference().nearest(&["varnich"]).as_deref(), Some("varnish"));
        assert_eq!(reference().nearest(&["something-else-entirely"]), None);
    }
}
