//! Every example script, evaluated and planned.

use std::{fs, path::Path};

use crate::shop::{Shop, mops, scripts, text};

#[test]
fn every_script_is_planned() {
    for script in every_script() {
        let shop = Shop::new(&fs::read_to_string(scripts().join(&script)).unwrap());
        let output = shop.mops(&["plan", "shop.rhai", "--detailed-exitcode"]);
        assert_eq!(output.status.code(), Some(2), "{script}: {}", text(&output.stderr));
        insta::with_settings!({ snapshot_suffix => script, filters => DIGESTS.to_vec() }, {
            insta::assert_snapshot!("plan", text(&output.stdout));
        });
    }
}

#[test]
fn every_script_lowers_to_the_same_resources_and_files() {
    for script in every_script() {
        let shop = Shop::new(&fs::read_to_string(scripts().join(&script)).unwrap());
        let plan: serde_json::Value =
            serde_json::from_str(&shop.must(&["plan", "shop.rhai", "--json"])).unwrap();
        let lines: Vec<String> = plan["changes"].as_array().unwrap().iter().map(summary).collect();
        let mut lines: Vec<String> = folded(lines).into_iter().chain(files(&plan)).collect();
        lines.sort();
        insta::with_settings!({ snapshot_suffix => script }, {
            insta::assert_snapshot!("graph", lines.join("\n"));
        });
    }
}

#[test]
fn the_same_script_gives_the_same_bytes() {
    let plan = || {
        let shop = Shop::example();
        shop.must(&["plan", "shop.rhai", "--json"])
    };
    assert_eq!(plan(), plan());
}

#[test]
fn a_plan_leaves_nothing_behind() {
    let shop = Shop::example();
    shop.must(&["plan", "shop.rhai"]);
    shop.must(&["check", "shop.rhai"]);
    assert!(!shop.folder().join(".mops/local").exists());
    let output = mops(shop.folder(), &["status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no site"), "{}", text(&output.stderr));
}

/// Digests change with every line of a template: they are not what a snapshot is for.
const DIGESTS: [(&str, &str); 1] = [("[0-9a-f]{12,64}", "‹digest›")];

fn every_script() -> Vec<String> {
    let entries = fs::read_dir(scripts()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<String> =
        entries.filter(|it| Path::new(it).extension().is_some_and(|it| it == "rhai")).collect();
    found.sort();
    found
}

fn summary(change: &serde_json::Value) -> String {
    let needs: Vec<&str> = change["needs"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
    let nodes: Vec<&str> = needs.iter().copied().filter(|it| it.starts_with("local.node.")).collect();
    match nodes.is_empty() {
        true => format!("resource {}", change["address"].as_str().unwrap()),
        false => format!("resource {} after {}", change["address"].as_str().unwrap(), nodes.join(", ")),
    }
}

/// What there are very many of, by number.
fn folded(lines: Vec<String>) -> Vec<String> {
    let kind = |line: &str| line.rsplit_once('.').map_or(line, |(kind, _)| kind).to_owned();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for line in &lines {
        *counts.entry(kind(line)).or_default() += 1;
    }
    counts.retain(|_, count| *count > 20);
    let few = lines.into_iter().filter(|it| !counts.contains_key(&kind(it)));
    few.chain(counts.iter().map(|(kind, count)| format!("{kind} × {count}"))).collect()
}

fn files(plan: &serde_json::Value) -> Vec<String> {
    let closures = plan["closures"].as_object().unwrap().values();
    let of = |closure: &serde_json::Value| {
        let group = closure["group"].as_str().unwrap().to_owned();
        let keys = |key: &str, what: &str| {
            let keys = closure[key].as_object().unwrap().keys();
            keys.map(|it| format!("{group}: {what} {it}")).collect::<Vec<_>>()
        };
        [
            keys("files", "file"),
            keys("daemons", "daemon"),
            keys("directories", "directory"),
            keys("trees", "tree"),
        ]
        .concat()
    };
    closures.flat_map(of).collect()
}
