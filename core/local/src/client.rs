//! Speaking to a site's supervisor.
//!
//! **Invariant:** a supervisor that speaks another protocol is stopped, with everything it runs, before a new one
//! starts; the new one starts the same nodes again.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use mops_apply::Objects;
use mops_model::Secrets;
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Place,
    protocol::{Answer, Given, Hello, Line, PROTOCOL, Reply, Request},
};

/// How long a supervisor may take to greet.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a supervisor may take to stop everything: the longest that a broker takes to close its queues, and more.
const STOPPING: Duration = Duration::from_secs(90);

/// A connection to the supervisor that runs; none when none does.
pub(crate) fn connect(place: &Place) -> io::Result<Option<Client>> {
    match greet(place)? {
        Some((client, hello)) if hello.protocol == PROTOCOL => Ok(Some(client)),
        Some((client, hello)) => {
            drop(client);
            match kill(Pid::from_raw(hello.pid.cast_signed()), Signal::SIGTERM) {
                Ok(()) | Err(Errno::ESRCH) => (),
                Err(err) => return Err(err.into()),
            }
            wait_for_end(place)?;
            Ok(None)
        }
        None => Ok(None),
    }
}

/// A connection to the supervisor; one is started when none runs.
pub(crate) fn reach(place: &Place) -> io::Result<Client> {
    if let Some(client) = connect(place)? {
        return Ok(client);
    }
    place.make()?;
    let mut child = start(place)?;
    let began = Instant::now();
    loop {
        if let Some(client) = connect(place)? {
            return Ok(client);
        }
        let ended = child.try_wait()?;
        if ended.is_some_and(|it| !it.success()) || began.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("the supervisor does not start: {}", last_words(place)?)));
        }
        if ended.is_some() {
            // It found another one: that is about to answer, or on its way out.
            sleep(Duration::from_millis(50));
            child = start(place)?;
        }
        sleep(Duration::from_millis(3));
    }
}

/// Waits until no supervisor holds the site.
pub(crate) fn wait_for_end(place: &Place) -> io::Result<()> {
    let began = Instant::now();
    loop {
        let file = match File::options().append(true).open(place.lock()) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(_) => return Ok(()),
            Err((_, Errno::EWOULDBLOCK)) if began.elapsed() < STOPPING => sleep(Duration::from_millis(3)),
            Err((_, Errno::EWOULDBLOCK)) => {
                return Err(io::Error::other(format!("the supervisor does not end: {}", last_words(place)?)));
            }
            Err((_, err)) => return Err(err.into()),
        }
    }
}

/// A connection that has been greeted.
pub(crate) struct Client {
    line: Line,
    /// The supervisor's process.
    pub(crate) pid: u32,
}

impl Client {
    /// Asks, and gives what is wanted meanwhile.
    pub(crate) fn ask(
        mut self,
        request: &Request,
        objects: &dyn Objects,
        secrets: &dyn Secrets,
    ) -> io::Result<Answer> {
        self.line.say(request)?;
        loop {
            match self.line.hear()? {
                Reply::Object(digest) => match objects.get(&digest) {
                    Ok(bytes) => self.line.give(&bytes)?,
                    Err(err) => self.line.say(&Given::Refused(err.to_string()))?,
                },
                Reply::Secret(name) => match secrets.fetch(&name) {
                    Ok(value) => self.line.say(&Given::Value(value))?,
                    Err(err) => self.line.say(&Given::Refused(err.why))?,
                },
                Reply::Answer(answer) => return Ok(*answer),
            }
        }
    }

    /// Asks what needs neither objects nor secrets.
    pub(crate) fn ask_plainly(mut self, request: &Request) -> io::Result<Answer> {
        self.line.say(request)?;
        match self.line.hear()? {
            Reply::Answer(answer) => Ok(*answer),
            Reply::Object(_) | Reply::Secret(_) => {
                Err(io::Error::other("the supervisor wants what nobody asked of it"))
            }
        }
    }
}

fn greet(place: &Place) -> io::Result<Option<(Client, Hello)>> {
    let stream = match UnixStream::connect(place.socket()) {
        Ok(it) => it,
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(err) => return Err(err),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = Line::new(stream);
    let greeted =
        line.say(&Hello { protocol: PROTOCOL, pid: std::process::id() }).and_then(|()| line.hear::<Hello>());
    match greeted {
        Ok(hello) => {
            // What is asked from here on takes as long as daemons do.
            line.wait_long()?;
            Ok(Some((Client { line, pid: hello.pid }, hello)))
        }
        // It ended while we spoke.
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            Ok(None)
        }
        Err(err) if matches!(err.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Err(io::Error::other(silent(&line)))
        }
        Err(err) => Err(err),
    }
}

/// What to do about a supervisor that does not answer.
fn silent(line: &Line) -> String {
    match line.peer() {
        Ok(pid) => format!(
            "the supervisor, process {pid}, does not answer; after `kill -KILL {pid}` the next run starts another one"
        ),
        Err(err) => format!("the supervisor does not answer, and who it is cannot be told: {err}"),
    }
}

fn start(place: &Place) -> io::Result<Child> {
    let log = File::options().create(true).append(true).mode(0o600).open(place.supervisor_log())?;
    let mut child = Command::new(&place.program)
        .arg("__supervise")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map_err(|err| io::Error::new(err.kind(), format!("{}: {err}", place.program.display())))?;
    let mut input = child.stdin.take().expect("it was asked for");
    input.write_all(&serde_json::to_vec(place)?)?;
    Ok(child)
}

/// The end of the supervisor's log.
fn last_words(place: &Place) -> io::Result<String> {
    const SHOWN: u64 = 1000;
    let mut log = File::open(place.supervisor_log())?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(SHOWN)))?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
