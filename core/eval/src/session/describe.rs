//! What is known of a name.

use mops_model::{Attribute, Field, Schema};

use super::Session;
use crate::{
    offers::{Called, Offers, described, summary},
    table::Callee,
};

impl Session {
    /// What is known of `name`: a module, a function, an option such as `varnish::cache.memory`, a type of resource, a
    /// variable.
    pub fn describe(&self, name: &str) -> Option<String> {
        let name = name.trim().trim_end_matches(['(', ')']);
        if let Some(callee) = find(&self.offers, name) {
            return Some(function(callee));
        }
        if let Some(schema) = self.offers.catalog.get(name) {
            return Some(resource(schema));
        }
        if let Some((doc, functions)) = self.offers.modules.get(name).zip(self.offers.table.modules.get(name))
        {
            let rows = functions.values().map(|it| (it.signature(), summary(&it.function.doc)));
            return Some(format!("{name}::  {doc}\n\n{}", table(&rows.collect::<Vec<_>>())));
        }
        if let Some(it) = self.seen.functions.iter().find(|it| it.name == name) {
            return Some(
                format!("{}({})\n{}", it.name, it.parameters.join(", "), it.doc).trim_end().to_owned(),
            );
        }
        if let Some(it) = self.seen.variables.get(name) {
            return Some(format!("{name}: {}", it.kind));
        }
        let (function, option) = name.split_once('.')?;
        let callee = find(&self.offers, function)?;
        let mut fields = [callee.function.arguments.clone(), callee.function.options.clone()].concat();
        let mut found = None;
        for key in option.split('.') {
            let it = fields.iter().find(|it| it.name == key)?.clone();
            fields = keys(&it);
            found = Some(it);
        }
        found.map(|it| field(&it))
    }

    /// The signature of the function that a script calls `name`.
    pub fn signature(&self, name: &str) -> Option<String> {
        find(&self.offers, name.trim()).map(Callee::signature)
    }
}

/// The function that a script calls `name`.
fn find<'a>(offers: &'a Offers, name: &str) -> Option<&'a Callee> {
    let (module, name) = match name.split_once("::") {
        Some((module, function)) => (Some(module.to_owned()), function),
        None => (None, name),
    };
    offers.callee(&Called { module, name: name.to_owned() })
}

fn function(callee: &Callee) -> String {
    let it = &callee.function;
    let mut parts = vec![format!("{}\n{}", callee.signature(), it.doc)];
    for (title, fields) in [("arguments", &it.arguments), ("options", &it.options)] {
        if !fields.is_empty() {
            parts.push(format!("{title}\n{}", rows(fields)));
        }
    }
    if !it.example.is_empty() {
        parts.push(format!("example\n  {}", it.example.replace('\n', "\n  ")));
    }
    parts.join("\n\n")
}

fn resource(schema: &Schema) -> String {
    let input = |it: &Attribute| {
        let replaces = if it.replaces { "; changing it makes a new one" } else { "" };
        (it.field.name.clone(), format!("{}{replaces}", one_line(&it.field)))
    };
    let inputs = table(&schema.inputs.iter().map(input).collect::<Vec<_>>());
    let outputs = table(&schema.outputs.clone().into_iter().collect::<Vec<_>>());
    format!("{}\n{}\n\ninputs\n{inputs}\n\noutputs\n{outputs}", schema.kind, schema.doc)
}

fn field(it: &Field) -> String {
    let keys = keys(it);
    let text = format!("{}\n{}\n{}", it.name, it.doc, described(it));
    match keys.is_empty() {
        true => text,
        false => format!("{text}\n\n{}", rows(&keys)),
    }
}

fn rows(fields: &[Field]) -> String {
    table(&fields.iter().map(|it| (it.name.clone(), one_line(it))).collect::<Vec<_>>())
}

/// The keys that a value of this field has.
fn keys(field: &Field) -> Vec<Field> {
    match &field.kind {
        mops_model::Kind::Record(fields) => fields.clone(),
        _ => Vec::new(),
    }
}

fn one_line(it: &Field) -> String {
    format!("{} ({})", summary(&it.doc), described(it))
}

/// Two columns, indented by two.
fn table(rows: &[(String, String)]) -> String {
    const WIDEST: usize = 36;
    let width = rows.iter().map(|it| it.0.chars().count()).max().unwrap_or(0).min(WIDEST);
    let lines = rows.iter().map(|(left, right)| format!("  {left:<width$}  {right}").trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}
