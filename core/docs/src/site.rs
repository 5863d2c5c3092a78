//! The reference as a static site: pages, one style sheet, one script that searches an index beside it.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, value::Serde};
use serde::Serialize;

use crate::{Entry, Fact, Item, Page, PageKind, Reference, markdown::Markdown};

#[derive(Serialize)]
struct Section {
    title: &'static str,
    pages: Vec<PageView>,
}

#[derive(Clone, Serialize)]
struct PageView {
    title: String,
    href: String,
    doc: String,
    facts: Vec<FactView>,
    entries: Vec<EntryView>,
}

#[derive(Clone, Serialize)]
struct EntryView {
    name: String,
    anchor: String,
    kind: &'static str,
    signature: String,
    summary: String,
    doc: String,
    facts: Vec<FactView>,
    groups: Vec<GroupView>,
    examples: Vec<ExampleView>,
}

#[derive(Clone, Serialize)]
struct FactView {
    about: String,
    is: String,
}

#[derive(Clone, Serialize)]
struct GroupView {
    title: String,
    items: Vec<ItemView>,
}

#[derive(Clone, Serialize)]
struct ItemView {
    path: String,
    anchor: String,
    takes: String,
    notes: Vec<String>,
    doc: String,
}

#[derive(Clone, Serialize)]
struct ExampleView {
    title: String,
    text: String,
    language: &'static str,
}

#[derive(Serialize)]
struct View<'a> {
    sections: &'a [Section],
    #[serde(flatten)]
    page: PageView,
}

/// The site as files, by path. It works from a folder, without a server.
///
/// # Panics
/// When a template is wrong: a bug, found by this crate's tests.
pub fn site(reference: &Reference) -> BTreeMap<String, Vec<u8>> {
    let templates = templates();
    let markdown = Markdown::linking(addresses(reference));
    let views: Vec<(PageKind, PageView)> =
        reference.pages.iter().map(|it| (it.kind, page_view(it, &markdown))).collect();
    let sections = sections(&views);
    let render = |template: &str, page: PageView| {
        let template = templates.get_template(template).expect("the template is there");
        let view = Serde(View { sections: &sections, page });
        template.render(view).expect("the template fits its values").into_bytes()
    };
    let mut files = BTreeMap::from([
        ("style.css".to_owned(), include_bytes!("../templates/style.css").to_vec()),
        ("search.js".to_owned(), include_bytes!("../templates/search.js").to_vec()),
        ("index.js".to_owned(), index(reference).into_bytes()),
    ]);
    let front = PageView {
        title: "Reference".to_owned(),
        href: "index.html".to_owned(),
        doc: String::new(),
        facts: Vec::new(),
        entries: Vec::new(),
    };
    files.insert(front.href.clone(), render("index.html", front));
    for (_, page) in &views {
        files.insert(page.href.clone(), render("page.html", page.clone()));
    }
    files
}

fn templates() -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in [
        ("base.html", include_str!("../templates/base.html")),
        ("index.html", include_str!("../templates/index.html")),
        ("page.html", include_str!("../templates/page.html")),
    ] {
        templates.add_template(name, text).expect("the template is right");
    }
    templates
}

fn sections(views: &[(PageKind, PageView)]) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for (kind, page) in views {
        if sections.last().is_none_or(|it| it.title != kind.title()) {
            sections.push(Section { title: kind.title(), pages: Vec::new() });
        }
        let listed = PageView { entries: Vec::new(), ..page.clone() };
        sections.last_mut().expect("just pushed").pages.push(listed);
    }
    sections
}

/// The file of a page.
fn href(page: &Page) -> String {
    let name = page.name.replace('/', "-");
    match page.kind {
        PageKind::Language | PageKind::Slots | PageKind::Commands => format!("{name}.html"),
        PageKind::Plugin => format!("plugin-{name}.html"),
        PageKind::Library => format!("library-{name}.html"),
        PageKind::Resources => format!("resources-{name}.html"),
        PageKind::Codes => format!("codes-{name}.html"),
    }
}

