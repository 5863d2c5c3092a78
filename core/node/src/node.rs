//! One node and its daemons.
//!
//! **Invariant:** every child is spawned by the thread that owns the node.
//! **Invariant:** what runs is on record before anybody hears of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io,
    net::SocketAddr,
    os::unix::fs::{OpenOptionsExt, fchown},
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use mops_model::Name;
use nix::{fcntl::OFlag, sys::signal::Signal};

use crate::{
    DaemonState, Layout, Watch,
    files::{make_folder, make_passage},
    fill::{FilledDaemon, Manifest},
    job, port, process,
    process::Identity,
    ready,
    status::Seen,
    sweep,
    watch::{self, Stamp},
};

/// A log file longer than this is put aside, as `<name>.log.1`, when its daemon starts.
const LOG_LENGTH: u64 = 16 * 1024 * 1024;
/// The first pause before a daemon that ended is started again; it doubles each time.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A daemon that ran this long did not fail at its start.
const SETTLED: Duration = Duration::from_mins(1);
/// How often watched files are looked at.
const WATCH: Duration = Duration::from_secs(1);
/// How long a port may be held by what is just ending.
const PORT_PATIENCE: Duration = Duration::from_millis(500);

/// One node: its folders, its current closure and the processes of that.
///
/// It is owned by one thread that lives as long as the daemons shall: each of them is sent SIGTERM by the kernel when
/// the thread that started it ends.
pub struct Node {
    pub(crate) layout: Layout,
    /// What the current closure comes to; none before the first activation.
    pub(crate) manifest: Option<Manifest>,
    pub(crate) running: BTreeMap<Name, Running>,
    watch: Watch,
}

/// A daemon that shall run.
pub(crate) struct Running {
    pub(crate) daemon: FilledDaemon,
    pub(crate) state: DaemonState,
    /// Its process; none while it waits to be started again.
    pub(crate) process: Option<Process>,
    since: Instant,
    /// When something is next to be done about it: a start, a probe.
    next: Instant,
    restarts: u32,
    /// How often in a row it ended soon after its start.
    failures: u32,
    why: Option<String>,
    /// The files it watches, as they were when it last read them.
    pub(crate) watched: Vec<Option<Stamp>>,
    /// When they are next looked at.
    look: Instant,
}

pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) identity: Identity,
    pub(crate) started: Instant,
    /// Where in its log file this run of it begins.
    log_from: u64,
}

