//! `mops explain`: the reference on the terminal.

use std::path::Path;

use mops_docs::{Entry, Example, Fact, Found, Item, ItemGroup, Page, PageKind, Reference};

use crate::{
    command::docs::{plugins_of, whole_reference},
    failure::Failure,
    project::Project,
    show::{BOLD, DIM, GREEN, diagnostic::say, styled},
};

/// The width that lines are broken at.
const WIDTH: usize = 80;

/// Shows what `words` stand for; without any, what there is. Plugins that `mops.toml` and `script` name are known, too;
/// one that cannot be used is told, and the rest is explained.
pub(crate) fn explain(project: &Project, words: &[&str], script: Option<&Path>) -> Result<(), Failure> {
    let plugins = plugins_of(project, script)?;
    say(&plugins.wrong, &plugins.texts);
    let reference = whole_reference(&plugins.registry);
    let words: Vec<&str> = words.iter().flat_map(|it| it.split_whitespace()).collect();
    if words.is_empty() {
        anstream::println!("{}", contents(&reference));
        return Ok(());
    }
    let found = reference.find(&words);
    if found.is_empty() {
        let unknown = Failure::new(format!("nothing is called `{}`", words.join(" ")));
        return Err(unknown.help(match reference.nearest(&words) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`mops explain` without a name lists what there is".to_owned(),
        }));
    }
    let shown: Vec<String> = match found.as_slice() {
        // Many share a name only when it is a short one: then each is named, and one line says what it is.
        [_, _, _, ..] => found.iter().map(listed).collect(),
        few => few.iter().map(|it| whole(it)).collect(),
    };
    let between = if found.len() > 2 { "\n" } else { "\n\n" };
    anstream::println!("{}", shown.join(between));
    Ok(())
}

/// All pages, by what they are about.
fn contents(reference: &Reference) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for page in &reference.pages {
        if last != Some(page.kind) {
            lines.extend(last.map(|_| String::new()));
            lines.push(styled(BOLD, page.kind.title()));
            last = Some(page.kind);
        }
        lines.extend(listed_page(page));
    }
    lines.push(String::new());
    lines.push("Look one up: mops explain varnish, mops explain varnish::cache.grace".to_owned());
    lines.join("\n")
}

/// A page in a table of contents: of codes the names are enough.
fn listed_page(page: &Page) -> Vec<String> {
    match page.kind {
        PageKind::Language | PageKind::Resources | PageKind::Commands => {
            page.entries.iter().map(|it| row(&it.name, &it.summary())).collect()
        }
        PageKind::Plugin | PageKind::Slots | PageKind::Library => vec![row(&page.name, &page.doc)],
        PageKind::Codes => {
            let names: Vec<&str> = page.entries.iter().map(|it| it.name.as_str()).collect();
            vec![wrapped(&names.join("  "), "  ")]
        }
    }
}

fn listed(found: &Found<'_>) -> String {
    match found {
        Found::Page(page) => row(&page.name, &page.doc),
        Found::Entry(_, entry) => row(&entry.name, &entry.summary()),
        Found::Item(_, entry, item) => row(&format!("{}.{}", entry.name, item.path), &item.summary()),
    }
}

fn whole(found: &Found<'_>) -> String {
    match found {
        Found::Page(page) => page_text(page),
        Found::Entry(_, entry) => entry_text(entry),
        Found::Item(_, entry, it) => {
            // What is nested in an option belongs to it.
            let inside = |other: &&Item| {
                other.path.strip_prefix(&it.path).is_some_and(|rest| rest.starts_with(['.', '[']))
            };
            let nested: Vec<String> = entry.items().filter(inside).map(item).collect();
            let title = styled(BOLD, format!("{}.{}", entry.name, it.path));
            let mut parts = vec![format!("{title}\n{}", described(it, "  "))];
            parts.extend((!nested.is_empty()).then(|| nested.join("\n")));
            parts.push(styled(
                DIM,
                format!("It belongs to {}; `mops explain {}` shows all of it.", entry.signature, entry.name),
            ));
            parts.join("\n\n")
        }
    }
}

