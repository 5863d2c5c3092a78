//! The application as a script asks for it: what it refuses, and files that the real PHP and shell read.
//!
//! **Invariant:** the real programs run; a missing one fails the test that needs it.
#![expect(clippy::disallowed_methods, reason = "the tests lay rendered files out for real programs")]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use mops_magento::Magento;
use mops_plugin::{
    Context, Contribution, Lowered, Plugin, Slots,
    model::{Declared, Diagnostic, Digest, Name, Source, Span, Text, Value, Website},
    slot::{CacheHost, Consumer, MagentoEnv, PhpVersion, ReleaseStep, Slot},
    testing,
};
use serde_json::json;

/// The site `acme` with these options of `magento`, as JSON.
fn context(magento: &serde_json::Value) -> Context {
    let mut context = testing::context(vec![testing::website("pl", "acme.pl")]);
    context.site.options.insert("magento".to_owned(), Value::of(magento).unwrap());
    context
}

fn lower_in(context: &Context, given: &[Contribution]) -> Result<Lowered, Vec<Diagnostic>> {
    let mut slots = BTreeMap::new();
    for it in given {
        slots.entry(it.slot.clone()).or_insert_with(Vec::new).push(it.clone());
    }
    let call = testing::call(&Magento, "app", "{}").unwrap();
    Magento.lower(&call, context, &Slots(slots))
}

fn lower(given: &[Contribution]) -> Result<Lowered, Vec<Diagnostic>> {
    lower_in(&context(&json!({})), given)
}

fn env(path: &str, value: impl Into<Value>) -> Contribution {
    MagentoEnv { path: path.to_owned(), value: value.into() }.contribution()
}

/// The same from a call at `place`.
fn at(place: &str, given: Contribution) -> Contribution {
    Contribution { declared: Declared { place: place.to_owned(), ..Declared::default() }, ..given }
}

fn text(lowered: &Lowered, path: &str) -> Text {
    lowered.files.iter().find(|it| it.path == path).unwrap().text.clone()
}

