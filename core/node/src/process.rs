//! Processes as the kernel shows them.
//!
//! **Invariant:** a process is named by its number and its start time: numbers are used again.

use std::{collections::BTreeSet, fs, io};

use mops_model::Size;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

/// One process, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// Its number.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since the machine did (`proc(5)`, `stat`, field 22).
    pub(crate) start: u64,
}

/// One line of the table of processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) identity: Identity,
    parent: u32,
    pub(crate) group: u32,
}

/// The process `pid`, unless it is gone or only waits to be collected.
pub(crate) fn look_up(pid: u32) -> Option<Row> {
    // Gone between two looks is gone.
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Every living process.
pub(crate) fn table() -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        rows.extend(name.to_str().and_then(|it| it.parse().ok()).and_then(look_up));
    }
    Ok(rows)
}

/// The living processes that stem from `root`: its descendants and its process group, itself among them. `root` led
/// its group; once its number belongs to another process, its group is that one's.
pub(crate) fn family(root: Identity, rows: &[Row]) -> BTreeSet<Identity> {
    if rows.iter().any(|it| it.identity.pid == root.pid && it.identity != root) {
        return BTreeSet::new();
    }
    let mut found: BTreeSet<Identity> = rows
        .iter()
        .filter(|it| it.identity == root || (it.group == root.pid && it.identity.start >= root.start))
        .map(|it| it.identity)
        .collect();
    loop {
        let parents: BTreeSet<u32> = found.iter().map(|it| it.pid).collect();
        let before = found.len();
        found.extend(rows.iter().filter(|it| parents.contains(&it.parent)).map(|it| it.identity));
        if found.len() == before {
            return found;
        }
    }
}

/// Sends `signal` to those of `processes` that still live.
pub(crate) fn signal(processes: impl IntoIterator<Item = Identity>, signal: Signal) -> io::Result<()> {
    for process in processes {
        if look_up(process.pid).is_none_or(|it| it.identity != process) {
            continue;
        }
        match kill(Pid::from_raw(process.pid.cast_signed()), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => (),
            Err(err) => return Err(err.into()),
        }
    }
    Ok(())
}

/// The memory of these processes together: the proportional set size, or where we may not read that, the resident
/// set size.
pub(crate) fn memory(processes: &BTreeSet<Identity>) -> Size {
    Size::bytes(processes.iter().map(|it| memory_of(it.pid)).sum())
}

/// What tells one run of the machine from the next.
pub(crate) fn boot() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim_end().to_owned())
}

fn memory_of(pid: u32) -> u64 {
    let kilobytes = |file: &str, key: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|it| it.strip_prefix(key))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    // A process that ends while it is measured uses nothing.
    kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:")).unwrap_or(0) * 1024
}

fn parse(pid: u32, stat: &str) -> Option<Row> {
    // The name stands in brackets and may hold anything, brackets and spaces too.
    let (_, rest) = stat.rsplit_once(')')?;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| words.get(field - 3)?.parse::<u64>().ok();
    let is_alive = !matches!(*words.first()?, "Z" | "X");
    let (parent, group) = (u32::try_from(number(4)?).ok()?, u32::try_from(number(5)?).ok()?);
    is_alive.then_some(Row { identity: Identity { pid, start: number(22)? }, parent, group })
}
