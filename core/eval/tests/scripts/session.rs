//! Inputs one after the other: what they give, what they leave, what may be written next.

use std::{collections::BTreeMap, sync::Arc, thread, time::Duration};

use mops_eval::{Answer, Fed, Session, World};
use mops_model::Name;

use crate::kit::{Files, catalog, manifests, shown};

const SITE: &str = r#"site("acme", #{ magento: #{ version: "2.4.6", release: path("release") } })"#;

/// A session with `shop` as `shop.rhai`, nothing loaded.
fn session_with(shop: &'static str) -> Session {
    let (manifests, catalog) = (manifests(), catalog());
    let world = World {
        manifests: manifests.iter().collect(),
        catalog: &catalog,
        parameters: BTreeMap::new(),
        environment: Name::literal("local"),
    };
    let files = [
        ("shop.rhai", shop),
        ("release/index.php", "<?php"),
        ("a.vcl", "# vcl"),
        ("lib.rhai", "fn twice(x) { x * 2 }"),
    ];
    Session::new(&world, Arc::new(Files(files.into())))
}

fn session() -> Session {
    session_with("")
}

#[track_caller]
fn answer(session: &mut Session, input: &str) -> Answer {
    match session.feed(input) {
        Fed::Right(answer) => answer,
        Fed::Wrong(failed) => panic!("{input}: {:#?}", shown(&failed)),
        other => panic!("{input}: {other:?}"),
    }
}

#[track_caller]
fn value(session: &mut Session, input: &str) -> String {
    answer(session, input).value.unwrap_or_else(|| panic!("{input} gives nothing"))
}

#[track_caller]
fn mistakes(session: &mut Session, input: &str) -> Vec<String> {
    match session.feed(input) {
        Fed::Wrong(failed) => shown(&failed),
        other => panic!("{input}: {other:?}"),
    }
}

fn words(session: &Session, before: &str) -> Vec<String> {
    session.complete(before, before.len()).candidates.into_iter().map(|it| it.text).collect()
}

#[test]
fn values_are_printed_as_a_script_writes_them() {
    let mut session = session();
    for (input, printed) in [
        ("1 + 2", "3"),
        ("\"pl\"", "\"pl\""),
        ("[1, [true], 'c']", "[1, [true], 'c']"),
        ("#{ b: 2, a: \"x\", \"default\": 1 }", "#{ a: \"x\", b: 2, \"default\": 1 }"),
        ("website(\"pl\", #{ hosts: [\"acme.pl\"] })", "website pl"),
        ("resource(\"local.port\", \"spare\", #{}).number", "‹local.port.spare.number›"),
        ("`port ${resource(\"local.port\", \"other\", #{}).number}`", "\"port ‹local.port.other.number›\""),
    ] {
        assert_eq!(value(&mut session, input), printed);
    }
    assert_eq!(answer(&mut session, "let x = 5;").value, None);
    assert_eq!(answer(&mut session, "()").kind, "nothing");
}

#[test]
fn a_long_value_takes_a_line_for_each_item() {
    let long =
        value(&mut session(), "[\"a\", \"b\", \"c\"].map(|it| it + `-${[1,2,3,4,5,6,7,8,9,10,11,12,13]}`)");
    let item = |letter: &str| format!("  \"{letter}-[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]\",\n");
    assert_eq!(long, format!("[\n{}{}{}]", item("a"), item("b"), item("c")));
}

#[test]
fn inputs_go_on_from_those_before() {
    let mut session = session();
    for input in [
        "import \"lib\" as lib;",
        "const FOUR = 4;",
        "let list = [lib::twice(1)]",
        "fn eight() { lib::twice(global::FOUR) }",
        "list.push(eight())",
        "for it in 0..2 { list.push(it) }",
    ] {
        answer(&mut session, input);
    }
    assert_eq!(value(&mut session, "list"), "[2, 8, 0, 1]");
    assert_eq!(value(&mut session, "list.map(|it| it + eight())"), "[10, 16, 8, 9]");
}

#[test]
fn a_function_can_be_declared_again() {
    let mut session = session();
    answer(&mut session, "fn greet() { \"hello\" }");
    answer(&mut session, "fn greet() { \"good day\" }");
    assert_eq!(value(&mut session, "greet()"), "\"good day\"");
}

