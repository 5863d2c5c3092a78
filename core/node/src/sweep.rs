//! What an earlier supervisor left running.
//!
//! **Invariant:** only processes on record are touched, found by number, start time and run of the machine.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    Account,
    files::write_private,
    process::{self, Identity},
};

/// How long what was left behind may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// The processes of a node, as recorded.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    boot: String,
    processes: BTreeSet<Identity>,
}

/// Puts `processes` on record.
pub(crate) fn record(
    root: &Path,
    processes: BTreeSet<Identity>,
    account: Option<&Account>,
) -> io::Result<()> {
    let record = Record { boot: process::boot()?, processes };
    write_private(&file(root), &serde_json::to_vec(&record)?, account)
}

/// Ends what is on record of the node in `root` and still lives: what an earlier run of it started.
pub fn sweep(root: &Path) -> io::Result<()> {
    let record: Record = match fs::read(file(root)) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(err),
    };
    if record.boot != process::boot()? {
        return Ok(());
    }
    let began = Instant::now();
    let mut last = Signal::SIGTERM;
    let mut left = left(&record)?;
    process::signal(left.iter().copied(), last)?;
    while !left.is_empty() {
        if last == Signal::SIGTERM && began.elapsed() > PATIENCE {
            last = Signal::SIGKILL;
            process::signal(left.iter().copied(), last)?;
        }
        if began.elapsed() > 2 * PATIENCE {
            return Err(io::Error::other(format!(
                "what an earlier supervisor started does not end: {left:?}"
            )));
        }
        sleep(Duration::from_millis(5));
        let rows = process::table()?;
        left.retain(|it| rows.iter().any(|row| row.identity == *it));
    }
    Ok(())
}

fn left(record: &Record) -> io::Result<BTreeSet<Identity>> {
    let rows = process::table()?;
    Ok(record.processes.iter().flat_map(|it| process::family(*it, &rows)).collect())
}

fn file(root: &Path) -> PathBuf {
    root.join("processes.json")
}
