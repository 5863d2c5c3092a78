//! From manifests, catalog, standard library, command line and table of codes to the reference.

use mops_model::{Attribute, Catalog, Field, Kind, Need, Schema, Value};
use mops_plugin::{Calls, Function, Manifest};

use crate::{
    Entry, EntryKind, Example, Fact, Item, ItemGroup, Page, PageKind, Reference,
    codes::{Code, Shown, codes},
    library,
};

/// Where the facts come from.
pub struct World<'a> {
    /// What the plugins offer.
    pub manifests: Vec<&'a Manifest>,
    /// Every resource type.
    pub catalog: &'a Catalog,
    /// The files of the standard library: the name each is imported by, and its text.
    pub library: Vec<(&'a str, &'a str)>,
    /// What the program can do.
    pub commands: Vec<Command>,
}

/// A command of the program, as its command line declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its name, without the program's: `plan`.
    pub name: String,
    /// What it does; the first line is its summary.
    pub doc: String,
    /// How it is called: `mops plan [OPTIONS] <SCRIPT>`.
    pub usage: String,
    /// Its arguments and options.
    pub arguments: Vec<CommandArgument>,
    /// Commands that work, each with a comment after two spaces where one helps.
    pub examples: String,
}

/// An argument or option of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandArgument {
    /// As it is written: `--set <KEY=VALUE>`.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// What it is when it is left out; empty for nothing.
    pub default: String,
}

/// The whole reference.
pub fn reference(world: &World<'_>) -> Reference {
    let mut pages = vec![language()];
    pages.extend(world.manifests.iter().map(|it| plugin(it)));
    pages.push(slots(&world.manifests));
    pages.extend(world.library.iter().map(|(name, text)| library::page(name, text)));
    pages.extend(resources(world.catalog));
    pages.push(commands(&world.commands));
    pages.extend(mistakes());
    Reference { pages }
}

fn language() -> Page {
    Page {
        kind: PageKind::Language,
        name: "language".to_owned(),
        doc: "What every script may call, in the order in which a script uses it.".to_owned(),
        facts: Vec::new(),
        entries: mops_eval::functions().iter().map(|it| function(None, it)).collect(),
    }
}

fn plugin(manifest: &Manifest) -> Page {
    let module = manifest.module();
    Page {
        kind: PageKind::Plugin,
        name: module.clone(),
        doc: manifest.doc.clone(),
        facts: elsewhere(manifest),
        entries: manifest.functions.iter().map(|it| function(Some(&module), it)).collect(),
    }
}

/// What a plugin has on other pages: its slots, and the codes of its mistakes.
fn elsewhere(manifest: &Manifest) -> Vec<Fact> {
    let listed = |names: Vec<String>| {
        let shown: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    };
    let slots = manifest.slots.iter().map(|it| it.name.clone()).collect();
    let area = format!("{}::", manifest.plugin);
    let codes = codes().into_iter().map(|it| it.code).filter(|it| it.starts_with(&area)).collect();
    let slots = listed(slots).map(|it| Fact::new("Slots", it));
    let codes = listed(codes).map(|it| Fact::new("Mistakes", it));
    slots.into_iter().chain(codes).collect()
}

fn function(module: Option<&str>, function: &Function) -> Entry {
    let name = match module {
        Some(module) => format!("{module}::{}", function.name),
        None => function.name.to_string(),
    };
    let calls = match &function.calls {
        Calls::Once => "once at most".to_owned(),
        Calls::Implied => "once at most; without a call it is taken with its defaults".to_owned(),
        Calls::OncePer(argument) => format!("any number of times, each with another `{argument}`"),
        Calls::Any => "any number of times".to_owned(),
    };
    let groups = [
        group("Arguments", fields("", &function.arguments)),
        group("Options", fields("", &function.options)),
    ];
    Entry {
        kind: EntryKind::Function,
        signature: signature(&name, function),
        name,
        doc: function.doc.clone(),
        facts: vec![Fact::new("May be called", calls)],
        groups: groups.into_iter().flatten().collect(),
        examples: example(&function.example),
    }
}

fn signature(name: &str, function: &Function) -> String {
    let options = (!function.options.is_empty()).then(|| "#{ … }".to_owned());
    let arguments: Vec<String> = function.arguments.iter().map(|it| it.name.clone()).chain(options).collect();
    format!("{name}({})", arguments.join(", "))
}

