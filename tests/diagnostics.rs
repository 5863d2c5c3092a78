//! A corpus of wrong scripts, and what a person sees of each.
//!
//! Each script of `tests/wrong/` says in its first line what is wrong with it. It is run by `mops check`, or by the
//! command that its second line names.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shop::{mops, text};

/// Codes whose message says all there is to say.
const SELF_SUFFICIENT: [&str; 2] = ["eval::out-of-range", "eval::thrown"];
/// What comes from outside the script has no place in it.
const WITHOUT_PLACE: [&str; 1] = ["eval::unknown-parameter"];
/// What nobody who writes a script should have to know.
const INTERNALS: [&str; 7] =
    ["panicked", "backtrace", "Dynamic", "i64", "ImmutableString", "EvalAltResult", "Error"];

/// What a run said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

#[test]
fn every_wrong_script_is_drawn() {
    for name in every_script() {
        let said = run(&name);
        insta::with_settings!({ snapshot_suffix => &name, filters => [("/\\S*/tests/wrong/", "‹folder›/")] }, {
            insta::assert_snapshot!("wrong", format!("{}\nexit code: {:?}", said.err.trim_end(), said.code));
        });
    }
}

#[test]
fn every_mistake_has_a_code_a_place_and_a_way_out() {
    let faults: Vec<String> = every_script().iter().flat_map(|it| faults(it)).collect();
    assert_eq!(faults, [] as [String; 0]);
}

#[test]
fn every_wrong_script_says_what_is_wrong_with_it() {
    let silent: Vec<String> =
        every_script().into_iter().filter(|it| !first_line(it).starts_with("// ")).collect();
    assert_eq!(silent, [] as [String; 0]);
}

