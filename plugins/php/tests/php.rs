//! PHP as a script asks for it: what it refuses, and a PHP-FPM that runs with what it renders.
//!
//! **Invariant:** the real programs run; a missing one fails the test that needs it.
#![expect(clippy::disallowed_methods, reason = "the tests lay rendered files out for real programs")]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use mops_php::Php;
use mops_plugin::{
    Contribution, Lowered, Plugin, Slots,
    model::{Diagnostic, Name, Source, Text},
    slot::{PhpIni, PhpVersion, Slot},
    testing,
};

fn slots(given: &[Contribution]) -> Slots {
    let mut slots = BTreeMap::new();
    for it in given {
        slots.entry(it.slot.clone()).or_insert_with(Vec::new).push(it.clone());
    }
    Slots(slots)
}

fn lower(options: &str, given: &[Contribution]) -> Result<Lowered, Vec<Diagnostic>> {
    let call = testing::call(&Php, "fpm", options).unwrap();
    Php.lower(&call, &testing::context(Vec::new()), &slots(given))
}

fn contribute(function: &str, options: &str) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
    let call = testing::call(&Php, function, options).unwrap();
    Php.contribute(&call, &testing::context(Vec::new()))
}

fn line(lowered: &Lowered, path: &str, key: &str) -> String {
    let text = lowered.files.iter().find(|it| it.path == path).unwrap().text.to_string();
    text.lines().find(|it| it.starts_with(key)).unwrap().to_owned()
}

/// A node's folder with the files of a lowering, filled.
struct Node {
    folder: tempfile::TempDir,
    /// Who runs its programs, in the words of `setpriv`. A node's daemons are no root's, and PHP-FPM refuses to be: to
    /// root, it is `nobody`.
    user: &'static [&'static str],
}

impl Node {
    fn new(lowered: &Lowered) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let user: &[&str] = match fs::metadata(folder.path()).unwrap().uid() {
            0 => &["--reuid=65534", "--regid=65534", "--clear-groups", "--"],
            _ => &["--"],
        };
        let node = Self { folder, user };
        for folder in ["tmp", "log", "run", "current/files/php"] {
            fs::create_dir_all(node.folder.path().join(folder)).unwrap();
        }
        for file in &lowered.files {
            fs::write(node.folder.path().join("current/files").join(&file.path), node.fill(&file.text))
                .unwrap();
        }
        if user.len() > 1 {
            let chown =
                Command::new("chown").args(["-R", "65534:65534"]).arg(node.folder.path()).status().unwrap();
            assert!(chown.success());
        }
        node
    }

    fn fill(&self, text: &Text) -> String {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let paths = ["tmp", "log", "run", "current"].map(|it| (it, path(it)));
        let mut facts: Vec<(&str, &str)> = paths.iter().map(|(name, path)| (*name, path.as_str())).collect();
        let files = path("current/files");
        facts.push(("files", &files));
        testing::fill(text, &facts)
    }

    fn command(&self, words: &[Text]) -> Command {
        let words: Vec<String> = words.iter().map(|it| self.fill(it)).collect();
        let mut command = Command::new("setpriv");
        command.args(self.user).args(&words).stdout(Stdio::null());
        command
    }

    fn check(&self, lowered: &Lowered) -> Output {
        self.command(lowered.daemons["app"]["php"].check.as_ref().unwrap()).output().unwrap()
    }

    fn answers(&self) -> bool {
        let tries = 0..100;
        tries.into_iter().any(|_| {
            thread::sleep(Duration::from_millis(20));
            UnixStream::connect(self.folder.path().join("run/php.sock")).is_ok()
        })
    }
}

