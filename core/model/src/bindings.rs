//! What apply learned and a node needs to fill the holes of its closure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Name, Part, SecretError, Secrets, Source, Text, Unencodable};

/// Facts about one node, by name: `address`, `port.varnish.http`, `data.media`.
pub type Facts = BTreeMap<String, String>;

/// What fills the holes of a closure, secrets excepted: those are fetched where they are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bindings {
    /// Facts of the node itself.
    #[serde(default)]
    pub here: Facts,
    /// Facts of the nodes of each role, in order.
    #[serde(default)]
    pub roles: BTreeMap<Name, Vec<Facts>>,
    /// Outputs of resources, by `address.attribute`.
    #[serde(default)]
    pub outputs: BTreeMap<String, String>,
    /// The version of each secret in use.
    #[serde(default)]
    pub secrets: BTreeMap<Name, String>,
}

/// A hole could not be filled.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FillError {
    /// Nobody bound it.
    #[error("nothing is known of {0}")]
    Unbound(String),
    /// A role has no nodes.
    #[error("the role `{0}` has no nodes")]
    NoNodes(Name),
    /// A secret is not to be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Its value cannot stand where it should.
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
}

impl Bindings {
    /// Fills the holes of `text`.
    ///
    /// # Errors
    /// When a hole cannot be filled; nothing is guessed.
    pub fn fill(&self, text: &Text, secrets: &dyn Secrets) -> Result<String, FillError> {
        let mut out = String::new();
        self.fill_into(&mut out, text, None, secrets)?;
        Ok(out)
    }

    fn fill_into(
        &self,
        out: &mut String,
        text: &Text,
        there: Option<&Facts>,
        secrets: &dyn Secrets,
    ) -> Result<(), FillError> {
        for part in text.parts() {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Hole(hole) => {
                    let value = self.value(&hole.source, there, secrets)?;
                    out.push_str(&hole.encoding.encode(&value)?);
                }
                Part::Each(each) => {
                    let nodes = self.roles.get(&each.role).filter(|it| !it.is_empty());
                    for node in nodes.ok_or_else(|| FillError::NoNodes(each.role.clone()))? {
                        self.fill_into(out, &each.body, Some(node), secrets)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn value(
        &self,
        source: &Source,
        there: Option<&Facts>,
        secrets: &dyn Secrets,
    ) -> Result<String, FillError> {
        let found = match source {
            Source::Output { address, attribute } => {
                self.outputs.get(&format!("{address}.{attribute}")).cloned()
            }
            Source::Secret(name) => return Ok(secrets.fetch(name)?),
            Source::Here(fact) => self.here.get(fact).cloned(),
            Source::There(fact) => there.and_then(|it| it.get(fact).cloned()),
        };
        found.ok_or_else(|| FillError::Unbound(source.to_string()))
    }
}
