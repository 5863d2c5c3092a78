//! The resources that a site comes to on this machine.
//!
//! A node has its own loopback address, a port for each place where a daemon of its listens, directories, and the
//! resource `local.node` itself, whose bindings name the outputs of all the others. Nodes need those of earlier tiers:
//! data is activated before what reads it, the edge last.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{
    Address, Cycle, Diagnostic, Graph, Lifecycle, Name, Origin, Resource, Site, Source, Text, Value,
};
use mops_plugin::{Context, GeneratedKind};

use crate::{World, closure::Built, join::Joined};

type Inputs = BTreeMap<String, Value>;
type Targeted = (Graph, BTreeMap<String, Value>);

/// The graph for `provider = "local"`, and what to show after an apply.
pub(crate) fn target(
    context: &Context,
    joined: &Joined,
    built: &BTreeMap<Name, Built>,
    world: &World<'_>,
) -> Result<Targeted, Vec<Diagnostic>> {
    let mut target = Target { context, joined, built, world, resources: Vec::new(), wrong: Vec::new() };
    target.generated();
    target.certificates();
    for group in built.values() {
        target.group(group);
    }
    target.raw(&context.site);
    if !target.wrong.is_empty() {
        return Err(target.wrong);
    }
    let outputs = target.outputs();
    let graph = Graph::new(target.resources).map_err(|err| vec![cycle(&err, &context.site)])?;
    Ok((graph, outputs))
}

struct Target<'a> {
    context: &'a Context,
    joined: &'a Joined,
    built: &'a BTreeMap<Name, Built>,
    world: &'a World<'a>,
    resources: Vec<Resource>,
    wrong: Vec<Diagnostic>,
}

impl<'a> Target<'a> {
    fn generated(&mut self) {
        for (generated, declared) in &self.joined.generated {
            let GeneratedKind::Password(length) = generated.kind;
            let inputs = Inputs::from([("length".to_owned(), Value::Int(length.into()))]);
            self.add("local.password", generated.name.as_str(), inputs, &declared.place);
        }
    }

    fn certificates(&mut self) {
        for certificate in &self.joined.certificates {
            let hosts = certificate.hosts.iter().map(|it| Value::text(it.as_str())).collect();
            let mut inputs = Inputs::from([("hosts".to_owned(), Value::List(hosts))]);
            if let Some(directory) = &certificate.kept_in {
                inputs.insert("directory".to_owned(), output("local.directory", directory.as_str(), "path"));
            }
            let website = self.context.site.website(certificate.name.as_str());
            let place = website.map_or("", |it| &it.declared.place);
            self.add("local.certificate", certificate.name.as_str(), inputs, place);
        }
    }

    fn group(&mut self, built: &Built) {
        for (name, directory) in built.closure.directories.iter().filter(|(_, it)| it.shared) {
            let inputs = Inputs::from([
                ("name".to_owned(), Value::text(name.as_str())),
                ("shared".to_owned(), Value::Bool(directory.shared)),
            ]);
            self.add("local.directory", name.as_str(), inputs, self.origin(name));
        }
        for (index, node) in built.nodes() {
            self.node(built, index, &node);
        }
    }

    fn node(&mut self, built: &Built, index: u32, node: &str) {
        let role = self.context.site.role(built.group.name.as_str());
        let place = role.map_or("", |it| &it.declared.place);
        self.add("local.address", node, Inputs::from([("node".to_owned(), node.into())]), place);
        let mut here: BTreeMap<String, Value> = BTreeMap::from([
            ("name".to_owned(), node.into()),
            ("group".to_owned(), built.group.name.as_str().into()),
            ("index".to_owned(), index.to_string().into()),
            ("site".to_owned(), self.context.site.name.as_str().into()),
            ("environment".to_owned(), self.context.environment.name.as_str().into()),
            ("address".to_owned(), output("local.address", node, "address")),
        ]);
        for (daemon, listen, place) in listens(built) {
            let port = port_name(node, daemon, listen);
            let inputs = Inputs::from([
                ("address".to_owned(), output("local.address", node, "address")),
                ("node".to_owned(), node.into()),
                ("daemon".to_owned(), daemon.as_str().into()),
                ("listen".to_owned(), listen.as_str().into()),
                ("public".to_owned(), Value::Bool(place.public)),
            ]);
            self.add("local.port", &port, inputs, self.origin(daemon));
            here.insert(format!("port.{daemon}.{listen}"), output("local.port", &port, "port"));
        }
        for (name, directory) in &built.closure.directories {
            let resource = match directory.shared {
                true => name.to_string(),
                false => format!("{node}-{name}"),
            };
            if !directory.shared {
                let inputs = Inputs::from([
                    ("name".to_owned(), resource.as_str().into()),
                    ("shared".to_owned(), Value::Bool(false)),
                ]);
                self.add("local.directory", &resource, inputs, self.origin(name));
            }
            here.insert(format!("data.{name}"), output("local.directory", &resource, "path"));
        }
        for certificate in self.joined.certificates.iter().filter(|it| built.group.roles.contains(&it.role)) {
            let name = certificate.name.as_str();
            here.insert(format!("certificate.{name}"), output("local.certificate", name, "certificate"));
            here.insert(format!("certificate-key.{name}"), output("local.certificate", name, "key"));
        }
        let bindings = self.bindings(built, here);
        let roles = built.group.roles.iter().map(|it| Value::text(it.as_str())).collect();
        let inputs = Inputs::from([
            ("name".to_owned(), node.into()),
            ("group".to_owned(), built.group.name.as_str().into()),
            ("roles".to_owned(), Value::List(roles)),
            ("closure".to_owned(), built.digest.to_string().into()),
            ("bindings".to_owned(), bindings),
            ("running".to_owned(), Value::Bool(true)),
        ]);
        let needs = self.before(built, index);
        self.add("local.node", node, inputs, place);
        if let Some(added) = self.resources.last_mut() {
            added.needs = needs;
        }
    }

