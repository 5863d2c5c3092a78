//! `app/etc/env.php` as a tree of keys, and its text.

use std::collections::BTreeMap;

use mops_plugin::{
    Template,
    model::{Declared, Diagnostic, Encoding, Name, Text, TextError, Unencodable, Value},
};
use serde::Serialize;

const FILE: Template =
    Template { name: "magento/env.php", text: include_str!("../templates/env.php"), encoding: Encoding::Php };

/// The tree: each leaf by its keys, and the call that gave it; a default has none.
#[derive(Default)]
pub(crate) struct Env<'a> {
    leaves: BTreeMap<Vec<String>, (Leaf, Option<&'a Declared>)>,
}

/// What stands at a leaf.
#[derive(Clone, PartialEq, Eq)]
enum Leaf {
    Value(Value),
    /// Elements of a list, in PHP.
    Elements(Vec<Text>),
    /// A text as the first node of a role has it.
    OfFirst(Name, Text),
}

/// The keys of `path`.
pub(crate) fn keys(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

impl<'a> Env<'a> {
    /// Says what stands at `path` unless a call says otherwise.
    pub(crate) fn presume(&mut self, path: &str, value: impl Into<Value>) {
        self.leaves.insert(keys(path), (Leaf::Value(value.into()), None));
    }

    /// Says that a list of `elements`, written in PHP, stands at `path` unless a call says otherwise.
    pub(crate) fn presume_elements(&mut self, path: &str, elements: Vec<Text>) {
        self.leaves.insert(keys(path), (Leaf::Elements(elements), None));
    }

    /// Says that `value` as the first node of `role` has it stands at `path` unless a call says otherwise.
    pub(crate) fn presume_of_first(&mut self, path: &str, role: Name, value: Text) {
        self.leaves.insert(keys(path), (Leaf::OfFirst(role, value), None));
    }

    /// Says what the call `declared` gave to `keys`; what it gave besides a default goes over the default.
    ///
    /// # Errors
    /// What another call gave to the same place.
    pub(crate) fn give(
        &mut self,
        keys: Vec<String>,
        value: Value,
        declared: &'a Declared,
    ) -> Result<(), Vec<Diagnostic>> {
        match value {
            Value::Record(record) if !record.is_empty() => {
                let below = |key| keys.iter().cloned().chain([key]).collect();
                let wrong: Vec<Diagnostic> = record
                    .into_iter()
                    .filter_map(|(key, value)| self.give(below(key), value, declared).err())
                    .flatten()
                    .collect();
                if wrong.is_empty() { Ok(()) } else { Err(wrong) }
            }
            value => self.give_leaf(keys, Leaf::Value(value), declared).map_err(|it| vec![it]),
        }
    }

    fn give_leaf(&mut self, keys: Vec<String>, leaf: Leaf, declared: &'a Declared) -> Result<(), Diagnostic> {
        let is_in_the_way = |other: &Vec<String>| other.starts_with(&keys) || keys.starts_with(other);
        let other = self.leaves.iter().find_map(|(path, (other, by))| {
            let by = (*by)?;
            let is_same = *path == keys && *other == leaf;
            (is_in_the_way(path) && !is_same).then_some(by)
        });
        if let Some(other) = other {
            let message = format!("`{}` of env.php is given twice", keys.join("/"));
            return Err(Diagnostic::error("magento::conflict", message)
                .at(declared.span, "once here")
                .at(other.span, format!("and once here ({})", other.place))
                .help("keep one of them"));
        }
        self.leaves.retain(|path, (_, by)| by.is_some() || !is_in_the_way(path));
        self.leaves.insert(keys, (leaf, Some(declared)));
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// What cannot stand in PHP.
    pub(crate) fn render(&self) -> Result<Text, Diagnostic> {
        #[derive(Serialize)]
        struct Values {
            tree: Text,
        }
        let mut out = String::new();
        let leaves: Vec<(&[String], &Leaf)> =
            self.leaves.iter().map(|(path, (leaf, _))| (path.as_slice(), leaf)).collect();
        write_tree(&mut out, &leaves, 1).map_err(|err| match err {
            Unwritable::Path => {
                Diagnostic::error("magento::wrong-value", "env.php holds plain data, not a path")
                    .help("give text, a number, true or false, a list, or a map")
            }
            Unwritable::Encoding(err) => Diagnostic::error("magento::unencodable", err.to_string()),
            Unwritable::Text(err) => Diagnostic::error("magento::unencodable", err.to_string()),
        })?;
        let tree = Text::parse_marked(&out, Encoding::Php)
            .map_err(|err| Diagnostic::error("magento::unencodable", err.to_string()))?;
        FILE.render(Values { tree })
    }
}

/// Why something cannot be written.
enum Unwritable {
    Path,
    Encoding(Unencodable),
    Text(TextError),
}

impl From<Unencodable> for Unwritable {
    fn from(err: Unencodable) -> Self {
        Self::Encoding(err)
    }
}

impl From<TextError> for Unwritable {
    fn from(err: TextError) -> Self {
        Self::Text(err)
    }
}

/// Writes leaves whose first `depth - 1` keys are the same; they come in the order of their keys.
fn write_tree(out: &mut String, leaves: &[(&[String], &Leaf)], depth: usize) -> Result<(), Unwritable> {
    out.push_str("[\n");
    for group in leaves.chunk_by(|(one, _), (other, _)| one[depth - 1] == other[depth - 1]) {
        indent(out, depth);
        write_text(out, &Text::literal(group[0].0[depth - 1].as_str()))?;
        out.push_str(" => ");
        match group {
            [(path, Leaf::Value(value))] if path.len() == depth => write_value(out, value)?,
            [(path, Leaf::Elements(elements))] if path.len() == depth => write_elements(out, elements, depth),
            [(path, Leaf::OfFirst(role, value))] if path.len() == depth => write_of_first(out, role, value)?,
            below => write_tree(out, below, depth + 1)?,
        }
        out.push_str(",\n");
    }
    indent(out, depth - 1);
    out.push(']');
    Ok(())
}

fn write_value(out: &mut String, value: &Value) -> Result<(), Unwritable> {
    match value {
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Text(text) => write_text(out, text)?,
        Value::Input(_) => return Err(Unwritable::Path),
        Value::List(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_value(out, value)?;
            }
            out.push(']');
        }
        Value::Record(record) => {
            out.push('[');
            for (i, (key, value)) in record.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                write_text(out, &Text::literal(key.as_str()))?;
                out.push_str(" => ");
                write_value(out, value)?;
            }
            out.push(']');
        }
    }
    Ok(())
}

fn write_text(out: &mut String, text: &Text) -> Result<(), Unwritable> {
    out.push('\'');
    out.push_str(&Text::encode_marked(&text.to_marked(), Encoding::Php)?);
    out.push('\'');
    Ok(())
}

/// A list with an element for each node, and its first.
fn write_of_first(out: &mut String, role: &Name, value: &Text) -> Result<(), Unwritable> {
    let encoded = Text::encode_marked(&value.to_marked(), Encoding::Php)?;
    let element = Text::literal("'").then(Text::parse_marked(&encoded, Encoding::Php)?).then("', ");
    out.push('[');
    out.push_str(&Text::each(role.clone(), element).to_marked());
    out.push_str("][0]");
    Ok(())
}

fn write_elements(out: &mut String, elements: &[Text], depth: usize) {
    out.push_str("[\n");
    for element in elements {
        out.push_str(&element.to_marked());
    }
    indent(out, depth);
    out.push(']');
}

fn indent(out: &mut String, depth: usize) {
    out.push_str(&"    ".repeat(depth));
}
