//! Values from outside the script, and values that are shown.

use std::sync::Arc;

use mops_model::{Duration, OutputDeclaration, Size, Source, Text, Value};
use rhai::Dynamic;

use super::RENAME;
use crate::{
    handle::{Found, Handle, Later},
    run::{Checked, Run, State},
    sources::{SourceError, join},
};

pub(super) fn path(run: &Run, state: &mut State, call: &Checked<'_>) -> Dynamic {
    let Some(path) = call.text("path").filter(|_| call.is_whole) else {
        return Dynamic::from(Handle::Broken);
    };
    let found = join(&run.folder, path).and_then(|path| match state.declared.inputs.get(&path) {
        Some(input) => Ok(input.clone()),
        None => {
            let found = run.reader.input(&path)?;
            state.declared.inputs.insert(path, found.input.clone());
            state.declared.listings.extend(found.listing.map(|it| (found.input.digest, it)));
            Ok(found.input)
        }
    });
    match found {
        Ok(input) => Dynamic::from(Found(Arc::new(input))),
        Err(err) => {
            let help = match err {
                SourceError::Outside(_) => "copy or move it into the script's folder",
                SourceError::Missing(_) | SourceError::NotText(_) | SourceError::Unreadable { .. } => {
                    "paths are relative to the script's folder"
                }
            };
            Dynamic::from(state.wrong("eval::path", err.to_string(), call.places.key("path"), "here", help))
        }
    }
}

pub(super) fn secret(state: &mut State, call: &Checked<'_>) -> Dynamic {
    let Some(name) = call.name().filter(|_| call.is_whole) else { return Dynamic::from(Handle::Broken) };
    state.declared.secrets.entry(name.clone()).or_insert_with(|| call.declared.clone());
    Dynamic::from(Later(Text::hole(Source::Secret(name))))
}

pub(super) fn output(state: &mut State, call: &Checked<'_>) -> Handle {
    let Some(name) = call.name() else { return Handle::Broken };
    let twice = format!("the output `{name}` is declared twice");
    let is_new = state.claim("output", name.as_str(), call.name_place(), &twice, RENAME);
    if let (true, true, Some(value)) = (is_new, call.is_whole, call.options.get("value")) {
        state.declared.outputs.push(OutputDeclaration { name, value: value.clone() });
    }
    Handle::Service("output".to_owned())
}

pub(super) fn param(run: &Run, state: &mut State, call: &Checked<'_>) -> Dynamic {
    let Some(name) = call.name() else { return Dynamic::from(Handle::Broken) };
    let twice = format!("the parameter `{name}` is declared twice");
    state.claim(
        "param",
        name.as_str(),
        call.name_place(),
        &twice,
        "declare it once, and hand its value on in a variable",
    );
    if !call.is_whole {
        return Dynamic::from(Handle::Broken);
    }
    let default = call.options.get("otherwise");
    let kind = call.text("kind").unwrap_or_else(|| kind_of(default));
    if let Some(default) = default.filter(|it| !is_of(kind, it)) {
        let message =
            format!("`param`: the default of `{name}` must be {}, not {}", article(kind), default.describe());
        return Dynamic::from(state.wrong(
            "eval::wrong-type",
            message,
            call.places.key("otherwise"),
            "here",
            "make `kind` and `default` agree",
        ));
    }
    match (run.parameters.get(name.as_str()), default) {
        (Some(given), _) => match parse(kind, given) {
            Some(value) => value,
            None => {
                let message = format!("the parameter `{name}` must be {}, not {given:?}", article(kind));
                let help = "it is set by `--set` or in mops.toml";
                Dynamic::from(state.wrong(
                    "eval::wrong-value",
                    message,
                    call.name_place(),
                    "declared here",
                    help,
                ))
            }
        },
        (None, Some(default)) => from_value(default),
        (None, None) => {
            let message = format!("the parameter `{name}` has no value");
            let help = format!("set it with `--set {name}=…`, in mops.toml, or give it an `otherwise`");
            Dynamic::from(state.wrong(
                "eval::missing-parameter",
                message,
                call.name_place(),
                "declared here",
                &help,
            ))
        }
    }
}

fn kind_of(default: Option<&Value>) -> &'static str {
    match default {
        Some(Value::Bool(_)) => "bool",
        Some(Value::Int(_)) => "number",
        None | Some(Value::Text(_) | Value::Input(_) | Value::List(_) | Value::Record(_)) => "text",
    }
}

/// Whether a default is of its kind; lists, maps and paths can be defaults, but nothing on a command line sets them.
fn is_of(kind: &str, default: &Value) -> bool {
    match (kind, default) {
        ("bool", Value::Bool(_)) | ("number", Value::Int(_)) => true,
        ("size" | "duration", Value::Text(text)) => {
            text.as_literal().is_some_and(|it| parse(kind, it).is_some())
        }
        ("text", it) => !matches!(it, Value::Bool(_) | Value::Int(_)),
        _ => false,
    }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "bool" => "true or false",
        "number" => "a whole number",
        "size" => "a size such as \"4G\"",
        "duration" => "a duration such as \"90s\"",
        _ => "text",
    }
}

fn parse(kind: &str, given: &str) -> Option<Dynamic> {
    match kind {
        "bool" => given.parse::<bool>().ok().map(Dynamic::from),
        "number" => given.parse::<i64>().ok().map(Dynamic::from),
        "size" => given.parse::<Size>().ok().map(|_| given.to_owned().into()),
        "duration" => given.parse::<Duration>().ok().map(|_| given.to_owned().into()),
        _ => (!Text::is_marked(given)).then(|| given.to_owned().into()),
    }
}

pub(super) fn from_value(value: &Value) -> Dynamic {
    match value {
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::Text(it) => {
            it.as_literal().map_or_else(|| Dynamic::from(Later(it.clone())), |it| it.to_owned().into())
        }
        Value::Input(it) => Dynamic::from(Found(Arc::new(it.clone()))),
        Value::List(values) => Dynamic::from_array(values.iter().map(from_value).collect()),
        Value::Record(record) => {
            Dynamic::from_map(record.iter().map(|(key, it)| (key.as_str().into(), from_value(it))).collect())
        }
    }
}
