//! The examples in help texts are commands that work.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::shop::{Shop, mops, program, text};

const SHOP: &str = r#"
site("helpful", #{ magento: #{ version: "2.4.6", release: path("release") } });
let release = param("release", #{ otherwise: "release", doc: "Which release to run." });
website("pl", #{ hosts: ["acme.pl"] });
varnish::cache(#{ memory: "64M" });
"#;

/// Commands with help of their own, in an order in which their examples make sense one after another.
const COMMANDS: [&str; 16] = [
    "check",
    "plan",
    "script",
    "status",
    "logs",
    "generations",
    "repl",
    "rollback",
    "graph",
    "explain",
    "docs",
    "fmt",
    "lsp",
    "plugin",
    "completions",
    "destroy",
];

#[test]
fn the_examples_in_help_texts_work() {
    let shop = Shop::new(SHOP);
    fs::write(shop.folder().join("mops.toml"), "[env.local]\n[env.staging]\n").unwrap();
    for memory in ["65M", "66M", "67M"] {
        shop.write(&SHOP.replace("64M", memory));
        shop.apply();
    }
    let mut wrong = Vec::new();
    for example in examples(&[]).into_iter().chain(COMMANDS.iter().flat_map(|it| examples(&[it]))) {
        let words: Vec<&str> = example.split_whitespace().skip(1).take_while(|it| *it != ">").collect();
        let code = match words.contains(&"-f") {
            true => follow(&shop, &words),
            false => shop.mops(&words).status.code(),
        };
        // What asks ends with 1 where nobody can be asked.
        if !matches!(code, Some(0 | 1)) || (code == Some(1) && !asks(&words)) {
            wrong.push(format!("{example}: ended with {code:?}"));
        }
    }
    shop.mops(&["destroy", "-e", "staging", "--yes"]);
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn every_command_has_an_example() {
    let without: Vec<_> = COMMANDS.iter().filter(|it| examples(&[it]).is_empty()).collect();
    assert_eq!(without, [] as [&&str; 0]);
    let help = text(&mops(&std::env::temp_dir(), &["--help"]).stdout);
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let names = listed
        .lines()
        .filter(|it| it.starts_with("  ") && !it.starts_with("   "))
        .filter_map(|it| it.split_whitespace().next());
    let unknown: Vec<_> = names.filter(|it| *it != "help" && !COMMANDS.contains(it)).collect();
    assert_eq!(unknown, [] as [&str; 0], "say here in which order their examples make sense");
}

/// The commands under `Examples:` in a help text.
fn examples(command: &[&str]) -> Vec<String> {
    let help = text(&mops(&std::env::temp_dir(), &[command, &["--help"]].concat()).stdout);
    let section = help.split("Example").nth(1).unwrap_or_default();
    let lines = section.lines().filter_map(|it| it.strip_prefix("  ")).filter(|it| it.starts_with("mops "));
    lines
        .map(|it| it.split("    ").next().unwrap().trim_end().to_owned())
        .map(|it| before_comment(&it))
        .collect()
}

/// Two spaces begin the comment of an example.
fn before_comment(line: &str) -> String {
    line.split("  ").next().unwrap().to_owned()
}

fn asks(words: &[&str]) -> bool {
    let changes = ["script", "rollback", "destroy"].contains(&words[0]);
    changes && !words.contains(&"--yes")
}

/// Starts what goes on until Ctrl-C, and ends it after a moment; 0 when it was still going.
fn follow(shop: &Shop, words: &[&str]) -> Option<i32> {
    let mut child =
        Command::new(program()).args(words).current_dir(shop.folder()).stdout(Stdio::null()).spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    ended.map_or(Some(0), |it| it.code())
}