impl Node {
    /// Opens a node: makes its folders and ends what an earlier run of it left behind. Nothing is started.
    pub fn open(layout: Layout) -> io::Result<Self> {
        let account = layout.account.as_ref();
        for folder in [&layout.root, &layout.closures(), &layout.trees] {
            make_passage(folder, account)?;
        }
        for folder in [&layout.run, &layout.log, &layout.tmp, &layout.data] {
            make_folder(folder, account)?;
        }
        sweep::sweep(&layout.root)?;
        let manifest = match fs::read(layout.current().join("node.json")) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes)?),
            Err(err) if err.kind() == io::ErrorKind::NotFound => None,
            Err(err) => return Err(err),
        };
        Ok(Self { layout, manifest, running: BTreeMap::new(), watch: Watch::default() })
    }

    /// What another thread may look at while the node is busy.
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Asks for every daemon of the current closure to run; [`Node::tick`] starts them, in their order.
    pub fn start(&mut self) {
        let daemons = self.manifest.iter().flat_map(|it| it.daemons.clone());
        for (name, daemon) in daemons.collect::<Vec<_>>() {
            self.running.entry(name).or_insert_with(|| Running::new(daemon));
        }
        self.publish();
    }

    /// Does what is due: notices what ended, starts it again after a pause, asks the others how they are. Returns how
    /// long nothing will be due.
    pub fn tick(&mut self) -> io::Result<Duration> {
        self.notice()?;
        let now = Instant::now();
        let due: Vec<Name> =
            self.running.iter().filter(|(_, it)| it.next <= now).map(|(name, _)| name.clone()).collect();
        for name in &due {
            match self.running[name].process {
                Some(_) => self.look_after(name),
                None if self.may_start(name) => self.try_again(name)?,
                None => (),
            }
        }
        self.reload_what_watches();
        self.publish();
        let starting = self.running.values().any(|it| it.state == DaemonState::Starting);
        Ok(Duration::from_millis(if starting { 15 } else { 200 }))
    }

    /// Starts `daemon`, which does not run; it is not ready yet then.
    ///
    /// # Errors
    /// Why it cannot be started, for a person.
    pub(crate) fn begin(&mut self, name: &Name, daemon: FilledDaemon) -> Result<(), String> {
        for address in daemon.listens.values().flatten() {
            free(*address)?;
        }
        let watched = watch::stamps(&daemon.watches);
        let process = self.spawn(name, &daemon).map_err(|err| err.to_string())?;
        let before = self.running.remove(name);
        let mut running = Running::new(daemon);
        running.watched = watched;
        running.process = Some(process);
        running.restarts = before.as_ref().map_or(0, |it| it.restarts);
        running.failures = before.as_ref().map_or(0, |it| it.failures);
        self.running.insert(name.clone(), running);
        self.record().map_err(|err| err.to_string())?;
        self.publish();
        Ok(())
    }

    /// Asks a daemon that runs whether it is ready.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn ask(&mut self, name: &Name) -> Result<(), String> {
        let running = self.running.get_mut(name).expect("it was begun");
        let answer = ready::probe(&self.layout, &running.daemon);
        if answer.is_ok() {
            running.turn(DaemonState::Ready, None);
            running.next = Instant::now() + running.daemon.ready.pause();
            self.publish();
        }
        answer
    }

    /// What a daemon wrote to its log since it was started.
    pub(crate) fn said(&self, name: &Name) -> Option<String> {
        let from = self.running.get(name)?.process.as_ref()?.log_from;
        let read = File::open(self.layout.log_of(name)).and_then(|mut it| job::tail(&mut it, from));
        Some(read.unwrap_or_else(|err| format!("its log cannot be read: {err}"))).filter(|it| !it.is_empty())
    }

    /// Notices which daemons have ended by themselves, and ends what they left behind.
    pub(crate) fn notice(&mut self) -> io::Result<()> {
        let mut changed = false;
        for (name, running) in &mut self.running {
            let Some(process) = &mut running.process else { continue };
            let Some(status) = process.child.try_wait()? else { continue };
            let rows = process::table()?;
            let left = process::family(process.identity, &rows);
            process::signal(left, Signal::SIGKILL)?;
            running.failures = if process.started.elapsed() > SETTLED { 0 } else { running.failures + 1 };
            running.restarts += 1;
            let pause = PAUSE * 2_u32.pow((running.failures.max(1) - 1).min(10));
            running.next = Instant::now() + pause.min(LONGEST_PAUSE);
            running.process = None;
            running.turn(DaemonState::Failing, Some(format!("`{name}` ended with {status}")));
            changed = true;
        }
        match changed {
            true => self.record(),
            false => Ok(()),
        }
    }

    /// Puts on record what runs.
    pub(crate) fn record(&self) -> io::Result<()> {
        let processes: BTreeSet<Identity> =
            self.running.values().filter_map(|it| it.process.as_ref()).map(|it| it.identity).collect();
        sweep::record(&self.layout.root, processes, self.layout.account.as_ref())
    }

    /// Shows others how the daemons are.
    pub(crate) fn publish(&self) {
        let running = self.running.iter().map(|(name, it)| (name.clone(), it.seen()));
        let stopped = self.manifest.iter().flat_map(|it| &it.daemons).map(|(name, daemon)| {
            let mut seen = Running::new(daemon.clone()).seen();
            seen.state = DaemonState::Stopped;
            (name.clone(), seen)
        });
        self.watch.publish(stopped.chain(running).collect());
    }

    fn spawn(&self, name: &Name, daemon: &FilledDaemon) -> io::Result<Process> {
        let path = self.layout.log_of(name);
        if fs::metadata(&path).is_ok_and(|it| it.len() > LOG_LENGTH) {
            fs::rename(&path, path.with_extension("log.1"))?;
        }
        let log = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&path)?;
        if let Some(account) = &self.layout.account {
            fchown(&log, Some(account.uid), Some(account.gid))?;
        }
        let log_from = log.metadata()?.len();
        let mut child = job::launch(&self.layout, &daemon.command, &daemon.environment, &log)?;
        match process::look_up(child.id()) {
            Some(row) => Ok(Process { child, identity: row.identity, started: Instant::now(), log_from }),
            None => {
                let status = child.wait()?;
                let said = job::tail(&mut File::open(&path)?, log_from)?;
                Err(io::Error::other(format!("it ended with {status}: {said}")))
            }
        }
    }

    /// Whether everything that must be ready before `name` is.
    fn may_start(&self, name: &Name) -> bool {
        let after = &self.running[name].daemon.after;
        after.iter().filter_map(|it| self.running.get(it)).all(|it| it.state == DaemonState::Ready)
    }

    fn try_again(&mut self, name: &Name) -> io::Result<()> {
        let daemon = self.running[name].daemon.clone();
        if let Err(why) = self.begin(name, daemon) {
            let running = self.running.get_mut(name).expect("it shall run");
            running.failures += 1;
            running.next = Instant::now() + (PAUSE * 2_u32.pow(running.failures.min(10))).min(LONGEST_PAUSE);
            running.turn(DaemonState::Failing, Some(why));
            self.record()?;
        }
        Ok(())
    }

    /// Asks a daemon that runs how it is.
    fn look_after(&mut self, name: &Name) {
        let Err(why) = self.ask(name) else { return };
        let running = self.running.get_mut(name).expect("it runs");
        let patience = running.daemon.within.to_std();
        let is_late = running.process.as_ref().is_none_or(|it| it.started.elapsed() > patience);
        match running.state {
            DaemonState::Starting if !is_late => running.next = Instant::now(),
            DaemonState::Starting | DaemonState::Ready | DaemonState::Failing | DaemonState::Stopped => {
                running.next = Instant::now() + Duration::from_secs(1);
                running.turn(DaemonState::Failing, Some(why));
            }
        }
    }
}