fn example(text: &str) -> Vec<Example> {
    let text = text.trim().to_owned();
    let example = Example { title: "Example".to_owned(), text, language: "rhai" };
    (!example.text.is_empty()).then_some(example).into_iter().collect()
}

fn group(title: &str, items: Vec<Item>) -> Option<ItemGroup> {
    (!items.is_empty()).then(|| ItemGroup { title: title.to_owned(), items })
}

/// The fields and what is nested in them, each after the field it belongs to.
fn fields(before: &str, fields: &[Field]) -> Vec<Item> {
    fields.iter().flat_map(|it| field(before, it)).collect()
}

fn field(before: &str, field: &Field) -> Vec<Item> {
    let path = match before {
        "" => field.name.clone(),
        _ => format!("{before}.{}", field.name),
    };
    let note = match &field.need {
        Need::Required => "required".to_owned(),
        Need::Optional => "may be left out".to_owned(),
        Need::Default(value) => format!("{} unless given", written(value)),
    };
    let mut items = vec![Item {
        path: path.clone(),
        takes: takes(&field.kind),
        notes: vec![note],
        doc: field.doc.clone(),
    }];
    for (inner, step) in nested(&field.kind) {
        items.extend(self::fields(&format!("{path}{step}"), inner));
    }
    items
}

/// The records inside a kind, each with how one gets there: `[]` through a list, `.*` through a map.
fn nested(kind: &Kind) -> Vec<(&[Field], &'static str)> {
    match kind {
        Kind::Record(fields) => vec![(fields, "")],
        Kind::List(kind) => nested(kind).into_iter().map(|(it, _)| (it, "[]")).collect(),
        Kind::Map(kind) => nested(kind).into_iter().map(|(it, _)| (it, ".*")).collect(),
        Kind::OneOrMany(kind) => nested(kind),
        Kind::Either(kinds) => kinds.iter().flat_map(nested).collect(),
        Kind::Any
        | Kind::Bool
        | Kind::Int { .. }
        | Kind::Text
        | Kind::Name
        | Kind::Pattern
        | Kind::Size { .. }
        | Kind::Duration { .. }
        | Kind::Rate
        | Kind::Cidr
        | Kind::Host
        | Kind::OneOf(_)
        | Kind::Path(_)
        | Kind::Website
        | Kind::Role
        | Kind::Target => Vec::new(),
    }
}

/// What a kind takes, without the keys of records, which have items of their own.
fn takes(kind: &Kind) -> String {
    match kind {
        Kind::Record(_) => "a map".to_owned(),
        Kind::List(inner) => format!("a list, each {}", takes(inner)),
        Kind::Map(inner) => format!("a map with keys of your own, each value {}", takes(inner)),
        Kind::OneOrMany(inner) => format!("{}, or a list of such", takes(inner)),
        Kind::Either(kinds) => kinds.iter().map(takes).collect::<Vec<_>>().join(", or "),
        other => other.to_string(),
    }
}

/// A value as a script writes it.
fn written(value: &Value) -> String {
    match value {
        Value::Bool(it) => it.to_string(),
        Value::Int(it) => it.to_string(),
        Value::Text(_) => value.as_text().map_or_else(|| "a value".to_owned(), |it| format!("{it:?}")),
        Value::Input(it) => format!("path({:?})", it.path),
        Value::List(values) => format!("[{}]", values.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::Record(record) if record.is_empty() => "#{}".to_owned(),
        Value::Record(record) => {
            let pairs: Vec<_> = record.iter().map(|(key, it)| format!("{key}: {}", written(it))).collect();
            format!("#{{ {} }}", pairs.join(", "))
        }
    }
}

fn slots(manifests: &[&Manifest]) -> Page {
    let slot = |manifest: &Manifest, it: &mops_plugin::SlotDescription| Entry {
        kind: EntryKind::Slot,
        name: it.name.clone(),
        doc: it.doc.clone(),
        facts: vec![Fact::new("Belongs to", format!("`{}`", manifest.module()))],
        ..Entry::default()
    };
    Page {
        kind: PageKind::Slots,
        name: "slots".to_owned(),
        doc: "Named places where one service gives something to another: what it means there, and in which order several stand.".to_owned(),
        facts: Vec::new(),
        entries: manifests.iter().flat_map(|it| it.slots.iter().map(move |one| slot(it, one))).collect(),
    }
}

fn resources(catalog: &Catalog) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for schema in catalog.schemas() {
        let provider = schema.kind.split('.').next().unwrap_or(&schema.kind);
        if pages.last().is_none_or(|it| it.name != provider) {
            pages.push(Page {
                kind: PageKind::Resources,
                name: provider.to_owned(),
                doc: "What can be declared with `resource(type, name, #{ … })`; outputs are properties of what that returns.".to_owned(),
                facts: Vec::new(),
                entries: Vec::new(),
            });
        }
        pages.last_mut().expect("just pushed").entries.push(resource(schema));
    }
    pages
}

