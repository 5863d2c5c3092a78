//! Carrying out what a new closure asks of the daemons.
//!
//! **Invariant:** a daemon is begun or reloaded only when everything that it comes after is ready.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    str::FromStr,
    thread::sleep,
    time::{Duration, Instant},
};

use mops_model::Name;
use nix::sys::signal::Signal;

use crate::{
    ActivationError, DaemonState, Node,
    fill::{FilledDaemon, FilledReload, Manifest},
    job::Job,
    process::{self, Identity},
    watch,
};

/// How long workers may take to make room: nginx tells its old ones to end 0.1 s after it started the new ones. Those
/// that still serve a request take longer, but take no new ones.
const MOMENT: Duration = Duration::from_millis(500);

/// What is done to one daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It does not run yet.
    Start,
    /// It must begin anew.
    Restart,
    /// It takes the new files while it runs.
    Reload,
    /// It has just been started: its readiness is awaited.
    Await,
}

/// Steps, each with what the daemon shall be.
pub(crate) type Steps = BTreeMap<Name, (Step, FilledDaemon)>;

impl Node {
    /// What must be done for every daemon of `wanted` to run as it stands there; of the others nothing.
    pub(crate) fn steps(&self, wanted: &Manifest) -> Steps {
        let steps = wanted
            .daemons
            .iter()
            .filter_map(|(name, daemon)| Some((name.clone(), (self.step(name, daemon)?, daemon.clone()))));
        steps.collect()
    }

    fn step(&self, name: &Name, wanted: &FilledDaemon) -> Option<Step> {
        let Some(running) = self.running.get(name).filter(|it| it.process.is_some()) else {
            return Some(Step::Start);
        };
        let reloads = wanted.reload != FilledReload::Restart;
        if running.daemon.start != wanted.start {
            return Some(Step::Restart);
        }
        if running.daemon.load != wanted.load {
            return Some(if reloads { Step::Reload } else { Step::Restart });
        }
        (running.state == DaemonState::Starting).then_some(Step::Await)
    }

    /// Lets every daemon that will reload judge its new files.
    pub(crate) fn prepare(&self, steps: &Steps, files: &Path) -> Result<(), ActivationError> {
        for (name, (step, daemon)) in steps {
            let FilledReload::Commands { prepare: Some(command), .. } = &daemon.reload else { continue };
            if *step == Step::Reload {
                let judged = self.run(command, daemon, files);
                judged.map_err(|said| {
                    ActivationError::new(format!("`{name}` refuses its new files")).detail(said)
                })?;
            }
        }
        Ok(())
    }

    /// Runs the checkers of all daemons whose files changed, or that do not run, at once.
    ///
    /// # Errors
    /// What every checker that refuses says.
    pub(crate) fn check(&self, wanted: &Manifest, files: &Path) -> Result<(), ActivationError> {
        let old = self.manifest.as_ref().map(|it| &it.daemons);
        let changed = wanted.daemons.iter().filter(|(name, daemon)| {
            let same = old.and_then(|it| it.get(*name)).is_some_and(|it| it.reads == daemon.reads);
            !same || !self.running.contains_key(*name)
        });
        let mut jobs = Vec::new();
        for (name, daemon) in changed {
            // A daemon that loads its new files before anything is switched has judged them by that.
            let judges = matches!(&daemon.reload, FilledReload::Commands { prepare: Some(_), .. })
                && self.step(name, daemon) == Some(Step::Reload);
            if let Some(command) = daemon.check.as_ref().filter(|_| !judges) {
                let environment = with_files(daemon, files);
                let job = Job::start(&self.layout, command, &environment);
                jobs.push((name, job.map_err(|err| ActivationError::world(name, &err))?));
            }
        }
        let said: Vec<(&Name, String)> =
            jobs.into_iter().filter_map(|(name, job)| Some((name, job.finish().err()?))).collect();
        if said.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = said.iter().map(|(name, _)| format!("`{name}`")).collect();
        let all: Vec<&str> = said.iter().map(|(_, it)| it.as_str()).collect();
        let verb = if names.len() == 1 { "refuses its" } else { "refuse their" };
        Err(ActivationError::new(format!("{} {verb} new files", names.join(", "))).detail(all.join("\n\n")))
    }

    /// Carries out `steps` in the order of the daemons, those that do not depend on one another at once, and awaits
    /// readiness. What was begun is in `touched`, also when it fails.
    pub(crate) fn carry_out(
        &mut self,
        mut steps: Steps,
        files: &Path,
        touched: &mut BTreeMap<Name, Step>,
    ) -> Result<(), ActivationError> {
        let mut waiting: BTreeMap<Name, Instant> = BTreeMap::new();
        loop {
            let open = |name: &Name| steps.contains_key(name) || waiting.contains_key(name);
            let next: Vec<Name> = steps
                .iter()
                .filter(|(_, (_, it))| !it.after.iter().any(open))
                .map(|(name, _)| name.clone())
                .collect();
            if next.is_empty() && waiting.is_empty() {
                return match steps.keys().next() {
                    None => Ok(()),
                    Some(name) => Err(ActivationError::new(format!("`{name}` waits for itself"))),
                };
            }
            for name in next {
                let (step, daemon) = steps.remove(&name).expect("it is one of them");
                waiting.insert(name.clone(), Instant::now() + daemon.within.to_std());
                touched.insert(name.clone(), step);
                self.begin_step(&name, step, daemon, files)?;
            }
            self.settle(&mut waiting)?;
            if !waiting.is_empty() {
                sleep(Duration::from_millis(5));
            }
        }
    }