fn page_text(page: &Page) -> String {
    let mut parts = vec![format!("{}\n{}", styled(BOLD, page.title()), wrapped(&page.doc, "  "))];
    parts.extend(facts(&page.facts));
    parts.extend(page.entries.iter().map(|it| {
        let name = if it.signature.is_empty() { &it.name } else { &it.signature };
        format!("{}\n{}", styled(GREEN, name), wrapped(&it.summary(), "  "))
    }));
    parts
        .extend(page.entries.first().map(|it| styled(DIM, format!("More on one: mops explain {}", it.name))));
    parts.join("\n\n")
}

fn entry_text(entry: &Entry) -> String {
    let title = match entry.signature.as_str() {
        "" => &entry.name,
        signature => signature,
    };
    let kind = styled(DIM, format!("({})", entry.kind.word()));
    let mut parts = vec![format!("{} {kind}\n{}", styled(BOLD, title), wrapped(&entry.doc, "  "))];
    parts.extend(facts(&entry.facts));
    parts.extend(entry.examples.iter().map(example));
    parts.extend(entry.groups.iter().map(group));
    parts.join("\n\n")
}

fn facts(facts: &[Fact]) -> Option<String> {
    let lines: Vec<String> =
        facts.iter().map(|it| wrapped(&format!("{}: {}", it.about, it.is), "  ")).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn example(example: &Example) -> String {
    let lines: Vec<String> = example.text.lines().map(|it| format!("  {it}")).collect();
    format!("{}\n{}", styled(BOLD, &example.title), lines.join("\n"))
}

fn group(group: &ItemGroup) -> String {
    let items: Vec<String> = group.items.iter().map(item).collect();
    format!("{}\n{}", styled(BOLD, &group.title), items.join("\n"))
}

fn item(it: &Item) -> String {
    format!("  {}\n{}", styled(GREEN, &it.path), described(it, "      "))
}

fn described(it: &Item, indent: &str) -> String {
    let takes = (!it.takes.is_empty()).then_some(it.takes.as_str());
    let short: Vec<&str> = takes.into_iter().chain(it.notes.iter().map(String::as_str)).collect();
    let doc = wrapped(&it.doc, indent);
    match short.is_empty() {
        true => doc,
        false => format!("{}\n{doc}", styled(DIM, wrapped(&short.join("; "), indent))),
    }
}

/// A name and what it is, side by side; below one another when the name is long.
fn row(name: &str, doc: &str) -> String {
    const COLUMN: usize = 24;
    let indent = " ".repeat(COLUMN);
    let text = wrapped(doc, &indent);
    let shown = format!("  {}", styled(GREEN, name));
    match name.chars().count() + 4 <= COLUMN {
        true => format!("{shown}{}", &text[name.chars().count() + 2..]),
        false => format!("{shown}\n{text}"),
    }
}

/// Text broken into lines of at most 80 columns, each after `indent`; paragraphs and lists stay apart.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        let starts = line.is_empty() || line.starts_with(['-', '*', ' ', '|']);
        if !is_open || starts {
            lines.push(indent.to_owned());
        }
        is_open = !line.is_empty();
        for word in line.split_whitespace() {
            let last = lines.last_mut().expect("a line was begun");
            let is_first = last.len() == indent.len();
            match is_first || last.chars().count() + 1 + word.chars().count() <= WIDTH {
                true => {
                    last.push_str(if is_first { "" } else { " " });
                    last.push_str(word);
                }
                false => lines.push(format!("{indent}{word}")),
            }
        }
    }
    lines.iter().map(|it| it.trim_end()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_80_columns_and_paragraphs_stay_apart() {
        let text = wrapped(&format!("{}\n\n- a list\n- of two", "word ".repeat(20)), "  ");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|it| it.chars().count() <= WIDTH));
        assert_eq!(lines[1..], ["  word word word word word", "", "  - a list", "  - of two"]);
    }
}
