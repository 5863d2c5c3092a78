//! Closures from joined parts: one for each node group.

use std::collections::{BTreeMap, BTreeSet};

use mops_model::{
    Artifact, Closure, Digest, InputKind, Name, NodeGroup, ReadyCheck, Reload, Source, Text, Tree, Value,
};
use mops_plugin::Context;

use crate::join::{Joined, Part};

/// The name of the tree that is the application.
const RELEASE: &str = "release";

/// The closure of one node group, and the texts whose holes its nodes must be able to fill.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) group: NodeGroup,
    pub(crate) closure: Closure,
    pub(crate) digest: Digest,
    pub(crate) texts: Vec<Text>,
    pub(crate) objects: BTreeMap<Digest, Vec<u8>>,
}

/// Builds the closure of every node group that has something to run or to keep, by the group's name.
pub(crate) fn build(context: &Context, joined: &Joined) -> BTreeMap<Name, Built> {
    let release = release(context);
    let built =
        context.groups.iter().map(|group| (group.name.clone(), group_closure(group, joined, release)));
    built.filter(|(_, it)| !it.closure.daemons.is_empty()).collect()
}

/// The digest of the application's files, if the site has them.
fn release(context: &Context) -> Option<Digest> {
    let magento = context.site.options.get("magento")?.as_record()?;
    match magento.get("release")? {
        Value::Input(input) if input.kind == InputKind::Folder => Some(input.digest),
        _ => None,
    }
}

fn group_closure(group: &NodeGroup, joined: &Joined, release: Option<Digest>) -> Built {
    let empty = Part::default();
    let parts: Vec<&Part> = group.roles.iter().map(|it| joined.roles.get(it).unwrap_or(&empty)).collect();
    let mut texts: Vec<Text> = Vec::new();
    let mut objects = BTreeMap::new();
    let mut closure = Closure {
        group: group.name.clone(),
        roles: group.roles.clone(),
        files: BTreeMap::new(),
        daemons: BTreeMap::new(),
        directories: BTreeMap::new(),
        trees: BTreeMap::new(),
        watches: BTreeMap::new(),
        packages: BTreeMap::new(),
    };
    for part in &parts {
        for file in &part.files {
            let bytes = serde_json::to_vec(&file.text).expect("a text serializes");
            let text = Digest::of(&bytes);
            objects.insert(text, bytes);
            let artifact = Artifact {
                text,
                executable: file.executable,
                daemon: file.daemon.clone(),
                on_change: file.on_change,
            };
            closure.files.insert(file.path.clone(), artifact);
            texts.push(file.text.clone());
        }
        closure.daemons.extend(part.daemons.clone());
        closure.directories.extend(part.directories.clone());
        closure.packages.extend(part.packages.clone());
        for (daemon, paths) in &part.watches {
            closure.watches.entry(daemon.clone()).or_default().extend(paths.clone());
        }
        texts.extend(part.watches.values().flatten().cloned());
        closure.trees.extend(part.trees.iter().map(|(name, digest)| (name.clone(), bare_tree(*digest))));
    }
    let links: BTreeMap<String, Text> = parts.iter().flat_map(|it| it.links.clone()).collect();
    if let Some(digest) = release.filter(|_| !links.is_empty()) {
        texts.extend(links.values().cloned());
        closure.trees.insert(Name::literal(RELEASE), Tree { digest, links });
    }
    for daemon in closure.daemons.values() {
        texts.extend(daemon_texts(daemon));
    }
    Built { group: group.clone(), digest: closure.digest(), closure, texts, objects }
}

fn bare_tree(digest: Digest) -> Tree {
    Tree { digest, links: BTreeMap::new() }
}

fn daemon_texts(daemon: &mops_model::Daemon) -> Vec<Text> {
    let ready: &[Text] = match &daemon.ready.check {
        ReadyCheck::Socket(path) => std::slice::from_ref(path),
        ReadyCheck::Command(command) => command,
        ReadyCheck::Http { .. } | ReadyCheck::Port(_) | ReadyCheck::Running => &[],
    };
    let reload = match &daemon.reload {
        Reload::Restart | Reload::Signal(_) => Vec::new(),
        Reload::Commands { prepare, commit } => prepare.iter().flatten().chain(commit).collect(),
    };
    let texts = daemon.command.iter().chain(daemon.environment.values()).chain(daemon.check.iter().flatten());
    texts.chain(ready).chain(reload).cloned().collect()
}

impl Built {
    /// The names of this group's nodes, with their index from 1.
    pub(crate) fn nodes(&self) -> Vec<(u32, String)> {
        (1..=self.group.count).map(|index| (index, format!("{}-{index}", self.group.name))).collect()
    }

    /// The roles whose nodes its texts repeat over, with the facts they ask of each.
    pub(crate) fn asked_of_roles(&self) -> BTreeMap<Name, BTreeSet<String>> {
        let mut asked: BTreeMap<Name, BTreeSet<String>> = BTreeMap::new();
        for (role, facts) in self.texts.iter().flat_map(Text::roles) {
            asked.entry(role.clone()).or_default().extend(facts.into_iter().map(str::to_owned));
        }
        asked
    }

    /// Every source that a hole of its texts names, each once.
    pub(crate) fn sources(&self) -> BTreeSet<&Source> {
        self.texts.iter().flat_map(Text::sources).collect()
    }
}
