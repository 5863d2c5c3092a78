//! Scripts: formatted, evaluated, and asked about by every plugin.

use std::sync::LazyLock;

use mops_plugin::Registry;

use crate::{
    bounded::{Fuzzer, LONG, SHORT},
    corpus::{Corpus, PLUGINS},
    mutate::{Material, inputs, words},
};

/// What scripts seldom hold.
const RARE: [&str; 44] = [
    "\u{e000}",
    "\u{e001}",
    "\u{e002}",
    "\0",
    "\u{feff}",
    "😀",
    "${",
    "`",
    "\"",
    "'",
    "/*",
    "*/",
    "//",
    "#\"",
    "\"#",
    "9223372036854775807",
    "-9223372036854775808",
    "1e400",
    "0.1",
    "0x",
    "0..9223372036854775807",
    "0..=-1",
    "1_000_000",
    "while true {",
    "loop { ",
    "do { } while true;",
    "fn f(x) { f(x) } f(1);",
    "let a = []; loop { a.push(a); }",
    "let t = \"x\"; loop { t += t; }",
    "\"x\".pad(1000000000, \"y\")",
    "[0].pad(999999999, 1)",
    "this",
    "throw #{};",
    "try { ",
    "} catch (e) { ",
    "switch 1 { ",
    "=> ",
    "Fn(\"website\").call(",
    "|x| ",
    "export ",
    "import \"fuzzed\" as f;",
    "type_of(",
    "override(#{",
    "-",
];
/// What opens something.
const OPENERS: [&str; 12] =
    ["(", "[", "{", "#{ a: ", "`${", "!", "-", "|x| ", "if true {", "/*", "1 + ", "a."];

static CORPUS: LazyLock<Corpus> = LazyLock::new(Corpus::read);
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::new(PLUGINS));

#[test]
fn no_script_makes_mops_panic_or_hang() {
    run(SHORT);
}

#[test]
#[ignore = "soak: an hour"]
fn no_script_makes_mops_panic_or_hang_in_an_hour() {
    run(LONG);
}

fn run(time: std::time::Duration) {
    let scripts: Vec<Vec<String>> = CORPUS.scripts().iter().map(|it| words(it)).collect();
    let mut common: Vec<String> = scripts.iter().flatten().cloned().collect();
    common.sort();
    common.dedup();
    // Half of what is put in is rare.
    let rare = RARE.iter().map(ToString::to_string).cycle().take(common.len());
    let words = rare.chain(common.iter().cloned()).map(|it| vec![it]).collect();
    let openers = OPENERS.iter().map(|it| vec![(*it).to_owned()]).collect();
    let material = Material { inputs: scripts, words, openers };
    Fuzzer { name: "scripts", shown: "scripts::try_one", check: &try_one }.run(&inputs(&material), time);
}

/// What comes of `script`: the code of its first mistake.
pub(crate) fn try_one(script: &[u8]) -> String {
    let text = String::from_utf8_lossy(script);
    if let Ok(formatted) = mops_eval::format("fuzzed.rhai", &text) {
        assert_eq!(mops_eval::format("fuzzed.rhai", &formatted).ok().as_ref(), Some(&formatted));
    }
    let outcome = CORPUS.outcome(&text, &REGISTRY);
    for found in &outcome.diagnostics {
        for label in &found.labels {
            let text = outcome.texts.get(usize::from(label.span.source.0)).map_or("", String::as_str);
            let range = label.span.start as usize..label.span.end as usize;
            assert!(text.get(range).is_some(), "{found:?} points nowhere");
        }
        let is_bug =
            matches!(found.code.as_str(), "plugin::panicked" | "plugin::disagrees" | "lower::unknown-slot");
        assert!(!is_bug, "{found:?}");
    }
    let first = outcome.diagnostics.first().map(|it| it.code.clone());
    first.unwrap_or_else(|| "nothing wrong".to_owned())
}
