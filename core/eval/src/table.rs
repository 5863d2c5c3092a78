//! What a script may call: the functions of every site and those of the plugins.

use std::{collections::BTreeMap, ops::RangeInclusive, sync::Arc};

use mops_model::{Name, Need};
use mops_plugin::{Function, Manifest};

use crate::functions;

/// What a script may call.
#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) globals: BTreeMap<String, Arc<Callee>>,
    pub(crate) modules: BTreeMap<String, BTreeMap<String, Arc<Callee>>>,
}

/// One function, as a script calls it.
#[derive(Debug)]
pub(crate) struct Callee {
    /// As a script writes it: `varnish::cache`.
    pub(crate) shown: String,
    /// The plugin it belongs to; none for a function that every site has.
    pub(crate) plugin: Option<Name>,
    pub(crate) function: Function,
}

impl Table {
    pub(crate) fn new(manifests: &[&Manifest]) -> Self {
        let globals = functions().into_iter().map(|it| {
            let name = script_name(&it.name);
            (name.clone(), Arc::new(Callee { shown: name, plugin: None, function: it }))
        });
        let module = |manifest: &&Manifest| {
            let callee = |it: &Function| {
                let name = script_name(&it.name);
                let shown = format!("{}::{name}", manifest.module());
                (
                    name,
                    Arc::new(Callee { shown, plugin: Some(manifest.plugin.clone()), function: it.clone() }),
                )
            };
            (manifest.module(), manifest.functions.iter().map(callee).collect())
        };
        Self { globals: globals.collect(), modules: manifests.iter().map(module).collect() }
    }

    /// The function that a script calls `name`, in `module` if one is named.
    pub(crate) fn get(&self, module: Option<&str>, name: &str) -> Option<&Arc<Callee>> {
        match module {
            None => self.globals.get(name),
            Some(module) => self.modules.get(module)?.get(name),
        }
    }
}

impl Callee {
    /// How many arguments it takes, the map of options included.
    pub(crate) fn arity(&self) -> RangeInclusive<usize> {
        let arguments = &self.function.arguments;
        let least = arguments.iter().filter(|it| it.need == Need::Required).count();
        least..=arguments.len() + usize::from(!self.function.options.is_empty())
    }

    /// Whether the last of `count` arguments is the map of options.
    pub(crate) fn ends_in_options(&self, count: usize) -> bool {
        !self.function.options.is_empty() && count == self.function.arguments.len() + 1
    }

    /// How it is called, for people: `website(name, #{…})`.
    pub(crate) fn signature(&self) -> String {
        signature(&self.shown, &self.function)
    }
}

/// How a function is called, for people, that a script calls `name`.
pub(crate) fn signature(name: &str, function: &Function) -> String {
    let mut arguments: Vec<&str> = function.arguments.iter().map(|it| it.name.as_str()).collect();
    if !function.options.is_empty() {
        arguments.push("#{…}");
    }
    format!("{name}({})", arguments.join(", "))
}

/// Rhai's names have no dashes.
pub(crate) fn script_name(name: &Name) -> String {
    name.as_str().replace('-', "_")
}
