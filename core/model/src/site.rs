//! Everything one script declares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Address, Cidr, Digest, Host, Input, Kind, Listing, Mismatch, Name, Options, Size, Span, Text, Value,
};

/// Everything one script declares, in the order it declares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub name: Name,
    /// The options of the call to `site`, by plugin or topic: `magento`.
    pub options: Options,
    /// Where the call to `site` stands.
    pub declared: Declared,
    /// The one table of websites.
    pub websites: Vec<Website>,
    /// Roles: those declared and those that every site has.
    pub roles: Vec<Role>,
    /// Calls to functions of plugins.
    pub calls: Vec<Call>,
    /// Daemons of the script's own.
    pub daemons: Vec<DaemonDeclaration>,
    /// Flows of the script's own.
    pub flows: Vec<FlowDeclaration>,
    /// Resources declared raw.
    pub resources: Vec<RawResource>,
    /// Values to show after an apply.
    pub outputs: Vec<OutputDeclaration>,
    /// Resources that have a new address.
    pub moves: Vec<Move>,
    /// Secrets that some text uses, with the place of the first use.
    pub secrets: BTreeMap<Name, Declared>,
    /// Files and folders that `path` named.
    pub inputs: Vec<Input>,
    /// The listing of each folder among them, by digest.
    #[serde(skip)]
    pub listings: BTreeMap<Digest, Listing>,
}

/// Where a call stands, and where each of its option keys stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The call.
    pub span: Span,
    /// Keys by path: `images.webp`, `hosts[1]`.
    pub keys: BTreeMap<String, Span>,
    /// The same place for people: `shop.rhai:14`.
    pub place: String,
    /// Where the values came from that the call was given, by path: the last one counts, and each replaced the one
    /// before it. Defaults have none. It is for people; plugins and generations do without.
    #[serde(skip)]
    pub origins: BTreeMap<String, Vec<Provenance>>,
}

/// A value that an option was given, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The place for people: `shop.rhai:14`, `websites.csv:3`.
    pub place: String,
    /// The value.
    pub value: Value,
}

/// One website of the table that feeds edge, cache, application, CDN, certificates, redirects and Magento.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Website {
    /// Its name; also the run code, unless `run_code` says otherwise.
    pub name: Name,
    /// Its hosts; the first is the canonical one.
    pub hosts: Vec<Host>,
    /// The path prefix that sets it apart from other websites of the same host: `/b2b`; empty for none.
    #[serde(default)]
    pub path: String,
    /// What the run code names.
    #[serde(default)]
    pub run_type: RunType,
    /// Magento's code of the website or store view.
    pub run_code: String,
    /// Such as `pl_PL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Such as `pl` (ISO 639-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Such as `PLN` (ISO 4217).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The countries it is for, as two lowercase letters.
    #[serde(default)]
    pub countries: Vec<String>,
    /// How visitors of other countries are sent here or away: a word of the plugin `geo-redirects`; `never` keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<String>,
    /// Whether it answers for unknown hosts. At most one website does.
    #[serde(default)]
    pub fallback: bool,
    /// Where it was declared.
    pub declared: Declared,
}

/// What a run code names (`MAGE_RUN_TYPE`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunType {
    /// A website.
    #[default]
    Website,
    /// A store view.
    Store,
}

/// What a node is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `edge`, `app`, `persistent`, or a name of the script's own.
    pub name: Name,
    /// When it is activated: data first, edge last.
    pub tier: Tier,
    /// The role whose nodes it shares, if it has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Name>,
    /// The least number of nodes, and the number on `local`.
    pub min: u32,
    /// The greatest number of nodes.
    pub max: u32,
    /// The mean use of the processors, in percent, that autoscaling aims at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_cpu: Option<u32>,
    /// The memory of a node.
    pub memory: Size,
    /// The processors of a node.
    pub cpus: u32,
    /// Where it was declared; empty for a role that every site has.
    pub declared: Declared,
}

/// When nodes of a role are activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// First: caches, sessions, queues, search.
    Data,
    /// Then: what answers with PHP.
    App,
    /// Last: what customers talk to.
    Edge,
}

/// Merged roles with one count: the nodes of a group have the same closure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// The role whose nodes the others share.
    pub name: Name,
    /// Its roles, the first of which names it.
    pub roles: Vec<Name>,
    /// The earliest tier of its roles.
    pub tier: Tier,
    /// The number of nodes on `local`.
    pub count: u32,
    /// The memory of a node: what plugins size from, never the host's.
    pub memory: Size,
    /// The processors of a node.
    pub cpus: u32,
}

