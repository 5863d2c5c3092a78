//! Redis as a script asks for it: what it refuses, and servers that run with what it renders.
//!
//! **Invariant:** the real programs run; a missing one fails the test that needs it.
#![expect(clippy::disallowed_methods, reason = "the tests lay rendered files out for real programs")]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use mops_plugin::{
    Context, Encoded, Linked, Lowered, Registry, Slots,
    model::{
        Bindings, Call, Daemon, Diagnostic, Digest, Facts, Name, ReadyCheck, Reload, SecretError, Secrets,
        Text, Value,
    },
    testing,
};
use mops_redis::Redis;

/// A password that would end a careless string.
const PASSWORD: &str = r#"it's "quoted" \ here"#;

struct OnePassword;

impl Secrets for OnePassword {
    fn fetch(&self, _: &Name) -> Result<String, SecretError> {
        Ok(PASSWORD.to_owned())
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        Err(SecretError { name: name.clone(), why: "not asked for here".to_owned() })
    }
}

/// The site `acme` whose role `persistent` has `nodes` nodes.
fn context(nodes: u32) -> Context {
    let mut context = testing::context(Vec::new());
    for role in &mut context.site.roles {
        (role.min, role.max) = (nodes, nodes);
    }
    context.groups = context.site.groups();
    context
}

fn call(function: &str, options: &str) -> Call {
    testing::call(&Redis, function, options).unwrap()
}

fn lower(call: &Call, nodes: u32) -> Result<Lowered, Vec<Diagnostic>> {
    let (context, slots) = (Encoded::of(&context(nodes)), Encoded::of(&Slots::default()));
    Registry::new([Linked(&Redis)]).lower(call, &context, &slots)
}

/// A node's folder with the files of a lowering, filled.
struct Node {
    folder: tempfile::TempDir,
    bindings: Bindings,
}

