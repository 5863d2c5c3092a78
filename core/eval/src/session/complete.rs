//! Completion: what may stand at the cursor.
//!
//! **Invariant:** nothing is evaluated; it takes as long as the text before the cursor, whatever the session holds.

use mops_model::{Field, Kind, Need};

use super::{
    Session,
    context::{Place, context, find},
};
use crate::lexer::is_keyword;

/// What may stand at the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The first byte of what a candidate replaces; it ends at the cursor.
    pub start: usize,
    /// What fits, the likeliest first.
    pub candidates: Vec<Candidate>,
}

/// One thing that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What to write.
    pub text: String,
    /// What it is.
    pub kind: CandidateKind,
    /// One line on it.
    pub doc: String,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// A module of a plugin.
    Module,
    /// A function.
    Function,
    /// A key of a map of options.
    Option,
    /// A value that an option may have.
    Value,
    /// A variable of the session, or a property of one.
    Variable,
}

/// Functions of mops that give values.
const GIVES: [&str; 4] = ["environment", "param", "path", "secret"];
/// Words that begin a statement.
const STATEMENTS: [&str; 8] = ["let ", "const ", "for ", "if ", "fn ", "import ", "switch ", "while "];

impl Session {
    /// What may stand at byte `cursor` of `text`.
    pub fn complete(&self, text: &str, cursor: usize) -> Completion {
        let Some(before) = text.get(..cursor) else { return Completion::default() };
        let context = context(before, &self.table, &|kind| self.inputs(kind));
        let mut candidates = match &context.place {
            Place::Nothing => Vec::new(),
            Place::Function { module } => self.functions_of(module),
            Place::Property { variable } => self.properties_of(variable),
            Place::Key(fields) => keys(fields),
            Place::Value(kind) => {
                let mut values = self.values(kind, context.call.as_deref());
                if context.is_quoted {
                    values.retain_mut(|it| unquote(&mut it.text));
                } else {
                    values.extend(self.named_values());
                }
                values
            }
            Place::Anything => self.anything(),
        };
        let begun = &before[context.start..];
        candidates.retain(|it| it.text.starts_with(begun) && (!begun.is_empty() || it.text != begun));
        if begun.is_empty() && context.place == Place::Anything {
            // Words of the language and its own functions are for those who begin to write them.
            candidates.retain(|it| !it.doc.is_empty());
        }
        Completion { start: context.start, candidates }
    }

    /// What the call around byte `cursor` of `text` takes there, in one line.
    pub fn hint(&self, text: &str, cursor: usize) -> Option<String> {
        let before = text.get(..cursor)?;
        let context = context(before, &self.table, &|kind| self.inputs(kind));
        match context.place {
            Place::Value(kind) if !matches!(kind, Kind::Record(_)) => Some(kind.to_string()),
            Place::Value(_)
            | Place::Key(_)
            | Place::Anything
            | Place::Function { .. }
            | Place::Property { .. }
            | Place::Nothing => {
                let callee = find(&self.table, &context.call?)?;
                Some(format!("{}  {}", callee.signature(), summary(&callee.function.doc)))
            }
        }
    }

    /// The inputs of a resource type.
    pub(super) fn inputs(&self, kind: &str) -> Vec<Field> {
        let inputs = self.catalog.get(kind).map(|it| it.inputs.iter().map(|it| it.field.clone()).collect());
        inputs.unwrap_or_default()
    }

    fn functions_of(&self, module: &str) -> Vec<Candidate> {
        let functions = self.table.modules.get(module).into_iter().flatten();
        let candidate = |(name, callee): (&String, &std::sync::Arc<crate::table::Callee>)| Candidate {
            text: format!("{name}("),
            kind: CandidateKind::Function,
            doc: summary(&callee.function.doc),
        };
        functions.map(candidate).collect()
    }

    fn properties_of(&self, variable: &str) -> Vec<Candidate> {
        let properties = self.seen.variables.get(variable).map_or(&[][..], |it| &it.properties);
        let candidate = |it: &String| Candidate {
            text: it.clone(),
            kind: CandidateKind::Variable,
            doc: format!("of `{variable}`"),
        };
        properties.iter().map(candidate).collect()
    }

