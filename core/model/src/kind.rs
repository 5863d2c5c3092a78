//! What an option or attribute may be: checked before anybody uses it, documented from the same place.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Cidr, Duration, Host, InputKind, Name, Rate, Size, Value, nearest};

/// The kind of a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Anything that is plain data.
    Any,
    /// True or false.
    Bool,
    /// A whole number within bounds, both included.
    Int {
        /// The least.
        min: Option<i64>,
        /// The most.
        max: Option<i64>,
    },
    /// Text; it may have holes.
    Text,
    /// A [`Name`].
    Name,
    /// A regular expression (PCRE).
    Pattern,
    /// A [`Size`] within bounds.
    Size {
        /// The least.
        min: Option<Size>,
        /// The most.
        max: Option<Size>,
    },
    /// A [`Duration`] within bounds.
    Duration {
        /// The least.
        min: Option<Duration>,
        /// The most.
        max: Option<Duration>,
    },
    /// A [`Rate`].
    Rate,
    /// A [`Cidr`].
    Cidr,
    /// A [`Host`].
    Host,
    /// One of these words.
    OneOf(Vec<String>),
    /// A file or a folder, named with `path(…)`.
    Path(Option<InputKind>),
    /// The name of a declared website.
    Website,
    /// The name of a declared role.
    Role,
    /// The name of a declared website or role.
    Target,
    /// A list.
    List(Box<Kind>),
    /// One value, or a list of them.
    OneOrMany(Box<Kind>),
    /// A map with keys of one's own.
    Map(Box<Kind>),
    /// A map with these keys.
    Record(Vec<Field>),
    /// The first of these that fits.
    Either(Vec<Kind>),
}

/// One key of a record: an option of a function, an input of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The key.
    pub name: String,
    /// What it may be.
    pub kind: Kind,
    /// Whether it may be left out.
    pub need: Need,
    /// What it is for; the first line is its summary.
    pub doc: String,
}

/// Whether a field may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// It may not.
    Required,
    /// It may.
    Optional,
    /// It may; then it is this.
    Default(Value),
}