#[test]
fn declarations_add_up_to_a_site() {
    let mut session = session();
    answer(&mut session, "let pl = website(\"pl\", #{ hosts: [\"acme.pl\"] });");
    assert!(session.site().is_err());
    answer(&mut session, SITE);
    answer(&mut session, "geo_throttling::limit(\"login\", #{ rate: \"1/1s\", on: pl })");
    let site = session.site().unwrap();
    assert_eq!(site.websites[0].declared.place, "input 1:1");
    assert_eq!(site.calls[0].declared.place, "input 3:1");
    assert_eq!(site.websites[0].declared.origins["hosts"][0].place, "input 1:1");
}

#[test]
fn an_input_with_mistakes_changes_nothing() {
    let mut session = session();
    let wrong = mistakes(
        &mut session,
        "website(\"pl\", #{ hosts: [\"acme.pl\"] });\nlet x = 5;\nvarnish::cache(#{ memry: \"1G\" })",
    );
    assert_eq!(
        wrong,
        [
            "eval::unknown-option at input 1:3 «memry»: `varnish::cache` has no option `memry` (did you mean `memory`?)"
        ]
    );
    assert_eq!(
        mistakes(&mut session, "x"),
        [
            "eval::unknown-variable at input 2:1 «x»: there is no variable `x` (write \"x\" if it is text, or declare it with `let x = …;`)"
        ]
    );
    answer(&mut session, "website(\"pl\", #{ hosts: [\"acme.pl\"] })");
}

#[test]
fn a_name_that_is_not_declared_yet_is_a_mistake() {
    let wrong = mistakes(&mut session(), "geo_throttling::limit(\"a\", #{ rate: \"1/1s\", on: \"pl\" })");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].contains("there is no website or role \"pl\""), "{wrong:?}");
}

#[test]
fn a_second_service_points_at_the_first() {
    let mut session = session();
    answer(&mut session, "redis::cache(#{ memory: \"1G\" })");
    let Fed::Wrong(failed) = session.feed("redis::cache(#{ memory: \"2G\" })") else { panic!() };
    let places: Vec<_> = failed.diagnostics[0].labels.iter().map(|it| failed.texts.place(it.span)).collect();
    assert_eq!(places, ["input 2:1", "input 1:1"]);
}

#[test]
fn what_was_taken_back_can_be_declared_again() {
    let mut session = session();
    answer(&mut session, "let a = 1;");
    answer(&mut session, "redis::cache(#{ memory: \"1G\" })");
    assert_eq!(session.undo().as_deref(), Some("redis::cache(#{ memory: \"1G\" })"));
    answer(&mut session, "redis::cache(#{ memory: \"2G\" })");
    assert_eq!(value(&mut session, "a"), "1");
}

#[test]
fn nothing_returns_from_a_session() {
    let wrong = mistakes(&mut session(), "if true { return; }");
    assert_eq!(
        wrong,
        [
            "eval::syntax at input 1:1 «return»: `return` has nothing to return from here (take it away, or use `if`)"
        ]
    );
}

#[test]
fn more_lines_belong_to_what_is_open() {
    let mut session = session();
    assert!(matches!(session.feed("fn f() {"), Fed::Incomplete));
    assert!(matches!(session.feed_last("fn f() {"), Fed::Wrong(_)));
}

#[test]
fn prints_are_heard_once() {
    let mut session = session();
    assert_eq!(answer(&mut session, "print(\"a\")").printed, ["a"]);
    assert_eq!(answer(&mut session, "print(\"b\")").printed, ["b"]);
}

#[test]
fn what_is_asked_is_not_kept() {
    let mut session = session();
    let Fed::Right(answer) = session.ask("let x = website(\"pl\", #{ hosts: [\"acme.pl\"] }); x") else {
        panic!()
    };
    assert_eq!(answer.kind, "a website");
    assert!(matches!(session.feed("x"), Fed::Wrong(_)));
}

#[test]
fn an_evaluation_without_end_is_interrupted() {
    let mut session = session();
    let interrupt = session.interrupt();
    let asked = thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        interrupt.request();
    });
    assert!(matches!(session.feed("loop {}"), Fed::Interrupted | Fed::Wrong(_)));
    asked.join().unwrap();
    assert_eq!(value(&mut session, "1"), "1");
}

