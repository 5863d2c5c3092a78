//! Values of a script, readable: as a script would write them.
//!
//! **Invariant:** what is known only after apply, a secret among it, is shown by the name of where it comes from.

use mops_model::{Catalog, Encoding, Text};
use rhai::{Dynamic, Map};

use crate::handle::{BROKEN, Found, Handle, Later};

/// The widest line, in characters.
const WIDTH: usize = 100;
/// The most items of a list or map that are shown.
const MOST: usize = 200;

/// `value` as a script would write it; nothing for nothing.
pub(super) fn print(value: &Dynamic) -> Option<String> {
    (!value.is_unit()).then(|| shown(&value.flatten_clone(), 0))
}

/// What kind of value it is, with its article.
pub(super) fn kind(value: &Dynamic) -> String {
    let value = value.flatten_clone();
    let kind = match () {
        () if value.is_unit() => "nothing",
        () if value.is_bool() => "true or false",
        () if value.is_int() => "a number",
        () if value.is_float() => "a number with a fraction",
        () if value.is_string() || value.is_char() => "text",
        () if value.is_array() => "a list",
        () if value.is_map() => "a map",
        () if value.is_fnptr() => "a function",
        () if value.is::<Later>() => "text known after apply",
        () if value.is::<Found>() => "a file or folder",
        () => match value.read_lock::<Handle>() {
            Some(handle) => handle.describe(),
            None => value.type_name(),
        },
    };
    kind.to_owned()
}

/// What can stand after a dot behind `value`.
pub(super) fn properties(value: &Dynamic, catalog: &Catalog) -> Vec<String> {
    if let Some(map) = value.read_lock::<Map>() {
        return map.keys().map(ToString::to_string).collect();
    }
    match value.read_lock::<Handle>().as_deref() {
        Some(Handle::Website(_) | Handle::Role(_) | Handle::Daemon(_)) => vec!["name".to_owned()],
        Some(Handle::Resource(address)) => {
            catalog.get(&address.kind).map(|it| it.outputs.keys().cloned().collect()).unwrap_or_default()
        }
        Some(Handle::Service(_) | Handle::Broken) | None => Vec::new(),
    }
}

fn shown(value: &Dynamic, indent: usize) -> String {
    if let Some(list) = value.read_lock::<rhai::Array>() {
        let items: Vec<String> = list.iter().take(MOST).map(|it| shown(it, indent + 2)).collect();
        return bracketed("[", "]", items, list.len(), indent);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let item =
            |(key, it): (&rhai::Identifier, &Dynamic)| format!("{}: {}", word(key), shown(it, indent + 2));
        let items: Vec<String> = map.iter().take(MOST).map(item).collect();
        return bracketed("#{", "}", items, map.len(), indent);
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return quoted(&text);
    }
    if let Some(handle) = value.read_lock::<Handle>() {
        return format!("{} {}", handle.describe().trim_start_matches("a "), handle.name());
    }
    if let Some(later) = value.read_lock::<Later>() {
        return later.0.to_string();
    }
    if let Some(found) = value.read_lock::<Found>() {
        return format!("path({:?})  {}", found.0.path, found.0.digest.short());
    }
    match () {
        () if value.is_fnptr() => "a function".to_owned(),
        () if value.is_char() => format!("'{value}'"),
        () => value.to_string(),
    }
}

/// On one line if it fits; each item on its own line otherwise.
fn bracketed(open: &str, close: &str, mut items: Vec<String>, count: usize, indent: usize) -> String {
    if count > items.len() {
        items.push(format!("… and {} more", count - items.len()));
    }
    let space = if open == "#{" && !items.is_empty() { " " } else { "" };
    let line = format!("{open}{space}{}{space}{close}", items.join(", "));
    if line.chars().count() + indent <= WIDTH && !line.contains('\n') {
        return line;
    }
    let margin = " ".repeat(indent + 2);
    let lines: Vec<String> = items.iter().map(|it| format!("{margin}{it},")).collect();
    format!("{open}\n{}\n{}{close}", lines.join("\n"), " ".repeat(indent))
}

/// A key, in quotes where a script needs them.
fn word(key: &str) -> String {
    let is_name = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !crate::lexer::is_keyword(key);
    if is_name { key.to_owned() } else { format!("{key:?}") }
}

fn quoted(text: &str) -> String {
    if text.contains(BROKEN) {
        return "‹wrong›".to_owned();
    }
    let text = match Text::parse_marked(text, Encoding::Raw) {
        Ok(known) => known.to_string(),
        Err(_) => "‹a part of what is known after apply›".to_owned(),
    };
    match text.contains(['"', '\\', '\n']) && !text.contains(['`', '$']) {
        true => format!("`{text}`"),
        false => format!("\"{}\"", text.escape_debug().to_string().replace("\\'", "'")),
    }
}