/// A value that is not of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where, as a path of keys from the value that was checked: `images.webp`, `hosts[1]`, or nothing.
    pub path: String,
    /// Which rule it breaks: the last part of a diagnostic's code, such as `unknown-option`.
    pub rule: &'static str,
    /// What is wrong: one line.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Kind {
    /// The keys of a map of this kind, if it has keys of its own.
    pub fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Record(fields) => Some(fields),
            Self::OneOrMany(kind) => kind.fields(),
            Self::Either(kinds) => kinds.iter().find_map(Self::fields),
            Self::Any
            | Self::Bool
            | Self::Int { .. }
            | Self::Text
            | Self::Name
            | Self::Pattern
            | Self::Size { .. }
            | Self::Duration { .. }
            | Self::Rate
            | Self::Cidr
            | Self::Host
            | Self::OneOf(_)
            | Self::Path(_)
            | Self::Website
            | Self::Role
            | Self::Target
            | Self::List(_)
            | Self::Map(_) => None,
        }
    }

    /// Everything about `value` that is not of this kind, in the order of its keys.
    pub fn check(&self, value: &Value) -> Vec<Mismatch> {
        let mut found = Vec::new();
        self.check_at("", value, &mut found);
        found
    }

    fn check_at(&self, path: &str, value: &Value, found: &mut Vec<Mismatch>) {
        match (self, value) {
            (Self::Any, _)
            | (Self::Bool, Value::Bool(_))
            | (Self::Text, Value::Text(_))
            | (Self::Path(None), Value::Input(_)) => (),
            (Self::Int { min, max }, Value::Int(it)) => {
                bounds(path, it, min.as_ref(), max.as_ref(), found);
            }
            (Self::Path(Some(kind)), Value::Input(it)) if it.kind == *kind => (),
            (Self::List(kind) | Self::OneOrMany(kind), Value::List(values)) => {
                for (i, it) in values.iter().enumerate() {
                    kind.check_at(&format!("{path}[{i}]"), it, found);
                }
            }
            (Self::OneOrMany(kind), _) => kind.check_at(path, value, found),
            (Self::Map(kind), Value::Record(record)) => {
                for (key, it) in record {
                    kind.check_at(&join(path, key), it, found);
                }
            }
            (Self::Record(fields), Value::Record(record)) => check_fields(path, fields, record, found),
            (Self::Either(kinds), _) => {
                let mut nearest: Option<Vec<Mismatch>> = None;
                for kind in kinds {
                    let mut wrong = Vec::new();
                    kind.check_at(path, value, &mut wrong);
                    if wrong.is_empty() {
                        return;
                    }
                    // A record that has the right keys with a wrong value is nearer than what is no record at all.
                    let is_nearer = wrong.iter().all(|it| it.path != path);
                    if is_nearer || (nearest.is_none() && kinds.len() == 1) {
                        nearest = Some(wrong);
                    }
                }
                found.extend(nearest.unwrap_or_else(|| vec![self.mismatch(path, value)]));
            }
            (_, Value::Text(text)) => match text.as_literal() {
                Some(text) => self.check_text(path, text, value, found),
                None => found.push(Mismatch {
                    path: path.to_owned(),
                    rule: "known-after-apply",
                    message: format!("`{}` must be known before apply", shown(path)),
                    help: Some(format!(
                        "write {self} here, or use a value that does not come from a resource"
                    )),
                }),
            },
            _ => found.push(self.mismatch(path, value)),
        }
    }

    fn check_text(&self, path: &str, text: &str, value: &Value, found: &mut Vec<Mismatch>) {
        let hint = |message: String, hint: &str| Mismatch {
            path: path.to_owned(),
            rule: "wrong-value",
            message: format!("`{}`: {message}", shown(path)),
            help: Some(hint.to_owned()),
        };
        match self {
            Self::Size { min, max } => match text.parse::<Size>() {
                Ok(it) => bounds(path, &it, min.as_ref(), max.as_ref(), found),
                Err(err) => found.push(hint(format!("{text:?} is not a size"), err.hint)),
            },
            Self::Duration { min, max } => match text.parse::<Duration>() {
                Ok(it) => bounds(path, &it, min.as_ref(), max.as_ref(), found),
                Err(err) => found.push(hint(format!("{text:?} is not a duration"), err.hint)),
            },
            Self::Rate => found.extend(
                text.parse::<Rate>().err().map(|it| hint(format!("{text:?} is not a rate"), it.hint)),
            ),
            Self::Cidr => found.extend(
                text.parse::<Cidr>().err().map(|it| hint(format!("{text:?} is not a network"), it.hint)),
            ),
            Self::Host => found.extend(
                text.parse::<Host>().err().map(|it| hint(format!("{text:?} is not a host name"), it.hint)),
            ),
            Self::Name => found.extend(text.parse::<Name>().err().map(|_| {
                let rule = "a name has lowercase letters, digits and single dashes or underscores";
                let help = Name::like(text).map(|it| format!("write \"{it}\": {rule}"));
                hint(format!("{text:?} is not a name"), help.as_deref().unwrap_or(rule))
            })),
            Self::Pattern => found.extend(pattern_error(text).map(|why| Mismatch {
                path: path.to_owned(),
                rule: "wrong-value",
                message: format!("`{}` is not a regular expression: {why}", shown(path)),
                help: Some(
                    "close what is open; write `\\` before a character that stands for itself".to_owned(),
                ),
            })),
            Self::OneOf(words) if words.iter().any(|it| it == text) => (),
            Self::OneOf(words) => {
                let help = match nearest(text, words.iter().map(String::as_str)) {
                    Some(it) => format!("did you mean {it:?}?"),
                    None => format!("write {self}"),
                };
                // A long list belongs into the help, or nobody finds the end of the sentence.
                let message = match words.len() {
                    ..=4 => format!("{text:?} is not {self}"),
                    _ => format!("there is no {text:?}"),
                };
                found.push(hint(message, &help));
            }
            // Whether they are declared is known when the whole script has been read.
            Self::Website | Self::Role | Self::Target => (),
            Self::Any
            | Self::Bool
            | Self::Int { .. }
            | Self::Text
            | Self::Path(_)
            | Self::List(_)
            | Self::OneOrMany(_)
            | Self::Map(_)
            | Self::Record(_)
            | Self::Either(_) => found.push(self.mismatch(path, value)),
        }
    }

    fn mismatch(&self, path: &str, value: &Value) -> Mismatch {
        let literal = value.as_text();
        let help = match (self, value, literal) {
            (Self::Size { .. }, _, _) => Some(Size::HINT.to_owned()),
            (Self::Duration { .. }, _, _) => Some(Duration::HINT.to_owned()),
            (Self::Rate, _, _) => Some(Rate::HINT.to_owned()),
            (Self::Bool, Value::Text(_), _) => Some("write true or false, without quotes".to_owned()),
            (Self::Path(_), _, Some(text)) => Some(format!("write path({text:?})")),
            (Self::Int { .. }, _, Some(text)) if text.parse::<i64>().is_ok() => {
                Some(format!("write {text}, without quotes"))
            }
            (Self::Text | Self::Name | Self::Host, Value::Int(it), _) => Some(format!("write \"{it}\"")),
            (Self::List(_), _, Some(text)) => Some(format!("write it in brackets: [{text:?}]")),
            (Self::Text | Self::Name | Self::Host, _, _) => {
                Some(format!("write text in quotes: {}", self.sample()))
            }
            _ => Some(format!("write {}", self.sample())),
        };
        Mismatch {
            path: path.to_owned(),
            rule: "wrong-type",
            message: format!("`{}` must be {self}, not {}", shown(path), value.describe()),
            help,
        }
    }
}

