//! `mops status`: one screen, one exit code.

use std::{collections::BTreeMap, path::PathBuf};

use mops_local::SiteStatus;
use mops_model::{Generation, Name};
use mops_node::{DaemonState, DaemonStatus, NodeStatus};
use serde::Serialize;

use super::{
    certificates::{Certificate, certificates},
    generations::when,
    script::Form,
};
use crate::{
    failure::Failure,
    line::Line,
    outside::Outside,
    show::{self, DIM, GREEN, RED, YELLOW, styled},
};

/// Everything that a status tells.
#[derive(Serialize)]
struct Status {
    site: Name,
    environment: Name,
    generation: u64,
    /// The last change: when, by whom, with what.
    last: Last,
    /// One word on everything: see [`Health`].
    health: Health,
    /// Resources that an unfinished run left, with what was being done to them.
    unfinished: BTreeMap<String, String>,
    outputs: BTreeMap<String, String>,
    /// The certificate of the authority that signs certificates of this machine.
    authority: PathBuf,
    folders: Folders,
    nodes: BTreeMap<Name, NodeStatus>,
    certificates: BTreeMap<Name, Certificate>,
}

#[derive(Serialize)]
struct Last {
    at: i64,
    by: String,
    command: String,
}

#[derive(Serialize)]
struct Folders {
    data: PathBuf,
    run: PathBuf,
}

/// How a site is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Health {
    /// Every daemon is ready.
    Well,
    /// A run was cut off or refused; the next one goes on from there.
    Unfinished,
    /// Some daemon is not ready, or a node is not there.
    Ailing,
    /// Everything runs, but a certificate ends soon or cannot be read.
    Expiring,
    /// Nothing runs.
    Down,
    /// The site was destroyed.
    Destroyed,
}

/// Shows how the site is; returns what the program ends with: 0 when all is well.
pub(crate) fn status(line: &Line<'_>, form: Form) -> Result<u8, Failure> {
    let head = line.head()?;
    let entry = head.as_ref().ok_or_else(|| {
        let name = &line.site().name;
        Failure::new(format!("the site `{name}` has no generation yet"))
            .help("a run was cut off; run the script again")
    })?;
    let found = mops_local::status(line.place()).map_err(|err| Failure::refused(&err))?;
    let unfinished = line.unfinished()?;
    let now = Outside::clock();
    let certificates = certificates(&entry.generation, now);
    let status = Status {
        site: line.site().name.clone(),
        environment: line.environment().clone(),
        generation: entry.generation.number,
        last: Last {
            at: entry.record.at,
            by: entry.record.by.clone(),
            command: entry.record.command.clone(),
        },
        health: health(&found, &entry.generation, &unfinished, &certificates),
        unfinished,
        outputs: Line::outputs(&entry.generation),
        authority: line.place().authority(),
        folders: Folders { data: line.place().data.clone(), run: line.place().run.clone() },
        nodes: found.nodes,
        certificates,
    };
    match form {
        Form::Json => show::json(&status)?,
        Form::Screen => {
            anstream::println!("{}\n{}", line.whereabouts(Some(entry)), screen(&status, now));
        }
    }
    Ok(if status.health == Health::Well { 0 } else { Failure::REFUSED })
}

fn health(
    found: &SiteStatus,
    newest: &Generation,
    unfinished: &BTreeMap<String, String>,
    certificates: &BTreeMap<Name, Certificate>,
) -> Health {
    let resources = newest.graph.resources();
    let nodes = resources.iter().filter(|it| it.address.kind == "local.node").map(|it| &it.address.name);
    let is_ready = |it: &DaemonStatus| it.state == DaemonState::Ready;
    let is_well = |node: &NodeStatus| !node.is_empty() && node.values().all(is_ready);
    let all_well = nodes.into_iter().all(|it| found.nodes.get(it).is_some_and(is_well));
    match found.supervisor {
        _ if !unfinished.is_empty() => Health::Unfinished,
        None if resources.is_empty() => Health::Destroyed,
        None => Health::Down,
        Some(_) if all_well && certificates.values().any(Certificate::is_urgent) => Health::Expiring,
        Some(_) if all_well => Health::Well,
        Some(_) => Health::Ailing,
    }
}

fn screen(status: &Status, now: u64) -> String {
    let mut lines = Vec::new();
    lines.push(match status.health {
        Health::Well => styled(GREEN, "All is well."),
        Health::Unfinished => {
            styled(YELLOW, "Unfinished.") + " Run the same command again: it goes on from here."
        }
        Health::Ailing => styled(RED, "Something is not ready."),
        Health::Expiring => styled(RED, "A certificate ends soon."),
        Health::Down => styled(RED, "Nothing runs.") + " Run the script again: it starts what should run.",
        Health::Destroyed => "Destroyed; only the history is left.".to_owned(),
    });
    let last = &status.last;
    lines.push(styled(DIM, format!("last change {} by {}: {}", when(last.at), last.by, last.command)));
    for (address, operation) in &status.unfinished {
        lines.push(format!("{} {address}: {operation}", styled(YELLOW, "unfinished")));
    }
    for (node, daemons) in &status.nodes {
        lines.push(String::new());
        lines.push(node.to_string());
        lines.extend(daemons.iter().map(|(name, it)| daemon(name, it)));
    }
    if !status.certificates.is_empty() {
        lines.push(String::new());
        lines.push("certificates".to_owned());
        lines.extend(status.certificates.iter().flat_map(|(name, it)| it.lines(name, now)));
    }
    let urls: Vec<String> =
        status.outputs.iter().map(|(name, value)| format!("  {name:<20} {value}")).collect();
    if !urls.is_empty() && status.health != Health::Destroyed {
        lines.push(String::new());
        lines.extend(urls);
    }
    lines.join("\n")
}

fn daemon(name: &Name, status: &DaemonStatus) -> String {
    let (style, word) = match status.state {
        DaemonState::Ready => (GREEN, "ready"),
        DaemonState::Starting => (YELLOW, "starting"),
        DaemonState::Failing => (RED, "failing"),
        DaemonState::Stopped => (RED, "stopped"),
    };
    let memory = status.memory.map_or_else(String::new, |it| format!("{} MB", it.as_mebibytes()));
    let pid = status.pid.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let listens: Vec<String> = status
        .listens
        .iter()
        .flat_map(|(name, it)| it.iter().map(move |at| format!("{name} {at}")))
        .collect();
    let word = styled(style, format!("{word:<8}"));
    let since = since(status.since.as_seconds());
    let restarts = match status.restarts {
        0 => String::new(),
        n => styled(YELLOW, format!("  restarted {n}×")),
    };
    let why = status.why.as_ref().map(|it| format!("\n      {it}")).unwrap_or_default();
    format!("  {name:<18} {word} {since:>8} {memory:>8}  {pid:>7}  {}{restarts}{why}", listens.join(", "))
}

/// A length of time in its two largest units: `3d 4h`, `12s`.
fn since(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        if rest >= length || (unit == "s" && parts.is_empty()) {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}
