//! What the plugins answered, joined by role.
//!
//! **Invariant:** nothing overwrites anything: two answers for one name are an error that names both calls.

use std::collections::BTreeMap;

use mops_model::{Call, Daemon, Declared, Diagnostic, Digest, Directory, Name, Resource, Text, Value};
use mops_plugin::{Certificate, Context, File, Flow, Generated, Lowered};

/// What the plugins answered, joined by role.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    pub(crate) roles: BTreeMap<Name, Part>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) settings: BTreeMap<String, Value>,
    pub(crate) generated: Vec<(Generated, Declared)>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) resources: Vec<(Resource, Declared)>,
    pub(crate) origins: BTreeMap<String, String>,
    pub(crate) warnings: Vec<Diagnostic>,
    claims: BTreeMap<String, Claim>,
}

/// What one role's nodes get.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) files: Vec<File>,
    pub(crate) daemons: BTreeMap<Name, Daemon>,
    pub(crate) directories: BTreeMap<Name, Directory>,
    pub(crate) packages: BTreeMap<String, String>,
    pub(crate) links: BTreeMap<String, Text>,
    pub(crate) trees: BTreeMap<Name, Digest>,
    pub(crate) watches: BTreeMap<Name, Vec<Text>>,
}

/// Who has a name already.
#[derive(Clone, Debug)]
struct Claim {
    by: String,
    declared: Declared,
}

impl Joined {
    /// Adds what `call` came to; returns what it disagrees about with earlier calls.
    pub(crate) fn add(&mut self, call: &Call, lowered: Lowered, context: &Context) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        let mut claim = |what: String| wrong.extend(self.claim(&what, call));
        for file in &lowered.files {
            claim(format!("the file `{}`", file.path));
        }
        lowered.daemons.values().flat_map(BTreeMap::keys).for_each(|it| claim(format!("the daemon `{it}`")));
        lowered
            .directories
            .values()
            .flat_map(BTreeMap::keys)
            .for_each(|it| claim(format!("the directory `{it}`")));
        lowered.settings.keys().for_each(|it| claim(format!("the setting `{it}`")));
        lowered.generated.iter().for_each(|it| claim(format!("the secret `{}`", it.name)));
        lowered.certificates.iter().for_each(|it| claim(format!("the certificate `{}`", it.name)));
        lowered.addresses().for_each(|it| claim(format!("the resource `{it}`")));
        lowered
            .release_links
            .values()
            .flat_map(BTreeMap::keys)
            .for_each(|it| claim(format!("the link `{it}`")));
        wrong.extend(unknown_roles(&lowered, call, context));
        if wrong.is_empty() {
            self.take(lowered, &call.declared);
        }
        wrong
    }

    /// What the nodes of `role` get.
    pub(crate) fn role(&mut self, role: &Name) -> &mut Part {
        self.roles.entry(role.clone()).or_default()
    }

    fn claim(&mut self, what: &str, call: &Call) -> Option<Diagnostic> {
        let claim = Claim { by: script_name(call), declared: call.declared.clone() };
        let earlier = self.claims.insert(what.to_owned(), claim)?;
        let message = format!("{what} is declared by `{}` and by `{}`", earlier.by, script_name(call));
        Some(
            Diagnostic::error("lower::conflict", message)
                .at(call.declared.span, "declared here")
                .at(earlier.declared.span, "and here")
                .help("take one of them away"),
        )
    }

    fn take(&mut self, lowered: Lowered, declared: &Declared) {
        for file in lowered.files {
            let role = file.role.clone();
            self.origins.insert(file.path.clone(), declared.place.clone());
            self.role(&role).files.push(file);
        }
        for (role, daemons) in lowered.daemons {
            self.origins.extend(daemons.keys().map(|it| (it.to_string(), declared.place.clone())));
            self.role(&role).daemons.extend(daemons);
        }
        for (role, directories) in lowered.directories {
            self.origins.extend(directories.keys().map(|it| (it.to_string(), declared.place.clone())));
            self.role(&role).directories.extend(directories);
        }
        for (role, packages) in lowered.packages {
            self.role(&role).packages.extend(packages);
        }
        for (role, links) in lowered.release_links {
            self.role(&role).links.extend(links);
        }
        for (role, watches) in lowered.watches {
            let part = self.role(&role);
            for (daemon, paths) in watches {
                part.watches.entry(daemon).or_default().extend(paths);
            }
        }
        self.flows.extend(lowered.flows);
        self.settings.extend(lowered.settings);
        self.generated.extend(lowered.generated.into_iter().map(|it| (it, declared.clone())));
        self.certificates.extend(lowered.certificates);
        self.resources.extend(lowered.resources.into_iter().map(|it| (it, declared.clone())));
        self.warnings.extend(lowered.warnings);
    }
}

/// The function as a script calls it: Rhai's names have no dashes.
pub(crate) fn script_name(call: &Call) -> String {
    format!("{}::{}", call.plugin, call.function).replace('-', "_")
}

fn unknown_roles(lowered: &Lowered, call: &Call, context: &Context) -> Vec<Diagnostic> {
    let files = lowered.files.iter().map(|it| &it.role);
    let keyed = lowered.daemons.keys().chain(lowered.directories.keys()).chain(lowered.release_links.keys());
    let mut roles: Vec<&Name> = files.chain(keyed).collect();
    roles.sort();
    roles.dedup();
    let is_unknown = |role: &&Name| context.site.role(role.as_str()).is_none();
    roles
        .into_iter()
        .filter(is_unknown)
        .map(|role| {
            Diagnostic::error("lower::unknown-role", format!("there is no role `{role}`"))
                .at(call.declared.span, "needs it")
                .help(format!("declare it: role(\"{role}\", #{{}})"))
        })
        .collect()
}