fn check_fields(
    path: &str,
    fields: &[Field],
    record: &std::collections::BTreeMap<String, Value>,
    found: &mut Vec<Mismatch>,
) {
    // A key that is misspelt is not missing as well.
    let mut meant = Vec::new();
    for (key, it) in record {
        match fields.iter().find(|field| field.name == *key) {
            Some(field) => field.kind.check_at(&join(path, key), it, found),
            None => {
                let near = nearest(key, fields.iter().map(|it| it.name.as_str()));
                meant.extend(near);
                found.push(Mismatch {
                    path: join(path, key),
                    rule: "unknown-option",
                    message: format!("there is no option `{key}`"),
                    help: Some(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if fields.is_empty() => "it takes no options".to_owned(),
                        None => format!("its options are {}", names(fields)),
                    }),
                });
            }
        }
    }
    let is_missing = |it: &&Field| {
        it.need == Need::Required && !record.contains_key(&it.name) && !meant.contains(&it.name.as_str())
    };
    let missing: Vec<&Field> = fields.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return;
    }
    let keys: Vec<String> = missing.iter().map(|it| format!("`{}`", join(path, &it.name))).collect();
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let samples: Vec<String> = missing.iter().map(|it| it.sample()).collect();
    found.push(Mismatch {
        path: path.to_owned(),
        rule: "missing-option",
        message: format!("{} {verb} missing", keys.join(", ")),
        help: Some(format!("add {}", samples.join(", "))),
    });
}

fn bounds<T: PartialOrd + fmt::Display>(
    path: &str,
    it: &T,
    min: Option<&T>,
    max: Option<&T>,
    found: &mut Vec<Mismatch>,
) {
    let range = match (min, max) {
        (Some(min), _) if it < min => format!("at least {min}"),
        (_, Some(max)) if it > max => format!("at most {max}"),
        _ => return,
    };
    found.push(Mismatch {
        path: path.to_owned(),
        rule: "out-of-range",
        message: format!("`{}` must be {range}, not {it}", shown(path)),
        help: None,
    });
}