#[test]
fn plugins_complain_of_sound_calls_beside_wrong_ones_in_the_order_of_the_script() {
    let script = r#"
        site("acme", #{});
        redis::sessions(#{ memory: "64M", policy: "allkeys-lru" });
        website("pl", #{ hosts: ["acme.pl"], curency: "PLN" });
        throttling::limit("login", #{ path: `^/customer/`, rate: "10/7s" });
        varnish::cache(#{ memory: 128 });
        magento::env("a/b", 1);
        magento::env("a", #{ b: 2 });
    "#;
    assert_eq!(
        told(script),
        [
            "3 redis::evicts-sessions",
            "4 eval::unknown-option",
            "5 throttling::rate",
            "6 eval::wrong-type",
            "8 magento::conflict",
        ]
    );
}

#[test]
fn a_service_that_was_called_wrongly_is_not_missed_by_others() {
    let script = r#"
        site("acme", #{});
        rabbitmq::broker(#{ memory: 3 });
        rabbitmq::consumer("async.operations.all", #{});
    "#;
    assert_eq!(told(script), ["3 eval::wrong-type"]);
    let misspelt = script.replace("rabbitmq::broker(#{ memory: 3 })", "rabbitmq::broker_(#{})");
    assert_eq!(told(&misspelt), ["3 eval::unknown-function"]);
    let ended =
        script.replace("rabbitmq::broker(#{ memory: 3 })", "rabbitmq::consumer(\"a\", #{}); throw \"x\"");
    assert_eq!(told(&ended), ["3 eval::thrown"]);
}

#[test]
fn a_service_that_is_missing_is_missed_although_another_call_is_wrong() {
    let script = r#"
        site("acme", #{});
        rabbitmq::consumer("async.operations.all", #{});
        varnish::cache(#{ memory: 128 });
    "#;
    assert_eq!(told(script), ["3 rabbitmq::no-broker", "4 eval::wrong-type"]);
}

#[test]
fn what_a_plugin_refuses_is_not_missed_by_others() {
    let script = r#"
        site("acme", #{ magento: #{ version: "2.4.66", release: path("release") } });
        redis::cache(#{ memory: "4G" });
        throttling::limit("login", #{ path: `^/customer/`, rate: "10/7s" });
        rabbitmq::broker(#{ user: "guest" });
        rabbitmq::consumer("async operations", #{});
    "#;
    assert_eq!(
        told(script),
        [
            "2 magento::unknown-version",
            "3 redis::too-large",
            "4 throttling::rate",
            "5 rabbitmq::guest",
            "6 rabbitmq::consumer-name"
        ]
    );
}

#[test]
fn nothing_is_too_large_for_a_role_whose_size_is_wrong() {
    let script = r#"
        site("acme", #{});
        role("persistent", #{ memory: "8 gigs" });
        redis::cache(#{ memory: "4G" });
    "#;
    assert_eq!(told(script), ["3 eval::wrong-value"]);
    let script = script.replace("memory: \"8 gigs\"", "memory: \"2G\", mni: 1");
    assert_eq!(told(&script), ["3 eval::unknown-option"]);
}

#[test]
fn countries_are_not_missed_where_a_website_is_wrong() {
    let script = r#"
        site("acme", #{});
        website("pl", #{ hosts: ["acme.pl"], countries: ["PL"] });
        geo_redirects::by_country(#{});
    "#;
    assert_eq!(told(script), ["3 eval::wrong-value"]);
}

#[test]
fn of_an_application_that_is_not_known_nothing_is_told() {
    let script = r#"
        site("acme", #{ magento: #{ version: 2, release: path("release") } });
        varnish::vcl("recv.after_normalise", path("bots.vcl"));
        redis::sessions(#{ memory: "64M", policy: "allkeys-lru" });
    "#;
    assert_eq!(told(script), ["2 eval::wrong-type", "3 eval::path", "4 redis::evicts-sessions"]);
}

/// What `mops check` has against `script`: the line and the code of each mistake.
fn told(script: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("release")).unwrap();
    fs::write(folder.path().join("shop.rhai"), script).unwrap();
    let said = text(&mops(folder.path(), &["check", "shop.rhai"]).stderr);
    let mistakes = said.split("\n\n").filter_map(|it| it.strip_prefix("error["));
    mistakes.map(|it| format!("{} {}", line_of(it), it.split(']').next().unwrap())).collect()
}

/// The line that a drawn mistake is about.
fn line_of(drawn: &str) -> &str {
    let place = drawn.lines().find_map(|it| it.trim_start().strip_prefix("--> shop.rhai:"));
    place.and_then(|it| it.split(':').next()).unwrap()
}

/// What is not as it should be in what the script `name` is told.
fn faults(name: &str) -> Vec<String> {
    let said = run(name);
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{name}: {what}"));
    if said.code != Some(1) {
        fault(format!("it ends with {:?}", said.code));
    }
    if !said.out.is_empty() {
        fault(format!("it prints {:?}", said.out));
    }
    for word in INTERNALS.iter().filter(|it| said.err.contains(**it)) {
        fault(format!("it says `{word}`"));
    }
    let mistakes: Vec<&str> = said.err.split("\n\n").filter(|it| it.starts_with("error[")).collect();
    if mistakes.is_empty() {
        fault("it names no mistake".to_owned());
    }
    for mistake in mistakes {
        let title = mistake.lines().next().unwrap_or("");
        let code = title.trim_start_matches("error[").split(']').next().unwrap_or("");
        if !mistake.lines().any(is_place) && !WITHOUT_PLACE.contains(&code) {
            fault(format!("no place: {title}"));
        }
        if !mistake.contains("help: ") && !SELF_SUFFICIENT.contains(&code) {
            fault(format!("no help: {title}"));
        }
    }
    faults
}

/// Whether `line` names a place: `  --> shop.rhai:3:14`.
fn is_place(line: &str) -> bool {
    let place = line.trim_start().strip_prefix("--> ").unwrap_or("");
    let mut parts = place.rsplitn(3, ':');
    let is_number = |it: Option<&str>| it.is_some_and(|it| it.parse::<u32>().is_ok());
    is_number(parts.next()) && is_number(parts.next()) && parts.next().is_some()
}

fn run(name: &str) -> Said {
    let file = format!("{name}.rhai");
    let script = fs::read_to_string(wrong().join(&file)).unwrap();
    let named = script.lines().nth(1).and_then(|it| it.strip_prefix("// mops "));
    let arguments: Vec<&str> = match named {
        Some(command) => command.split_whitespace().collect(),
        None => vec!["check", &file],
    };
    let output = mops(&wrong(), &arguments);
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

fn every_script() -> Vec<String> {
    let entries = fs::read_dir(wrong()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        entries.filter_map(|it| it.strip_suffix(".rhai").map(str::to_owned)).collect();
    names.sort();
    names
}

fn first_line(name: &str) -> String {
    let script = fs::read_to_string(wrong().join(format!("{name}.rhai"))).unwrap();
    script.lines().next().unwrap_or("").to_owned()
}

fn wrong() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("wrong")
}
