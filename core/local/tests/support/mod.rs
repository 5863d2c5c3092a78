//! A site on this machine, in folders of its own.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::Command,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use mops_apply::{Inputs, Objects, Outputs, Provider, Refused};
use mops_local::{Local, Place};
use mops_model::{
    Address, Artifact, Closure, Daemon, Digest, Listen, Loses, Name, OnChange, Protocol, Ready, ReadyCheck,
    Recorded, Reload, SecretError, Secrets, Stop, StopSignal, Text, Value,
};
use mops_node::{Account, DaemonStatus};

/// 2026-11-23.
const NOW: u64 = 1_795_392_000;

pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) closure: Closure,
    pub(crate) here: BTreeMap<String, String>,
    objects: Arc<Bytes>,
    folder: Option<tempfile::TempDir>,
}

#[derive(Default)]
struct Bytes(Mutex<BTreeMap<Digest, Vec<u8>>>);

struct Fixed;

impl Site {
    pub(crate) fn new(key: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("mops-").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut site = Self::beside(key, folder.path());
        site.folder = Some(folder);
        site
    }

    /// Another site on the same machine.
    pub(crate) fn beside(key: &str, folder: &std::path::Path) -> Self {
        let examples = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
        let data = folder.join(key);
        let place = Place {
            key: key.to_owned(),
            private: data.join("private"),
            run: folder.join("run").join(key),
            data,
            machine: folder.join("machine"),
            account: account(),
            program: examples.join("supervisor"),
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
        let here = [("address".to_owned(), "127.0.1.2".to_owned())].into();
        Self { place, closure, here, objects: Arc::default(), folder: None }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.place.machine.parent().unwrap()
    }

    pub(crate) fn provider(&self) -> Local {
        Local::new(self.place.clone(), Arc::<Bytes>::clone(&self.objects), Arc::new(Fixed), NOW)
    }

    pub(crate) fn daemon(&mut self, name: &str, daemon: Daemon) {
        self.closure.daemons.insert(Name::literal(name), daemon);
    }

    pub(crate) fn file(&mut self, path: &str, text: &Text, daemon: &str) {
        let text = self.object(&serde_json::to_vec(text).unwrap());
        let daemon = Name::literal(daemon);
        let artifact = Artifact { text, executable: false, daemon, on_change: OnChange::Reload };
        self.closure.files.insert(path.to_owned(), artifact);
    }

    pub(crate) async fn create(&self, address: &str, inputs: &[(&str, Value)]) -> Outputs {
        self.provider().create(&address.parse().unwrap(), &record(inputs)).await.unwrap()
    }

    pub(crate) async fn delete(&self, address: &str) {
        let recorded = Recorded {
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            needs: Vec::new(),
            lifecycle: mops_model::Lifecycle::default(),
            origin: mops_model::Origin::default(),
        };
        self.provider().delete(&address.parse().unwrap(), &recorded).await.unwrap();
    }

    /// What is found of a resource that exists.
    pub(crate) async fn read(&self, address: &str) -> Inputs {
        let address: Address = address.parse().unwrap();
        let found = self.provider().read(&[(address.clone(), None)].into()).await.unwrap();
        found[&address].inputs.clone()
    }

    /// Activates the closure on the node `all-1`.
    pub(crate) async fn activate(&self) -> Result<Outputs, Refused> {
        let digest = self.object(&serde_json::to_vec(&self.closure).unwrap());
        let here = self.here.iter().map(|(fact, it)| (fact.clone(), it.as_str().into())).collect();
        let bindings = Value::Record([("here".to_owned(), Value::Record(here))].into());
        let inputs = record(&[
            ("name", "all-1".into()),
            ("group", "all".into()),
            ("roles", Value::List(Vec::new())),
            ("closure", digest.to_string().into()),
            ("bindings", bindings),
            ("running", true.into()),
        ]);
        self.provider().create(&"local.node.all-1".parse().unwrap(), &inputs).await
    }

    pub(crate) fn status(&self, daemon: &str) -> DaemonStatus {
        mops_local::status(&self.place).unwrap().nodes["all-1"][daemon].clone()
    }

    pub(crate) fn supervisor(&self) -> u32 {
        mops_local::status(&self.place).unwrap().supervisor.unwrap()
    }

    /// The living processes that name a folder of this site.
    pub(crate) fn processes(&self) -> Vec<String> {
        let listed = Command::new("ps").args(["-eo", "stat=,args="]).output().unwrap().stdout;
        let mine = self.folder().to_str().unwrap().to_owned();
        let lines = String::from_utf8(listed).unwrap();
        lines.lines().filter(|it| it.contains(&mine) && !it.starts_with('Z')).map(str::to_owned).collect()
    }

    fn object(&self, bytes: &[u8]) -> Digest {
        self.objects.0.lock().unwrap().insert(Digest::of(bytes), bytes.to_vec());
        Digest::of(bytes)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        mops_local::destroy(&self.place).unwrap();
    }
}

impl Objects for Bytes {
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().get(digest).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Secrets for Fixed {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        Ok(format!("the value of {name}"))
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        self.fetch(name).map(|it| Digest::of(it.as_bytes()))
    }
}

pub(crate) fn record(inputs: &[(&str, Value)]) -> Inputs {
    inputs.iter().map(|(key, it)| ((*key).to_owned(), it.clone())).collect()
}

/// A daemon that a shell runs; its arguments name a folder of the site.
pub(crate) fn sh(script: &str) -> Daemon {
    Daemon {
        command: vec!["sh".into(), "-c".into(), script.into(), Text::here("run")],
        environment: BTreeMap::new(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: None,
        ready: Ready { check: ReadyCheck::Running, within: "10s".parse().unwrap() },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: "3s".parse().unwrap() },
        memory: None,
    }
}

/// Varnish that answers everything itself and takes a new VCL while it runs.
pub(crate) fn varnish() -> Daemon {
    let work = || Text::here("run").then("/varnish");
    let listen = || Text::here("address").then(":").then(Text::here("port.varnish.http"));
    let words = |text: &str| -> Vec<Text> { text.split(' ').map(Text::from).collect() };
    let shell = |script: &str| vec!["sh".into(), "-euc".into(), script.into(), "sh".into(), work()];
    let mut it = sh("");
    it.command = words("varnishd -F -s malloc,32m -p vcc_err_unref=off -a");
    it.command.extend([
        listen(),
        "-n".into(),
        work(),
        "-f".into(),
        Text::here("current").then("/files/varnish/default.vcl"),
    ]);
    it.check = Some(vec![
        "varnishd".into(),
        "-C".into(),
        "-f".into(),
        Text::here("files").then("/varnish/default.vcl"),
    ]);
    it.listens =
        [(Name::literal("http"), Listen { protocol: Protocol::Http, port: 6081, public: false })].into();
    it.ready.check = ReadyCheck::Http { listen: Name::literal("http"), path: "/ready".to_owned() };
    it.reload = Reload::Commands {
        prepare: Some(shell(
            "varnishadm -n $1 vcl.load v$(echo $MOPS_FILES | cksum | cut -d' ' -f1) $MOPS_FILES/varnish/default.vcl",
        )),
        commit: shell("varnishadm -n $1 vcl.use v$(echo $MOPS_FILES | cksum | cut -d' ' -f1)"),
    };
    it
}

/// A GET: the whole answer.
pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
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
