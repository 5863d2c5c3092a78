//! How a node's daemons are.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use mops_model::{Duration, Name, Size};
use serde::{Deserialize, Serialize};

use crate::process::{self, Identity};

/// How the daemons of a node are, by name.
pub type NodeStatus = BTreeMap<Name, DaemonStatus>;

/// How a daemon is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// What it does.
    pub state: DaemonState,
    /// Its process, when it runs.
    pub pid: Option<u32>,
    /// How long its state has been so.
    pub since: Duration,
    /// How often it was started again because it had ended by itself.
    pub restarts: u32,
    /// The memory of its processes together, shared pages counted in part (`proc(5)`, `smaps_rollup`, Pss).
    pub memory: Option<Size>,
    /// Where it listens, by name.
    pub listens: BTreeMap<Name, Vec<SocketAddr>>,
    /// Why it is not ready.
    pub why: Option<String>,
}

/// What a daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DaemonState {
    /// It was started and is not ready yet.
    Starting,
    /// It is ready.
    Ready,
    /// It has ended by itself and is started again soon, or it runs and is not ready any more.
    Failing,
    /// It does not run and shall not.
    Stopped,
}

/// A view of a node's daemons that another thread may hold, also while the node is busy.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<BTreeMap<Name, Seen>>>);

/// What the node last knew of a daemon.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) state: DaemonState,
    pub(crate) process: Option<Identity>,
    pub(crate) since: Instant,
    pub(crate) restarts: u32,
    pub(crate) listens: BTreeMap<Name, Vec<SocketAddr>>,
    pub(crate) why: Option<String>,
}

impl Watch {
    /// How the daemons are, their memory measured now.
    pub fn status(&self) -> io::Result<NodeStatus> {
        let seen = self.seen().clone();
        let rows = process::table()?;
        let measured = seen.into_iter().map(|(name, it)| {
            let status = DaemonStatus {
                state: it.state,
                pid: it.process.map(|it| it.pid),
                since: Duration::milliseconds(
                    u64::try_from(it.since.elapsed().as_millis()).unwrap_or(u64::MAX),
                ),
                restarts: it.restarts,
                memory: it.process.map(|it| process::memory(&process::family(it, &rows))),
                listens: it.listens,
                why: it.why,
            };
            (name, status)
        });
        Ok(measured.collect())
    }

    pub(crate) fn publish(&self, seen: BTreeMap<Name, Seen>) {
        *self.seen() = seen;
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<Name, Seen>> {
        // What is published is replaced as a whole: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
