//! A third party's library, in a process of this same program.

use std::{
    io::{self, Read},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use mops_plugin::{Transport, model::Diagnostic};
use nix::sys::signal::Signal;

use crate::{
    Guard, Library, frame,
    guard::ANSWER_WITHIN,
    serve::{Greeting, Order},
};

/// The argument that makes the program the process of a library.
const COMMAND: &str = "__plugin";
/// How much of what the library says on standard error is kept: the end of it.
const LAST_WORDS: usize = 4096;
/// How long a process may take to end once its pipe has ended.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// A third party's library, open in a process of its own that has an empty environment and every [`Guard`] that the
/// kernel offers. The process ends with this value.
pub struct Child {
    name: String,
    guards: Vec<Guard>,
    state: Mutex<State>,
}

/// After the first failure every request gets the same error.
enum State {
    Alive(Process),
    Ended(Diagnostic),
}

struct Process {
    child: std::process::Child,
    requests: Sender<Vec<u8>>,
    answers: Receiver<io::Result<Option<Vec<u8>>>>,
    last_words: Receiver<Vec<u8>>,
}

impl Child {
    /// Opens `library` in a process of `program`, this very program; the folder `cache` keeps the copy that is opened.
    ///
    /// # Errors
    /// When no process can be started, or the library does not open within its bounds.
    pub fn open(program: &Path, library: &Library, cache: &Path) -> Result<Self, Diagnostic> {
        let kept = library.keep(cache)?;
        let name = library.name.clone();
        let order = Order {
            parent: std::process::id(),
            name: name.clone(),
            path: kept,
            symbol: library.symbol().to_owned(),
        };
        let order = serde_json::to_vec(&order).expect("plain data serializes");
        let mut process = Process::start(program).map_err(|err| {
            Diagnostic::error("plugin::process", format!("no process can be started for `{name}`: {err}"))
                .help("see that this program can be started, and that there is memory left")
        })?;
        let greeting = process.ask(&name, order)?;
        let child = |guards| Self { name: name.clone(), guards, state: Mutex::new(State::Alive(process)) };
        match serde_json::from_slice(&greeting) {
            Ok(Greeting::Open(guards)) => Ok(child(guards)),
            Ok(Greeting::Refused(refused)) => Err(*refused),
            Err(err) => Err(Diagnostic::error(
                "plugin::disagrees",
                format!("the plugin library `{name}` broke into the process that opens it: {err}"),
            )
            .help("do not use it; ask whoever built it")),
        }
    }

    /// Whether it still answers: one that failed once never does again.
    pub fn is_alive(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Alive(_))
    }

    /// The guards that are on.
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }
}

impl Transport for Child {
    fn origin(&self) -> String {
        format!("the plugin library `{}`", self.name)
    }

    fn ask(&self, request: &[u8]) -> Result<Vec<u8>, Diagnostic> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let process = match &mut *state {
            State::Alive(process) => process,
            State::Ended(why) => return Err(why.clone()),
        };
        let answer = process.ask(&self.name, request.to_vec());
        if let Err(why) = &answer {
            *state = State::Ended(why.clone());
        }
        answer
    }
}

impl Process {
    /// Starts one that ends with the thread that talks to it, and so with this process, however it ends.
    fn start(program: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(COMMAND).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (requests, asked) = channel();
        let (answer, answers) = channel();
        let (starts, started) = channel();
        thread::Builder::new().name("plugin".to_owned()).spawn(move || match spawn(&mut command) {
            Ok((child, pipes, last_words)) => {
                if starts.send(Ok((child, last_words))).is_ok() {
                    converse(pipes, &asked, &answer);
                }
            }
            // Whoever started it waits for this.
            Err(err) => drop(starts.send(Err(err))),
        })?;
        let (child, last_words) = started.recv().map_err(io::Error::other)??;
        Ok(Self { child, requests, answers, last_words })
    }

