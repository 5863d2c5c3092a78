//! What each function of a script declares.

mod flow;
mod overriding;
mod resource;
mod rows;
mod service;
mod site;
mod value;

use std::collections::BTreeMap;

use mops_model::{
    Call, DaemonDeclaration, Declared, Diagnostic, Digest, Input, Kind, Listing, Missing, Move, Name,
    Options, OutputDeclaration, RawResource, Span, Website,
};
use rhai::Dynamic;

pub(crate) use flow::Flow;
pub(crate) use overriding::{Override, apply as apply_overrides};
pub(crate) use site::{RoleDeclaration, default_roles};

use crate::{
    handle::Handle,
    run::{Checked, Run, State},
};

/// Everything declared so far, in the order of the calls.
#[derive(Default)]
pub(crate) struct Declarations {
    pub(crate) site: Option<(Name, Options, Declared)>,
    /// Whether `site` was called at all, even wrongly.
    pub(crate) has_site: bool,
    pub(crate) websites: Vec<Website>,
    pub(crate) roles: Vec<RoleDeclaration>,
    pub(crate) calls: Vec<Call>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) daemons: Vec<DaemonDeclaration>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) resources: Vec<RawResource>,
    pub(crate) outputs: Vec<OutputDeclaration>,
    pub(crate) moves: Vec<Move>,
    pub(crate) secrets: BTreeMap<Name, Declared>,
    pub(crate) inputs: BTreeMap<String, Input>,
    pub(crate) listings: BTreeMap<Digest, Listing>,
    /// Names that are taken, and where: those of wrong declarations too, so that their users are not told.
    pub(crate) names: BTreeMap<(&'static str, String), Span>,
    /// What was declared with a mistake and is named nowhere else.
    pub(crate) missing: Missing,
    /// Names of websites and roles that something refers to.
    pub(crate) references: Vec<Reference>,
}

/// A name of a website or role, to be looked up when the whole script has been read.
pub(crate) struct Reference {
    /// The function that was given it.
    pub(crate) shown: String,
    /// `website`, `role`, or both.
    pub(crate) among: &'static [&'static str],
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// Notes what `call` declares, and returns what the script gets for it.
pub(crate) fn declare(run: &Run, state: &mut State, mut call: Checked<'_>) -> Dynamic {
    let noted = state.declared.references.len();
    note_references(state, &call);
    // What is no name is the name of nothing: it is told with the others, when the whole script is known.
    call.is_whole &= state.declared.references[noted..].iter().all(|it| it.name.parse::<Name>().is_ok());
    let call = &call;
    if call.callee.plugin.is_some() {
        return service::service(state, call).into_dynamic();
    }
    match call.callee.function.name.as_str() {
        "site" => site::site(state, call).into_dynamic(),
        "website" => site::website(state, call).into_dynamic(),
        "role" => site::role(state, call).into_dynamic(),
        "daemon" => service::daemon(state, call).into_dynamic(),
        "allow" => flow::allow(state, call).into_dynamic(),
        "resource" => resource::resource(run, state, call).into_dynamic(),
        "moved" => resource::moved(state, call).into_dynamic(),
        "path" => value::path(run, state, call),
        "csv" => rows::csv(state, call),
        "json" => rows::json(state, call),
        "plugin" => service::plugin(state, call).into_dynamic(),
        "secret" => value::secret(state, call),
        "param" => value::param(run, state, call),
        "environment" => run.environment.to_string().into(),
        "override" => overriding::note(state, call).into_dynamic(),
        "output" => value::output(state, call).into_dynamic(),
        name => unreachable!("`{name}` is described and not declared"),
    }
}

impl Handle {
    fn into_dynamic(self) -> Dynamic {
        Dynamic::from(self)
    }
}

/// What to do about a name that was declared twice.
const RENAME: &str = "keep one of them, or give one another name";

impl State {
    /// Takes `name` among the names of `what`; false, with a mistake noted, when it is taken: `twice` says so, `help`
    /// what to do.
    fn claim(&mut self, what: &'static str, name: &str, span: Span, twice: &str, help: &str) -> bool {
        let key = (what, name.to_owned());
        let Some(first) = self.declared.names.get(&key).copied() else {
            self.declared.names.insert(key, span);
            return true;
        };
        let found = Diagnostic::error("eval::duplicate", twice.to_owned());
        self.findings.push(match first == span {
            true => found
                .at(span, "more than once here, in a loop or a function")
                .help("make each turn differ, such as with `…-${country}`, or take it out of the loop"),
            false => found.at(span, "here again").at(first, "first here").help(help),
        });
        false
    }

    fn wrong(&mut self, code: &str, message: String, span: Span, label: &str, help: &str) -> Handle {
        self.findings.push(Diagnostic::error(code, message).at(span, label).help(help));
        Handle::Broken
    }
}

impl Checked<'_> {
    /// The argument or option `key`, if it is text without holes.
    fn text(&self, key: &str) -> Option<&str> {
        self.options.get(key)?.as_text()
    }

    /// The name that the call declares, if it is one.
    fn name(&self) -> Option<Name> {
        self.text("name")?.parse().ok()
    }

    fn name_place(&self) -> Span {
        self.places.key("name")
    }

    /// What it is called with, as a typed noun. It has been checked, so that a failure is a disagreement between the
    /// description of a function and its type.
    fn parse<T: serde::de::DeserializeOwned>(&self, more: Options) -> T {
        let mut options = self.options.clone();
        options.extend(more);
        mops_model::Value::Record(options)
            .parse()
            .unwrap_or_else(|err| panic!("`{}` is described unlike its type: {err}", self.callee.shown))
    }
}

fn note_references(state: &mut State, call: &Checked<'_>) {
    let fields = call.callee.function.arguments.iter().chain(&call.callee.function.options);
    for field in fields {
        if let Some(value) = call.options.get(&field.name) {
            references(state, call, &field.name, &field.kind, value);
        }
    }
}

fn references(state: &mut State, call: &Checked<'_>, path: &str, kind: &Kind, value: &mops_model::Value) {
    use mops_model::Value;
    let among: &'static [&'static str] = match (kind, value) {
        (Kind::Website, Value::Text(_)) => &["website"],
        (Kind::Role, Value::Text(_)) => &["role"],
        (Kind::Target, Value::Text(_)) => &["website", "role"],
        (Kind::List(kind) | Kind::OneOrMany(kind), Value::List(values)) => {
            for (i, it) in values.iter().enumerate() {
                references(state, call, &format!("{path}[{i}]"), kind, it);
            }
            return;
        }
        (Kind::OneOrMany(kind), it) => return references(state, call, path, kind, it),
        (Kind::Map(kind), Value::Record(record)) => {
            for (key, it) in record {
                references(state, call, &format!("{path}.{key}"), kind, it);
            }
            return;
        }
        (Kind::Record(fields), Value::Record(record)) => {
            for field in fields {
                if let Some(it) = record.get(&field.name) {
                    references(state, call, &format!("{path}.{}", field.name), &field.kind, it);
                }
            }
            return;
        }
        (Kind::Either(kinds), it) => {
            if let Some(kind) = kinds.iter().find(|kind| kind.check(it).is_empty()) {
                references(state, call, path, kind, it);
            }
            return;
        }
        _ => return,
    };
    if let Some(name) = value.as_text() {
        let (shown, name, span) = (call.callee.shown.clone(), name.to_owned(), call.places.value(path));
        state.declared.references.push(Reference { shown, among, name, span });
    }
}
