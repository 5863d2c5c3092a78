//! Values whose outputs of other resources are filled in, as far as they are known.
//!
//! **Invariant:** only outputs are filled; facts of nodes and secrets stay holes.

use thiserror::Error;

use crate::{Address, Each, Hole, Part, Source, Text, Unencodable, Value};

/// An output could not be filled in.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unresolved {
    /// The resource is not there yet, or gives no such output.
    #[error("`{address}` gives no `{attribute}`")]
    Unknown {
        /// The resource.
        address: Address,
        /// The output.
        attribute: String,
    },
    /// It should stand inside a longer text and is none.
    #[error("`{address}.{attribute}` is {found}, which cannot stand inside text")]
    NotText {
        /// The resource.
        address: Address,
        /// The output.
        attribute: String,
        /// What it is instead.
        found: &'static str,
    },
    /// It cannot be written where it should stand.
    #[error(transparent)]
    Unencodable(#[from] Unencodable),
}

impl Value {
    /// The same value with every output filled in, however deep. A text that is nothing but one raw hole becomes the
    /// output itself, whatever it is; inside a longer text numbers are written in digits.
    ///
    /// # Errors
    /// The first output that `output` does not know or that cannot stand where it should.
    pub fn resolve(&self, output: &dyn Fn(&Address, &str) -> Option<Value>) -> Result<Self, Unresolved> {
        Ok(match self {
            Self::Text(text) => resolve_text(text, output)?,
            Self::List(values) => {
                Self::List(values.iter().map(|it| it.resolve(output)).collect::<Result<_, _>>()?)
            }
            Self::Record(record) => {
                let resolved = record.iter().map(|(key, it)| Ok((key.clone(), it.resolve(output)?)));
                Self::Record(resolved.collect::<Result<_, Unresolved>>()?)
            }
            Self::Bool(_) | Self::Int(_) | Self::Input(_) => self.clone(),
        })
    }
}

fn resolve_text(text: &Text, output: &dyn Fn(&Address, &str) -> Option<Value>) -> Result<Value, Unresolved> {
    let whole = match text.parts() {
        [Part::Hole(hole)] if hole.encoding == crate::Encoding::Raw => Some(&hole.source),
        _ => None,
    };
    match whole {
        Some(Source::Output { address, attribute }) => known(output, address, attribute),
        Some(Source::Secret(_) | Source::Here(_) | Source::There(_)) | None => {
            fill(text, output).map(Value::Text)
        }
    }
}

fn known(
    output: &dyn Fn(&Address, &str) -> Option<Value>,
    address: &Address,
    attribute: &str,
) -> Result<Value, Unresolved> {
    let unknown = || Unresolved::Unknown { address: address.clone(), attribute: attribute.to_owned() };
    output(address, attribute).ok_or_else(unknown)
}

fn fill(text: &Text, output: &dyn Fn(&Address, &str) -> Option<Value>) -> Result<Text, Unresolved> {
    let mut filled = Text::default();
    for part in text.parts() {
        filled.push(match part {
            Part::Hole(Hole { source: Source::Output { address, attribute }, encoding }) => {
                let written = in_text(&known(output, address, attribute)?, address, attribute)?;
                Part::Literal(encoding.encode(&written)?)
            }
            Part::Each(each) => Part::Each(Each { role: each.role.clone(), body: fill(&each.body, output)? }),
            Part::Literal(_) | Part::Hole(_) => part.clone(),
        });
    }
    Ok(filled)
}

/// An output as it stands inside a longer text.
fn in_text(value: &Value, address: &Address, attribute: &str) -> Result<String, Unresolved> {
    let not_text =
        |found| Unresolved::NotText { address: address.clone(), attribute: attribute.to_owned(), found };
    match value {
        Value::Int(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Text(text) => {
            text.as_literal().map(str::to_owned).ok_or_else(|| not_text("text with holes of its own"))
        }
        Value::Input(_) | Value::List(_) | Value::Record(_) => Err(not_text(value.describe())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoding;

    fn port() -> Source {
        Source::Output { address: "local.port.http".parse().unwrap(), attribute: "port".to_owned() }
    }

    #[test]
    fn a_whole_hole_becomes_the_output_and_a_part_becomes_its_text() {
        let output = |_: &Address, _: &str| Some(Value::Int(8080));
        let whole = Value::Text(Text::hole(port())).resolve(&output);
        assert_eq!(whole, Ok(Value::Int(8080)));
        let part = Value::Text(
            Text::literal("http://").then(Text::here("address")).then(":").then(Text::hole(port())),
        );
        let filled = Text::literal("http://").then(Text::here("address")).then(":8080");
        assert_eq!(part.resolve(&output), Ok(Value::Text(filled)));
    }

    #[test]
    fn an_output_is_filled_however_deep_and_in_its_encoding() {
        let mut text = Text::literal("pass='");
        text.push(Part::Hole(Hole { source: port(), encoding: Encoding::Php }));
        let deep = Value::List(vec![Value::Record([("k".to_owned(), Value::Text(text))].into())]);
        let filled = deep.resolve(&|_, _| Some(Value::text("it's"))).unwrap();
        let expected = Value::Record([("k".to_owned(), Value::text(r"pass='it\'s"))].into());
        assert_eq!(filled, Value::List(vec![expected]));
    }

    #[test]
    fn an_output_that_is_not_known_is_named() {
        let err = Value::Text(Text::hole(port())).resolve(&|_, _| None).unwrap_err();
        assert_eq!(err.to_string(), "`local.port.http` gives no `port`");
    }
}
