//! One site as a picture's content: who runs where, who talks to whom, what is made for it. And the picture as text for
//! programs that draw: Graphviz and Mermaid.

use std::fmt::Write;

use mops_model::Tier;

/// What is drawn of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// The site's name.
    pub site: String,
    /// The environment it is drawn for.
    pub environment: String,
    /// Its websites, each with its canonical host.
    pub websites: Vec<(String, String)>,
    /// The node groups.
    pub groups: Vec<Group>,
    /// Who may talk to whom.
    pub conversations: Vec<Conversation>,
    /// The resources that are made for it.
    pub things: Vec<Thing>,
}

/// A node group: nodes with the same closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The roles its nodes play.
    pub roles: Vec<String>,
    /// Where it stands between customers and data.
    pub tier: Tier,
    /// How many nodes at least and at most, and what each has: `2 to 8 nodes, 4G, 2 CPUs`.
    pub size: String,
    /// What its nodes run.
    pub daemons: Vec<Daemon>,
    /// What lies on its nodes.
    pub files: Vec<File>,
}

/// A daemon of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Its name.
    pub name: String,
    /// Where it listens: `https 443`.
    pub listens: Vec<String>,
    /// Program and arguments, with names for what is filled in later.
    pub command: String,
    /// The line of the script that it comes from; empty when nobody asked by name.
    pub place: String,
}

/// A rendered file of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path within the closure.
    pub path: String,
    /// The daemon that reads it.
    pub daemon: String,
    /// What stands in it, with names for what is filled in later.
    pub text: String,
    /// The line of the script that it comes from.
    pub place: String,
}

/// One permitted conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conversation {
    /// Who begins it.
    pub from: End,
    /// Whom it reaches.
    pub to: End,
    /// What is spoken, or the port: `http 8080`.
    pub label: String,
}

/// One end of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The Internet.
    World,
    /// A network.
    Network(String),
    /// Any daemon of a group, by the group's name.
    Group(String),
    /// A daemon of a group.
    Daemon {
        /// The group.
        group: String,
        /// The daemon.
        daemon: String,
    },
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Its address.
    pub address: String,
    /// What must exist before it.
    pub needs: Vec<String>,
    /// The line of the script that asked for it; empty when mops itself did.
    pub place: String,
}

impl End {
    fn id(&self) -> String {
        match self {
            Self::World => "internet".to_owned(),
            Self::Network(network) => id("network", network),
            Self::Group(group) => id("group", group),
            Self::Daemon { group, daemon } => id(group, daemon),
        }
    }
}

impl Diagram {
    /// The networks that take part, each once.
    pub(crate) fn networks(&self) -> Vec<&str> {
        let ends = self.conversations.iter().flat_map(|it| [&it.from, &it.to]);
        let mut networks: Vec<&str> = ends
            .filter_map(|it| match it {
                End::Network(network) => Some(network.as_str()),
                End::World | End::Group(_) | End::Daemon { .. } => None,
            })
            .collect();
        networks.sort_unstable();
        networks.dedup();
        networks
    }

    /// How many resources of each type there are, by type.
    pub(crate) fn counts(&self) -> Vec<(String, usize)> {
        let mut counts = std::collections::BTreeMap::new();
        for thing in &self.things {
            let kind = thing.address.rsplit_once('.').map_or(thing.address.as_str(), |(kind, _)| kind);
            *counts.entry(kind.to_owned()).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    /// For Graphviz: `dot -Tsvg`.
    ///
    /// # Panics
    /// Never: writing to text does not fail.
    pub fn dot(&self) -> String {
        let mut out = format!(
            "digraph {:?} {{\n  rankdir=LR;\n  compound=true;\n  node [shape=box, fontname=sans];\n",
            self.site
        );
        let mut line = |text: String| writeln!(out, "  {text}").expect("text takes text");
        line("internet [label=\"Internet\", shape=ellipse];".to_owned());
        for network in self.networks() {
            line(format!("{:?} [label={network:?}, shape=ellipse];", id("network", network)));
        }
        for group in &self.groups {
            line(format!("subgraph {:?} {{", id("cluster", &group.name)));
            line(format!("  label={:?};", format!("{}\n{}", group.name, group.size)));
            line(format!("  {:?} [shape=point, style=invis];", id("group", &group.name)));
            for daemon in &group.daemons {
                let label = [std::slice::from_ref(&daemon.name), &daemon.listens].concat().join("\n");
                line(format!("  {:?} [label={label:?}];", id(&group.name, &daemon.name)));
            }
            line("}".to_owned());
        }
        for it in &self.conversations {
            line(format!("{:?} -> {:?} [label={:?}];", it.from.id(), it.to.id(), it.label));
        }
        line("subgraph \"cluster-resources\" {".to_owned());
        line("  label=\"Resources\"; style=dashed;".to_owned());
        for thing in &self.things {
            line(format!("  {:?};", thing.address));
            for need in &thing.needs {
                line(format!("  {need:?} -> {:?} [style=dotted];", thing.address));
            }
        }
        line("}".to_owned());
        out + "}\n"
    }

    /// For Mermaid, as many documents take it.
    ///
    /// # Panics
    /// Never: writing to text does not fail.
    pub fn mermaid(&self) -> String {
        let mut out = "flowchart LR\n".to_owned();
        let mut line = |text: String| writeln!(out, "  {text}").expect("text takes text");
        line("internet([\"Internet\"])".to_owned());
        for network in self.networks() {
            line(format!("{}([\"{network}\"])", id("network", network)));
        }
        for group in &self.groups {
            line(format!("subgraph {}[\"{} · {}\"]", id("group", &group.name), group.name, group.size));
            for daemon in &group.daemons {
                let label = [std::slice::from_ref(&daemon.name), &daemon.listens].concat().join("<br/>");
                line(format!("  {}[\"{label}\"]", id(&group.name, &daemon.name)));
            }
            line("end".to_owned());
        }
        for it in &self.conversations {
            line(format!("{} -->|\"{}\"| {}", it.from.id(), it.label, it.to.id()));
        }
        for (kind, count) in self.counts() {
            line(format!("%% {count} × {kind}"));
        }
        out
    }
}

/// A name that both languages take: letters, digits and dashes.
fn id(before: &str, name: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric();
    let plain: String = name.chars().map(|it| if is_plain(it) { it } else { '-' }).collect();
    format!("{before}-{plain}")
}
