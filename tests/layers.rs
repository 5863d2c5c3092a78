//! Which crate may use which. A new line between our crates changes this table first.

use std::{collections::BTreeMap, path::Path, process::Command};

/// Each crate of ours and the crates of ours it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("mops-model", &[]),
    ("mops-plugin", &["mops-model"]),
    ("mops-load", &["mops-plugin"]),
    ("mops-eval", &["mops-model", "mops-plugin"]),
    ("mops-lower", &["mops-model", "mops-plugin"]),
    ("mops-docs", &["mops-model", "mops-plugin", "mops-eval"]),
    ("mops-lsp", &["mops-model", "mops-plugin", "mops-eval"]),
    ("mops-plan", &["mops-model"]),
    ("mops-store", &["mops-model"]),
    ("mops-apply", &["mops-model", "mops-plan"]),
    ("mops-node", &["mops-model"]),
    ("mops-local", &["mops-model", "mops-apply", "mops-node"]),
    ("mops-acme", &["mops-model", "mops-node"]),
];

/// Foreign facts that stay at home: the beginning of a crate's name, and who may use it.
const HOMES: &[(&str, &[&str])] = &[
    ("rhai", &["mops-eval"]),
    ("libloading", &["mops-load"]),
    ("landlock", &["mops-load"]),
    ("seccompiler", &["mops-load"]),
    ("aws-", &[]),
    ("minijinja", &["mops-docs", "mops-plugin"]),
    ("rmp-serde", &["mops-plugin"]),
    ("rcgen", &["mops-acme", "mops-local"]),
    ("instant-acme", &["mops-acme"]),
    ("rustls", &["mops-acme"]),
    ("x509-parser", &["mops-acme"]),
    ("clap", &["mops"]),
    ("lsp-", &["mops-lsp"]),
    ("indicatif", &["mops"]),
    ("plotters", &["mops-bench"]),
    ("reedline", &["mops"]),
    ("annotate-snippets", &["mops"]),
    ("anstream", &["mops"]),
];

/// The program, these tests and the benchmark wire everything together.
const WIRING: [&str; 3] = ["mops", "mops-bench", "mops-tests"];

#[test]
fn crates_only_depend_downward() {
    let mut wrong = Vec::new();
    for (name, dependencies) in packages().iter().filter(|(it, _)| !WIRING.contains(&it.as_str())) {
        let allowed: &[&str] = match LAYERS.iter().find(|(it, _)| it == name) {
            Some((_, allowed)) => allowed,
            None if is_plugin(name) || name == "mops-zoo" => &["mops-plugin"],
            None => panic!("{name} stands in no layer: say in this table what it may use"),
        };
        let ours = dependencies.iter().filter(|it| it.starts_with("mops"));
        for dependency in ours.filter(|it| !allowed.contains(&it.as_str())) {
            wrong.push(format!("{name} may not use {dependency}; it may use {allowed:?}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn foreign_facts_stay_at_home() {
    let mut wrong = Vec::new();
    for (name, dependencies) in &packages() {
        for (foreign, homes) in HOMES {
            let uses = dependencies
                .iter()
                .any(|it| it == foreign || (foreign.ends_with('-') && it.starts_with(foreign)));
            if uses && !homes.contains(&name.as_str()) {
                wrong.push(format!("{name} may not use {foreign}; only {homes:?} may"));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn the_table_names_only_crates_that_exist() {
    let packages = packages();
    let gone: Vec<_> =
        LAYERS.iter().map(|(name, _)| *name).filter(|it| !packages.contains_key(*it)).collect();
    assert_eq!(gone, [] as [&str; 0]);
}

fn is_plugin(name: &str) -> bool {
    let folder = name.trim_start_matches("mops-");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(folder).exists()
}

/// Every crate of the workspace and what it depends on, tests aside.
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let dependencies = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        all.filter(|it| it["kind"].is_null()).map(|it| text(&it["name"])).collect()
    };
    metadata["packages"].as_array().unwrap().iter().map(|it| (text(&it["name"]), dependencies(it))).collect()
}
