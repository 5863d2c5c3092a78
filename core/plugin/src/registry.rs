//! The plugins of one run.

use std::{borrow::Cow, collections::BTreeMap};

use mops_model::{Call, Diagnostic, Name};

use crate::{
    Context, Contribution, Encoded, Linked, Lowered, Manifest, Slots, Transport,
    door::{self, Request, Response},
    verify,
};

/// The plugins of one run, by name.
pub struct Registry {
    plugins: BTreeMap<Name, Entry>,
}

struct Entry {
    manifest: Manifest,
    transport: Box<dyn Transport>,
}

impl Registry {
    /// Asks each plugin for its manifest.
    ///
    /// # Panics
    /// When a linked plugin has a bug in its manifest, or two have the same name.
    pub fn new(plugins: impl IntoIterator<Item = Linked>) -> Self {
        let mut registry = Self { plugins: BTreeMap::new() };
        for plugin in plugins {
            registry.add(Box::new(plugin)).unwrap_or_else(|err| panic!("{}", err.message));
        }
        registry
    }

    /// Adds a plugin, wherever it lives.
    ///
    /// # Errors
    /// When it does not tell what it offers, contradicts itself, or what it offers is offered already.
    pub fn add(&mut self, transport: Box<dyn Transport>) -> Result<&Manifest, Diagnostic> {
        let manifest = manifest(&*transport)?;
        if let Some(taken) = self.taken(&manifest) {
            return Err(Diagnostic::error("plugin::taken", format!("{}: {taken}", transport.origin()))
                .help("take one of the two away, or have it renamed by whoever wrote it"));
        }
        let name = manifest.plugin.clone();
        Ok(&self.plugins.entry(name).insert_entry(Entry { manifest, transport }).into_mut().manifest)
    }

    /// Every manifest, by the name of the plugin.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.plugins.values().map(|it| &it.manifest)
    }

    /// The manifest of `plugin`.
    pub fn manifest(&self, plugin: &str) -> Option<&Manifest> {
        self.plugins.get(plugin).map(|it| &it.manifest)
    }

    /// See [`Plugin::contribute`](crate::Plugin::contribute).
    ///
    /// # Errors
    /// What is wrong with the call, or with the plugin.
    pub fn contribute(
        &self,
        call: &Call,
        context: &Encoded<'_, Context>,
    ) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match self.ask(call, &Request::Contribute { call: Cow::Borrowed(call), context: context.lent() })? {
            Response::Contribute(answer) => answer,
            other => Err(vec![placed(unasked(&called(&call.plugin), &other), call)]),
        }
    }

    /// See [`Plugin::lower`](crate::Plugin::lower).
    ///
    /// # Errors
    /// What is wrong with the call, or with the plugin.
    pub fn lower(
        &self,
        call: &Call,
        context: &Encoded<'_, Context>,
        slots: &Encoded<'_, Slots>,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        let request =
            Request::Lower { call: Cow::Borrowed(call), context: context.lent(), slots: slots.lent() };
        let lowered = match self.ask(call, &request)? {
            Response::Lower(answer) => *answer?,
            other => return Err(vec![placed(unasked(&called(&call.plugin), &other), call)]),
        };
        match verify::lowered(&lowered) {
            Ok(()) => Ok(lowered),
            Err(why) => Err(vec![placed(contradicts(&called(&call.plugin), &why), call)]),
        }
    }

    fn ask(&self, call: &Call, request: &Request<'_>) -> Result<Response, Vec<Diagnostic>> {
        let entry =
            self.plugins.get(&call.plugin).expect("evaluation knows only the functions of this registry");
        ask(&*entry.transport, &called(&call.plugin), request).map_err(|err| vec![placed(err, call)])
    }

    /// What `manifest` offers that another plugin offers.
    fn taken(&self, manifest: &Manifest) -> Option<String> {
        let module = manifest.module();
        if self.manifests().any(|it| it.module() == module) {
            return Some(format!("there is a plugin `{module}` already"));
        }
        let slots = self.manifests().flat_map(|it| &it.slots);
        let mut taken = slots.filter(|it| manifest.slots.iter().any(|slot| slot.name == it.name));
        taken.next().map(|it| format!("there is a slot `{}` already", it.name))
    }
}

fn manifest(transport: &dyn Transport) -> Result<Manifest, Diagnostic> {
    let origin = transport.origin();
    match ask(transport, &origin, &Request::Manifest)? {
        Response::Manifest(manifest) => {
            verify::manifest(&manifest).map(|()| *manifest).map_err(|why| contradicts(&origin, &why))
        }
        other => Err(unasked(&origin, &other)),
    }
}

fn ask(transport: &dyn Transport, who: &str, request: &Request<'_>) -> Result<Response, Diagnostic> {
    let answer = transport.ask(&door::encode(request))?;
    match door::decode(&answer) {
        Ok(Response::Panicked(why)) => {
            Err(Diagnostic::error("plugin::panicked", format!("{who} has a bug: {why}")).help(REPORT))
        }
        Ok(response) => Ok(response),
        Err(err) => {
            Err(Diagnostic::error("plugin::disagrees", format!("the answer of {who} cannot be read: {err}"))
                .help(REPORT))
        }
    }
}

/// What to do about a plugin that does not keep the contract.
const REPORT: &str =
    "report it to whoever wrote the plugin, with this script; without its calls the script goes on";

fn called(plugin: &Name) -> String {
    format!("the plugin `{plugin}`")
}

fn placed(diagnostic: Diagnostic, call: &Call) -> Diagnostic {
    diagnostic.at(call.declared.span, format!("called here for `{}`", call.function))
}

fn contradicts(who: &str, why: &str) -> Diagnostic {
    Diagnostic::error("plugin::disagrees", format!("{who} breaks the contract: {why}")).help(REPORT)
}

fn unasked(who: &str, response: &Response) -> Diagnostic {
    let what = match response {
        Response::Manifest(_) => "a manifest",
        Response::Contribute(_) => "contributions",
        Response::Lower(_) => "a lowering",
        Response::Panicked(_) => "a bug",
    };
    contradicts(who, &format!("it answered with {what} unasked"))
}
