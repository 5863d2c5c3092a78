//! What the tests of a plugin need: a site, a context and calls, made the way evaluation makes them.
//!
//! **Invariant:** a call from here has passed the checks of the plugin's manifest and has its defaults, as every call
//! that reaches a plugin has.

use std::collections::BTreeMap;

use mops_model::{
    Bindings, Call, Declared, Digest, Environment, Facts, Host, Mismatch, Name, Options, Role, RunType,
    SecretError, Secrets, Site, Size, Text, Tier, Website,
};

use crate::{Context, Plugin};

/// A website with one host, of the run code `name`.
///
/// # Panics
/// When `name` is no name or `host` is no host.
pub fn website(name: &str, host: &str) -> Website {
    Website {
        name: Name::literal(name),
        hosts: vec![host.parse::<Host>().expect("a test names a host")],
        path: String::new(),
        run_type: RunType::Website,
        run_code: name.to_owned(),
        locale: None,
        language: None,
        currency: None,
        countries: Vec::new(),
        geo: None,
        fallback: false,
        declared: Declared::default(),
    }
}

/// The site `acme` on this machine with these websites and the roles that every site has, each on one node of 4 GiB.
pub fn context(websites: Vec<Website>) -> Context {
    let role = |name, tier| Role {
        name: Name::literal(name),
        tier,
        shares: None,
        min: 1,
        max: 1,
        target_cpu: None,
        memory: Size::mebibytes(4096),
        cpus: 2,
        declared: Declared::default(),
    };
    let site = Site {
        name: Name::literal("acme"),
        options: Options::new(),
        declared: Declared::default(),
        websites,
        roles: vec![role("edge", Tier::Edge), role("app", Tier::App), role("persistent", Tier::Data)],
        calls: Vec::new(),
        daemons: Vec::new(),
        flows: Vec::new(),
        resources: Vec::new(),
        outputs: Vec::new(),
        moves: Vec::new(),
        secrets: BTreeMap::new(),
        inputs: Vec::new(),
        listings: BTreeMap::new(),
    };
    Context { groups: site.groups(), site, environment: Environment::local() }
}

/// The call that a script makes to `function` with `options`, written as JSON.
///
/// # Errors
/// What the manifest refuses.
///
/// # Panics
/// When there is no such function, or `options` is no JSON object.
pub fn call(plugin: &dyn Plugin, function: &str, options: &str) -> Result<Call, Vec<Mismatch>> {
    let manifest = plugin.manifest();
    let function = manifest.get(function).unwrap_or_else(|| panic!("there is no function `{function}`"));
    let options: Options = serde_json::from_str(options).expect("a test writes JSON");
    let call = Call {
        plugin: manifest.plugin.clone(),
        function: function.name.clone(),
        options,
        declared: Declared::default(),
    };
    match call.check(&function.kind()) {
        wrong if wrong.is_empty() => Ok(Call { options: function.with_defaults(call.options), ..call }),
        wrong => Err(wrong),
    }
}

/// `text` as a node fills it that knows `facts`; every role has this one node, and every secret is `secret-<name>`.
///
/// # Panics
/// When a hole asks for what is not among the facts.
pub fn fill(text: &Text, facts: &[(&str, &str)]) -> String {
    let facts: Facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let roles = text.roles().into_keys().map(|it| (it.clone(), vec![facts.clone()])).collect();
    let bindings = Bindings { here: facts, roles, ..Bindings::default() };
    bindings.fill(text, &Named).unwrap_or_else(|err| panic!("{err}"))
}

/// Every secret tells its own name.
struct Named;

impl Secrets for Named {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        Ok(format!("secret-{name}"))
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        Ok(Digest::of(name.as_str().as_bytes()))
    }
}