impl Node {
    fn new(lowered: &Lowered, daemon: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let facts = [
            ("address", "127.0.0.1".to_owned()),
            (&format!("port.{daemon}.redis"), free),
            ("tmp", path("tmp")),
            ("data.redis-sessions", path("data")),
            ("current", path("current")),
            ("files", path("current/files")),
        ];
        let here: Facts = facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let bindings = Bindings { here, ..Bindings::default() };
        for name in ["tmp", "data"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let node = Self { folder, bindings };
        node.write(lowered);
        node
    }

    fn write(&self, lowered: &Lowered) {
        for file in &lowered.files {
            let path = self.folder.path().join("current/files").join(&file.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, self.bindings.fill(&file.text, &OnePassword).unwrap()).unwrap();
        }
    }

    fn command(&self, words: &[Text]) -> Command {
        let words: Vec<String> =
            words.iter().map(|it| self.bindings.fill(it, &OnePassword).unwrap()).collect();
        assert!(words.iter().all(|it| !it.contains(PASSWORD)), "a password stands in a command");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdout(Stdio::null());
        command
    }

    fn succeeds(&self, words: &[Text]) -> bool {
        self.command(words).status().unwrap().success()
    }

    fn ask(&self, daemon: &str, words: &[&str]) -> String {
        let port = &self.bindings.here[&format!("port.{daemon}.redis")];
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", port])
            .args(words)
            .env("REDISCLI_AUTH", PASSWORD)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start(node: &Node, daemon: &Daemon) -> Running {
    let running = Running(node.command(&daemon.command).spawn().unwrap());
    let ReadyCheck::Command(ready) = &daemon.ready.check else {
        panic!("redis says itself when it is ready")
    };
    for _ in 0..100 {
        if node.succeeds(ready) {
            return running;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("redis is not ready within 5 s");
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn sessions_refuse_what_evicts_them() {
    for policy in ["volatile-lru", "allkeys-lru", "volatile-ttl"] {
        let wrong = lower(&call("sessions", &format!(r#"{{ "policy": "{policy}" }}"#)), 1).unwrap_err();
        assert_eq!(
            (wrong[0].code.as_str(), wrong[0].option.as_deref()),
            ("redis::evicts-sessions", Some("policy"))
        );
    }
    assert!(lower(&call("sessions", r#"{ "policy": "noeviction" }"#), 1).is_ok());
}

#[test]
fn every_mistake_is_told_at_once() {
    let wrong = lower(&call("sessions", r#"{ "policy": "volatile-lru", "memory": "8G" }"#), 3).unwrap_err();
    let codes: Vec<&str> = wrong.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["redis::evicts-sessions", "redis::one-node", "redis::too-large"]);
}

#[test]
fn what_is_rendered_passes_its_own_check_and_leaves_nothing_behind() {
    for (function, daemon) in [("cache", "redis-cache"), ("sessions", "redis-sessions")] {
        let lowered = lower(&call(function, "{}"), 1).unwrap();
        let node = Node::new(&lowered, daemon);
        let check = lowered.daemons["persistent"][daemon].check.as_ref().unwrap();
        assert!(node.succeeds(check), "{daemon}");
        assert!(is_empty(&node.folder.path().join("tmp")) && is_empty(&node.folder.path().join("data")));

        let limits = node.folder.path().join(format!("current/files/{daemon}/limits.conf"));
        fs::write(&limits, "maxmemory plenty\n").unwrap();
        assert!(!node.succeeds(check), "a wrong value passes");
    }
}

#[test]
fn limits_change_while_it_serves() {
    let lowered = lower(&call("cache", r#"{ "memory": "32M" }"#), 1).unwrap();
    let node = Node::new(&lowered, "redis-cache");
    let daemon = &lowered.daemons["persistent"]["redis-cache"];
    let _running = start(&node, daemon);
    assert_eq!(node.ask("redis-cache", &["CONFIG", "GET", "maxmemory"]), "maxmemory\n33554432\n");

    node.write(&lower(&call("cache", r#"{ "memory": "64M", "policy": "volatile-lru" }"#), 1).unwrap());
    let Reload::Commands { commit, .. } = &daemon.reload else { panic!("redis reloads with a command") };
    assert!(node.succeeds(commit));
    assert_eq!(node.ask("redis-cache", &["CONFIG", "GET", "maxmemory"]), "maxmemory\n67108864\n");
    assert_eq!(
        node.ask("redis-cache", &["CONFIG", "GET", "maxmemory-policy"]),
        "maxmemory-policy\nvolatile-lru\n"
    );
}

#[test]
fn sessions_outlive_a_restart() {
    for (persistence, kept) in [("aof", "cart\n"), ("none", "\n")] {
        let lowered =
            lower(&call("sessions", &format!(r#"{{ "persistence": "{persistence}" }}"#)), 1).unwrap();
        let node = Node::new(&lowered, "redis-sessions");
        let daemon = &lowered.daemons["persistent"]["redis-sessions"];
        let running = start(&node, daemon);
        assert_eq!(node.ask("redis-sessions", &["SET", "session", "cart"]), "OK\n");
        // An append-only file is written before the answer and flushed within a second: a kill of the process alone
        // loses nothing.
        drop(running);
        let _again = start(&node, daemon);
        assert_eq!(node.ask("redis-sessions", &["GET", "session"]), kept, "{persistence}");
    }
}

#[test]
fn the_application_learns_where_its_servers_are() {
    let registry = Registry::new([Linked(&Redis)]);
    let given = registry.contribute(&call("sessions", "{}"), &Encoded::of(&context(1))).unwrap();
    let shown = |key: &str| {
        given.iter().map(|it| it.value.as_record().unwrap()).find_map(|it| {
            let is_wanted = it.get("path").or(it.get("key")).and_then(Value::as_text) == Some(key);
            is_wanted.then(|| it["value"].texts()[0].to_string())
        })
    };
    assert_eq!(shown("session/redis/host").unwrap(), "‹each persistent›‹there.address›‹end›");
    assert_eq!(
        shown("session.save_path").unwrap(),
        "tcp://‹each persistent›‹there.address›‹end›:‹each persistent›‹there.port.redis-sessions.redis›‹end›\
         ?auth=‹secret(redis-sessions)›"
    );
}