    fn ask(&mut self, name: &str, request: Vec<u8>) -> Result<Vec<u8>, Diagnostic> {
        // Whether anybody takes it shows in the answer.
        let is_taken = self.requests.send(request).is_ok();
        match self.answers.recv_timeout(ANSWER_WITHIN) {
            Ok(Ok(Some(answer))) if is_taken => Ok(answer),
            Ok(Err(err)) if err.kind() == io::ErrorKind::FileTooLarge => {
                self.end();
                Err(Diagnostic::error("plugin::disagrees", format!("the plugin library `{name}`: {err}"))
                    .help(ASK))
            }
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                let seconds = ANSWER_WITHIN.as_secs();
                let message = format!("the plugin library `{name}` did not answer within {seconds} seconds");
                Err(Diagnostic::error("plugin::time", message).help(ASK))
            }
            Ok(Ok(_) | Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(self.death(name)),
        }
    }

    /// What the process died of.
    fn death(&mut self, name: &str) -> Diagnostic {
        let deadline = Instant::now() + LAST_BREATH;
        let mut status = self.child.try_wait();
        while matches!(status, Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
            status = self.child.try_wait();
        }
        self.end();
        // A process that said nothing at its end died without words.
        let last_words = self.last_words.recv_timeout(LAST_BREATH).unwrap_or_default();
        cause(name, status.ok().flatten(), String::from_utf8_lossy(&last_words).trim())
    }

    /// Ends the process. One that has ended already is none to be ended.
    fn end(&mut self) {
        let _is_running = self.child.kill().is_ok();
        let _is_waited_for = self.child.wait().is_ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// What to do about a library that cannot be used.
const ASK: &str = "ask whoever wrote it; without its calls the script goes on";

fn cause(name: &str, status: Option<ExitStatus>, last_words: &str) -> Diagnostic {
    let signal = status.and_then(|it| it.signal()).and_then(|it| Signal::try_from(it).ok());
    if last_words.contains("memory allocation of") {
        let message = format!("the plugin library `{name}` wants more than 1 GiB of memory");
        return Diagnostic::error("plugin::memory", message).help(ASK);
    }
    if signal == Some(Signal::SIGXCPU) || signal == Some(Signal::SIGKILL) {
        let message = format!("the plugin library `{name}` takes too much processor time");
        return Diagnostic::error("plugin::time", message).help(ASK);
    }
    let how = match (signal, status.and_then(|it| it.code())) {
        (Some(signal), _) => format!("ended with {signal}"),
        (None, Some(code)) => format!("ended with {code}"),
        (None, None) => "closed its pipe".to_owned(),
    };
    let message = match last_words.lines().last() {
        Some(line) => format!("the process of the plugin library `{name}` {how}: {line}"),
        None => format!("the process of the plugin library `{name}` {how}"),
    };
    Diagnostic::error("plugin::ended", message).help(ASK)
}

/// The ends of the pipes that a conversation goes through.
struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
}

/// Starts the process, and a thread that hears what it says on standard error.
fn spawn(command: &mut Command) -> io::Result<(std::process::Child, Pipes, Receiver<Vec<u8>>)> {
    let mut child = command.spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(input), Some(output), Some(errors)) = pipes else {
        return Err(io::Error::other("its pipes are missing"));
    };
    let (word, last_words) = channel();
    let hears = thread::Builder::new().name("plugin-errors".to_owned()).spawn(move || end_of(errors, &word));
    match hears {
        Ok(_) => Ok((child, Pipes { input, output }, last_words)),
        Err(err) => {
            child.kill()?;
            child.wait()?;
            Err(err)
        }
    }
}

/// Takes requests to the process and brings answers back, one at a time, until nobody asks any more. The process ends
/// with this thread: how it ended by itself is seen before that.
fn converse(mut pipes: Pipes, asked: &Receiver<Vec<u8>>, answer: &Sender<io::Result<Option<Vec<u8>>>>) {
    for request in asked {
        let answered = frame::write(&mut pipes.input, &request).and_then(|()| frame::read(&mut pipes.output));
        if answer.send(answered).is_err() {
            return;
        }
    }
}

/// Hears what the process says on standard error, and tells the end of it when there is no more.
fn end_of(mut errors: ChildStderr, told: &Sender<Vec<u8>>) {
    let mut end = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = errors.read(&mut piece) {
        end.extend_from_slice(&piece[..count]);
        end.drain(..end.len().saturating_sub(LAST_WORDS));
    }
    // Nobody asks for the last words of a process that was ended.
    let _is_heard = told.send(end).is_ok();
}
