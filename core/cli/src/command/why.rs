//! `mops explain --why`: where the value of an option comes from, and what it replaced.

use std::collections::BTreeMap;

use mops_model::{Call, Declared, Field, Kind, Need, Options, Provenance, Site, Value, nearest};
use mops_plugin::{Calls, Function, Registry};

use crate::{
    failure::Failure,
    show::{BOLD, DIM, styled},
};

/// One option of one declaration, explained.
struct Explained<'a> {
    /// Its address in parts: `varnish`, `cache`, `memory`.
    parts: Vec<String>,
    value: Value,
    origins: &'a [Provenance],
    /// The function whose default it has, or replaces.
    default: Option<(String, Value)>,
}

/// Shows where the options that `question` means come from: `varnish.cache.memory`, `varnish.memory`, `website.pl`.
pub(crate) fn why(question: &str, site: &Site, registry: &Registry) -> Result<(), Failure> {
    let options = options(site, registry);
    let asked: Vec<String> = parts(question);
    let meant: Vec<&Explained<'_>> = options.iter().filter(|it| it.is_meant(&asked)).collect();
    if meant.is_empty() {
        let addresses: Vec<String> = options.iter().map(Explained::address).collect();
        let failure = Failure::new(format!("`{question}` is set nowhere in this script"));
        return Err(failure.help(match nearest(&asked.join("."), addresses.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a plugin, a function and an option, such as varnish.cache.memory, or website.NAME"
                .to_owned(),
        }));
    }
    let shown: Vec<String> = meant.into_iter().map(Explained::shown).collect();
    anstream::println!("{}", shown.join("\n"));
    Ok(())
}

fn options<'a>(site: &'a Site, registry: &Registry) -> Vec<Explained<'a>> {
    let mut found: Vec<Explained<'a>> = said(&["site".to_owned()], &site.declared);
    for it in &site.websites {
        found.extend(said(&["website".to_owned(), it.name.to_string()], &it.declared));
    }
    for it in &site.roles {
        found.extend(said(&["role".to_owned(), it.name.to_string()], &it.declared));
    }
    for it in &site.daemons {
        found.extend(said(&["daemon".to_owned(), it.name.to_string()], &it.declared));
    }
    for call in &site.calls {
        let manifest = registry.manifests().find(|it| it.plugin == call.plugin);
        if let Some(function) = manifest.and_then(|it| it.get(call.function.as_str())) {
            found.extend(of_call(call, function));
        }
    }
    found
}

/// What a declaration was given.
fn said<'a>(address: &[String], declared: &'a Declared) -> Vec<Explained<'a>> {
    let option = |(path, origins): (&String, &'_ Vec<Provenance>)| {
        let value = origins.last()?.value.clone();
        Some((path.clone(), value))
    };
    let found = declared.origins.iter().filter_map(|it| Some((it.1, option(it)?)));
    found
        .map(|(origins, (path, value))| Explained {
            parts: join(address, &path),
            value,
            origins,
            default: None,
        })
        .collect()
}

/// What a call was given, and the defaults of the rest.
fn of_call<'a>(call: &'a Call, function: &Function) -> Vec<Explained<'a>> {
    let module = call.plugin.as_str().replace('-', "_");
    let shown = format!("{module}::{}", call.function.as_str().replace('-', "_"));
    let mut address = parts(&shown);
    if let Calls::OncePer(key) = &function.calls {
        address.extend(call.options.get(key).and_then(Value::as_text).map(str::to_owned));
    }
    let mut values = BTreeMap::new();
    for (key, value) in &call.options {
        leaf(key.clone(), value, &mut values);
    }
    let fields: Vec<Field> = function.arguments.iter().chain(&function.options).cloned().collect();
    let option = |(path, value): (String, &Value)| {
        let origins = call.declared.origins.get(&path).map(Vec::as_slice).unwrap_or_default();
        let default = default(&fields, &path).map(|it| (shown.clone(), it));
        Explained { parts: join(&address, &path), value: value.clone(), origins, default }
    };
    values.into_iter().map(option).collect()
}

fn leaf<'a>(path: String, value: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
    match value.as_record() {
        Some(record) if !record.is_empty() => {
            for (key, value) in record {
                leaf(format!("{path}.{key}"), value, found);
            }
        }
        Some(_) | None => drop(found.insert(path, value)),
    }
}

/// The default of the option at `path`.
fn default(fields: &[Field], path: &str) -> Option<Value> {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let field = fields.iter().find(|it| it.name == key)?;
    match (rest, &field.kind, &field.need) {
        (None, _, Need::Default(value)) => Some(value.clone()),
        (Some(rest), Kind::Record(fields), _) => default(fields, rest),
        (None | Some(_), _, _) => None,
    }
}

impl Explained<'_> {
    fn address(&self) -> String {
        self.parts.join(".")
    }

    /// Whether it begins with what was asked for first, and has the rest in this order.
    fn is_meant(&self, asked: &[String]) -> bool {
        let mut parts = self.parts.iter();
        self.parts.first() == asked.first() && asked.iter().all(|it| parts.any(|part| part == it))
    }

    fn shown(&self) -> String {
        let title = format!("{} = {}", styled(BOLD, self.address()), written(&self.value));
        let mut lines = vec![title];
        let mut origins = self.origins.iter().rev();
        match (origins.next(), &self.default) {
            (Some(last), _) => lines.push(format!("  {}", last.place)),
            (None, Some((function, _))) => lines.push(format!("  the default of {function}")),
            (None, None) => (),
        }
        let replaced = |value: &Value, place: &str| {
            let line = format!("instead of {}  {place}", written(value));
            format!("  {}", styled(DIM, line))
        };
        lines.extend(origins.map(|it| replaced(&it.value, &it.place)));
        if let (Some((function, value)), false) = (&self.default, self.origins.is_empty()) {
            lines.push(replaced(value, &format!("the default of {function}")));
        }
        lines.join("\n")
    }
}

/// `varnish::cache.memory` in its parts, as scripts write them.
fn parts(question: &str) -> Vec<String> {
    question.replace("::", ".").split('.').filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

fn join(address: &[String], path: &str) -> Vec<String> {
    address.iter().cloned().chain(path.split('.').map(str::to_owned)).collect()
}

/// A value as a script writes it.
fn written(value: &Value) -> String {
    let list = |it: &[Value]| it.iter().map(written).collect::<Vec<_>>().join(", ");
    let record = |it: &Options| {
        let entries: Vec<String> =
            it.iter().map(|(key, value)| format!("{key}: {}", written(value))).collect();
        entries.join(", ")
    };
    match value {
        Value::Bool(it) => it.to_string(),
        Value::Int(it) => it.to_string(),
        Value::Text(it) => format!("\"{it}\""),
        Value::Input(it) => format!("path(\"{}\")", it.path),
        Value::List(it) => format!("[{}]", list(it)),
        Value::Record(it) if it.is_empty() => "#{}".to_owned(),
        Value::Record(it) => format!("#{{ {} }}", record(it)),
    }
}