    /// What fills the holes of a group's closure on one of its nodes.
    fn bindings(&mut self, built: &Built, here: BTreeMap<String, Value>) -> Value {
        let mut roles = BTreeMap::new();
        for (role, facts) in built.asked_of_roles() {
            let nodes = self.built.values().find(|it| it.group.roles.contains(&role));
            let Some(group) = nodes else {
                self.wrong.push(self.nobody_plays(&role));
                continue;
            };
            let nodes =
                group.nodes().into_iter().map(|(index, node)| node_facts(group, index, &node, &facts));
            roles.insert(role.to_string(), Value::List(nodes.collect()));
        }
        let mut outputs = BTreeMap::new();
        let mut secrets = BTreeMap::new();
        for source in built.sources() {
            match source {
                Source::Output { .. } => {
                    outputs.insert(source.to_string(), Value::Text(Text::hole(source.clone())));
                }
                Source::Secret(name) => {
                    secrets.insert(name.to_string(), self.secret_version(name));
                }
                Source::Here(_) | Source::There(_) => (),
            }
        }
        Value::Record(BTreeMap::from([
            ("here".to_owned(), Value::Record(here)),
            ("roles".to_owned(), Value::Record(roles)),
            ("outputs".to_owned(), Value::Record(outputs)),
            ("secrets".to_owned(), Value::Record(secrets)),
        ]))
    }

    fn secret_version(&mut self, name: &Name) -> Value {
        if self.joined.generated.iter().any(|(it, _)| it.name == *name) {
            return output("local.password", name.as_str(), "version");
        }
        match self.world.secrets.get(name) {
            Some(version) => version.to_string().into(),
            None => {
                self.wrong.push(Diagnostic::error(
                    "lower::unknown-secret",
                    format!("nobody declares the secret `{name}`"),
                ));
                Value::text("")
            }
        }
    }

    /// What is activated before the node `index` of a group: the nodes of earlier tiers, and the one before it in its
    /// own group, so that the others of a group serve while one changes.
    fn before(&self, built: &Built, index: u32) -> Vec<Address> {
        let earlier = self.built.values().filter(|it| it.group.tier < built.group.tier);
        let nodes = earlier
            .flat_map(Built::nodes)
            .chain(built.nodes().into_iter().filter(|(it, _)| *it + 1 == index));
        nodes.map(|(_, node)| address("local.node", &node)).collect()
    }

    fn raw(&mut self, site: &Site) {
        for raw in &site.resources {
            self.resources.push(Resource {
                address: raw.address.clone(),
                inputs: raw.inputs.clone(),
                needs: raw.needs.clone(),
                lifecycle: Lifecycle { protect: raw.protect },
                origin: Origin { place: raw.declared.place.clone() },
            });
        }
        let mut added = Vec::new();
        for (resource, declared) in &self.joined.resources {
            added.push(Resource { origin: Origin { place: declared.place.clone() }, ..resource.clone() });
        }
        self.resources.extend(added);
        let unknown = self.resources.iter().filter(|it| self.world.catalog.get(&it.address.kind).is_none());
        self.wrong.extend(unknown.map(|it| {
            Diagnostic::error(
                "lower::unknown-type",
                format!("no resource type is called `{}`", it.address.kind),
            )
        }));
    }

