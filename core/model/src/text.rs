//! Text with holes: what is rendered before every value is known.
//!
//! **Invariant:** the digest of a text covers its unfilled form; a node fills the holes from its bindings.
//! **Invariant:** a hole is written into its surroundings by its encoding, whatever its value turns out to be.
//!
//! While a text passes through something that knows only strings (a Rhai script, a template engine), a hole travels
//! as a *mark*: its JSON between two private-use characters. [`Text::parse_marked`] turns marks into holes and refuses
//! what has been cut.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use thiserror::Error;

use crate::{Address, Name};

/// Opens a mark; never part of anybody's text.
const OPEN: char = '\u{E000}';
/// Closes a mark.
const CLOSE: char = '\u{E001}';
/// The key under which a text with holes stands in JSON; a text without holes is a plain string.
const KEY: &str = "$text";

/// A sequence of literal text, holes and repetitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Part>);

/// One part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Text as it stands.
    Literal(String),
    /// A value that is known later.
    Hole(Hole),
    /// Text that is repeated for each node of a role.
    Each(Each),
}

/// A value that is known later, and how it is written then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hole {
    /// Where the value comes from.
    pub source: Source,
    /// How it is written.
    pub encoding: Encoding,
}

/// Text repeated for each node of a role, in the order of the nodes; a role without nodes is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Each {
    /// The role.
    pub role: Name,
    /// The repeated text; [`Source::There`] means the node at hand.
    pub body: Text,
}

/// Where the value of a hole comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An output of a resource.
    Output {
        /// The resource.
        address: Address,
        /// The output.
        attribute: String,
    },
    /// A secret, fetched where it is used.
    Secret(Name),
    /// A fact of the node whose closure this is, such as `address`, `run` or `port.varnish.http`.
    Here(String),
    /// A fact of the node that an [`Each`] is at.
    There(String),
}

/// How a value is written into a file: what would end the string it stands in is escaped, or refused where the file's
/// language has no escape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As it is.
    #[default]
    Raw,
    /// Inside a VCL string, `"…"`. VCL knows no escapes: quotes and line breaks are refused.
    Vcl,
    /// Inside a double-quoted nginx parameter. `$` is refused: nginx would expand it and cannot escape it.
    Nginx,
    /// Inside a double-quoted nginx regular expression, where `$` is an anchor.
    Pattern,
    /// Inside a single-quoted PHP string.
    Php,
    /// Inside a double-quoted value of an ini file.
    Ini,
    /// Inside a JSON string.
    Json,
    /// Inside a single-quoted word of a shell.
    Shell,
}

/// A value cannot be written in this encoding.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{value:?} cannot stand in {place}: {refused:?} has no escape there")]
pub struct Unencodable {
    /// The value.
    pub value: String,
    /// The kind of file.
    pub place: &'static str,
    /// The character.
    pub refused: char,
}

/// A text is not what it should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// Something cut or changed a mark.
    #[error("a value that is known only after apply was cut or changed")]
    BrokenMark,
    /// A repetition was opened and not closed, or the other way round.
    #[error("`each` and `end` do not pair")]
    Unpaired,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mark {
    Hole(Source),
    Encoded(Hole),
    Each(Name),
    End,
}