/// Why `text` is no regular expression. What only PCRE knows (look-around, back-references) is left to the daemon.
/// It is read and not compiled: nobody matches with it here, and compiling took a fifth of an evaluation.
fn pattern_error(text: &str) -> Option<String> {
    let err = regex_syntax::parse(text).err()?.to_string();
    let is_pcre = err.contains("look-around") || err.contains("backreferences");
    (!is_pcre)
        .then(|| err.lines().last().unwrap_or("it cannot be read").trim_start_matches("error: ").to_owned())
}

fn join(path: &str, key: &str) -> String {
    match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    }
}

fn shown(path: &str) -> &str {
    match path.is_empty() {
        true => "it",
        false => path,
    }
}

fn names(fields: &[Field]) -> String {
    fields.iter().map(|it| format!("`{}`", it.name)).collect::<Vec<_>>().join(", ")
}

/// The kind as a person says it, with its article: `a size such as "4G", at least 64M`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let within = |f: &mut fmt::Formatter<'_>, what: &str, min: Option<String>, max: Option<String>| match (
            min, max,
        ) {
            (Some(min), Some(max)) => write!(f, "{what} from {min} to {max}"),
            (Some(min), None) => write!(f, "{what}, at least {min}"),
            (None, Some(max)) => write!(f, "{what}, at most {max}"),
            (None, None) => f.write_str(what),
        };
        let text = |it: Option<&dyn fmt::Display>| it.map(ToString::to_string);
        match self {
            Self::Any => f.write_str("anything"),
            Self::Bool => f.write_str("true or false"),
            Self::Int { min, max } => {
                within(f, "a whole number", min.map(|it| it.to_string()), max.map(|it| it.to_string()))
            }
            Self::Text => f.write_str("text"),
            Self::Name => f.write_str("a name"),
            Self::Pattern => f.write_str("a regular expression"),
            Self::Size { min, max } => within(
                f,
                "a size such as \"4G\"",
                text(min.as_ref().map(|it| it as &dyn fmt::Display)),
                text(max.as_ref().map(|it| it as &dyn fmt::Display)),
            ),
            Self::Duration { min, max } => within(
                f,
                "a duration such as \"90s\"",
                text(min.as_ref().map(|it| it as &dyn fmt::Display)),
                text(max.as_ref().map(|it| it as &dyn fmt::Display)),
            ),
            Self::Rate => f.write_str("a rate such as \"10/1m\""),
            Self::Cidr => f.write_str("a network such as \"10.20.0.0/16\""),
            Self::Host => f.write_str("a host name"),
            Self::OneOf(words) => {
                let words: Vec<_> = words.iter().map(|it| format!("{it:?}")).collect();
                match words.split_last() {
                    Some((last, rest)) if !rest.is_empty() => write!(f, "{} or {last}", rest.join(", ")),
                    Some(_) | None => f.write_str(&words.join("")),
                }
            }
            Self::Path(Some(InputKind::File)) => f.write_str("a file, as path(\"…\")"),
            Self::Path(Some(InputKind::Folder)) => f.write_str("a folder, as path(\"…\")"),
            Self::Path(None) => f.write_str("a file or folder, as path(\"…\")"),
            Self::Website => f.write_str("a website"),
            Self::Role => f.write_str("a role"),
            Self::Target => f.write_str("a website or a role"),
            Self::List(kind) => write!(f, "a list, each {kind}"),
            Self::OneOrMany(kind) => write!(f, "{kind}, or a list of such"),
            Self::Map(kind) => write!(f, "a map, each value {kind}"),
            Self::Record(fields) => write!(f, "a map with {}", names(fields)),
            Self::Either(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(ToString::to_string).collect();
                f.write_str(&kinds.join(", or "))
            }
        }
    }
}
