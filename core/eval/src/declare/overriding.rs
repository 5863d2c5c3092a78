//! Options that a script changes wherever they were said: by itself, by a file it imports, by a profile.
//!
//! **Invariant:** overrides apply when the whole script has run, in their own order; what they make of a call is
//! checked like the call.

use std::{collections::BTreeMap, sync::Arc};

use mops_model::{Call, Declared, Diagnostic, Options, Provenance, Value, nearest};
use mops_plugin::Calls;

use crate::{
    given::{Places, diagnostic},
    handle::Handle,
    origin::leaves,
    run::{Checked, Run, State},
    table::Callee,
};

/// Changes to calls, by plugin, function and, where a function is called once per name, that name.
pub(crate) struct Override {
    changes: Options,
    places: Places,
    declared: Declared,
}

/// One change to one call.
struct Change<'a> {
    callee: &'a Arc<Callee>,
    /// The argument that tells its calls apart, and its value.
    key: Option<(&'a str, &'a str)>,
    value: &'a Value,
    /// Where the change stands in the override: `changes.varnish.cache`.
    path: String,
}

pub(super) fn note(state: &mut State, call: &Checked<'_>) -> Handle {
    let changes = call.options.get("changes").and_then(Value::as_record).filter(|_| call.is_whole);
    if let Some(changes) = changes {
        let (changes, places, declared) = (changes.clone(), call.places.clone(), call.declared.clone());
        state.declared.overrides.push(Override { changes, places, declared });
    }
    Handle::Service("override".to_owned())
}

/// Applies every override to the calls declared so far.
pub(crate) fn apply(run: &Run, state: &mut State) {
    for it in std::mem::take(&mut state.declared.overrides) {
        for change in it.changes(run, state) {
            it.apply(state, &change);
        }
    }
}

impl Override {
    /// What it changes; what nothing is called is told.
    fn changes<'a>(&'a self, run: &'a Run, state: &mut State) -> Vec<Change<'a>> {
        let mut changes = Vec::new();
        for (module, functions) in &self.changes {
            let path = format!("changes.{module}");
            let Some(known) = run.table.modules.get(module) else {
                let names = run.table.modules.keys().map(String::as_str);
                let help = suggestion(
                    module,
                    names,
                    "it changes options of plugins, such as #{ varnish: #{ cache: #{ memory: \"4G\" } } }",
                );
                self.wrong(state, &path, &format!("there is no plugin `{module}`"), &help);
                continue;
            };
            let Some(functions) = self.record(state, &path, functions, "function") else { continue };
            for (name, value) in functions {
                let path = format!("{path}.{name}");
                let Some(callee) = known.get(name) else {
                    let names = known.keys().map(String::as_str);
                    let all: Vec<String> = known.keys().map(|it| format!("`{it}`")).collect();
                    let help = suggestion(name, names, &format!("its functions are {}", all.join(", ")));
                    self.wrong(state, &path, &format!("there is no function `{module}::{name}`"), &help);
                    continue;
                };
                match &callee.function.calls {
                    Calls::Once | Calls::Implied => changes.push(Change { callee, key: None, value, path }),
                    Calls::OncePer(key) => {
                        let Some(calls) = self.record(state, &path, value, key) else { continue };
                        changes.extend(calls.iter().map(|(name, value)| {
                            let path = format!("{path}.{name}");
                            Change { callee, key: Some((key, name)), value, path }
                        }));
                    }
                    Calls::Any => {
                        let message = format!(
                            "`{}` may be called many times: nothing says which call is meant",
                            callee.shown
                        );
                        self.wrong(
                            state,
                            &path,
                            &message,
                            "change the call itself, or give the part of the profile another list",
                        );
                    }
                }
            }
        }
        changes
    }

