//! Real daemons for the time of one test.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mops_plugin::model::Name;
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};

use crate::shop::Node;

/// Who runs daemons when the tests are run by root.
pub(crate) const NOBODY: u32 = 65534;

/// A daemon that ends with the test.
pub(crate) struct Running(Child);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(self.pid(), Signal::SIGTERM).expect("the daemon still runs");
        self.0.wait().expect("the daemon ends");
    }
}

impl Running {
    /// Starts a daemon, never as root: a node drops privileges first.
    pub(crate) fn start(mut command: Command) -> Self {
        if Uid::effective().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let what = format!("{command:?}");
        let child = command.stdin(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|err| panic!("{what}: {err}; install nginx, php8.2-fpm and curl")))
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).expect("a pid is small"))
    }
}

/// A command of the daemon `name` of `role`, as a node runs it.
pub(crate) fn command(node: &Node, role: &'static str, name: &str, what: What) -> Command {
    let daemon = &node.lowered[role].daemons[&Name::literal(role)][&Name::literal(name)];
    let words = match what {
        What::Run => &daemon.command,
        What::Check => daemon.check.as_ref().unwrap(),
    };
    let words: Vec<String> = words.iter().map(|it| node.fill(it)).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

/// A command of a daemon.
#[derive(Clone, Copy)]
pub(crate) enum What {
    Run,
    Check,
}

/// nginx of `role`, once it answers.
pub(crate) fn nginx(node: &Node, role: &'static str) -> Running {
    let name = format!("{role}-nginx");
    node.hand_over();
    let running = Running::start(command(node, role, &name, What::Run));
    wait_for(&format!("{}:{}", node.fact("address"), node.fact(&format!("port.{name}.http"))));
    running
}

pub(crate) fn wait_for(address: &str) {
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "nothing listens on {address}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// curl, with its arguments separated by spaces; a `~` in an argument is a space.
pub(crate) fn curl(arguments: &str) -> Answer {
    let mut command = Command::new("curl");
    command.args(["-s", "-i", "-k", "--path-as-is", "--max-time", "20"]);
    command.args(arguments.split(' ').map(|it| it.replace('~', " ")));
    let out = command.output().unwrap_or_else(|err| panic!("curl: {err}; install curl"));
    assert!(out.status.success(), "curl {arguments}: {}", out.status);
    parse(&String::from_utf8(out.stdout).unwrap())
}

fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.filter_map(|it| it.split_once(": ")).map(|(key, it)| (key.to_lowercase(), it.to_owned()));
    Answer { status, headers: headers.collect(), body: body.to_owned() }
}

/// Answers every request with its own head, where the cache would stand.
pub(crate) fn echo(address: &str) {
    let listener = TcpListener::bind(address).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|it| it == b"\r\n\r\n") {
                match stream.read(&mut buffer).unwrap() {
                    0 => break,
                    read => request.extend_from_slice(&buffer[..read]),
                }
            }
            let request = String::from_utf8(request).unwrap();
            let head =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", request.len());
            stream.write_all(format!("{head}{request}").as_bytes()).unwrap();
        }
    });
}
