//! Values of options and attributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Text};

/// Options of a call, by key.
pub type Options = BTreeMap<String, Value>;

/// Plain data, in a fixed order. Text may have holes that are filled when the graph is applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Text),
    /// A file or folder of the script's, by digest.
    Input(Input),
    /// Values in order.
    List(Vec<Value>),
    /// Values by key.
    Record(BTreeMap<String, Value>),
}

/// A file or folder beside the script, named with `path(…)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// Where it is, relative to the script's folder.
    #[serde(rename = "$path")]
    pub path: String,
    /// What it holds: of a file its bytes, of a folder its tree object.
    pub digest: Digest,
    /// Whether it is a file or a folder.
    pub kind: InputKind,
    /// The text of a file that is UTF-8 and at most 1 MiB; plugins read it here, because they open no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// A file.
    File,
    /// A folder with everything below it.
    Folder,
}

impl Value {
    /// Text without holes.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text::literal(text))
    }

    /// An empty record.
    pub fn record() -> Self {
        Self::Record(BTreeMap::new())
    }

    /// The text, if it is text without holes.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_literal(),
            Self::Bool(_) | Self::Int(_) | Self::Input(_) | Self::List(_) | Self::Record(_) => None,
        }
    }

    /// The record, if it is one.
    pub fn as_record(&self) -> Option<&BTreeMap<String, Value>> {
        match self {
            Self::Record(record) => Some(record),
            Self::Bool(_) | Self::Int(_) | Self::Input(_) | Self::List(_) | Self::Text(_) => None,
        }
    }

    /// Every text in it, however deep.
    pub fn texts(&self) -> Vec<&Text> {
        match self {
            Self::Text(text) => vec![text],
            Self::List(values) => values.iter().flat_map(Self::texts).collect(),
            Self::Record(record) => record.values().flat_map(Self::texts).collect(),
            Self::Bool(_) | Self::Int(_) | Self::Input(_) => Vec::new(),
        }
    }

    /// The same value with every text changed by `change`.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn map_texts<E>(&self, change: &mut dyn FnMut(&Text) -> Result<Text, E>) -> Result<Self, E> {
        Ok(match self {
            Self::Text(text) => Self::Text(change(text)?),
            Self::List(values) => {
                Self::List(values.iter().map(|it| it.map_texts(change)).collect::<Result<_, E>>()?)
            }
            Self::Record(record) => {
                let changed = record.iter().map(|(key, it)| Ok((key.clone(), it.map_texts(change)?)));
                Self::Record(changed.collect::<Result<_, E>>()?)
            }
            Self::Bool(_) | Self::Int(_) | Self::Input(_) => self.clone(),
        })
    }

    /// The value as a typed noun, through serde.
    ///
    /// # Errors
    /// When it has another shape.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_value(serde_json::to_value(self)?)
    }

    /// A typed noun as a value, through serde.
    ///
    /// # Errors
    /// When it holds what is no plain data: null or a number that is no whole number.
    pub fn of(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        serde_json::from_value(without_null(serde_json::to_value(value)?))
    }

    /// What kind of value it is, with its article, for messages.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Input(_) => "a path",
            Self::List(_) => "a list",
            Self::Record(_) => "a map",
        }
    }
}

/// A key without a value is a key that is not there.
fn without_null(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => serde_json::Value::Object(
            map.into_iter()
                .filter(|(_, it)| !it.is_null())
                .map(|(key, it)| (key, without_null(it)))
                .collect(),
        ),
        serde_json::Value::Array(values) => {
            serde_json::Value::Array(values.into_iter().map(without_null).collect())
        }
        other => other,
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

impl From<Text> for Value {
    fn from(value: Text) -> Self {
        Self::Text(value)
    }
}