#[test]
fn a_script_is_loaded_and_inputs_stand_on_top_of_it() {
    let mut session = session_with("let hosts = [\"acme.pl\"];\nfn host() { \"acme.de\" }\n// done");
    assert!(matches!(session.load("shop.rhai"), Fed::Right(_)));
    assert_eq!(value(&mut session, "hosts + [host()]"), "[\"acme.pl\", \"acme.de\"]");
    assert!(matches!(session.reload(), Fed::Right(_)));
    assert!(matches!(session.load("no.rhai"), Fed::Wrong(_)));
    let mut wrong = session_with("let hosts = [\"acme.pl\"];\nwebsite(\"pl\", #{ host: hosts });");
    let Fed::Wrong(failed) = wrong.load("shop.rhai") else { panic!() };
    let said = shown(&failed);
    assert!(said[0].starts_with("eval::unknown-option at shop.rhai:2 «host»"), "{said:?}");
}

#[test]
fn functions_options_and_values_are_completed() {
    let mut session = session();
    answer(&mut session, "let pl = website(\"pl\", #{ hosts: [\"acme.pl\"] });");
    answer(&mut session, "let spare = resource(\"local.port\", \"spare\", #{});");
    assert_eq!(words(&session, "var"), ["varnish::"]);
    assert_eq!(words(&session, "varnish::"), ["cache(", "vcl("]);
    assert_eq!(words(&session, "varnish::cache(#{"), ["images: ", "memory: "]);
    assert_eq!(words(&session, "varnish::cache(#{ memory: \"1G\", "), ["images: "]);
    assert_eq!(words(&session, "varnish::cache(#{ images: #{ "), ["webp: "]);
    assert_eq!(words(&session, "varnish::cache(#{ images: #{ webp: t"), ["true"]);
    assert_eq!(words(&session, "role(\"app\", #{ tier: \""), ["data", "app", "edge"]);
    assert_eq!(words(&session, "role(\"app\", #{ tier: \"a"), ["app"]);
    assert_eq!(words(&session, "geo_throttling::limit(\"a\", #{ on: \"p"), ["pl", "persistent"]);
    assert_eq!(words(&session, "daemon(\"feed\", #{ on: \""), ["app", "edge", "persistent"]);
    assert_eq!(words(&session, "resource(\""), ["local.port"]);
    assert_eq!(words(&session, "resource(\"local.port\", \"a\", #{ "), ["range: "]);
    assert_eq!(words(&session, "spare."), ["number"]);
    assert_eq!(words(&session, "let x = 1; website(\"a\", #{ loc"), ["locale: "]);
    assert_eq!(words(&session, "// var"), [] as [&str; 0]);
    assert_eq!(words(&session, "website(\"var"), [] as [&str; 0]);
}

#[test]
fn a_call_says_what_it_takes() {
    let session = session();
    let hint = |before: &str| session.hint(before, before.len());
    assert_eq!(hint("varnish::cache(").as_deref(), Some("varnish::cache(#{…})  Caches pages."));
    assert_eq!(hint("varnish::cache(#{ ").as_deref(), Some("varnish::cache(#{…})  Caches pages."));
    assert_eq!(hint("varnish::cache(#{ memory: ").as_deref(), Some("a size such as \"4G\", at least 64M"));
    assert_eq!(hint("1 + "), None);
}

#[test]
fn everything_with_a_name_is_described() {
    let session = session();
    let first = |name: &str| session.describe(name).and_then(|it| it.lines().nth(1).map(str::to_owned));
    assert_eq!(first("varnish::cache").as_deref(), Some("Caches pages."));
    assert_eq!(first("varnish::cache.memory").as_deref(), Some("Memory of the storage."));
    assert_eq!(first("local.port").as_deref(), Some("A port."));
    assert!(session.describe("varnish").unwrap().contains("varnish::vcl(place, text)"));
    assert_eq!(session.describe("nobody"), None);
}

#[test]
fn a_session_of_five_thousand_lines_completes() {
    let website = |i: usize| {
        format!(
            "website(\"w{i}\", #{{\n    hosts: [\"w{i}.acme.pl\"],\n    countries: [\"pl\"],\n    locale: \"pl_PL\",\n}});\n"
        )
    };
    let script: &'static str = Box::leak((0..1000).map(website).collect::<String>().into_boxed_str());
    assert_eq!(script.lines().count(), 5000);
    let mut session = session_with(script);
    assert!(matches!(session.load("shop.rhai"), Fed::Right(_)));
    for i in 1..10 {
        let before = format!("geo_throttling::limit(\"a\", #{{ on: \"w{i}");
        assert!(words(&session, &before).len() > 100);
    }
}