/// One call to a function of a plugin: a service, or a rule of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The plugin, such as `varnish`.
    pub plugin: Name,
    /// The function, such as `cache`.
    pub function: Name,
    /// Arguments and options, by key; defaults are filled in.
    pub options: Options,
    /// Where it stands; empty for a function that is called by itself.
    pub declared: Declared,
}

/// A daemon of the script's own: `daemon("price-feed", #{…})`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonDeclaration {
    /// Its name.
    pub name: Name,
    /// The role whose nodes run it.
    pub on: Name,
    /// Program and arguments; a program that begins with `./` is among its files.
    pub run: Vec<Text>,
    /// Its files, laid into the closure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Input>,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
    /// The memory it is meant to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// The port it listens on, handed to it as `PORT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// When it is ready: `#{ http: "/up" }`; without it, when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Value>,
    /// Where it was declared.
    pub declared: Declared,
}

/// One permitted conversation: `allow(feed, "10.20.0.0/16:443")`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowDeclaration {
    /// Who begins it.
    pub from: FlowEnd,
    /// Whom it reaches.
    pub to: FlowEnd,
    /// The port it reaches.
    pub port: u16,
    /// Where it was declared.
    pub declared: Declared,
}

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowEnd {
    /// The nodes of a role.
    Role(Name),
    /// A network.
    Network(Cidr),
}

/// A resource declared raw: `resource("local.port", "spare", #{…})`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawResource {
    /// Its address.
    pub address: Address,
    /// Its inputs.
    pub inputs: Options,
    /// What must exist before it, besides the resources whose outputs it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// Whether deleting it is refused unless it is asked for by name.
    pub protect: bool,
    /// Where it was declared.
    pub declared: Declared,
}

/// A value to show after an apply: `output("shop", …)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDeclaration {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Value,
}

/// A resource that has a new address: `moved("old", "new")`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Move {
    /// Its address on record.
    pub from: Address,
    /// Its address now.
    pub to: Address,
}

impl Site {
    /// The calls to `function` of `plugin`, in order.
    pub fn calls(&self, plugin: &str, function: &str) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |it| it.plugin.as_str() == plugin && it.function.as_str() == function)
    }

    /// The website called `name`.
    pub fn website(&self, name: &str) -> Option<&Website> {
        self.websites.iter().find(|it| it.name.as_str() == name)
    }

    /// The role called `name`.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|it| it.name.as_str() == name)
    }

    /// The node groups: roles that share nodes are one group, named like the role they share with.
    pub fn groups(&self) -> Vec<NodeGroup> {
        let owners = self.roles.iter().filter(|it| it.shares.is_none());
        let group = |owner: &Role| {
            let guests = self.roles.iter().filter(|it| it.shares.as_ref() == Some(&owner.name));
            let roles: Vec<&Role> = std::iter::once(owner).chain(guests).collect();
            NodeGroup {
                name: owner.name.clone(),
                tier: roles.iter().map(|it| it.tier).min().unwrap_or(owner.tier),
                roles: roles.iter().map(|it| it.name.clone()).collect(),
                count: owner.min,
                memory: owner.memory,
                cpus: owner.cpus,
            }
        };
        owners.map(group).collect()
    }

    /// The group whose nodes play `role`.
    pub fn group_of(&self, role: &Name) -> Option<NodeGroup> {
        self.groups().into_iter().find(|it| it.roles.contains(role))
    }
}

impl Declared {
    /// The place of the option at `path`, or of the longest part of the path that has one, or of the call.
    pub fn of(&self, path: &str) -> Span {
        let mut path = path;
        loop {
            if let Some(span) = self.keys.get(path) {
                return *span;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.span,
            }
        }
    }
}

impl Call {
    /// The options as a typed value. Options have been checked against the function's kinds, so that a failure is a
    /// disagreement between a plugin's manifest and its own types.
    ///
    /// # Errors
    /// Such a disagreement.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        Value::Record(self.options.clone()).parse()
    }

    /// Everything about the options that `kind` refuses.
    pub fn check(&self, kind: &Kind) -> Vec<Mismatch> {
        kind.check(&Value::Record(self.options.clone()))
    }
}
