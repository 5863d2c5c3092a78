//! Which requests a rule means: the same everywhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cidr, Name};

/// Which requests a rule means. What is left out means every request; several keys must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Selector {
    /// A website or a role. With a website, `path` is relative to its path prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "target"))]
    pub on: Option<Name>,
    /// The path of the URL, without the query: a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "pattern"))]
    pub path: Option<String>,
    /// Methods, in capitals.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    #[schemars(with = "OneOrMany<String>")]
    pub method: Vec<String>,
    /// The `User-Agent` header: a regular expression, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "pattern"))]
    pub agent: Option<String>,
    /// Countries, as two lowercase letters (ISO 3166-1).
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    #[schemars(with = "OneOrMany<String>")]
    pub country: Vec<String>,
    /// The client's address: networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    #[schemars(with = "OneOrMany<Cidr>")]
    pub from: Vec<Cidr>,
}

/// One value or a list of them; the form in which a script may write a list of one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(it) => vec![it],
        OneOrMany::Many(list) => list,
    })
}
