//! The table of websites as nginx reads it: host and path prefix → website.
//!
//! **Invariant:** both daemons decide by the same maps, so that a rule at the edge and the run code at the application
//! mean the same website.

use mops_plugin::{
    Context, Template,
    model::{Diagnostic, Encoding, Host, Text, Website},
};
use serde::Serialize;

const WEBSITES: Template = Template {
    name: "nginx/websites.conf",
    text: include_str!("../templates/websites.conf"),
    encoding: Encoding::Nginx,
};

/// The table as the template takes it.
#[derive(Serialize)]
struct Table {
    /// The host of the table that an unknown one counts as; empty for none.
    fallback_host: String,
    hosts: Vec<Known>,
    entries: Vec<Entry>,
    prefixed: Vec<Prefixed>,
}

/// A host as a client may name it.
#[derive(Serialize)]
struct Known {
    name: String,
    /// The host of the table that it counts as.
    table: String,
}

/// One host and prefix. The longest prefixes come first.
#[derive(Serialize)]
struct Entry {
    /// As a regular expression.
    host: String,
    prefix: Prefix,
    website: String,
}

/// A website that a path prefix tells apart.
#[derive(Serialize)]
pub(crate) struct Prefixed {
    name: String,
    prefix: Prefix,
}

#[derive(Clone, PartialEq, Serialize)]
struct Prefix {
    path: String,
    /// As a regular expression.
    pattern: String,
}

/// Renders the maps that tell `$website`, `$path` and their kin.
///
/// # Errors
/// When a name cannot stand in nginx's configuration.
pub(crate) fn render(context: &Context) -> Result<Text, Diagnostic> {
    WEBSITES.render(table(context))
}

/// The websites that a path prefix tells apart.
pub(crate) fn prefixed(context: &Context) -> Vec<Prefixed> {
    let all =
        context.site.websites.iter().map(|it| Prefixed { name: it.name.to_string(), prefix: prefix(it) });
    all.filter(|it| !it.prefix.path.is_empty()).collect()
}

/// Every name of `host` here: itself, and with `.localhost` where that is answered.
pub(crate) fn names(context: &Context, website: &Website, host: &Host) -> Vec<String> {
    context.hosts(&Website { hosts: vec![host.clone()], ..website.clone() })
}

fn table(context: &Context) -> Table {
    let websites = &context.site.websites;
    let fallback = websites.iter().find(|it| it.fallback).and_then(|it| it.hosts.first());
    let mut hosts = Vec::new();
    let mut entries = Vec::new();
    for website in websites {
        for host in &website.hosts {
            let pattern = escaped(host.as_str());
            entries.push(Entry { host: pattern, prefix: prefix(website), website: website.name.to_string() });
            if context.owner(host) == Some(website) {
                let known = |name| Known { name, table: host.to_string() };
                hosts.extend(names(context, website, host).into_iter().map(known));
            }
        }
    }
    entries.sort_by_key(|it| std::cmp::Reverse(it.prefix.path.len()));
    Table {
        fallback_host: fallback.map(ToString::to_string).unwrap_or_default(),
        hosts,
        entries,
        prefixed: prefixed(context),
    }
}

fn prefix(website: &Website) -> Prefix {
    let path = website.path.trim_end_matches('/').to_owned();
    Prefix { pattern: escaped(&path), path }
}

/// `text` as a regular expression that means it and nothing else.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '/' | '-' | '_') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