    fn record<'a>(&self, state: &mut State, path: &str, value: &'a Value, by: &str) -> Option<&'a Options> {
        if value.as_record().is_none() {
            let message = format!("a map by {by} stands here, not {}", value.describe());
            self.wrong(state, path, &message, &format!("write #{{ {by}: #{{ option: value }} }}"));
        }
        value.as_record()
    }

    fn apply(&self, state: &mut State, change: &Change<'_>) {
        let is_meant = |it: &Call| {
            Some(&it.plugin) == change.callee.plugin.as_ref()
                && it.function == change.callee.function.name
                && change
                    .key
                    .is_none_or(|(key, name)| it.options.get(key).and_then(Value::as_text) == Some(name))
        };
        let at = state.declared.calls.iter().position(is_meant);
        let at = match (at, &change.callee.function.calls) {
            (Some(at), _) => at,
            (None, Calls::Implied) => {
                let Some(plugin) = change.callee.plugin.clone() else { return };
                let function = change.callee.function.name.clone();
                let options = change.callee.function.with_defaults(Options::new());
                let declared = Declared {
                    span: self.declared.span,
                    place: self.declared.place.clone(),
                    ..Declared::default()
                };
                state.declared.calls.push(Call { plugin, function, options, declared });
                state.declared.calls.len() - 1
            }
            (None, Calls::Once | Calls::OncePer(_) | Calls::Any) => return self.missing(state, change),
        };
        let changes = match change.value {
            Value::Bool(false) => {
                state.declared.calls.remove(at);
                return;
            }
            Value::Record(changes) => changes,
            other => {
                let message = format!(
                    "`{}` takes a map of options, or false, not {}",
                    change.callee.shown,
                    other.describe()
                );
                return self.wrong(
                    state,
                    &change.path,
                    &message,
                    "write #{ option: value }, or false to do without it",
                );
            }
        };
        let mut call = state.declared.calls[at].clone();
        merge(&mut call.options, changes);
        let places = self.places_below(&change.path);
        note_origins(&mut call.declared, changes, &places, state);
        let wrong = call.check(&change.callee.function.kind());
        for mismatch in &wrong {
            state.findings.push(diagnostic(change.callee, mismatch, &places));
        }
        let checked = Checked {
            callee: change.callee,
            options: call.options.clone(),
            places,
            declared: call.declared.clone(),
            is_whole: wrong.is_empty(),
        };
        super::note_references(state, &checked);
        state.declared.calls[at] = call;
    }

    /// Of a call whose mistakes were told nothing more is told.
    fn missing(&self, state: &mut State, change: &Change<'_>) {
        let shown = match change.key {
            None => change.callee.shown.clone(),
            Some((_, name)) => format!("{} {name:?}", change.callee.shown),
        };
        if !state.declared.names.contains_key(&("call", shown.clone())) {
            let message = format!("`{shown}` is called nowhere: there is nothing to change");
            self.wrong(state, &change.path, &message, "call it, or leave it out here");
        }
    }

    fn wrong(&self, state: &mut State, path: &str, message: &str, help: &str) {
        let found = Diagnostic::error("eval::override", format!("`override`: {message}"));
        state.findings.push(found.at(self.places.key(path), "here").help(help));
    }

    /// The places of what stands below `path`, as places of a call's options.
    fn places_below(&self, path: &str) -> Places {
        let below = |places: &BTreeMap<String, mops_model::Span>| {
            let rest = |it: &String| it.strip_prefix(path)?.strip_prefix('.').map(str::to_owned);
            places.iter().filter_map(|(it, span)| Some((rest(it)?, *span))).collect()
        };
        Places {
            call: self.places.key(path),
            keys: below(&self.places.keys),
            values: below(&self.places.values),
        }
    }
}

/// Notes that the options of a call were changed, and where.
fn note_origins(declared: &mut Declared, changes: &Options, places: &Places, state: &State) {
    declared.keys.extend(places.whole());
    for (path, value) in leaves(changes) {
        let place = state.texts.place(places.key(&path));
        declared.origins.entry(path).or_default().push(Provenance { place, value: value.clone() });
    }
}

/// Lays `over` on `base`: maps are merged key by key, anything else replaces what stands there.
fn merge(base: &mut Options, over: &Options) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Record(base)), Value::Record(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(name, known).map_or_else(|| otherwise.to_owned(), |it| format!("did you mean `{it}`?"))
}
