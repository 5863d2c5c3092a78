//! A whole site on this machine: how it is, what it logs, its end.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use mops_apply::Refused;
use mops_model::Name;
use mops_node::{NodeStatus, sweep};
use serde::Serialize;

use crate::{
    Place,
    client::{connect, wait_for_end},
    machine::{Machine, refused},
    protocol::{Answer, Request},
};

/// How a site is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SiteStatus {
    /// The process of its supervisor; none when it does not run.
    pub supervisor: Option<u32>,
    /// How its nodes are; of one that does not run nothing but its name is known.
    pub nodes: BTreeMap<Name, NodeStatus>,
}

/// One log file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogFile {
    /// The node.
    pub node: Name,
    /// What it is the log of: the name of a daemon, or of a file that a daemon writes itself.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// How a site is. Nothing is started.
pub fn status(place: &Place) -> Result<SiteStatus, Refused> {
    let wrong = |err: io::Error| Refused::new(format!("how the site is: {err}"));
    let known = nodes(place).map_err(wrong)?;
    let mut status =
        SiteStatus { supervisor: None, nodes: known.into_iter().map(|it| (it, BTreeMap::new())).collect() };
    if let Some(client) = connect(place).map_err(wrong)? {
        status.supervisor = Some(client.pid);
        if let Answer::Status(nodes) = client.ask_plainly(&Request::Status).map_err(wrong)? {
            status.nodes.extend(nodes);
        }
    }
    Ok(status)
}

/// Every log file of a site, by node and name.
pub fn logs(place: &Place) -> io::Result<Vec<LogFile>> {
    let mut found = Vec::new();
    for node in nodes(place)? {
        for path in entries(&place.layout(node.as_str()).log)? {
            let is_log = path.extension().is_some_and(|it| it == "log");
            let name = path.file_stem().and_then(|it| it.to_str()).filter(|_| is_log);
            found.extend(name.map(|it| LogFile {
                node: node.clone(),
                name: it.to_owned(),
                path: path.clone(),
            }));
        }
    }
    found.sort();
    Ok(found)
}

/// Stops everything of a site and removes everything it has on this machine: processes, folders with all data,
/// addresses and ports. The certificate authority stays: it is the machine's. Of what is gone already, nothing is said.
pub fn destroy(place: &Place) -> Result<(), Refused> {
    end(place).map_err(|err| Refused::new(format!("the site could not be stopped: {err}")))?;
    for folder in [&place.data, &place.private, &place.run] {
        remove(folder).map_err(|err| Refused::new(format!("{}: {err}", folder.display())))?;
    }
    let mut machine = Machine::open(&place.machine).map_err(|err| refused(&err))?;
    machine.take_all(&place.key)
}

/// Stops the supervisor with everything it runs, or sweeps what one that was killed has left.
fn end(place: &Place) -> io::Result<()> {
    if let Some(client) = connect(place)? {
        client.ask_plainly(&Request::Shutdown)?;
    }
    wait_for_end(place)?;
    nodes(place)?.iter().try_for_each(|it| sweep(&place.layout(it.as_str()).root))
}

/// The nodes that have a folder.
pub(crate) fn nodes(place: &Place) -> io::Result<Vec<Name>> {
    let folders = entries(&place.nodes())?;
    let names = folders.iter().filter_map(|it| it.file_name()?.to_str()?.parse().ok());
    Ok(names.collect())
}

/// Removes a folder with everything in it; it may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => found.map(|it| Ok(it?.path())).collect(),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(err) => Err(err),
    }
}
