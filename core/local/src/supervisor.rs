//! The supervisor of a site: one process that outlives the program.
//!
//! **Invariant:** each node belongs to one thread of it, which never ends while daemons of the node run.
//! **Invariant:** it ends by itself only when nothing runs any more.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixListener},
    process::ExitCode,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use mops_model::{Bindings, Closure, Digest, Name};
use mops_node::{Activated, ActivationError, Node, NodeStatus, Watch, sweep_trees, write_private};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::signal::{SigSet, Signal},
    unistd,
};

use crate::{Place, protocol::Line, serve};

/// Supervises the site whose [`Place`] stands on standard input, as JSON; what it has to say goes to standard error.
/// Ends at once, with success, when another supervisor serves the site.
pub fn supervise_main() -> ExitCode {
    let Err(err) = supervise() else { return ExitCode::SUCCESS };
    say(&err.to_string());
    ExitCode::FAILURE
}

fn supervise() -> io::Result<()> {
    let mut json = Vec::new();
    io::stdin().read_to_end(&mut json)?;
    let place: Place = serde_json::from_slice(&json)?;
    unistd::setsid()?;
    unistd::dup2_stdin(File::open("/dev/null")?)?;
    let file = File::options().create(true).append(true).mode(0o600).open(place.lock())?;
    let _lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => lock,
        Err((_, Errno::EWOULDBLOCK)) => return Ok(()),
        Err((_, err)) => return Err(err.into()),
    };
    // Every thread that is started from here on leaves these to the one that waits for them.
    let signals = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    signals.thread_block()?;
    let (end, ended) = mpsc::channel();
    let supervisor = Arc::new(Supervisor { place, nodes: Mutex::default(), end });
    supervisor.resume()?;
    let listener = listen(&supervisor.place)?;
    let waiting = Arc::clone(&supervisor);
    thread::spawn(move || match signals.wait() {
        Ok(_) => waiting.shut_down(),
        Err(err) => say(&format!("signals: {err}")),
    });
    let accepting = Arc::clone(&supervisor);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let supervisor = Arc::clone(&accepting);
            match stream {
                Ok(stream) => drop(thread::spawn(move || serve::serve(&supervisor, Line::new(stream)))),
                Err(err) => say(&format!("the socket: {err}")),
            }
        }
    });
    let ending = ended.recv().map_err(io::Error::other)?;
    fs::remove_file(supervisor.place.socket())?;
    ending
}

/// What all threads of the supervisor share.
pub(crate) struct Supervisor {
    pub(crate) place: Place,
    nodes: Mutex<Nodes>,
    end: Sender<io::Result<()>>,
}

/// The nodes, in the order of their first activation: what comes later may need what came before.
#[derive(Default)]
struct Nodes {
    order: Vec<Name>,
    threads: BTreeMap<Name, Thread>,
}

#[derive(Clone)]
struct Thread {
    orders: Sender<Order>,
    watch: Watch,
}

/// A thread that makes its node's folders and ends what an earlier run left behind, which takes seconds at worst.
struct Opening {
    orders: Sender<Order>,
    watch: Receiver<io::Result<Watch>>,
}

/// What a node's thread is told.
enum Order {
    /// To use a closure.
    Activate(Box<Work>),
    /// To stop, and end.
    Stop(Sender<io::Result<()>>),
}

/// An activation.
pub(crate) struct Work {
    pub(crate) closure: Closure,
    pub(crate) bindings: Bindings,
    pub(crate) wants: serve::Wants,
    pub(crate) done: Sender<Result<Activated, ActivationError>>,
}

impl Supervisor {
    /// Has a node use a closure; the node is made when there is none of its name.
    pub(crate) fn activate(&self, name: &Name, work: Work) -> io::Result<()> {
        let mut nodes = self.nodes();
        if !nodes.threads.contains_key(name) {
            let thread = self.begin(name)?.thread(name)?;
            nodes.threads.insert(name.clone(), thread);
            if !nodes.order.contains(name) {
                nodes.order.push(name.clone());
                self.remember(&nodes.order)?;
            }
        }
        nodes.threads[name]
            .orders
            .send(Order::Activate(Box::new(work)))
            .map_err(|_| io::Error::other(gone(name)))
    }

    /// How every node is.
    pub(crate) fn status(&self) -> io::Result<BTreeMap<Name, NodeStatus>> {
        let threads = self.nodes().threads.clone();
        threads.into_iter().map(|(name, it)| Ok((name, it.watch.status()?))).collect()
    }

    /// Stops a node and forgets it.
    pub(crate) fn stop(&self, name: &Name) -> io::Result<()> {
        // It stays on the list until it has ended: whoever asks the same meanwhile waits for the same end.
        let thread = self.nodes().threads.get(name).cloned();
        let ended = thread.map_or(Ok(()), |it| end(&it));
        let mut nodes = self.nodes();
        nodes.threads.remove(name);
        nodes.order.retain(|it| it != name);
        self.remember(&nodes.order)?;
        ended
    }