impl Running {
    fn new(daemon: FilledDaemon) -> Self {
        let now = Instant::now();
        Self {
            daemon,
            state: DaemonState::Starting,
            process: None,
            since: now,
            next: now,
            restarts: 0,
            failures: 0,
            why: None,
            watched: Vec::new(),
            look: now,
        }
    }

    /// Whether a file that it watches has changed since it last read them; looked at once a second at most.
    pub(crate) fn has_stale_files(&mut self) -> bool {
        if self.state != DaemonState::Ready || self.look > Instant::now() {
            return false;
        }
        self.look = Instant::now() + WATCH;
        watch::stamps(&self.daemon.watches) != self.watched
    }

    pub(crate) fn turn(&mut self, state: DaemonState, why: Option<String>) {
        if self.state != state {
            (self.state, self.since) = (state, Instant::now());
        }
        self.why = why;
    }

    fn seen(&self) -> Seen {
        Seen {
            state: self.state,
            process: self.process.as_ref().map(|it| it.identity),
            since: self.since,
            restarts: self.restarts,
            listens: self.daemon.listens.clone(),
            why: self.why.clone(),
        }
    }
}

/// Waits until `address` can be listened on.
///
/// # Errors
/// Who holds it.
fn free(address: SocketAddr) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match port::holder(address).map_err(|err| err.to_string())? {
            None => return Ok(()),
            Some(holder) if began.elapsed() > PORT_PATIENCE => {
                return Err(format!("port {} on {} is taken by {holder}", address.port(), address.ip()));
            }
            Some(_) => sleep(Duration::from_millis(10)),
        }
    }
}
