//! `mops graph`: a site as a picture, from what its script comes to.

use std::{fs, path::Path};

use mops_docs::{Conversation, Daemon, Diagram, End, File, Group, Thing};
use mops_lower::Lowering;
use mops_model::{Closure, FlowEnd, Name, NodeGroup, Site, Text};

use crate::{args::Picture, failure::Failure, show::count};

/// Draws what `site` comes to, onto stdout or into the file `out`.
pub(crate) fn graph(
    site: &Site,
    lowering: &Lowering,
    environment: &Name,
    picture: Picture,
    out: Option<&Path>,
) -> Result<(), Failure> {
    let diagram = diagram(site, lowering, environment)?;
    let drawn = match picture {
        Picture::Dot => diagram.dot(),
        Picture::Mermaid => diagram.mermaid(),
        Picture::Svg => diagram.svg(),
        Picture::Html => diagram.html(),
    };
    match out {
        Some(out) => {
            fs::write(out, drawn).map_err(|err| Failure::io("write", out, &err))?;
            anstream::println!("{}", out.display());
        }
        None => anstream::print!("{drawn}"),
    }
    Ok(())
}

fn diagram(site: &Site, lowering: &Lowering, environment: &Name) -> Result<Diagram, Failure> {
    let groups = site.groups();
    let shown = groups.iter().filter_map(|group| {
        let closure = lowering.closures.values().find(|it| it.group == group.name)?;
        Some(self::group(site, group, closure, lowering))
    });
    let website = |it: &mops_model::Website| {
        let host = it.hosts.first().map(ToString::to_string).unwrap_or_default();
        (it.name.to_string(), format!("{host}{}", it.path))
    };
    let thing = |it: &mops_model::Resource| Thing {
        address: it.address.to_string(),
        needs: it.all_needs().iter().map(ToString::to_string).collect(),
        place: it.origin.place.clone(),
    };
    Ok(Diagram {
        site: site.name.to_string(),
        environment: environment.to_string(),
        websites: site.websites.iter().map(website).collect(),
        groups: shown.collect::<Result<_, _>>()?,
        conversations: conversations(site, lowering),
        things: lowering.graph.resources().iter().map(thing).collect(),
    })
}

fn group(site: &Site, group: &NodeGroup, closure: &Closure, lowering: &Lowering) -> Result<Group, Failure> {
    let place = |name: &str| lowering.origins.get(name).cloned().unwrap_or_default();
    let daemon = |(name, it): (&Name, &mops_model::Daemon)| Daemon {
        name: name.to_string(),
        listens: it.listens.iter().map(|(name, it)| format!("{name} {}", it.port)).collect(),
        command: it.command.iter().map(Text::to_string).collect::<Vec<_>>().join(" "),
        place: place(name.as_str()),
    };
    let mut files = Vec::new();
    for (path, artifact) in &closure.files {
        let bytes = lowering.objects.get(&artifact.text).expect("lowering has the text of each of its files");
        let text: Text = serde_json::from_slice(bytes)
            .map_err(|err| Failure::new(format!("the text of {path} cannot be read: {err}")))?;
        files.push(File {
            path: path.clone(),
            daemon: artifact.daemon.to_string(),
            text: text.to_string(),
            place: place(path),
        });
    }
    let most = site.role(group.name.as_str()).map_or(group.count, |it| it.max);
    let nodes = match most > group.count {
        true => format!("{} to {most} nodes", group.count),
        false => count(group.count as usize, "node"),
    };
    Ok(Group {
        name: group.name.to_string(),
        roles: group.roles.iter().map(ToString::to_string).collect(),
        tier: group.tier,
        size: format!("{nodes}, {}, {}", group.memory, count(group.cpus as usize, "CPU")),
        daemons: closure.daemons.iter().map(daemon).collect(),
        files,
    })
}

/// What plugins and the script permit, each once.
fn conversations(site: &Site, lowering: &Lowering) -> Vec<Conversation> {
    let mut found: Vec<Conversation> = Vec::new();
    for flow in &lowering.flows {
        let Some(group) = site.group_of(&flow.to) else { continue };
        let listen =
            lowering.closures.values().find_map(|it| it.daemons.get(&flow.daemon)?.listens.get(&flow.listen));
        let label = match listen {
            Some(listen) => format!("{} {}", flow.listen, listen.port),
            None => flow.listen.to_string(),
        };
        let to = End::Daemon { group: group.name.to_string(), daemon: flow.daemon.to_string() };
        found.push(Conversation { from: end(site, &flow.from), to, label });
    }
    for flow in &site.flows {
        let (from, to) = (end(site, &flow.from), end(site, &flow.to));
        found.push(Conversation { from, to, label: flow.port.to_string() });
    }
    found.sort();
    found.dedup();
    found
}

fn end(site: &Site, end: &FlowEnd) -> End {
    match end {
        FlowEnd::Role(role) => {
            End::Group(site.group_of(role).map_or_else(|| role.to_string(), |it| it.name.to_string()))
        }
        FlowEnd::Network(network) if network.to_string().ends_with("/0") => End::World,
        FlowEnd::Network(network) => End::Network(network.to_string()),
    }
}