    /// Stops every node, the last first, and then the supervisor.
    pub(crate) fn shut_down(&self) {
        let (order, mut threads) = {
            let mut nodes = self.nodes();
            (nodes.order.clone(), std::mem::take(&mut nodes.threads))
        };
        let mut result = Ok(());
        for name in order.iter().rev() {
            if let Some(thread) = threads.remove(name) {
                result = result.and(end(&thread));
            }
        }
        if self.end.send(result).is_err() {
            say("it is ending already");
        }
    }

    /// Removes trees that no node uses any more.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        sweep_trees(&self.place.trees(), &self.place.nodes())
    }

    /// Starts again what ran when the last supervisor ended.
    fn resume(&self) -> io::Result<()> {
        let mut nodes = self.nodes();
        nodes.order = match fs::read(self.place.order()) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(err) => return Err(err),
        };
        let opened: Vec<(Name, Opening)> =
            nodes.order.iter().map(|it| Ok((it.clone(), self.begin(it)?))).collect::<io::Result<_>>()?;
        for (name, opening) in opened {
            match opening.thread(&name) {
                Ok(thread) => drop(nodes.threads.insert(name, thread)),
                // The others run all the same; its next activation meets the same error and reports it.
                Err(err) => say(&format!("{name}: {err}")),
            }
        }
        Ok(())
    }

    /// Begins a thread that owns the node `name`; what it ran last is started.
    fn begin(&self, name: &Name) -> io::Result<Opening> {
        let layout = self.place.layout(name.as_str());
        let (opened, watch) = mpsc::channel();
        let (orders, received) = mpsc::channel();
        let own = name.clone();
        thread::Builder::new().name(name.to_string()).spawn(move || {
            let told = match Node::open(layout) {
                Ok(mut node) => {
                    node.start();
                    let told = opened.send(Ok(node.watch()));
                    keep(&own, node, &received);
                    told
                }
                Err(err) => opened.send(Err(err)),
            };
            if told.is_err() {
                say(&format!("{own}: nobody waits for it"));
            }
        })?;
        Ok(Opening { orders, watch })
    }

    fn remember(&self, order: &[Name]) -> io::Result<()> {
        write_private(&self.place.order(), &serde_json::to_vec(order)?, None)
    }

    fn nodes(&self) -> MutexGuard<'_, Nodes> {
        // Both parts are changed by one call each: a panic between them is of a thread that asked, not of a node's.
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opening {
    /// The thread, when its node is open.
    fn thread(self, name: &Name) -> io::Result<Thread> {
        let watch = self.watch.recv().map_err(|_| io::Error::other(gone(name)))??;
        Ok(Thread { orders: self.orders, watch })
    }
}

/// The closure of an activation, read before the node is disturbed.
pub(crate) fn closure(wants: &serve::Wants, digest: &Digest) -> io::Result<Closure> {
    use mops_node::Objects;
    Ok(serde_json::from_slice(&wants.get(digest)?)?)
}

/// Says something to whoever reads the supervisor's log.
pub(crate) fn say(what: &str) {
    // Without a log there is nobody to tell.
    writeln!(io::stderr(), "mops: {what}").unwrap_or_default();
}

/// The life of a node's thread.
fn keep(name: &Name, mut node: Node, orders: &Receiver<Order>) {
    let mut pause = Duration::ZERO;
    loop {
        match orders.recv_timeout(pause) {
            Ok(Order::Activate(work)) => {
                let Work { closure, bindings, wants, done } = *work;
                let result = node.activate(&closure, bindings, &wants, &wants);
                if done.send(result).is_err() {
                    say(&format!("{name}: nobody waits for its activation"));
                }
            }
            Ok(Order::Stop(done)) => {
                if done.send(node.stop()).is_err() {
                    say(&format!("{name}: nobody waits for its end"));
                }
                return;
            }
            Err(RecvTimeoutError::Timeout) => (),
            // The supervisor has let go of it: it must not outlive that.
            Err(RecvTimeoutError::Disconnected) => {
                if let Err(err) = node.stop() {
                    say(&format!("{name}: {err}"));
                }
                return;
            }
        }
        pause = node.tick().unwrap_or_else(|err| {
            say(&format!("{name}: {err}"));
            Duration::from_secs(1)
        });
    }
}

/// Stops a node and waits for its end. A thread that is gone has taken its daemons along.
fn end(thread: &Thread) -> io::Result<()> {
    let (done, ended) = mpsc::channel();
    match thread.orders.send(Order::Stop(done)) {
        Ok(()) => ended.recv().unwrap_or(Ok(())),
        Err(_) => Ok(()),
    }
}

fn gone(name: &Name) -> String {
    format!("the thread of `{name}` is gone")
}

fn listen(place: &Place) -> io::Result<UnixListener> {
    match fs::remove_file(place.socket()) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        Ok(()) | Err(_) => (),
    }
    // Only its owner may write to it: the folder lets the daemons' account pass, the socket does not let it speak.
    let listener = UnixListener::bind(place.socket())?;
    fs::set_permissions(place.socket(), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}