    /// The URL of each website, and what the script wants to be shown.
    fn outputs(&self) -> BTreeMap<String, Value> {
        let mut outputs = BTreeMap::new();
        let edge = self.built.values().find(|it| it.closure.daemons.contains_key("edge-nginx"));
        if let Some((_, node)) = edge.and_then(|it| it.nodes().into_iter().next()) {
            let port = port_name(&node, &Name::literal("edge-nginx"), &Name::literal("https"));
            for website in &self.context.site.websites {
                let Some(host) = website.hosts.first() else { continue };
                let port = Text::hole(Source::Output {
                    address: address("local.port", &port),
                    attribute: "port".to_owned(),
                });
                let url = Text::literal(format!("https://{host}.localhost:")).then(port);
                outputs
                    .insert(format!("url.{}", website.name), url.then(format!("{}/", website.path)).into());
            }
        }
        outputs.extend(self.context.site.outputs.iter().map(|it| (it.name.to_string(), it.value.clone())));
        outputs
    }

    /// What is wrong with a file that repeats over the nodes of `role`, when there are none.
    fn nobody_plays(&self, role: &Name) -> Diagnostic {
        let (why, help) = match self.context.site.role(role.as_str()) {
            Some(_) => ("on which nothing runs", "say what runs there; `edge` needs a website".to_owned()),
            None => ("which is not declared", format!("declare it: role(\"{role}\", #{{}})")),
        };
        Diagnostic::error("lower::unknown-role", format!("a file repeats over the role `{role}`, {why}"))
            .at(self.context.site.declared.span, "in this site")
            .help(help)
    }

    /// Where a daemon or directory was asked for.
    fn origin(&self, name: &Name) -> &'a str {
        self.joined.origins.get(name.as_str()).map_or("", String::as_str)
    }

    /// Adds a resource that was asked for at `place`; at none, the call to `site` asked for it.
    fn add(&mut self, kind: &str, name: &str, inputs: Inputs, place: &str) {
        let Ok(name) = name.parse::<Name>() else {
            let message = format!("`{kind}.{name}` is too long for a name ({} bytes at most)", Name::MAX);
            self.wrong.push(
                Diagnostic::error("lower::long-name", message).help("shorten the names of roles and daemons"),
            );
            return;
        };
        let address = Address::new(kind, name);
        let place = if place.is_empty() { &self.context.site.declared.place } else { place };
        self.resources.push(Resource {
            address,
            inputs,
            needs: Vec::new(),
            lifecycle: Lifecycle::default(),
            origin: Origin { place: place.to_owned() },
        });
    }
}

/// The facts of another node that were asked for. What is no fact of it is left out, and refused when the text is
/// filled.
fn node_facts(group: &Built, index: u32, node: &str, asked: &BTreeSet<String>) -> Value {
    let fact = |fact: &String| {
        let value = match fact.as_str() {
            "name" => node.into(),
            "index" => index.to_string().into(),
            "address" => output("local.address", node, "address"),
            other => {
                let is_meant =
                    |(daemon, listen, _): &(&Name, &Name, _)| format!("port.{daemon}.{listen}") == other;
                let (daemon, listen, _) = listens(group).find(is_meant)?;
                output("local.port", &port_name(node, daemon, listen), "port")
            }
        };
        Some((fact.clone(), value))
    };
    Value::Record(asked.iter().filter_map(fact).collect())
}

fn listens(built: &Built) -> impl Iterator<Item = (&Name, &Name, mops_model::Listen)> {
    let daemons = built.closure.daemons.iter();
    daemons.flat_map(|(daemon, it)| it.listens.iter().map(move |(listen, place)| (daemon, listen, *place)))
}

fn port_name(node: &str, daemon: &Name, listen: &Name) -> String {
    format!("{node}-{daemon}-{listen}")
}

/// The address of a resource whose name was checked when it was added.
fn address(kind: &str, name: &str) -> Address {
    Address::new(kind, Name::literal(name))
}

fn output(kind: &str, name: &str, attribute: &str) -> Value {
    match name.parse::<Name>() {
        Ok(name) => Value::Text(Text::hole(Source::Output {
            address: Address::new(kind, name),
            attribute: attribute.to_owned(),
        })),
        // `add` has refused the name already.
        Err(_) => Value::text(""),
    }
}

fn cycle(err: &Cycle, site: &Site) -> Diagnostic {
    let (named, help) = match err {
        Cycle::Loop(addresses) => (addresses.as_slice(), "take one of them out of what another needs"),
        Cycle::Missing(address, _) => (std::slice::from_ref(address), "declare it, or need something else"),
    };
    let declared = named.iter().filter_map(|it| site.resources.iter().find(|raw| raw.address == *it));
    let found = Diagnostic::error("lower::cycle", err.to_string()).help(help);
    declared.fold(found, |found, it| found.at(it.declared.span, "declared here"))
}
