//! A site and a graph, readable at a glance.

use mops_model::{FlowEnd, Graph, Role, Site};

use crate::show::{BOLD, DIM, count, styled};

/// The widest first column.
const WIDTH: usize = 28;

/// What a site declares, each with its place.
pub(crate) fn site(site: &Site) -> String {
    let row = |name: &str, what: String, place: &str| {
        let place = if place.is_empty() { String::new() } else { format!("  {}", styled(DIM, place)) };
        format!("  {name:<WIDTH$}{what}{place}").trim_end().to_owned()
    };
    let websites = site.websites.iter().map(|it| {
        let hosts = it.hosts.iter().map(|host| format!("{host}{}", it.path)).collect::<Vec<_>>().join(", ");
        row(it.name.as_str(), hosts, &it.declared.place)
    });
    let roles = site.roles.iter().map(|it| row(it.name.as_str(), nodes(it), &it.declared.place));
    let services = site.calls.iter().map(|it| {
        let shown = format!("{}::{}", it.plugin, it.function).replace('-', "_");
        let name = it.options.get("name").and_then(|it| it.as_text()).unwrap_or_default();
        row(&shown, name.to_owned(), &it.declared.place)
    });
    let daemons =
        site.daemons.iter().map(|it| row(it.name.as_str(), format!("on {}", it.on), &it.declared.place));
    let flows = site.flows.iter().map(|it| {
        row(&end(&it.from), format!("may reach {} on port {}", end(&it.to), it.port), &it.declared.place)
    });
    let resources =
        site.resources.iter().map(|it| row(&it.address.to_string(), String::new(), &it.declared.place));
    let secrets = site.secrets.iter().map(|(name, it)| row(name.as_str(), String::new(), &it.place));
    let outputs = site.outputs.iter().map(|it| row(it.name.as_str(), String::new(), ""));
    let sections: [(&str, Vec<String>); 8] = [
        ("websites", websites.collect()),
        ("roles", roles.collect()),
        ("services", services.collect()),
        ("daemons", daemons.collect()),
        ("flows", flows.collect()),
        ("resources", resources.collect()),
        ("secrets", secrets.collect()),
        ("outputs", outputs.collect()),
    ];
    let mut lines = vec![format!("{}  {}", styled(BOLD, &site.name), styled(DIM, &site.declared.place))];
    for (title, rows) in sections.into_iter().filter(|(_, rows)| !rows.is_empty()) {
        lines.push(title.to_owned());
        lines.extend(rows);
    }
    lines.join("\n")
}

/// The resources, each after what it needs.
pub(crate) fn graph(graph: &Graph) -> String {
    let row = |it: &mops_model::Resource| {
        let needs: Vec<String> = it.all_needs().iter().map(ToString::to_string).collect();
        match needs.is_empty() {
            true => it.address.to_string(),
            false => format!("{}  {}", it.address, styled(DIM, format!("← {}", needs.join(", ")))),
        }
    };
    let mut lines: Vec<String> = graph.resources().iter().map(row).collect();
    lines.push(count(graph.resources().len(), "resource"));
    lines.join("\n")
}

fn nodes(role: &Role) -> String {
    match &role.shares {
        Some(host) => format!("on the nodes of {host}"),
        None => {
            let number = match role.max > role.min {
                true => format!("{} to {} nodes", role.min, role.max),
                false => count(role.min as usize, "node"),
            };
            format!("{number} of {} and {}", role.memory, count(role.cpus as usize, "processor"))
        }
    }
}

fn end(it: &FlowEnd) -> String {
    match it {
        FlowEnd::Role(name) => name.to_string(),
        FlowEnd::Network(network) => network.to_string(),
    }
}