    /// Lets daemons take up what others have written to the files that they watch. What cannot is asked again.
    pub(crate) fn reload_what_watches(&mut self) {
        let files = self.layout.current().join("files");
        let changed = self
            .running
            .iter_mut()
            .filter_map(|(name, it)| it.has_stale_files().then(|| (name.clone(), it.daemon.clone())));
        for (name, daemon) in changed.collect::<Vec<_>>() {
            let step = match daemon.reload {
                FilledReload::Restart => Step::Restart,
                FilledReload::Signal(_) | FilledReload::Commands { .. } => Step::Reload,
            };
            if let Err(err) = self.begin_step(&name, step, daemon, &files) {
                let running = self.running.get_mut(&name).expect("it shall run");
                running.turn(DaemonState::Failing, Some(err.in_full()));
            }
        }
    }

    fn begin_step(
        &mut self,
        name: &Name,
        step: Step,
        daemon: FilledDaemon,
        files: &Path,
    ) -> Result<(), ActivationError> {
        match step {
            Step::Start | Step::Restart => {
                let stopped = self.stop_these([name.clone()].into());
                stopped.map_err(|err| ActivationError::world(name, &err))?;
                let begun = self.begin(name, daemon);
                begun.map_err(|why| ActivationError::new(format!("`{name}` does not start: {why}")))
            }
            Step::Reload => {
                let watched = watch::stamps(&daemon.watches);
                let reloaded = self.reload(name, &daemon, files);
                reloaded.map_err(|said| {
                    ActivationError::new(format!("`{name}` does not take its new files")).detail(said)
                })?;
                let running = self.running.get_mut(name).expect("it runs");
                (running.daemon, running.watched) = (daemon, watched);
                Ok(())
            }
            Step::Await => Ok(()),
        }
    }

    fn reload(&self, name: &Name, daemon: &FilledDaemon, files: &Path) -> Result<(), String> {
        match &daemon.reload {
            FilledReload::Restart => Ok(()),
            FilledReload::Signal(signal) => {
                let signal = Signal::from_str(signal)
                    .or_else(|_| Signal::from_str(&format!("SIG{signal}")))
                    .map_err(|_| format!("`{signal}` is no signal"))?;
                let process = self.running.get(name).and_then(|it| it.process.as_ref()).map(|it| it.identity);
                process.map_or(Ok(()), |it| renew(it, signal)).map_err(|err| err.to_string())
            }
            FilledReload::Commands { commit, .. } => self.run(commit, daemon, files),
        }
    }

    /// Takes from `waiting` what is ready.
    ///
    /// # Errors
    /// What has ended, or is not ready in time, with what it said.
    fn settle(&mut self, waiting: &mut BTreeMap<Name, Instant>) -> Result<(), ActivationError> {
        for (name, deadline) in waiting.clone() {
            let running = self.running.get_mut(&name).expect("it was begun");
            let process = running.process.as_mut().expect("it was begun");
            let ended = process.child.try_wait().map_err(|err| ActivationError::world(&name, &err))?;
            if let Some(status) = ended {
                let error = ActivationError::new(format!("`{name}` ended with {status} before it was ready"));
                return Err(error.maybe_detail(self.said(&name)));
            }
            match self.ask(&name) {
                Ok(()) => {
                    waiting.remove(&name);
                }
                Err(why) if Instant::now() > deadline => {
                    let within = self.running[&name].daemon.within;
                    let error =
                        ActivationError::new(format!("`{name}` was not ready within {within}: {why}"));
                    return Err(error.maybe_detail(self.said(&name)));
                }
                Err(_) => (),
            }
        }
        Ok(())
    }

    fn run(&self, command: &[String], daemon: &FilledDaemon, files: &Path) -> Result<(), String> {
        let job =
            Job::start(&self.layout, command, &with_files(daemon, files)).map_err(|err| err.to_string())?;
        job.finish()
    }
}

/// Sends a daemon the signal to reload, and waits a moment for the workers of before to make room: until then they may
/// answer as before.
fn renew(root: Identity, signal: Signal) -> io::Result<()> {
    let mut workers = process::family(root, &process::table()?);
    workers.remove(&root);
    process::signal([root], signal)?;
    let began = Instant::now();
    while !workers.is_empty() && began.elapsed() < MOMENT {
        sleep(Duration::from_millis(5));
        workers.retain(|it| process::look_up(it.pid).is_some_and(|row| row.identity == *it));
    }
    Ok(())
}

fn with_files(daemon: &FilledDaemon, files: &Path) -> BTreeMap<String, String> {
    let mut environment = daemon.environment.clone();
    environment.insert("MOPS_FILES".to_owned(), files.display().to_string());
    environment
}
