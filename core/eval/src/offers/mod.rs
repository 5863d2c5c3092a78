//! What a script may write, and what of it may stand at a cursor: for the editor and the prompt alike.
//!
//! **Invariant:** it is made from the table that scripts are checked with: what is offered is what is accepted.

mod complete;
mod cursor;

use std::collections::BTreeMap;

use mops_model::{Catalog, Field, Need, Value};
use mops_plugin::Function;

pub use complete::{Candidate, CandidateKind, Completion, Declared, Named, complete};
pub use cursor::{Called, Cursor, Wanted};

use crate::{
    World,
    table::{Callee, Table, signature},
};

/// What a script may write: functions with their options, and types of resources.
#[derive(Clone)]
pub struct Offers {
    pub(crate) table: Table,
    /// What each module is for, by the module's name.
    pub(crate) modules: BTreeMap<String, String>,
    pub(crate) catalog: Catalog,
}

impl Offers {
    /// What `world` offers.
    pub fn new(world: &World<'_>) -> Self {
        Self {
            table: Table::new(&world.manifests),
            modules: world.manifests.iter().map(|it| (it.module(), it.doc.clone())).collect(),
            catalog: world.catalog.clone(),
        }
    }

    /// The function that a script calls `name`, in `module` if one is named.
    pub fn function(&self, module: Option<&str>, name: &str) -> Option<&Function> {
        self.table.get(module, name).map(|it| &it.function)
    }

    /// What a module is for.
    pub fn module(&self, name: &str) -> Option<&str> {
        self.modules.get(name).map(String::as_str)
    }

    /// The function that is `called`.
    pub(crate) fn callee(&self, called: &Called) -> Option<&Callee> {
        self.table.get(called.module.as_deref(), &called.name).map(|it| &**it)
    }

    /// The inputs of a resource type.
    fn inputs(&self, kind: &str) -> Vec<Field> {
        let inputs = self.catalog.get(kind).map(|it| it.inputs.iter().map(|it| it.field.clone()).collect());
        inputs.unwrap_or_default()
    }
}

/// How a script calls `function` of `module`, for people: `varnish::cache(#{…})`.
pub fn signature_of(module: Option<&str>, function: &Function) -> String {
    let name = crate::table::script_name(&function.name);
    signature(&module.map_or_else(|| name.clone(), |module| format!("{module}::{name}")), function)
}

/// What may stand for an option, and what it is without one: `a size such as "4G"; "128M" without it`.
pub fn described(field: &Field) -> String {
    match &field.need {
        Need::Required => format!("{}; required", field.kind),
        Need::Optional => field.kind.to_string(),
        Need::Default(value) => format!("{}; {} without it", field.kind, plain(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{text}\""),
        Value::Input(input) => format!("path({:?})", input.path),
        other => serde_json::to_string(other).expect("plain data serializes"),
    }
}

/// The first sentence of a doc, on one line.
pub(crate) fn summary(doc: &str) -> String {
    let paragraph: Vec<&str> = doc.lines().take_while(|it| !it.trim().is_empty()).map(str::trim).collect();
    let paragraph = paragraph.join(" ");
    match paragraph.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => paragraph,
    }
}
