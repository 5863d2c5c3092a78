//! Resource types as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Field, Kind, Mismatch, Value};

/// A resource type as data: what it takes, what it gives, how it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The type, such as `local.node`.
    pub kind: String,
    /// What it is: one line.
    pub doc: String,
    /// What it takes.
    pub inputs: Vec<Attribute>,
    /// What it gives once it exists, by name, with one line on each.
    pub outputs: BTreeMap<String, String>,
    /// Whether it holds data of people: then it is deleted only when asked for by name.
    pub holds_data: bool,
}

/// One input of a resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name, kind, default and meaning.
    pub field: Field,
    /// Whether changing it makes a new thing instead of changing the old one.
    pub replaces: bool,
    /// Whether its value must not be shown.
    pub sensitive: bool,
}

/// Every resource type that is known, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<String, Schema>);

impl Schema {
    /// Everything about `inputs` that this type refuses.
    pub fn check(&self, inputs: &BTreeMap<String, Value>) -> Vec<Mismatch> {
        let fields = self.inputs.iter().map(|it| it.field.clone()).collect();
        Kind::Record(fields).check(&Value::Record(inputs.clone()))
    }

    /// The input called `name`.
    pub fn input(&self, name: &str) -> Option<&Attribute> {
        self.inputs.iter().find(|it| it.field.name == name)
    }
}

impl Catalog {
    /// A catalog of `schemas`.
    pub fn new(schemas: impl IntoIterator<Item = Schema>) -> Self {
        Self(schemas.into_iter().map(|it| (it.kind.clone(), it)).collect())
    }

    /// The schema of the type `kind`.
    pub fn get(&self, kind: &str) -> Option<&Schema> {
        self.0.get(kind)
    }

    /// Every schema, by type.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        self.0.values()
    }
}
