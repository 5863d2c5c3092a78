//! The resources that these tests declare: networks, disks that hold data, nodes that run a closure.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{
    Address, Artifact, Attribute, Catalog, Closure, Daemon, Digest, Duration, Field, Graph, Kind, Lifecycle,
    Loses, Move, Name, Need, OnChange, Origin, Ready, ReadyCheck, Recorded, Reload, Resource, Schema, Source,
    State, Stop, StopSignal, Text, Value,
};
use mops_plan::{Closures, Intent, Plan, Situation, plan};

/// What a test varies of its situation.
pub(crate) struct Case {
    pub(crate) intent: Intent,
    pub(crate) closures: Vec<Closure>,
    pub(crate) moves: Vec<Move>,
    pub(crate) may_delete: Vec<Address>,
}

impl Case {
    pub(crate) fn new(intent: Intent) -> Self {
        Self { intent, closures: Vec::new(), moves: Vec::new(), may_delete: Vec::new() }
    }

    pub(crate) fn plan(&self, wanted: &[Resource], recorded: &State) -> Plan {
        let closures = Closures::new(self.closures.clone());
        let may_delete: BTreeSet<_> = self.may_delete.iter().cloned().collect();
        let situation = Situation {
            catalog: &catalog(),
            closures: &closures,
            moves: &self.moves,
            intent: self.intent,
            may_delete: &may_delete,
        };
        plan(&Graph::new(wanted.to_vec()).unwrap(), recorded, &situation)
    }
}

/// The plan that applies `wanted`, where nothing special is said.
pub(crate) fn apply(wanted: &[Resource], recorded: &State) -> Plan {
    Case::new(Intent::Apply).plan(wanted, recorded)
}

/// A plan in short: each change as its sign and its name.
pub(crate) fn signs(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(|it| format!("{} {}", it.action, it.address.name)).collect()
}

fn catalog() -> Catalog {
    let field = |name: &str, need| Field { name: name.to_owned(), kind: Kind::Any, need, doc: String::new() };
    let input =
        |name: &str| Attribute { field: field(name, Need::Optional), replaces: false, sensitive: false };
    let schema = |kind: &str, inputs, holds_data| Schema {
        kind: kind.to_owned(),
        doc: String::new(),
        inputs,
        outputs: BTreeMap::new(),
        holds_data,
    };
    let cidr = Attribute { replaces: true, ..input("cidr") };
    let dns = Attribute { field: field("dns", Need::Default(true.into())), ..input("dns") };
    let key = Attribute { sensitive: true, ..input("key") };
    let network = Attribute { replaces: true, ..input("network") };
    Catalog::new([
        schema("test.network", vec![cidr, dns], false),
        schema("test.disk", vec![input("size"), network], true),
        schema("test.node", vec![input("closure"), input("bindings"), key], false),
    ])
}

pub(crate) fn address(text: &str) -> Address {
    format!("test.{text}").parse().unwrap()
}

/// A resource declared at `shop.rhai:7`.
pub(crate) fn resource<const N: usize>(at: &str, inputs: [(&str, Value); N]) -> Resource {
    Resource {
        address: address(at),
        inputs: inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        needs: Vec::new(),
        lifecycle: Lifecycle::default(),
        origin: Origin { place: "shop.rhai:7".to_owned() },
    }
}

pub(crate) fn network(cidr: &str) -> Resource {
    resource("network.main", [("cidr", cidr.into())])
}

pub(crate) fn disk(size: &str) -> Resource {
    resource("disk.media", [("size", size.into())])
}

/// The output `id` of a resource, as an input of another.
pub(crate) fn id_of(at: &str) -> Value {
    Value::Text(Text::hole(Source::Output { address: address(at), attribute: "id".to_owned() }))
}

/// The state after `resources` were made; each gives an `id`: its name.
pub(crate) fn recorded(resources: &[Resource]) -> State {
    let mut state = State::default();
    for it in Graph::new(resources.to_vec()).unwrap().resources() {
        let output = |address: &Address, name: &str| state.output(address, name).cloned();
        let resolve = |(name, value): (&String, &Value)| (name.clone(), value.resolve(&output).unwrap());
        let record = Recorded {
            inputs: it.inputs.iter().map(resolve).collect(),
            outputs: [("id".to_owned(), it.address.name.as_str().into())].into(),
            needs: it.all_needs(),
            lifecycle: it.lifecycle,
            origin: it.origin.clone(),
        };
        state.resources.insert(it.address.clone(), record);
    }
    state
}

/// A closure that runs varnish, which loses its cache in a restart, and redis, which loses sessions and cannot reload.
pub(crate) fn closure() -> Closure {
    let daemon = |command: &str, restart_loses, reload| Daemon {
        command: vec![command.into()],
        environment: BTreeMap::new(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: None,
        ready: Ready { check: ReadyCheck::Running, within: Duration::seconds(10) },
        reload,
        restart_loses,
        stop: Stop { signal: StopSignal::Term, within: Duration::seconds(10) },
        memory: None,
    };
    let hup = Reload::Signal("HUP".to_owned());
    let closure = Closure {
        group: Name::literal("all"),
        roles: Vec::new(),
        files: BTreeMap::new(),
        daemons: [
            (Name::literal("varnish"), daemon("varnishd", Loses::Cache, hup)),
            (Name::literal("redis"), daemon("redis-server", Loses::Sessions, Reload::Restart)),
        ]
        .into(),
        directories: BTreeMap::new(),
        trees: BTreeMap::new(),
        watches: BTreeMap::new(),
        packages: BTreeMap::new(),
    };
    with_file(with_file(closure, "default.vcl", "varnish", "vcl 4.1;"), "redis.conf", "redis", "maxmemory 1G")
}

/// The same closure with a file of a daemon that reloads when it changes.
pub(crate) fn with_file(mut closure: Closure, path: &str, daemon: &str, text: &str) -> Closure {
    let artifact = Artifact {
        text: Digest::of(text.as_bytes()),
        executable: false,
        daemon: Name::literal(daemon),
        on_change: OnChange::Reload,
    };
    closure.files.insert(path.to_owned(), artifact);
    closure
}

pub(crate) fn node(closure: &Closure) -> Resource {
    resource("node.all-1", [("closure", closure.digest().to_string().into())])
}
