//! The plugins of one run.

use std::collections::BTreeMap;

use mops_model::{Call, Diagnostic, Name};

use crate::{
    Context, Contribution, Lowered, Manifest, Plugin, Slots,
    door::{self, Request, Response},
};

/// A plugin that is linked into the program. It is asked through the same bytes as a loaded one.
pub struct Linked(pub &'static dyn Plugin);

/// The plugins of one run, by name.
pub struct Registry {
    plugins: BTreeMap<Name, (Manifest, Linked)>,
}

impl Registry {
    /// Asks each plugin for its manifest.
    ///
    /// # Panics
    /// When a linked plugin has a bug in its manifest, or two have the same name.
    pub fn new(plugins: impl IntoIterator<Item = Linked>) -> Self {
        let mut registry = Self { plugins: BTreeMap::new() };
        for plugin in plugins {
            let manifest = plugin.manifest().unwrap_or_else(|err| panic!("{}", err.message));
            let name = manifest.plugin.clone();
            let twin = registry.plugins.insert(name, (manifest, plugin));
            assert!(twin.is_none(), "two plugins have one name");
        }
        registry
    }

    /// Every manifest, by the name of the plugin.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.plugins.values().map(|(manifest, _)| manifest)
    }

    /// The manifest of `plugin`.
    pub fn manifest(&self, plugin: &str) -> Option<&Manifest> {
        self.plugins.get(plugin).map(|(manifest, _)| manifest)
    }

    /// See [`Plugin::contribute`].
    ///
    /// # Errors
    /// What is wrong with the call, or with the plugin.
    pub fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match self.ask(call, &Request::Contribute { call: call.clone(), context: context.clone() })? {
            Response::Contribute(answer) => answer,
            other => Err(vec![disagrees(call, &other)]),
        }
    }

    /// See [`Plugin::lower`].
    ///
    /// # Errors
    /// What is wrong with the call, or with the plugin.
    pub fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let request = Request::Lower { call: call.clone(), context: context.clone(), slots: slots.clone() };
        match self.ask(call, &request)? {
            Response::Lower(answer) => answer.map(|it| *it),
            other => Err(vec![disagrees(call, &other)]),
        }
    }

    fn ask(&self, call: &Call, request: &Request) -> Result<Response, Vec<Diagnostic>> {
        let (_, plugin) =
            self.plugins.get(&call.plugin).expect("evaluation knows only the functions of this registry");
        plugin.ask(request).map_err(|err| vec![err.at(call.declared.span, "while lowering this")])
    }
}

impl Linked {
    fn manifest(&self) -> Result<Manifest, Diagnostic> {
        match self.ask(&Request::Manifest)? {
            Response::Manifest(manifest) => Ok(*manifest),
            Response::Contribute(_) | Response::Lower(_) | Response::Panicked(_) => {
                Err(Diagnostic::error("plugin::disagrees", "a plugin did not answer with its manifest"))
            }
        }
    }

    fn ask(&self, request: &Request) -> Result<Response, Diagnostic> {
        let answer = door::serve(self.0, &door::encode(request));
        match door::decode(&answer) {
            Ok(Response::Panicked(why)) => {
                Err(Diagnostic::error("plugin::panicked", format!("a plugin has a bug: {why}"))
                    .help("report it to whoever wrote the plugin, with this script"))
            }
            Ok(response) => Ok(response),
            Err(err) => Err(Diagnostic::error(
                "plugin::disagrees",
                format!("a plugin's answer cannot be read: {err}"),
            )),
        }
    }
}

fn disagrees(call: &Call, response: &Response) -> Diagnostic {
    let what = match response {
        Response::Manifest(_) => "a manifest",
        Response::Contribute(_) => "contributions",
        Response::Lower(_) => "a lowering",
        Response::Panicked(_) => "a bug",
    };
    Diagnostic::error(
        "plugin::disagrees",
        format!("the plugin `{}` answered with {what} unasked", call.plugin),
    )
}
