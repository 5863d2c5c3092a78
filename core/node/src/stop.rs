//! Ending daemons.
//!
//! **Invariant:** a daemon is asked to end only after everything that needed it is gone.
//! **Invariant:** when it is gone, so is every process that stems from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    thread::sleep,
    time::{Duration, Instant},
};

use mops_model::{Name, StopSignal};
use nix::sys::signal::Signal;

use crate::{
    Node,
    node::Running,
    process::{self, Identity},
};

/// When the signal is sent once more: one that comes too early is lost by some daemons.
const AGAIN: Duration = Duration::from_secs(2);
/// How long what was killed may take to be gone.
const GONE: Duration = Duration::from_secs(5);

struct Stopping {
    running: Running,
    began: Instant,
    /// How often it was asked to end.
    asked: u8,
    /// Whether what it left behind was asked to end.
    orphaned: bool,
    family: BTreeSet<Identity>,
}

impl Node {
    /// Ends every daemon, in the reverse of their order. The node may be started again.
    pub fn stop(&mut self) -> io::Result<()> {
        let all = self.running.keys().cloned().collect();
        self.stop_these(all)
    }

    /// Ends some daemons.
    pub(crate) fn stop_these(&mut self, mut names: BTreeSet<Name>) -> io::Result<()> {
        let mut stopping: BTreeMap<Name, Stopping> = BTreeMap::new();
        loop {
            for name in self.unneeded(&names, &stopping) {
                names.remove(&name);
                if let Some(running) = self.running.remove(&name) {
                    stopping.extend(Stopping::begin(running)?.map(|it| (name, it)));
                }
            }
            let mut gone = Vec::new();
            for (name, it) in &mut stopping {
                if it.is_gone()? {
                    gone.push(name.clone());
                }
            }
            let changed = !gone.is_empty();
            for name in gone {
                stopping.remove(&name);
            }
            if stopping.is_empty() && names.is_empty() {
                self.record()?;
                self.publish();
                return Ok(());
            }
            if !changed {
                sleep(Duration::from_millis(3));
            }
        }
    }

    /// Those of `names` that nothing which still runs needs; all of them when they need each other in a circle.
    fn unneeded(&self, names: &BTreeSet<Name>, stopping: &BTreeMap<Name, Stopping>) -> Vec<Name> {
        let needs = |name: &Name| {
            names.iter().filter_map(|it| self.running.get(it)).any(|it| it.daemon.after.contains(name))
                || stopping.values().any(|it| it.running.daemon.after.contains(name))
        };
        let free: Vec<Name> = names.iter().filter(|it| !needs(it)).cloned().collect();
        match free.is_empty() && stopping.is_empty() {
            true => names.iter().cloned().collect(),
            false => free,
        }
    }
}

impl Stopping {
    /// Asks a daemon to end; nothing when it does not run.
    fn begin(running: Running) -> io::Result<Option<Self>> {
        let Some(process) = &running.process else { return Ok(None) };
        let family = process::family(process.identity, &process::table()?);
        let it = Self { family, began: Instant::now(), asked: 1, orphaned: false, running };
        it.ask()?;
        Ok(Some(it))
    }

    fn ask(&self) -> io::Result<()> {
        let signal = match self.running.daemon.stop.signal {
            StopSignal::Term => Signal::SIGTERM,
            StopSignal::Quit => Signal::SIGQUIT,
            StopSignal::Int => Signal::SIGINT,
        };
        process::signal(self.running.process.as_ref().map(|it| it.identity), signal)
    }

    /// Whether it is gone; asks again, and kills, when it is time.
    fn is_gone(&mut self) -> io::Result<bool> {
        let process = self.running.process.as_mut().expect("it ran when it was asked");
        let ended = process.child.try_wait()?.is_some();
        let passed = self.began.elapsed();
        let within = self.running.daemon.stop.within.to_std();
        if ended || passed > within {
            return self.is_family_gone();
        }
        if self.asked == 1 && passed > AGAIN {
            self.asked = 2;
            self.ask()?;
        }
        Ok(false)
    }

    /// Kills what is left, whether it outlived its parent or its time.
    fn is_family_gone(&mut self) -> io::Result<bool> {
        let rows = process::table()?;
        let root = self.running.process.as_ref().expect("it ran when it was asked").identity;
        self.family.extend(process::family(root, &rows));
        self.family.retain(|it| rows.iter().any(|row| row.identity == *it));
        if self.family.is_empty() {
            let process = self.running.process.as_mut().expect("it ran when it was asked");
            return Ok(process.child.try_wait()?.is_some());
        }
        // What outlives its parent is told to end as well, and has the time that the daemon was given.
        if !self.orphaned {
            self.orphaned = true;
            process::signal(self.family.iter().copied(), Signal::SIGTERM)?;
        }
        let within = self.running.daemon.stop.within.to_std();
        if self.began.elapsed() > within {
            process::signal(self.family.iter().copied(), Signal::SIGKILL)?;
        }
        match self.began.elapsed() > within + GONE {
            true => Err(io::Error::other(format!("these processes do not end: {:?}", self.family))),
            false => Ok(false),
        }
    }
}
