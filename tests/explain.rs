//! What `mops explain` says is so: every code is in its table, and every example does what it claims.

use std::{collections::BTreeSet, fs, path::PathBuf, thread};

use mops_docs::{Code, Shown, codes};
use walkdir::WalkDir;

use crate::shop::{Shop, mops, scripts, text};

#[test]
fn every_code_in_the_source_stands_in_the_table_and_the_other_way_round() {
    let table: BTreeSet<String> = codes().into_iter().map(|it| it.code).collect();
    let used = codes_in_source();
    let silent: Vec<_> = used.difference(&table).collect();
    assert_eq!(silent, [] as [&String; 0], "say cause, cure and examples in core/docs/codes/<area>.toml");
    let gone: Vec<_> = table.difference(&used).collect();
    assert_eq!(gone, [] as [&String; 0], "no source says these any more");
}

#[test]
fn the_wrong_example_of_each_code_gives_it_and_the_right_one_does_not() {
    let codes = codes();
    let half = codes.len().div_ceil(2);
    let wrong: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = codes.chunks(half).map(|some| scope.spawn(|| wrong_examples(some))).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_example_of_each_function_is_a_script_without_mistakes() {
    let shop = shop_for_examples();
    let mut wrong = Vec::new();
    // A library would have to be built first.
    for name in functions().into_iter().filter(|it| it != "plugin") {
        let explained = shop.must(&["explain", "function", &name]);
        let example = section(&explained, "Example");
        assert!(!example.is_empty(), "{name} has no example:\n{explained}");
        if let Err(said) = check(&shop, &whole(&name, &example), "check") {
            wrong.push(format!("{name}: {example}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn an_unknown_name_suggests_the_nearest() {
    let output = mops(&scripts(), &["explain", "varnish::cash"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "error: nothing is called `varnish::cash`\nhelp: did you mean `varnish::cache`?\n"
    );
}

#[test]
fn an_option_is_explained_by_itself() {
    let said = text(&mops(&scripts(), &["explain", "varnish::cache.grace"]).stdout);
    assert!(
        said.starts_with("varnish::cache.grace\n  a duration such as \"90s\"; \"3d\" unless given\n"),
        "{said}"
    );
}

#[test]
fn slots_types_codes_and_commands_are_explained() {
    for (words, says) in [
        (&["slot", "edge.throttle"][..], "Belongs to: `nginx`"),
        (&["local.node"], "supervised on this machine"),
        (&["eval::unknown-option"], "Cure: Look at the spelling"),
        (&["mops", "plan"], "mops plan shop.rhai --json"),
        (&["website"], "the first is the canonical one"),
    ] {
        let said = text(&mops(&scripts(), &[&["explain"], words].concat()).stdout);
        assert!(said.contains(says), "{words:?}: {said}");
    }
}

#[test]
fn explanations_fit_into_80_columns() {
    for name in ["varnish", "varnish::cache", "website", "site", "eval", "slots", "mops script"] {
        let said = text(&mops(&scripts(), &["explain", name]).stdout);
        let is_code = |line: &str| line.starts_with("  ") && line.contains("#{");
        let wide: Vec<&str> = said.lines().filter(|it| it.chars().count() > 80 && !is_code(it)).collect();
        assert_eq!(wide, [] as [&str; 0], "{name}");
    }
}

/// A shop with the files that examples name.
fn shop_for_examples() -> Shop {
    let shop = Shop::new("");
    for (path, bytes) in [
        ("lib/limits.rhai", &b"fn login() { \"10/1m\" }\n"[..]),
        ("nginx/bots.conf", b"add_header X-Shop acme;\n"),
        ("dns/record.sh", b"#!/bin/sh\n"),
        ("websites.csv", b"name,host\nde,acme.de\n"),
        ("websites.json", br#"[{ "name": "de", "hosts": ["acme.de"] }]"#),
        ("logo.png", b"\x89PNG\r\n\x1a\n\xff"),
    ] {
        let path = shop.folder().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    shop
}

/// What is wrong with the examples of `codes`.
fn wrong_examples(codes: &[Code]) -> Vec<String> {
    let shop = shop_for_examples();
    let mut found = Vec::new();
    for code in codes {
        let Shown::Scripts { wrong, right } = &code.shown else { continue };
        // Whether a secret has a value is asked where it is used: when there is a plan.
        let command = if code.code.starts_with("secret::") { "plan" } else { "check" };
        let told = |said: &str| said.contains(&format!("[{}]", code.code));
        let said = check(&shop, &Code::script(wrong), command).unwrap_or_else(|said| said);
        if !told(&said) {
            found.push(format!("{}: the wrong example does not give it:\n{wrong}\n{said}", code.code));
        }
        match check(&shop, &Code::script(right), command) {
            Ok(said) if told(&said) => {
                found.push(format!("{}: the right example gives it, too:\n{right}\n{said}", code.code));
            }
            Ok(_) => (),
            Err(said) => found.push(format!("{}: the right example is wrong:\n{right}\n{said}", code.code)),
        }
    }
    found
}

/// What `mops check` says about a script; an error when it ends with 1.
fn check(shop: &Shop, script: &str, command: &str) -> Result<String, String> {
    shop.write(script);
    let output = shop.mops(&[command, "shop.rhai"]);
    let said = text(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(said),
        Some(1) => Err(said),
        other => panic!("{command} ended with {other:?}: {said}\n{script}"),
    }
}

/// The functions of the language and of the plugins, as the table of contents and their pages name them.
fn functions() -> Vec<String> {
    let contents = text(&mops(&scripts(), &["explain"]).stdout);
    let under = |heading: &str| {
        let section = contents.split(&format!("{heading}\n")).nth(1).unwrap();
        let lines = section.lines().take_while(|it| !it.is_empty());
        let names = lines.filter(|it| it.starts_with("  ") && !it.starts_with("   "));
        names.map(|it| it.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut functions = under("The language");
    for plugin in under("Plugins") {
        let page = text(&mops(&scripts(), &["explain", "plugin", &plugin]).stdout);
        let names = page.lines().filter_map(|it| it.split_once('(')).map(|(name, _)| name);
        functions.extend(names.filter(|it| it.starts_with(&format!("{plugin}::"))).map(str::to_owned));
    }
    functions
}

/// The indented lines under a heading.
fn section(text: &str, heading: &str) -> String {
    let under = text.split(&format!("\n{heading}\n")).nth(1).unwrap_or_default();
    under.lines().take_while(|it| it.starts_with("  ")).map(str::trim).collect::<Vec<_>>().join("\n")
}

/// An example as a script: with what the function belongs to.
fn whole(name: &str, example: &str) -> String {
    const WEBSITE: &str = "website(\"de\", #{ hosts: [\"acme.de\"] });\n";
    let end = if example.ends_with(';') { "" } else { ";" };
    let example = format!("{example}{end}\n");
    // What the example leaves to its reader: the cache that VCL is part of, the broker of a consumer, who asks for
    // certificates.
    match name {
        "site" => example + WEBSITE,
        "website" => format!("site(\"acme\", #{{}});\n{example}"),
        "override" => Code::script(&format!("role(\"persistent\", #{{ memory: \"8G\" }});\n{example}")),
        "varnish::vcl" => Code::script(&format!("{example}varnish::cache(#{{}});")),
        "certificates::dns" => {
            Code::script(&format!("{example}certificates::acme(#{{ email: \"ops@acme.pl\" }});"))
        }
        "rabbitmq::consumer" => Code::script(&format!("{example}rabbitmq::broker(#{{}});")),
        "redis::cache" => Code::script(&format!("{example}role(\"persistent\", #{{ memory: \"4G\" }});")),
        _ => Code::script(&example),
    }
}

/// Every code that a source file of ours gives to a diagnostic.
fn codes_in_source() -> BTreeSet<String> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = ["core", "plugins"].map(|it| root.join(it));
    let files = folders.iter().flat_map(WalkDir::new).map(|it| it.unwrap().into_path());
    let is_source = |path: &PathBuf| {
        let path = path.to_string_lossy();
        path.ends_with(".rs") && path.contains("/src/") && !path.contains("/core/docs/")
    };
    let mut used = BTreeSet::new();
    for path in files.filter(is_source) {
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        used.extend(code.split('"').skip(1).step_by(2).filter(|it| is_code(it)).map(str::to_owned));
        let rules = code.split("rule: \"").skip(1).filter_map(|it| it.split('"').next());
        used.extend(rules.map(|it| format!("eval::{it}")));
    }
    used
}

/// Whether a string has the form of a code, in an area that has any.
fn is_code(text: &str) -> bool {
    let is_word = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    text.split_once("::").is_some_and(|(area, name)| is_word(area) && is_word(name) && area != "std")
}
