//! Completion: what may stand at a cursor.
//!
//! **Invariant:** nothing is evaluated; it takes as long as the text before the cursor, whatever a site holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mops_model::{Field, Kind, Need};

use super::{Called, Cursor, Offers, Wanted, described, summary};
use crate::{
    lexer::is_keyword,
    library::library,
    table::{Callee, script_name},
};

/// What may stand at a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The first byte of what a candidate replaces; it ends at the cursor.
    pub start: usize,
    /// What fits, the likeliest first.
    pub candidates: Vec<Candidate>,
}

/// One thing that may stand at a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub label: String,
    /// What to write: a function with its bracket, an option with its colon, a value with its quotes where there are none.
    pub text: String,
    /// What it is.
    pub kind: CandidateKind,
    /// What it takes or is, in a few words.
    pub detail: String,
    /// What is known of it.
    pub doc: String,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateKind {
    /// A module of a plugin, or a file that is imported.
    Module,
    /// A function.
    Function,
    /// A key of a map of options.
    Option,
    /// A value that an option may have.
    Value,
    /// A variable, or a property of one.
    Variable,
    /// A word of the language.
    Word,
}

/// What a script itself gives names to.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Variables, functions and imported files that are seen from the cursor.
    pub named: Vec<Named>,
    /// What may stand after a dot, by variable.
    pub properties: BTreeMap<String, Vec<String>>,
    /// Names of websites.
    pub websites: BTreeSet<String>,
    /// Names of roles.
    pub roles: BTreeSet<String>,
    /// Functions of the language.
    pub natives: BTreeSet<String>,
}

/// Something that a script gives a name.
#[derive(Clone, Debug)]
pub struct Named {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: CandidateKind,
    /// What kind of value it holds, or what it takes.
    pub detail: String,
    /// Its doc comment.
    pub doc: String,
}

/// Functions of mops that give values.
const GIVES: [&str; 4] = ["environment", "param", "path", "secret"];
/// Words that begin a statement.
const STATEMENTS: [&str; 8] = ["let", "const", "for", "if", "fn", "import", "switch", "while"];

impl Candidate {
    /// What it is, on one line.
    pub fn line(&self) -> String {
        match (summary(&self.doc), self.kind) {
            (doc, _) if doc.is_empty() => self.detail.clone(),
            (doc, CandidateKind::Option) => format!("{doc} ({})", self.detail),
            (doc, _) => doc,
        }
    }
}

/// What may stand at `cursor`, as `offers` say, and what the script itself `declared`.
pub fn complete(cursor: &Cursor<'_>, offers: &Offers, declared: &Declared) -> Completion {
    let scope = Scope { offers, declared, call: cursor.call() };
    let candidates = match (cursor.wanted(offers), cursor.is_quoted()) {
        (Wanted::Import, _) => library()
            .map(|(name, _)| candidate(name, name, CandidateKind::Module, "of the standard library"))
            .collect(),
        (Wanted::Function(module), _) => scope.functions_of(&module),
        (Wanted::Property(variable), _) => scope.properties_of(&variable),
        (Wanted::Value(kind), true) => unquoted(scope.values(&kind)),
        (Wanted::Value(kind), false) => [scope.values(&kind), scope.giving()].concat(),
        (Wanted::Key { fields, given }, false) => keys(&fields, &given),
        (Wanted::Anything, false) => scope.anything(),
        (Wanted::Nothing, _) | (Wanted::Key { .. } | Wanted::Anything, true) => Vec::new(),
    };
    Completion { start: cursor.start(), candidates }
}

/// Everything that candidates come from.
struct Scope<'a> {
    offers: &'a Offers,
    declared: &'a Declared,
    /// The call around the cursor.
    call: Option<&'a Called>,
}