#[test]
fn two_calls_may_not_give_one_key_two_values() {
    let one = contribute("ini", r#"{ "key": "date.timezone", "value": "Europe/Warsaw" }"#).unwrap();
    let two = contribute("ini", r#"{ "key": "date.timezone", "value": "UTC" }"#).unwrap();
    let wrong = lower("{}", &[one[0].clone(), two[0].clone()]).unwrap_err();
    assert_eq!(wrong[0].message, "`date.timezone` has two values: ‹Europe/Warsaw› and ‹UTC›");
    assert_eq!(wrong[0].labels.len(), 2);
    assert!(lower("{}", &[one[0].clone(), one[0].clone()]).is_ok());
}

#[test]
fn a_key_must_be_one_and_a_limit_must_limit() {
    let wrong = contribute("ini", r#"{ "key": "a = b", "value": [] }"#).unwrap_err();
    let codes: Vec<&str> = wrong.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["php::wrong-key", "php::wrong-value"]);
    assert_eq!(contribute("limit", r#"{ "path": "^/upload" }"#).unwrap_err()[0].code, "php::no-limit");
}

#[test]
fn no_request_is_ended_before_the_longest_limit() {
    let limit = contribute("limit", r#"{ "path": "^/import", "time": "30m" }"#).unwrap();
    let lowered = lower(r#"{ "max_execution_time": "60s" }"#, &limit).unwrap();
    assert_eq!(line(&lowered, "php/php-fpm.conf", "request_terminate"), "request_terminate_timeout = 1810s");
}

#[test]
fn the_application_says_which_version_and_the_script_may_say_another() {
    let needs = PhpVersion { version: "8.3".to_owned() }.contribution();
    let program = |lowered: Lowered| lowered.daemons["app"]["php"].command[0].to_string();
    assert_eq!(program(lower("{}", std::slice::from_ref(&needs)).unwrap()), "php-fpm8.3");
    assert_eq!(program(lower(r#"{ "version": "8.4" }"#, &[needs]).unwrap()), "php-fpm8.4");
}

#[test]
fn the_number_of_workers_comes_from_the_memory_of_the_node() {
    let lowered = lower("{}", &[]).unwrap();
    assert_eq!(
        line(&lowered, "php/php-fpm.conf", "pm.max_children"),
        "pm.max_children = 16",
        "half of 4G by 128M"
    );
    let lowered = lower(r#"{ "processes": 3 }"#, &[]).unwrap();
    assert_eq!(line(&lowered, "php/php-fpm.conf", "pm.max_children"), "pm.max_children = 3");
}

#[test]
fn what_is_rendered_passes_its_own_check() {
    let path =
        Text::literal("tcp://127.0.0.1:6380?auth=").then(Text::hole(Source::Secret(Name::literal("key"))));
    let given = [
        PhpIni { key: "session.save_handler".to_owned(), value: "redis".into() }.contribution(),
        PhpIni { key: "session.save_path".to_owned(), value: path }.contribution(),
    ];
    let lowered = lower("{}", &given).unwrap();
    let node = Node::new(&lowered);
    let output = node.check(&lowered);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let ini = node.folder.path().join("current/files/php/php.ini");
    let shown = Command::new("php8.2")
        .arg("-c")
        .arg(&ini)
        .args(["-r", "echo ini_get('session.save_path');"])
        .output();
    assert_eq!(String::from_utf8(shown.unwrap().stdout).unwrap(), "tcp://127.0.0.1:6380?auth=secret-key");

    fs::write(&ini, "memory_limit = \"1G\nextension[").unwrap();
    assert!(!node.check(&lowered).status.success(), "a broken php.ini passes");
    let node = Node::new(&lowered);
    fs::write(node.folder.path().join("current/files/php/php-fpm.conf"), "[app]\npm = sometimes\n").unwrap();
    assert_eq!(node.check(&lowered).status.code(), Some(78));
}

/// A running PHP-FPM; a test that fails leaves none behind.
struct Master(Child);

impl Master {
    fn start(node: &Node, lowered: &Lowered) -> Self {
        let command = &lowered.daemons["app"]["php"].command;
        let master = Self(node.command(command).stderr(Stdio::null()).spawn().unwrap());
        assert!(node.answers());
        master
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.signal("-QUIT");
        assert!(self.0.wait().unwrap().success());
    }
}

/// Asks PHP-FPM for `script` as nginx does, and gives back headers and body (`FastCGI` 1.0, sections 3.3 and 6.2).
fn ask(socket: &Path, script: &Path) -> String {
    const RESPONDER: [u8; 8] = [0, 1, 0, 0, 0, 0, 0, 0];
    let record = |kind: u8, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[1, kind, 0, 1, high, low, 0, 0], content].concat()
    };
    let script = script.to_str().unwrap();
    let mut told = Vec::new();
    for (name, value) in [("SCRIPT_FILENAME", script), ("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")] {
        told.extend([name, value].map(|it| u8::try_from(it.len()).unwrap()));
        told.extend([name, value].concat().bytes());
    }
    let mut stream = UnixStream::connect(socket).unwrap();
    let records = [record(1, &RESPONDER), record(4, &told), record(4, &[]), record(5, &[])];
    stream.write_all(&records.concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_reload_kills_no_request_and_brings_new_limits() {
    let lowered = lower(r#"{ "memory_limit": "100M" }"#, &[]).unwrap();
    let node = Node::new(&lowered);
    let script = node.folder.path().join("slow.php");
    fs::write(&script, "<?php usleep(500000); echo 'limit ', ini_get('memory_limit'), ' end';").unwrap();
    let socket = node.folder.path().join("run/php.sock");
    let master = Master::start(&node, &lowered);

    let (path, under_way) = (socket.clone(), script.clone());
    let under_way = thread::spawn(move || ask(&path, &under_way));
    thread::sleep(Duration::from_millis(200));
    let ini = node.folder.path().join("current/files/php/php.ini");
    fs::write(&ini, node.fill(&lower(r#"{ "memory_limit": "200M" }"#, &[]).unwrap().files[1].text)).unwrap();
    master.signal("-USR2");
    // A request that arrives before the master has seen the signal belongs to the old files.
    thread::sleep(Duration::from_millis(100));
    let after = ask(&socket, &script);
    let before = under_way.join().unwrap();
    assert!(before.contains("limit 100M end") && after.contains("limit 200M end"), "{before} {after}");
}

#[test]
fn it_answers_before_and_after_a_reload_and_a_check_disturbs_nothing() {
    let lowered = lower("{}", &[]).unwrap();
    let node = Node::new(&lowered);
    let master = Master::start(&node, &lowered);
    assert!(node.check(&lowered).status.success());
    assert!(node.answers());
    master.signal("-USR2");
    thread::sleep(Duration::from_millis(200));
    assert!(node.answers());
}
