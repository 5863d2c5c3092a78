//! Files that a daemon reads and somebody else writes while it runs: certificates that are renewed.
//!
//! The node has the daemon reload, not whoever writes: only the node knows how, and a directory that several nodes share
//! is written on one of them.
//!
//! **Invariant:** a file is replaced by a rename, so that another file or link stands there; what is written in place is
//! seen by its time and size.

use std::{fs, os::unix::fs::MetadataExt};

/// What tells a file from the one that stood in its place before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds since 1970.
    changed: (i64, i64),
}

/// The stamps of the files at `paths`, links followed; none for one that is not there.
pub(crate) fn stamps(paths: &[String]) -> Vec<Option<Stamp>> {
    let stamp = |path: &String| {
        // What cannot be looked at is as good as not there: when it can be, that is a change.
        let found = fs::metadata(path).ok()?;
        Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            changed: (found.mtime(), found.mtime_nsec()),
        })
    };
    paths.iter().map(stamp).collect()
}