impl Scope<'_> {
    fn functions_of(&self, module: &str) -> Vec<Candidate> {
        self.offers.table.modules.get(module).into_iter().flatten().map(|(_, it)| function(it)).collect()
    }

    fn properties_of(&self, variable: &str) -> Vec<Candidate> {
        let properties = self.declared.properties.get(variable).into_iter().flatten();
        let of = format!("of `{variable}`");
        properties.map(|it| candidate(it, it, CandidateKind::Variable, &of)).collect()
    }

    /// The values that something of this kind may have; text in quotes.
    fn values(&self, kind: &Kind) -> Vec<Candidate> {
        let is_called = |name: &str| self.call.is_some_and(|it| it.module.is_none() && it.name == name);
        let websites = || named_texts(&self.declared.websites, "a website");
        let roles = || named_texts(&self.declared.roles, "a role");
        match kind {
            Kind::Bool => vec![value("true", "yes"), value("false", "no")],
            Kind::OneOf(words) => words.iter().map(|it| quoted(it, "one of its values")).collect(),
            Kind::Website => websites(),
            Kind::Role => roles(),
            Kind::Target => [websites(), roles()].concat(),
            Kind::Path(_) => {
                vec![candidate(
                    "path",
                    "path(\"",
                    CandidateKind::Function,
                    "a file or folder beside the script",
                )]
            }
            Kind::OneOrMany(kind) => self.values(kind),
            Kind::Either(kinds) => kinds.iter().flat_map(|it| self.values(it)).collect(),
            Kind::Text if is_called("resource") => {
                let schemas = self.offers.catalog.schemas();
                schemas
                    .map(|it| Candidate { doc: it.doc.clone(), ..quoted(&it.kind, "a type of resource") })
                    .collect()
            }
            Kind::Text if is_called("allow") => roles(),
            Kind::Size { .. } | Kind::Duration { .. } | Kind::Rate | Kind::Cidr => {
                let sample = kind.sample();
                vec![Candidate { text: sample.clone(), ..value(sample.trim_matches('"'), &kind.to_string()) }]
            }
            Kind::Any
            | Kind::Int { .. }
            | Kind::Text
            | Kind::Name
            | Kind::Pattern
            | Kind::Host
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Record(_) => Vec::new(),
        }
    }

    /// What has a name and may be a value: what the script declares, and functions of mops that give values.
    fn giving(&self) -> Vec<Candidate> {
        let own = self.declared.named.iter().map(|it| Candidate {
            doc: it.doc.clone(),
            ..candidate(&it.name, &written(&it.name, it.kind), it.kind, &it.detail)
        });
        own.chain(self.globals().filter(|it| GIVES.contains(&it.label.as_str()))).collect()
    }

    fn globals(&self) -> impl Iterator<Item = Candidate> {
        self.offers.table.globals.values().map(function)
    }

    /// Everything that has a name: what the script declares, functions, modules, words.
    fn anything(&self) -> Vec<Candidate> {
        let globals = self.globals().filter(|it| !GIVES.contains(&it.label.as_str()));
        let modules = self.offers.modules.iter().map(|(name, doc)| Candidate {
            doc: doc.clone(),
            ..candidate(name, &written(name, CandidateKind::Module), CandidateKind::Module, "a plugin")
        });
        let words = STATEMENTS.iter().map(|it| candidate(it, &format!("{it} "), CandidateKind::Word, ""));
        let natives = self.declared.natives.iter();
        let natives = natives.map(|it| candidate(it, &format!("{it}("), CandidateKind::Function, ""));
        self.giving().into_iter().chain(globals).chain(modules).chain(words).chain(natives).collect()
    }
}

fn candidate(label: &str, text: &str, kind: CandidateKind, detail: &str) -> Candidate {
    Candidate {
        label: label.to_owned(),
        text: text.to_owned(),
        kind,
        detail: detail.to_owned(),
        doc: String::new(),
    }
}

/// How something that has a name is begun.
fn written(name: &str, kind: CandidateKind) -> String {
    match kind {
        CandidateKind::Module => format!("{name}::"),
        CandidateKind::Function => format!("{name}("),
        CandidateKind::Option | CandidateKind::Value | CandidateKind::Variable | CandidateKind::Word => {
            name.to_owned()
        }
    }
}

fn function(it: &Arc<Callee>) -> Candidate {
    let name = script_name(&it.function.name);
    let text = written(&name, CandidateKind::Function);
    Candidate {
        doc: it.function.doc.clone(),
        ..candidate(&name, &text, CandidateKind::Function, &it.signature())
    }
}

fn value(text: &str, detail: &str) -> Candidate {
    candidate(text, text, CandidateKind::Value, detail)
}

fn quoted(text: &str, detail: &str) -> Candidate {
    candidate(text, &format!("{text:?}"), CandidateKind::Value, detail)
}

fn named_texts(names: &BTreeSet<String>, detail: &str) -> Vec<Candidate> {
    names.iter().map(|it| quoted(it, detail)).collect()
}

/// Those that stand in quotes, as they are written where quotes are there already.
fn unquoted(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let inner = |mut it: Candidate| {
        it.text = it.text.strip_prefix('"')?.strip_suffix('"')?.to_owned();
        Some(it)
    };
    candidates.into_iter().filter_map(inner).collect()
}

/// Options that are not there yet, those that must be given first.
fn keys(fields: &[Field], given: &[String]) -> Vec<Candidate> {
    let mut left: Vec<&Field> = fields.iter().filter(|it| !given.contains(&it.name)).collect();
    left.sort_by_key(|it| it.need != Need::Required);
    let key = |field: &&Field| {
        let text = match is_keyword(&field.name) {
            true => format!("{:?}: ", field.name),
            false => format!("{}: ", field.name),
        };
        Candidate {
            doc: field.doc.clone(),
            ..candidate(&field.name, &text, CandidateKind::Option, &described(field))
        }
    };
    left.iter().map(key).collect()
}
