//! Values of a script as plain data.

use mops_model::{Encoding, Text, Value};
use rhai::{Dynamic, Map};

use crate::{
    given::Given,
    handle::{BROKEN, Found, Handle, Later},
};

/// How deep maps and lists may be nested.
const DEPTH: usize = 64;

/// `value` as plain data; what is none is noted in `given` under `path`.
pub(crate) fn plain(value: &Dynamic, path: &str, given: &mut Given) -> Value {
    let value = value.flatten_clone();
    if value.tag() != 0 {
        given.marks.insert(path.to_owned(), value.tag());
    }
    if path.matches(['.', '[']).count() > DEPTH {
        return given.refuse(path, "wrong-type", "it is nested too deeply".to_owned(), None);
    }
    if let Ok(it) = value.as_bool() {
        return Value::Bool(it);
    }
    if let Ok(it) = value.as_int() {
        return Value::Int(it);
    }
    if let Ok(it) = value.as_immutable_string_ref() {
        return text(&it, path, given);
    }
    if let Ok(it) = value.as_char() {
        return text(&it.to_string(), path, given);
    }
    if value.is_array() {
        let elements = value.cast::<rhai::Array>();
        return Value::List(
            elements.iter().enumerate().map(|(i, it)| plain(it, &format!("{path}[{i}]"), given)).collect(),
        );
    }
    if value.is_map() {
        return Value::Record(record(&value.cast::<Map>(), path, given));
    }
    match () {
        () if value.is::<Handle>() => handle(&value.cast(), path, given),
        () if value.is::<Later>() => Value::Text(value.cast::<Later>().0),
        () if value.is::<Found>() => Value::Input((*value.cast::<Found>().0).clone()),
        () => not_data(&value, path, given),
    }
}

/// A map as plain data, each value under its key.
pub(crate) fn record(map: &Map, path: &str, given: &mut Given) -> mops_model::Options {
    let join = |key: &str| match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    };
    map.iter().map(|(key, it)| (key.to_string(), plain(it, &join(key), given))).collect()
}

fn text(it: &str, path: &str, given: &mut Given) -> Value {
    if it.contains(BROKEN) {
        return given.unknown(path);
    }
    match Text::parse_marked(it, Encoding::Raw) {
        Ok(it) => Value::Text(it),
        Err(_) => given.refuse(
            path,
            "known-after-apply",
            format!("`{path}` holds a value that is known only after apply, and it was cut or changed"),
            Some("use the value whole, inside text or on its own"),
        ),
    }
}

fn handle(it: &Handle, path: &str, given: &mut Given) -> Value {
    match it {
        Handle::Website(name) | Handle::Role(name) | Handle::Daemon(name) => Value::text(name.as_str()),
        Handle::Resource(address) => Value::text(address.to_string()),
        Handle::Service(shown) => Value::text(shown.clone()),
        Handle::Broken => given.unknown(path),
    }
}

fn not_data(value: &Dynamic, path: &str, given: &mut Given) -> Value {
    let (what, help) = match () {
        () if value.is_unit() => {
            ("nothing", "give it a value, or leave it out; a map has nothing under a key that it lacks")
        }
        () if value.as_float().is_ok_and(|it| it.fract() == 0.0) => {
            ("a number that is too large, or has a point", "write a whole number, or text with a unit")
        }
        () if value.is_float() => ("a number with a fraction", "write a whole number, or text with a unit"),
        () if value.is_fnptr() => ("a function", "write what it returns"),
        () => (value.type_name(), "write text, a number, true or false, a list or a map"),
    };
    given.refuse(path, "wrong-type", format!("`{path}` is {what}, which is no plain data"), Some(help))
}