impl Text {
    /// Text without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        match text.into() {
            text if text.is_empty() => Self(Vec::new()),
            text => Self(vec![Part::Literal(text)]),
        }
    }

    /// One hole, written as it is.
    pub fn hole(source: Source) -> Self {
        Self(vec![Part::Hole(Hole { source, encoding: Encoding::Raw })])
    }

    /// A fact of the node whose closure this is; see [`Source::Here`].
    pub fn here(fact: impl Into<String>) -> Self {
        Self::hole(Source::Here(fact.into()))
    }

    /// A fact of the node that an [`Each`] is at; see [`Source::There`].
    pub fn there(fact: impl Into<String>) -> Self {
        Self::hole(Source::There(fact.into()))
    }

    /// `body`, once for each node of `role`.
    pub fn each(role: Name, body: impl Into<Self>) -> Self {
        Self(vec![Part::Each(Each { role, body: body.into() })])
    }

    /// The parts, in order; two literals never follow one another.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The text, if it has no holes.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// This text with `more` behind it.
    pub fn then(mut self, more: impl Into<Self>) -> Self {
        for part in more.into().0 {
            self.push(part);
        }
        self
    }

    /// Every source that a hole of this text names, inside repetitions too.
    pub fn sources(&self) -> Vec<&Source> {
        let mut found = Vec::new();
        for part in &self.0 {
            match part {
                Part::Literal(_) => (),
                Part::Hole(hole) => found.push(&hole.source),
                Part::Each(each) => found.extend(each.body.sources()),
            }
        }
        found
    }

    /// The roles whose nodes this text repeats over, with the facts it asks of each.
    pub fn roles(&self) -> BTreeMap<&Name, Vec<&str>> {
        let mut roles: BTreeMap<&Name, Vec<&str>> = BTreeMap::new();
        for part in &self.0 {
            let Part::Each(each) = part else { continue };
            let facts = each.body.sources().into_iter().filter_map(|it| match it {
                Source::There(fact) => Some(fact.as_str()),
                Source::Output { .. } | Source::Secret(_) | Source::Here(_) => None,
            });
            roles.entry(&each.role).or_default().extend(facts);
        }
        roles
    }

    /// The text as one string whose holes are marks, for what knows only strings.
    ///
    /// # Panics
    /// Never: every part serializes.
    pub fn to_marked(&self) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Hole(Hole { source, encoding: Encoding::Raw }) => {
                    mark(&mut out, &Mark::Hole(source.clone()));
                }
                Part::Hole(hole) => mark(&mut out, &Mark::Encoded(hole.clone())),
                Part::Each(each) => {
                    mark(&mut out, &Mark::Each(each.role.clone()));
                    out.push_str(&each.body.to_marked());
                    mark(&mut out, &Mark::End);
                }
            }
        }
        out
    }

    /// A mark that opens a repetition over the nodes of `role`; see [`Text::mark_end`].
    pub fn mark_each(role: Name) -> String {
        let mut out = String::new();
        mark(&mut out, &Mark::Each(role));
        out
    }

    /// A mark that closes a repetition.
    pub fn mark_end() -> String {
        let mut out = String::new();
        mark(&mut out, &Mark::End);
        out
    }

    /// Reads what [`Text::to_marked`] wrote; holes without an encoding of their own get `encoding`.
    ///
    /// # Errors
    /// When a mark was cut or changed, or repetitions do not pair.
    pub fn parse_marked(marked: &str, encoding: Encoding) -> Result<Self, TextError> {
        let mut open: Vec<(Name, Self)> = Vec::new();
        let mut at = Self::default();
        let mut rest = marked;
        while let Some(start) = rest.find([OPEN, CLOSE]) {
            at.push(Part::Literal(rest[..start].to_owned()));
            let inner = rest[start..].strip_prefix(OPEN).ok_or(TextError::BrokenMark)?;
            let end = inner.find([OPEN, CLOSE]).ok_or(TextError::BrokenMark)?;
            rest = inner[end..].strip_prefix(CLOSE).ok_or(TextError::BrokenMark)?;
            match serde_json::from_str(&inner[..end]).map_err(|_| TextError::BrokenMark)? {
                Mark::Hole(source) => at.push(Part::Hole(Hole { source, encoding })),
                Mark::Encoded(hole) => at.push(Part::Hole(hole)),
                Mark::Each(role) => open.push((role, std::mem::take(&mut at))),
                Mark::End => {
                    let (role, outer) = open.pop().ok_or(TextError::Unpaired)?;
                    let body = std::mem::replace(&mut at, outer);
                    at.push(Part::Each(Each { role, body }));
                }
            }
        }
        at.push(Part::Literal(rest.to_owned()));
        match open.is_empty() {
            true => Ok(at),
            false => Err(TextError::Unpaired),
        }
    }

    /// Whether `text` holds a mark, or a piece of one.
    pub fn is_marked(text: &str) -> bool {
        text.contains([OPEN, CLOSE])
    }

    /// Writes a marked string in `encoding`: what lies between the marks is encoded, and holes that have no encoding
    /// of their own get this one.
    ///
    /// # Errors
    /// When the encoding has no way to write it.
    pub fn encode_marked(marked: &str, encoding: Encoding) -> Result<String, Unencodable> {
        let mut out = String::with_capacity(marked.len());
        let mut rest = marked;
        while let Some(start) = rest.find(OPEN) {
            out.push_str(&encoding.encode(&rest[..start])?);
            let inner = &rest[start + OPEN.len_utf8()..];
            let end = inner.find(CLOSE).unwrap_or(inner.len());
            match serde_json::from_str(&inner[..end]) {
                Ok(Mark::Hole(source)) => mark(&mut out, &Mark::Encoded(Hole { source, encoding })),
                _ => out.push_str(
                    &rest[start..(start + OPEN.len_utf8() + end + CLOSE.len_utf8()).min(rest.len())],
                ),
            }
            rest = inner.get(end + CLOSE.len_utf8()..).unwrap_or_default();
        }
        out.push_str(&encoding.encode(rest)?);
        Ok(out)
    }

    pub(crate) fn push(&mut self, part: Part) {
        match (self.0.last_mut(), part) {
            (_, Part::Literal(text)) if text.is_empty() => (),
            (Some(Part::Literal(last)), Part::Literal(text)) => last.push_str(&text),
            (_, part) => self.0.push(part),
        }
    }
}