/// The place of an entry within its page.
fn anchor(name: &str) -> String {
    name.split(|it: char| it.is_whitespace() || "<>\"'&%".contains(it))
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn item_anchor(entry: &Entry, item: &Item) -> String {
    anchor(&format!("{}.{}", entry.name, item.path))
}

/// Where each name leads; the first of several that share one.
fn addresses(reference: &Reference) -> BTreeMap<String, String> {
    let mut addresses = BTreeMap::new();
    for (page, entry) in reference.entries() {
        let address = format!("{}#{}", href(page), anchor(&entry.name));
        addresses.entry(entry.name.clone()).or_insert(address);
    }
    addresses
}

/// The index that the pages search: name, kind, summary and address of everything.
fn index(reference: &Reference) -> String {
    let mut things: Vec<[String; 4]> = Vec::new();
    let mut add = |name: &str, kind: &str, summary: &str, address: String| {
        things.push([name.to_owned(), kind.to_owned(), summary.to_owned(), address]);
    };
    for page in &reference.pages {
        add(&page.title(), "page", &page.doc, href(page));
        for entry in &page.entries {
            let address = |anchor: &str| format!("{}#{anchor}", href(page));
            add(&entry.name, entry.kind.word(), &entry.summary(), address(&anchor(&entry.name)));
            for item in entry.items() {
                let name = format!("{}.{}", entry.name, item.path);
                add(&name, "option", &item.summary(), address(&item_anchor(entry, item)));
            }
        }
    }
    format!("const REFERENCE = {};\n", serde_json::to_string(&things).expect("text serializes"))
}

fn page_view(page: &Page, markdown: &Markdown) -> PageView {
    PageView {
        title: page.title(),
        href: href(page),
        doc: markdown.html(&page.doc),
        facts: facts(&page.facts, markdown),
        entries: page.entries.iter().map(|it| entry_view(it, markdown)).collect(),
    }
}

fn facts(facts: &[Fact], markdown: &Markdown) -> Vec<FactView> {
    facts.iter().map(|it| FactView { about: it.about.clone(), is: markdown.html(&it.is) }).collect()
}

fn entry_view(entry: &Entry, markdown: &Markdown) -> EntryView {
    let item = |it: &Item| ItemView {
        path: it.path.clone(),
        anchor: item_anchor(entry, it),
        takes: it.takes.clone(),
        notes: it.notes.clone(),
        doc: markdown.html(&it.doc),
    };
    let groups = entry
        .groups
        .iter()
        .map(|it| GroupView { title: it.title.clone(), items: it.items.iter().map(item).collect() });
    let examples = entry.examples.iter().map(|it| ExampleView {
        title: it.title.clone(),
        text: it.text.clone(),
        language: it.language,
    });
    EntryView {
        name: entry.name.clone(),
        anchor: anchor(&entry.name),
        kind: entry.kind.word(),
        signature: entry.signature.clone(),
        summary: markdown.html(&entry.summary()),
        doc: markdown.html(&entry.doc),
        facts: facts(&entry.facts, markdown),
        groups: groups.collect(),
        examples: examples.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryKind, ItemGroup};

    fn reference() -> Reference {
        let option = Item { path: "grace".to_owned(), doc: "How long.".to_owned(), ..Item::default() };
        let cache = Entry {
            kind: EntryKind::Function,
            name: "varnish::cache".to_owned(),
            doc: "Caches <pages>; see `varnish::cache`.".to_owned(),
            groups: vec![ItemGroup { title: "Options".to_owned(), items: vec![option] }],
            ..Entry::default()
        };
        let page = Page {
            kind: PageKind::Plugin,
            name: "varnish".to_owned(),
            doc: "The cache.".to_owned(),
            facts: Vec::new(),
            entries: vec![cache],
        };
        Reference { pages: vec![page] }
    }

    fn text(path: &str) -> String {
        String::from_utf8(site(&reference())[path].clone()).unwrap()
    }

    #[test]
    fn each_page_is_a_file_with_an_anchor_for_each_option() {
        let page = text("plugin-varnish.html");
        assert!(page.contains("<dt id=\"varnish::cache.grace\">"), "{page}");
        assert!(
            page.contains("Caches &lt;pages&gt;; see <a href=\"plugin-varnish.html#varnish::cache\">"),
            "{page}"
        );
    }

    #[test]
    fn the_index_leads_to_pages_entries_and_options() {
        assert_eq!(
            text("index.js"),
            "const REFERENCE = [[\"varnish\",\"page\",\"The cache.\",\"plugin-varnish.html\"],\
             [\"varnish::cache\",\"function\",\"Caches <pages>; see `varnish::cache`.\",\"plugin-varnish.html#varnish::cache\"],\
             [\"varnish::cache.grace\",\"option\",\"How long.\",\"plugin-varnish.html#varnish::cache.grace\"]];\n"
        );
    }

    #[test]
    fn no_page_names_another_host() {
        let named: Vec<String> = site(&reference())
            .into_iter()
            .filter(|(_, bytes)| {
                let text = String::from_utf8_lossy(bytes);
                ["http://", "https://", "src=\"//"].iter().any(|it| text.contains(it))
            })
            .map(|(path, _)| path)
            .collect();
        assert_eq!(named, [] as [String; 0]);
    }
}
