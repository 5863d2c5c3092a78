//! What scripts may call, by the names that scripts use.

use std::collections::BTreeMap;

use mops_eval::{World, functions};
use mops_model::{Field, Kind, Name, Need, Value};
use mops_plugin::{Function, Manifest};

/// What scripts may call.
pub(crate) struct Offers<'a> {
    pub(crate) globals: BTreeMap<String, Function>,
    pub(crate) modules: BTreeMap<String, &'a Manifest>,
}

impl<'a> Offers<'a> {
    pub(crate) fn new(world: &'a World<'a>) -> Self {
        let globals = functions().into_iter().map(|it| (script_name(&it.name), it)).collect();
        Self { globals, modules: world.manifests.iter().map(|it| (it.module(), *it)).collect() }
    }

    pub(crate) fn get(&self, module: Option<&str>, name: &str) -> Option<&Function> {
        match module {
            None => self.globals.get(name),
            Some(module) => {
                self.modules.get(module)?.functions.iter().find(|it| script_name(&it.name) == name)
            }
        }
    }
}

/// Rhai's names have no dashes.
pub(crate) fn script_name(name: &Name) -> String {
    name.as_str().replace('-', "_")
}

/// How a function is called, for people: `website(name, #{…})`.
pub(crate) fn signature(module: Option<&str>, function: &Function) -> String {
    let mut arguments: Vec<&str> = function.arguments.iter().map(|it| it.name.as_str()).collect();
    if !function.options.is_empty() {
        arguments.push("#{…}");
    }
    let module = module.map(|it| format!("{it}::")).unwrap_or_default();
    format!("{module}{}({})", script_name(&function.name), arguments.join(", "))
}

/// What a list of this kind holds; the kind itself where a list stands for one.
pub(crate) fn element(kind: &Kind) -> &Kind {
    match kind {
        Kind::List(kind) | Kind::OneOrMany(kind) => kind,
        other => other,
    }
}

/// What may stand for an option: its kind, and what it is without one.
pub(crate) fn described(field: &Field) -> String {
    match &field.need {
        Need::Required => format!("{}; required", field.kind),
        Need::Optional => field.kind.to_string(),
        Need::Default(value) => match (value, value.as_text()) {
            (_, Some(text)) => format!("{}; {text:?} without it", field.kind),
            (Value::Bool(it), None) => format!("{}; {it} without it", field.kind),
            (Value::Int(it), None) => format!("{}; {it} without it", field.kind),
            (_, None) => field.kind.to_string(),
        },
    }
}