fn mark(out: &mut String, mark: &Mark) {
    out.push(OPEN);
    out.push_str(&serde_json::to_string(mark).expect("a mark serializes"));
    out.push(CLOSE);
}

impl Encoding {
    /// Writes `value` in this encoding.
    ///
    /// # Errors
    /// When the file's language has no way to write it.
    pub fn encode(self, value: &str) -> Result<String, Unencodable> {
        let refuse =
            |place, banned: &[char]| match value.chars().find(|it| it.is_control() || banned.contains(it)) {
                Some(refused) => Err(Unencodable { value: value.to_owned(), place, refused }),
                None => Ok(()),
            };
        let escape = |banned: &[char]| {
            let mut out = String::with_capacity(value.len());
            for c in value.chars() {
                if banned.contains(&c) {
                    out.push('\\');
                }
                out.push(c);
            }
            out
        };
        Ok(match self {
            Self::Raw => value.to_owned(),
            Self::Vcl => {
                refuse("a VCL string", &['"'])?;
                value.to_owned()
            }
            Self::Nginx => {
                refuse("an nginx parameter", &['$'])?;
                escape(&['\\', '"'])
            }
            Self::Pattern => {
                refuse("an nginx regular expression", &[])?;
                escape(&['\\', '"'])
            }
            Self::Php => escape(&['\\', '\'']),
            Self::Ini => {
                refuse("an ini value", &['"', '$'])?;
                value.to_owned()
            }
            Self::Json => {
                let quoted = serde_json::to_string(value).expect("a string serializes");
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Shell => value.replace('\'', r"'\''"),
        })
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::literal(text)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { address, attribute } => write!(f, "{address}.{attribute}"),
            Self::Secret(name) => write!(f, "secret({name})"),
            Self::Here(fact) => write!(f, "here.{fact}"),
            Self::There(fact) => write!(f, "there.{fact}"),
        }
    }
}

/// The text as a person reads it: each hole as `‹its source›`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Literal(text) => f.write_str(text)?,
                Part::Hole(hole) => write!(f, "‹{}›", hole.source)?,
                Part::Each(each) => write!(f, "‹each {}›{}‹end›", each.role, each.body)?,
            }
        }
        Ok(())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.as_literal() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(KEY, &self.0)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            #[serde(rename = "$text")]
            parts: Vec<Part>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Literal(String),
            Parts(Parts),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Literal(text) => Self::literal(text),
            Form::Parts(Parts { parts }) => Self(parts),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Text {
        let there = Text::hole(Source::There("address".to_owned()));
        let each = Text(vec![Part::Each(Each { role: Name::literal("app"), body: there.then(";") })]);
        Text::literal("listen ").then(Text::here("address")).then("; ").then(each)
    }

    #[test]
    fn a_text_survives_marks_and_json() {
        let text = sample();
        assert_eq!(Text::parse_marked(&text.to_marked(), Encoding::Raw).unwrap(), text);
        assert_eq!(serde_json::from_str::<Text>(&serde_json::to_string(&text).unwrap()).unwrap(), text);
        assert_eq!(serde_json::to_string(&Text::literal("plain")).unwrap(), "\"plain\"");
        assert_eq!(text.to_string(), "listen ‹here.address›; ‹each app›‹there.address›;‹end›");
    }

    #[test]
    fn a_cut_mark_is_an_error() {
        let marked = Text::here("address").to_marked();
        let cut: String = marked.chars().skip(1).collect();
        assert_eq!(Text::parse_marked(&cut, Encoding::Raw), Err(TextError::BrokenMark));
        let cut: String = marked.chars().take(5).collect();
        assert_eq!(Text::parse_marked(&cut, Encoding::Raw), Err(TextError::BrokenMark));
        assert_eq!(Text::parse_marked(&Text::mark_end(), Encoding::Raw), Err(TextError::Unpaired));
    }

    #[test]
    fn each_encoding_keeps_a_value_inside_its_string() {
        assert_eq!(Encoding::Php.encode(r"it's \").unwrap(), r"it\'s \\");
        assert_eq!(Encoding::Shell.encode("it's").unwrap(), r"it'\''s");
        assert_eq!(Encoding::Json.encode("a\"b\n").unwrap(), "a\\\"b\\n");
        assert_eq!(Encoding::Pattern.encode(r"^/a\.b$").unwrap(), r"^/a\\.b$");
        assert!(Encoding::Nginx.encode("$host").is_err());
        assert!(Encoding::Vcl.encode("a\"b").is_err());
        assert!(Encoding::Vcl.encode("a\nb").is_err());
    }
}