    /// The values that something of this kind may have; text in quotes.
    fn values(&self, kind: &Kind, call: Option<&str>) -> Vec<Candidate> {
        let value =
            |text: String, doc: &str| Candidate { text, kind: CandidateKind::Value, doc: doc.to_owned() };
        let named = |what: &str| {
            let names = self.names(what).into_iter().map(|it| value(format!("{it:?}"), &format!("a {what}")));
            names.collect::<Vec<_>>()
        };
        match kind {
            Kind::Bool => vec![value("true".to_owned(), "yes"), value("false".to_owned(), "no")],
            Kind::OneOf(words) => {
                words.iter().map(|it| value(format!("{it:?}"), "one of its values")).collect()
            }
            Kind::Website => named("website"),
            Kind::Role => named("role"),
            Kind::Target => [named("website"), named("role")].concat(),
            Kind::Path(_) => vec![value("path(\"".to_owned(), "a file or folder beside the script")],
            Kind::OneOrMany(kind) => self.values(kind, call),
            Kind::Either(kinds) => kinds.iter().flat_map(|it| self.values(it, call)).collect(),
            Kind::Text if call == Some("resource") => {
                let schemas = self.catalog.schemas();
                schemas.map(|it| value(format!("{:?}", it.kind), &summary(&it.doc))).collect()
            }
            Kind::Text if call == Some("allow") => named("role"),
            Kind::Any
            | Kind::Int { .. }
            | Kind::Text
            | Kind::Name
            | Kind::Pattern
            | Kind::Size { .. }
            | Kind::Duration { .. }
            | Kind::Rate
            | Kind::Cidr
            | Kind::Host
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Record(_) => match kind {
                Kind::Size { .. } | Kind::Duration { .. } | Kind::Rate | Kind::Cidr => {
                    vec![value(kind.sample(), &kind.to_string())]
                }
                _ => Vec::new(),
            },
        }
    }

    /// What has a name and may be a value: variables, functions of the session, those of mops that give values.
    fn named_values(&self) -> Vec<Candidate> {
        let candidate = |text: String, kind, doc: String| Candidate { text, kind, doc };
        let variables = self.seen.variables.iter();
        let variables =
            variables.map(|(name, it)| candidate(name.clone(), CandidateKind::Variable, it.kind.clone()));
        let own = self.seen.functions.iter().map(|it| {
            let doc = match it.doc.is_empty() {
                true => format!("{}({})", it.name, it.parameters.join(", ")),
                false => summary(&it.doc),
            };
            candidate(format!("{}(", it.name), CandidateKind::Function, doc)
        });
        let gives = self.globals().into_iter().filter(|it| GIVES.contains(&it.text.trim_end_matches('(')));
        variables.chain(own).chain(gives).collect()
    }

    fn globals(&self) -> Vec<Candidate> {
        let candidate = |(name, it): (&String, &std::sync::Arc<crate::table::Callee>)| Candidate {
            text: format!("{name}("),
            kind: CandidateKind::Function,
            doc: summary(&it.function.doc),
        };
        self.table.globals.iter().map(candidate).collect()
    }

    /// Everything that has a name: variables, functions, modules, words.
    fn anything(&self) -> Vec<Candidate> {
        let candidate = |text: String, kind, doc: String| Candidate { text, kind, doc };
        let globals = self.globals().into_iter().filter(|it| !GIVES.contains(&it.text.trim_end_matches('(')));
        let modules = self
            .modules
            .iter()
            .map(|(name, doc)| candidate(format!("{name}::"), CandidateKind::Module, summary(doc)));
        let words =
            STATEMENTS.iter().map(|it| candidate((*it).to_owned(), CandidateKind::Value, String::new()));
        let natives = self.seen.natives.iter();
        let natives = natives.map(|it| candidate(format!("{it}("), CandidateKind::Function, String::new()));
        self.named_values().into_iter().chain(globals).chain(modules).chain(words).chain(natives).collect()
    }
}

/// Options, those that must be given first.
fn keys(fields: &[Field]) -> Vec<Candidate> {
    let candidate = |field: &Field| Candidate {
        text: match is_keyword(&field.name) {
            true => format!("{:?}: ", field.name),
            false => format!("{}: ", field.name),
        },
        kind: CandidateKind::Option,
        doc: format!("{} ({})", summary(&field.doc), field.kind),
    };
    let mut fields: Vec<&Field> = fields.iter().collect();
    fields.sort_by_key(|it| it.need != Need::Required);
    fields.into_iter().map(candidate).collect()
}

/// Takes the quotes away; false for what has none.
fn unquote(text: &mut String) -> bool {
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).map(str::to_owned);
    inner.map(|it| *text = it).is_some()
}

/// The first sentence of a doc, on one line.
pub(super) fn summary(doc: &str) -> String {
    let paragraph: Vec<&str> = doc.lines().take_while(|it| !it.trim().is_empty()).map(str::trim).collect();
    let paragraph = paragraph.join(" ");
    match paragraph.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => paragraph,
    }
}
