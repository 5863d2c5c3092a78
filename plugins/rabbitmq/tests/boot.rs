//! The broker for real: checked by its own schema and started from the rendered files as an ordinary user.
//!
//! **Invariant:** the real broker runs; where RabbitMQ is not installed these tests fail.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::fs::{Permissions, create_dir_all, set_permissions};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use mops_plugin::model::Daemon;
use mops_plugin::testing::{call, context, fill, website};
use mops_plugin::{Lowered, Plugin, Slots};
use mops_rabbitmq::Rabbitmq;

const ADDRESS: &str = "127.0.0.1";

/// A node with the rendered files of a broker.
struct Node {
    /// Kept so that its folder lives as long as the node.
    folder: tempfile::TempDir,
    lowered: Lowered,
    facts: Vec<(&'static str, String)>,
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("our own child");
        self.0.wait().expect("our own child");
    }
}

impl Node {
    fn new() -> Self {
        let is_installed = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists();
        assert!(is_installed, "this test needs RabbitMQ: apt-get install rabbitmq-server");
        let call = call(&Rabbitmq, "broker", "{}").unwrap();
        let lowered =
            Rabbitmq.lower(&call, &context(vec![website("pl", "acme.pl")]), &Slots::default()).unwrap();
        let folder = tempfile::Builder::new().prefix("mq").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let facts = vec![
            ("address", ADDRESS.to_owned()),
            ("port.rabbitmq.amqp", free_port()),
            ("port.rabbitmq.distribution", free_port()),
            ("port.epmd.map", free_port()),
            ("current", path("current")),
            ("files", path("current/files")),
            ("data.rabbitmq", path("data")),
            ("run", path("run")),
            ("log", path("log")),
            ("tmp", path("tmp")),
        ];
        for name in ["current/files/rabbitmq", "data", "run", "log", "tmp"] {
            create_dir_all(folder.path().join(name)).unwrap();
        }
        let node = Self { folder, lowered, facts };
        for file in &node.lowered.files {
            let path = node.file(&file.path);
            write(&path, &fill(&file.text, &node.facts()));
            let mode = if file.executable { 0o700 } else { 0o600 };
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        if is_root() {
            assert!(
                Command::new("chown")
                    .args(["-R", "nobody"])
                    .arg(node.folder.path())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        node
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("current/files").join(path)
    }

    fn facts(&self) -> Vec<(&str, &str)> {
        self.facts.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn daemon(&self, name: &str) -> &Daemon {
        &self.lowered.daemons["persistent"][name]
    }

    /// A command of a daemon, as an ordinary user with nothing inherited but `PATH`.
    fn command(&self, words: &[mops_plugin::model::Text]) -> Command {
        let words: Vec<String> = words.iter().map(|it| fill(it, &self.facts())).collect();
        let mut command = Command::new(if is_root() { "setpriv" } else { "env" });
        if is_root() {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        }
        command.args(words).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }

    fn start(&self, name: &str) -> Running {
        let daemon = self.daemon(name);
        let mut command = self.command(&daemon.command);
        for (name, value) in &daemon.environment {
            command.env(name, fill(value, &self.facts()));
        }
        Running(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn check(&self) -> Output {
        self.command(self.daemon("rabbitmq").check.as_ref().unwrap()).output().unwrap()
    }

    fn fact(&self, name: &str) -> &str {
        &self.facts.iter().find(|it| it.0 == name).unwrap().1
    }

    fn connected(&self, fact: &str, within: Duration) -> TcpStream {
        let start = Instant::now();
        loop {
            match TcpStream::connect(format!("{ADDRESS}:{}", self.fact(fact))) {
                Ok(stream) => return stream,
                Err(err) => assert!(start.elapsed() < within, "{fact}: {err}"),
            }
            sleep(Duration::from_millis(50));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test writes the files that a node would")]
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn free_port() -> String {
    TcpListener::bind((ADDRESS, 0)).unwrap().local_addr().unwrap().port().to_string()
}

/// One AMQP 0-9-1 frame with a method.
fn send(stream: &mut TcpStream, channel: u16, method: &[u8]) {
    let length = u32::try_from(method.len()).unwrap();
    let frame = [&[1], &channel.to_be_bytes()[..], &length.to_be_bytes(), method, &[0xCE]].concat();
    stream.write_all(&frame).unwrap();
}

/// Class and method of the next frame.
fn receive(stream: &mut TcpStream) -> (u16, u16) {
    let mut head = [0; 7];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut rest = vec![0; length as usize + 1];
    stream.read_exact(&mut rest).unwrap();
    (u16::from_be_bytes([rest[0], rest[1]]), u16::from_be_bytes([rest[2], rest[3]]))
}

#[test]
fn the_check_takes_what_is_rendered_and_names_what_is_wrong() {
    let node = Node::new();
    let good = node.check();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    write(&node.file("rabbitmq/rabbitmq.conf"), "vm_memory_watermark.absolute = 5\n");
    let bad = node.check();
    assert_eq!(bad.status.code(), Some(1));
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(said.contains("vm_memory_watermark.absolute"), "{said}");
}

/// About six seconds: the broker's own start.
#[test]
fn a_broker_starts_from_the_rendered_files_and_its_user_may_open_its_host() {
    let node = Node::new();
    let _epmd = node.start("epmd");
    drop(node.connected("port.epmd.map", Duration::from_secs(5)));
    let mut rabbit = node.start("rabbitmq");
    let mut stream = node.connected("port.rabbitmq.amqp", Duration::from_secs(40));
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(b"AMQP\0\0\x09\x01").unwrap();
    assert_eq!(receive(&mut stream), (10, 10), "Connection.Start");
    let response = b"\0acme\0secret-rabbitmq";
    let length = u32::try_from(response.len()).unwrap().to_be_bytes();
    send(&mut stream, 0, &[b"\0\x0A\0\x0B\0\0\0\0\x05PLAIN", &length[..], response, b"\x05en_US"].concat());
    assert_eq!(receive(&mut stream), (10, 30), "Connection.Tune: the user and its password are good");
    send(&mut stream, 0, b"\0\x0A\0\x1F\x07\xFF\0\x02\0\0\0\0");
    send(&mut stream, 0, b"\0\x0A\0\x28\x04acme\0\0");
    assert_eq!(
        receive(&mut stream),
        (10, 41),
        "Connection.OpenOk: the host is there and the user may use it"
    );

    let listening = Command::new("ss").args(["-Hltnp"]).output().unwrap();
    let listening = String::from_utf8_lossy(&listening.stdout).into_owned();
    let owner = format!("pid={},", rabbit.0.id());
    let ours: Vec<&str> = listening.lines().filter(|it| it.contains(&owner)).collect();
    assert_eq!(ours.len(), 2, "AMQP and Erlang's distribution, of the process itself:\n{listening}");
    assert!(ours.iter().all(|it| it.contains(ADDRESS)), "{ours:?}");

    drop(stream);
    assert!(Command::new("kill").args(["-TERM", &rabbit.0.id().to_string()]).status().unwrap().success());
    let start = Instant::now();
    while rabbit.0.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not stop");
        sleep(Duration::from_millis(50));
    }
}