fn resource(schema: &Schema) -> Entry {
    let input = |it: &Attribute| {
        let mut items = field("", &it.field);
        let first = items.first_mut().expect("a field is an item");
        if it.replaces {
            first.notes.push("a change makes a new one".to_owned());
        }
        if it.sensitive {
            first.notes.push("never shown".to_owned());
        }
        items
    };
    let output = |(name, doc): (&String, &String)| Item {
        path: name.clone(),
        takes: String::new(),
        notes: Vec::new(),
        doc: doc.clone(),
    };
    let holds = match schema.holds_data {
        true => "data of people: it is deleted only when asked for by name",
        false => "nothing that could not be made again",
    };
    let groups = [
        group("Inputs", schema.inputs.iter().flat_map(input).collect()),
        group("Outputs", schema.outputs.iter().map(output).collect()),
    ];
    Entry {
        kind: EntryKind::Resource,
        name: schema.kind.clone(),
        signature: format!("resource({:?}, name, #{{ … }})", schema.kind),
        doc: schema.doc.clone(),
        facts: vec![Fact::new("Holds", holds)],
        groups: groups.into_iter().flatten().collect(),
        examples: example(&resource_example(schema)),
    }
}

/// A declaration with what cannot be left out.
fn resource_example(schema: &Schema) -> String {
    let required = schema.inputs.iter().filter(|it| it.field.need == Need::Required);
    let inputs: Vec<String> = required.map(|it| it.field.sample()).collect();
    let written = match inputs.join(", ") {
        short if short.len() <= 40 => format!("#{{ {short} }}"),
        _ => format!("#{{\n    {},\n}}", inputs.join(",\n    ")),
    };
    format!("let it = resource({:?}, \"spare\", {written});", schema.kind)
}

fn commands(commands: &[Command]) -> Page {
    let item = |it: &CommandArgument| Item {
        path: it.name.clone(),
        takes: String::new(),
        notes: (!it.default.is_empty()).then(|| format!("{} unless given", it.default)).into_iter().collect(),
        doc: it.doc.clone(),
    };
    let entry = |it: &Command| Entry {
        kind: EntryKind::Command,
        name: format!("mops {}", it.name).trim_end().to_owned(),
        signature: it.usage.clone(),
        doc: it.doc.clone(),
        facts: Vec::new(),
        groups: group("Arguments", it.arguments.iter().map(item).collect()).into_iter().collect(),
        examples: vec![Example {
            title: "Examples".to_owned(),
            text: it.examples.trim_end().to_owned(),
            language: "sh",
        }],
    };
    Page {
        kind: PageKind::Commands,
        name: "commands".to_owned(),
        doc: "What the program can do.".to_owned(),
        facts: Vec::new(),
        entries: commands.iter().map(entry).collect(),
    }
}

/// The codes, one page an area.
fn mistakes() -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for code in codes() {
        let area = code.code.split("::").next().unwrap_or(&code.code);
        if pages.last().is_none_or(|it| it.name != area) {
            pages.push(Page {
                kind: PageKind::Codes,
                name: area.to_owned(),
                doc: format!(
                    "What is said with a code that begins with `{area}::`: why, and what to do about it."
                ),
                facts: Vec::new(),
                entries: Vec::new(),
            });
        }
        pages.last_mut().expect("just pushed").entries.push(mistake(&code));
    }
    pages
}

fn mistake(code: &Code) -> Entry {
    let script = |title: &str, text: &str| Example {
        title: title.to_owned(),
        text: text.to_owned(),
        language: "rhai",
    };
    let mut facts = vec![Fact::new("Cure", code.cure.clone())];
    let examples = match &code.shown {
        Shown::Scripts { wrong, right } => vec![script("Wrong", wrong), script("Right", right)],
        Shown::Never(why) => {
            facts.push(Fact::new("No example", why.clone()));
            Vec::new()
        }
    };
    Entry {
        kind: EntryKind::Code,
        name: code.code.clone(),
        doc: code.cause.clone(),
        facts,
        examples,
        ..Entry::default()
    }
}
