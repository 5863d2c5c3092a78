//! A small shop to activate: closures in few words, on folders of their own.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use mops_model::{
    Artifact, Bindings, Closure, Daemon, Digest, Listen, Loses, Name, OnChange, Ready, ReadyCheck, Reload,
    SecretError, Secrets, Stop, StopSignal, Text,
};
use mops_node::{Account, Activated, ActivationError, DaemonStatus, Layout, Node, Objects, Shim};

pub(crate) struct Shop {
    pub(crate) node: Node,
    pub(crate) closure: Closure,
    layout: Layout,
    bindings: Bindings,
    objects: Bytes,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Bytes(BTreeMap<Digest, Vec<u8>>);

struct NoSecrets;

/// A daemon that is described step by step.
pub(crate) struct Described(Daemon);

impl Shop {
    pub(crate) fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("mops-node-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let at = |name: &str| folder.path().join(name);
        let examples = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
        let layout = Layout {
            root: at("node"),
            run: at("run"),
            log: at("log"),
            tmp: at("tmp"),
            data: at("data"),
            trees: at("trees"),
            account: account(),
            shim: Shim { program: examples.join("shim"), argument: "__daemon".to_owned() },
        };
        let closure = Closure {
            group: Name::literal("all"),
            roles: Vec::new(),
            files: BTreeMap::new(),
            daemons: BTreeMap::new(),
            directories: BTreeMap::new(),
            trees: BTreeMap::new(),
            watches: BTreeMap::new(),
            packages: BTreeMap::new(),
        };
        let bindings =
            Bindings { here: [("address".to_owned(), "127.0.0.1".to_owned())].into(), ..Bindings::default() };
        let node = Node::open(layout.clone()).unwrap();
        Self { node, closure, layout, bindings, objects: Bytes::default(), _folder: folder }
    }

    pub(crate) fn daemon(&mut self, name: &str, described: Described) -> &mut Self {
        self.closure.daemons.insert(Name::literal(name), described.0);
        self
    }

    pub(crate) fn file(&mut self, path: &str, text: &str, daemon: &str, on_change: OnChange) -> &mut Self {
        let text = self.object(&serde_json::to_vec(&Text::literal(text)).unwrap());
        let artifact = Artifact { text, executable: false, daemon: Name::literal(daemon), on_change };
        self.closure.files.insert(path.to_owned(), artifact);
        self
    }

    pub(crate) fn port(&mut self, daemon: &str, listen: &str, port: u16) -> &mut Self {
        self.bindings.here.insert(format!("port.{daemon}.{listen}"), port.to_string());
        self
    }

    pub(crate) fn object(&mut self, bytes: &[u8]) -> Digest {
        self.objects.0.insert(Digest::of(bytes), bytes.to_vec());
        Digest::of(bytes)
    }

    pub(crate) fn activate(&mut self) -> Result<Activated, ActivationError> {
        self.node.activate(&self.closure, self.bindings.clone(), &self.objects, &NoSecrets)
    }

    pub(crate) fn status(&self, daemon: &str) -> DaemonStatus {
        self.node.watch().status().unwrap()[daemon].clone()
    }

    pub(crate) fn pid(&self, daemon: &str) -> u32 {
        self.status(daemon).pid.unwrap()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.layout.root
    }

    pub(crate) fn run(&self) -> &Path {
        &self.layout.run
    }

    pub(crate) fn current(&self) -> PathBuf {
        fs::read_link(self.root().join("current")).unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.node.stop().unwrap();
    }
}

impl Objects for Bytes {
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        self.0.get(digest).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Secrets for NoSecrets {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        Err(SecretError { name: name.clone(), why: "there are none".to_owned() })
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        self.fetch(name).map(|it| Digest::of(it.as_bytes()))
    }
}

impl Described {
    pub(crate) fn ready(mut self, check: ReadyCheck) -> Self {
        self.0.ready.check = check;
        self
    }

    pub(crate) fn after(mut self, name: &str) -> Self {
        self.0.after.push(Name::literal(name));
        self
    }

    pub(crate) fn check(mut self, line: &str) -> Self {
        self.0.check = Some(command(line));
        self
    }

    pub(crate) fn listen(mut self, name: &str, listen: Listen) -> Self {
        self.0.listens.insert(Name::literal(name), listen);
        self
    }

    pub(crate) fn reload(mut self, reload: Reload) -> Self {
        self.0.reload = reload;
        self
    }

    pub(crate) fn stop_within(mut self, within: &str) -> Self {
        self.0.stop.within = within.parse().unwrap();
        self
    }
}

/// A daemon that a shell runs; it knows the folders `RUN` and `CURRENT`.
pub(crate) fn sh(script: &str) -> Described {
    let folders = [("RUN".to_owned(), Text::here("run")), ("CURRENT".to_owned(), Text::here("current"))];
    Described(Daemon {
        command: command(script),
        environment: folders.into(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: None,
        ready: Ready { check: ReadyCheck::Running, within: "5s".parse().unwrap() },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: "3s".parse().unwrap() },
        memory: None,
    })
}

pub(crate) fn command(script: &str) -> Vec<Text> {
    ["sh", "-c", script].map(Text::from).to_vec()
}

pub(crate) fn nginx() -> Described {
    let mut it = sh("");
    let conf = Text::here("current").then("/files/nginx/nginx.conf");
    it.0.command =
        vec!["nginx".into(), "-p".into(), Text::here("run"), "-e".into(), "stderr".into(), "-c".into(), conf];
    let new = Text::here("files").then("/nginx/nginx.conf");
    let check = ["nginx", "-t", "-q", "-e", "stderr", "-p"].map(Text::from).to_vec();
    it.0.check = Some([check, vec![Text::here("run"), "-c".into(), new]].concat());
    it.0.stop.signal = StopSignal::Quit;
    it
}

pub(crate) fn nginx_conf(port: u16, says: &str) -> String {
    let temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|it| format!("{it}_temp_path {it};"))
        .concat();
    format!(
        "daemon off; pid nginx.pid; worker_processes 1; events {{}}
         http {{ access_log off; {temp} server {{ listen 127.0.0.1:{port}; return 200 {says}; }} }}"
    )
}

pub(crate) fn redis(port: u16) -> Described {
    let mut it = sh("");
    let words = format!("redis-server --bind 127.0.0.1 --port {port} --save");
    it.0.command =
        words.split(' ').map(Text::from).chain(["".into(), "--dir".into(), Text::here("tmp")]).collect();
    it
}

/// The body that a GET is answered with.
pub(crate) fn get(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// The living processes of a group.
pub(crate) fn group(pid: u32) -> Vec<String> {
    let listed = Command::new("ps").args(["-eo", "pgid=,stat=,args="]).output().unwrap().stdout;
    let lines = String::from_utf8(listed).unwrap();
    let of_group = |it: &&str| {
        let words: Vec<&str> = it.split_ascii_whitespace().collect();
        words[0] == pid.to_string() && !words[1].starts_with('Z')
    };
    lines.lines().filter(of_group).map(str::to_owned).collect()
}

pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(10), "it does not come true");
        sleep(Duration::from_millis(10));
    }
}

/// The account `mops`, made when root runs the tests; none when somebody else does.
fn account() -> Option<Account> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let find = || nix::unistd::User::from_name("mops").unwrap();
    if find().is_none() {
        let made = Command::new("useradd").args(["--system", "--no-create-home", "mops"]).status().unwrap();
        assert!(made.success() || find().is_some());
    }
    let user = find().unwrap();
    Some(Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() })
}
