//! What a plugin offers to scripts.

use mops_model::{Call, Declared, Field, Kind, Name, Options};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields_of;

/// What a plugin offers to scripts: checking, suggestions, `explain`, completion and the reference come from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name, such as `geo-redirects`; scripts call its functions in the module of that name with underscores.
    pub plugin: Name,
    /// What it is for: one line.
    pub doc: String,
    /// Its functions.
    pub functions: Vec<Function>,
    /// The slots that others may contribute to.
    pub slots: Vec<SlotDescription>,
}

/// One function of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// What it is for; the first line is its summary.
    pub doc: String,
    /// Arguments before the options, by position; in a [`Call`] they are options like the others.
    pub arguments: Vec<Field>,
    /// The keys of the map that is its last argument; without any, it takes no map.
    pub options: Vec<Field>,
    /// How often it may be called.
    pub calls: Calls,
    /// One call, as a script writes it.
    pub example: String,
}

/// How often a function may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calls {
    /// Once at most.
    Once,
    /// Once at most; a script that does not call it is taken to have called it without options.
    Implied,
    /// Any number of times, but each time with another value of this argument.
    OncePer(String),
    /// Any number of times.
    Any,
}

/// A named place for contributions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDescription {
    /// Its name, such as `edge.throttle`.
    pub name: String,
    /// What a contribution does there, and in which order several stand.
    pub doc: String,
}

impl Manifest {
    /// The manifest of the plugin `plugin`.
    pub fn new(plugin: &str, doc: &str) -> Self {
        Self { plugin: Name::literal(plugin), doc: doc.to_owned(), functions: Vec::new(), slots: Vec::new() }
    }

    /// Adds a function.
    pub fn function(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// Adds a slot.
    pub fn slot(mut self, name: &str, doc: &str) -> Self {
        self.slots.push(SlotDescription { name: name.to_owned(), doc: doc.to_owned() });
        self
    }

    /// The module that scripts call its functions in.
    pub fn module(&self) -> String {
        self.plugin.as_str().replace('-', "_")
    }

    /// The function called `name`.
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|it| it.name.as_str() == name)
    }

    /// The call that stands for a function which the script did not call, with its defaults.
    pub fn implied_call(&self, function: &Function) -> Call {
        Call {
            plugin: self.plugin.clone(),
            function: function.name.clone(),
            options: function.with_defaults(Options::new()),
            declared: Declared::default(),
        }
    }
}

impl Function {
    /// A function whose options are the fields of `T`: names, kinds, ranges, defaults and docs come from there.
    pub fn new<T: JsonSchema>(name: &str, calls: Calls, example: &str) -> Self {
        let (doc, options) = fields_of::<T>();
        let (name, example) = (Name::literal(name), example.to_owned());
        Self { name, doc, arguments: Vec::new(), options, calls, example }
    }

    /// Takes the options called `names` as arguments by position, before the map.
    ///
    /// # Panics
    /// When there is no such option: a bug of the plugin.
    pub fn arguments(mut self, names: &[&str]) -> Self {
        for name in names {
            let at = self.options.iter().position(|it| it.name == *name).expect("an argument is an option");
            self.arguments.push(self.options.remove(at));
        }
        self
    }

    /// What a call may give: arguments and options as one record.
    pub fn kind(&self) -> Kind {
        Kind::Record(self.arguments.iter().chain(&self.options).cloned().collect())
    }

    /// `options` with the default of each that is left out.
    pub fn with_defaults(&self, mut options: Options) -> Options {
        for field in self.arguments.iter().chain(&self.options) {
            if let mops_model::Need::Default(value) = &field.need {
                options.entry(field.name.clone()).or_insert_with(|| value.clone());
            }
        }
        options
    }
}