/// What the real PHP makes of the rendered `env.php`.
fn evaluated(lowered: &Lowered) -> serde_json::Value {
    let facts = [("address", "10.0.0.7"), ("port.varnish.purge", "6082"), ("port.edge-nginx.https", "20005")];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("env.php");
    fs::write(&file, testing::fill(&text(lowered, "magento/env.php"), &facts)).unwrap();
    let lint = Command::new("php8.2").arg("-l").arg(&file).output().unwrap();
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    let code = "echo json_encode(require $argv[1]);";
    let output = Command::new("php8.2").args(["-r", code]).arg(&file).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn consumer(name: &str, processes: u32) -> Contribution {
    let on = Name::literal("app");
    let stop_within = mops_plugin::model::Duration::seconds(90);
    Consumer { name: name.to_owned(), processes, max_messages: 100, on, stop_within }.contribution()
}

#[test]
fn the_real_php_reads_what_was_given() {
    let password = Text::literal("it's \\ '").then(Text::hole(Source::Secret(Name::literal("redis"))));
    let varnish = Name::literal("varnish");
    let cache = CacheHost { role: Name::literal("edge"), daemon: varnish, listen: Name::literal("purge") };
    let given = [
        env("session/save", "redis"),
        env("session/redis/password", password),
        env("session/redis/port", 6380),
        env("db/table_prefix", Value::of(&json!({ "a'b": [1, true, "x"] })).unwrap()),
        cache.contribution(),
    ];
    let read = evaluated(&lower(&given).unwrap());
    assert_eq!(
        read["session"],
        json!({ "save": "redis", "redis": { "password": "it's \\ 'secret-redis", "port": 6380 } })
    );
    assert_eq!(read["db"]["table_prefix"], json!({ "a'b": [1, true, "x"] }));
    assert_eq!(read["http_cache_hosts"], json!([{ "host": "10.0.0.7", "port": "6082" }]));
    assert_eq!(read["crypt"]["key"], "secret-magento-crypt-key");
}

#[test]
fn browsers_are_sent_where_the_edge_of_this_machine_listens() {
    let mut context = context(&json!({}));
    let b2b = testing::website("b2b", "*.acme.de");
    let hosts = ["*.acme.de", "acme.de"].map(|it| it.parse().unwrap()).to_vec();
    context.site.websites.push(Website { path: "/b'2'b".to_owned(), hosts, ..b2b });
    let read = evaluated(&lower_in(&context, &[]).unwrap());
    let base_url =
        |website: &str, key: &str| read["system"]["websites"][website]["web"][key]["base_url"].clone();
    assert_eq!(base_url("pl", "secure"), "https://acme.pl.localhost:20005/");
    assert_eq!(base_url("b2b", "unsecure"), "https://acme.de.localhost:20005/b'2'b/");
    let own = env("system/websites/pl/web/secure/base_url", "https://acme.pl/");
    let read = evaluated(&lower(&[own]).unwrap());
    assert_eq!(read["system"]["websites"]["pl"]["web"]["secure"]["base_url"], "https://acme.pl/");
}

#[test]
fn every_cache_of_magento_is_on_unless_the_script_says_otherwise() {
    let given = [env("cache_types/block_html", 0), env("cache_types/elasticsuite", 1)];
    let read = evaluated(&lower(&given).unwrap());
    assert_eq!(read["cache_types"]["config"], 1);
    assert_eq!(read["cache_types"]["full_page"], 1);
    assert_eq!(
        (&read["cache_types"]["block_html"], &read["cache_types"]["elasticsuite"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn two_calls_may_not_give_one_key_two_values() {
    let one = at("shop.rhai:3", env("session/save", "redis"));
    for other in [env("session/save", "db"), env("session", "db"), env("session/save/mode", "x")] {
        let wrong = lower(&[one.clone(), other]).err().unwrap();
        assert_eq!(wrong[0].code, "magento::conflict");
        assert_eq!(wrong[0].labels[1].text, "and once here (shop.rhai:3)");
    }
    assert!(lower(&[one.clone(), one]).is_ok());
}

#[test]
fn what_is_wrong_with_the_site_is_told_at_once_and_in_its_place() {
    let mut context = context(&json!({ "version": "2.4.66", "admin_path": "checkout" }));
    let place = Span { start: 7, end: 9, ..Span::default() };
    context.site.declared.keys.insert("magento.version".to_owned(), place);
    let wrong = lower_in(&context, &[]).unwrap_err();
    let codes: Vec<&str> = wrong.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["magento::unknown-version", "magento::wrong-admin-path"]);
    assert_eq!((wrong[0].labels[0].span, wrong[0].help.as_deref()), (place, Some("did you mean \"2.4.6\"?")));
    let unknown = lower_in(&self::context(&json!({ "admin": "x" })), &[]).unwrap_err();
    assert_eq!(unknown[0].code, "magento::unknown-option");
}

#[test]
fn the_version_of_magento_says_which_php() {
    let call = testing::call(&Magento, "app", "{}").unwrap();
    for (version, php) in [("2.4.6-p3", "8.2"), ("2.4.7", "8.3"), ("2.4.8", "8.4")] {
        let given = Magento.contribute(&call, &context(&json!({ "version": version }))).unwrap();
        assert_eq!(given, [PhpVersion { version: php.to_owned() }.contribution()], "{version}");
    }
}

#[test]
fn each_process_of_a_consumer_is_a_daemon() {
    let lowered = lower(&[consumer("async.operations.all", 2), consumer("exportProcessor", 1)]).unwrap();
    let shown: Vec<String> = lowered.daemons["app"]
        .iter()
        .map(|(name, it)| {
            format!("{name}: {}", it.command[5..].iter().map(Text::to_string).collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "consumer-async-operations-all-1: async.operations.all --multi-process=‹here.index›01 --max-messages=100",
            "consumer-async-operations-all-2: async.operations.all --multi-process=‹here.index›02 --max-messages=100",
            "consumer-exportprocessor-1: exportProcessor --single-thread --max-messages=100",
        ]
    );
}

#[test]
fn a_consumer_restarts_when_env_php_changes() {
    let environment = |given: &[Contribution]| {
        let lowered = lower(given).unwrap();
        lowered.daemons["app"]["consumer-x-1"].environment.clone()
    };
    let before = environment(&[consumer("x", 1)]);
    assert_eq!(before, environment(&[consumer("x", 1)]));
    assert_ne!(before, environment(&[consumer("x", 1), env("session/save", "redis")]));
}

#[test]
fn a_release_is_prepared_and_what_a_step_did_not_make_is_named() {
    let step = |run: &str, makes: &str| {
        let run = ["sh", "-c", run].map(Text::literal).to_vec();
        ReleaseStep { name: Name::literal("bundle"), run, makes: vec![makes.to_owned()] }.contribution()
    };
    let prepare = |step| {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("prepare.sh");
        fs::write(&script, testing::fill(&text(&lower(&[step]).unwrap(), "magento/prepare-release.sh"), &[]))
            .unwrap();
        run(&script, folder.path())
    };
    assert_eq!(prepare(step("echo it\\'s > 'a b.js'", "*.js")), (true, String::new()));
    assert_eq!(prepare(step("true", "*.js")), (false, "bundle did not make *.js\n".to_owned()));
    assert!(!prepare(step("false", "prepare.sh")).0);
}

fn run(script: &Path, folder: &Path) -> (bool, String) {
    let output = Command::new("sh").arg(script).arg(folder).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

/// A node's `current` with the example application in it, and the cron script for the node `index`.
fn cron(index: &str) -> (tempfile::TempDir, Child) {
    let digest = Digest::of(b"release");
    let release = json!({ "release": { "$path": "release", "digest": digest, "kind": "folder" } });
    let lowered = lower_in(&context(&release), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("trees")).unwrap();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/release");
    std::os::unix::fs::symlink(example, folder.path().join("trees/release")).unwrap();
    let facts = [("index", index), ("current", folder.path().to_str().unwrap())];
    let script = folder.path().join("cron.sh");
    fs::write(&script, testing::fill(&text(&lowered, "magento/cron.sh"), &facts)).unwrap();
    let child = Command::new("sh").arg(script).stdout(Stdio::piped()).spawn().unwrap();
    (folder, child)
}

#[test]
fn cron_runs_on_the_first_node_only_and_ends_when_it_is_asked_to() {
    for (index, first_line) in [("1", "cron ran at"), ("2", "cron runs on node 1; this one waits")] {
        let (_folder, mut child) = cron(index);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with(first_line), "{line}");
        thread::sleep(Duration::from_millis(100));
        let asked = Instant::now();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        assert!(child.wait().unwrap().success());
        assert!(asked.elapsed() < Duration::from_secs(5));
    }
}
