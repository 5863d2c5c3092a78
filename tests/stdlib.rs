//! The standard library: every function has documentation and an example that is right, and a profile is a shop.

use crate::shop::{Shop, text};

const SITE: &str = r#"site("example", #{ magento: #{ version: "2.4.6", release: path("release") } });"#;
const WEBSITE: &str = r#"website("main", #{ hosts: ["acme.pl"] });"#;

/// One function of the standard library, from its text.
struct Function {
    module: &'static str,
    name: String,
    doc: Vec<&'static str>,
}

#[test]
fn every_function_has_documentation_and_an_example_that_calls_it() {
    let mut wrong = Vec::new();
    for it in functions() {
        let (call, example) = (format!("{}::{}(", it.alias(), it.name), it.example());
        if it.doc.first().is_none_or(|line| line.is_empty() || line.starts_with("```")) {
            wrong.push(format!("{call}) has no documentation"));
        }
        if !example.contains(&call) {
            wrong.push(format!("{call}) has no example of a call"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn every_example_is_right() {
    let shop = Shop::new("");
    let mut wrong = Vec::new();
    for it in functions() {
        let example = it.example();
        let website = if example.contains("website") { "" } else { WEBSITE };
        shop.write(&format!("{example}\n{SITE}\n{website}\n"));
        let output = shop.mops(&["check", "shop.rhai"]);
        if !output.status.success() {
            wrong.push(format!("{}::{}: {}", it.alias(), it.name, text(&output.stderr)));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = mops_eval::library().filter(|(_, text)| !text.starts_with("// ")).collect();
    assert_eq!(silent, []);
}

#[test]
fn every_file_of_the_folder_is_part_of_the_program() {
    let folder = std::fs::read_dir(crate::shop::scripts().join("../stdlib")).unwrap();
    let files: std::collections::BTreeSet<String> =
        folder.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let embedded = mops_eval::library().map(|(name, _)| name.replacen("std/", "", 1) + ".rhai").collect();
    assert_eq!(files, embedded);
}

#[test]
fn every_profile_is_planned() {
    for profile in ["small", "standard", "large"] {
        let shop = Shop::new(&format!(
            "import \"std/profiles\" as profiles;\n{SITE}\n{WEBSITE}\nprofiles::{profile}(#{{}});\n"
        ));
        let output = shop.mops(&["plan", "shop.rhai", "--detailed-exitcode"]);
        assert_eq!(output.status.code(), Some(2), "{profile}: {}", text(&output.stderr));
    }
}

#[test]
fn the_small_profile_runs_on_this_machine() {
    let shop = Shop::new(&format!(
        "import \"std/profiles\" as profiles;\n{SITE}\n{WEBSITE}\nprofiles::small(#{{ varnish: #{{ memory: \"64M\" }} }});\n"
    ));
    shop.apply();
    assert_eq!(shop.get("main", "/", &[]).status, 200);
    assert!(shop.get("main", "/", &[]).headers.contains("x-magento-cache"), "the cache stands before it");
}

#[test]
fn overlays_merge_deeply_and_lists_by_name() {
    let cases = [
        ("#{ a: 1, b: #{ c: 2, d: 3 } }, #{ b: #{ c: 4 } }", r#"{"a":1,"b":{"c":4,"d":3}}"#),
        ("#{ a: #{ b: 1 }, c: 2 }, #{ a: false, c: () }", "{}"),
        ("#{ a: true }, #{ a: false }", r#"{"a":false}"#),
        ("#{ a: [1, 2] }, #{ a: [3] }", r#"{"a":[3]}"#),
        (
            "#{ a: [#{ name: `x`, v: 1 }, #{ name: `y`, v: 2 }] }, #{ a: [#{ name: `y`, v: 3 }, #{ name: `z` }] }",
            r#"{"a":[{"name":"x","v":1},{"name":"y","v":3},{"name":"z"}]}"#,
        ),
        (
            "#{ a: [#{ name: `x`, v: 1 }, #{ name: `y`, v: 2 }] }, #{ a: #{ x: false, y: #{ v: 3 } } }",
            r#"{"a":[{"name":"y","v":3}]}"#,
        ),
    ];
    for (arguments, merged) in cases {
        let shop = Shop::new(&format!(
            "import \"std/overlay\" as overlay;\n{SITE}\n{WEBSITE}\nlet it = overlay::merge({arguments});\n\
             if it.to_json() != `{merged}` {{ throw it.to_json(); }}\n"
        ));
        shop.must(&["check", "shop.rhai"]);
    }
}

#[test]
fn a_mistake_in_an_overlay_is_told_where_the_script_makes_it() {
    let shop = Shop::new(&format!(
        "import \"std/profiles\" as profiles;\n{SITE}\n{WEBSITE}\nprofiles::small(#{{\n    varnish: #{{ memroy: \"64M\", grace: 3 }},\n}});\n"
    ));
    let said = text(&shop.mops(&["check", "shop.rhai"]).stderr);
    assert!(said.contains("shop.rhai:5:17") && said.contains("did you mean `memory`?"), "{said}");
    assert!(said.contains("`varnish::cache`: `grace` must be a duration"), "{said}");
    assert!(!said.contains("std/profiles"), "{said}");
}

#[test]
fn a_mistake_in_a_table_is_told_in_its_row() {
    let shop = Shop::new(&format!(
        "import \"std/websites\" as websites;\n{SITE}\nwebsites::from_table([\n    #{{ name: \"pl\", host: \"acme.pl\" }},\n    #{{ name: \"de\", host: \"acme .de\" }},\n]);\n"
    ));
    let said = text(&shop.mops(&["check", "shop.rhai"]).stderr);
    assert!(said.contains("shop.rhai:5:20") && said.contains("is not a host name"), "{said}");
}

#[test]
fn an_override_changes_what_a_profile_said() {
    let shop = Shop::new(&overridden("memory: \"256M\""));
    let plan = shop.must(&["plan", "shop.rhai", "--json"]);
    assert!(plan.contains("default,256M") || plan.contains("256M"), "{plan}");
    shop.write(&overridden("memory: \"1M\""));
    let said = text(&shop.mops(&["check", "shop.rhai"]).stderr);
    assert!(said.contains("`memory` must be at least 64M") && said.contains("shop.rhai:5:"), "{said}");
    shop.write(&overridden("memroy: \"256M\""));
    let said = text(&shop.mops(&["check", "shop.rhai"]).stderr);
    assert!(said.contains("did you mean `memory`?"), "{said}");
}

#[test]
fn an_override_of_nothing_says_so() {
    let shop = Shop::new(&format!(
        "{SITE}\n{WEBSITE}\noverride(#{{ redis: #{{ cache: #{{ memory: \"1G\" }} }}, varnsh: #{{}} }});\n"
    ));
    let said = text(&shop.mops(&["check", "shop.rhai"]).stderr);
    assert!(said.contains("`redis::cache` is called nowhere"), "{said}");
    assert!(
        said.contains("there is no plugin `varnsh`") && said.contains("did you mean `varnish`?"),
        "{said}"
    );
}

#[test]
fn why_tells_where_a_value_comes_from_and_what_it_replaced() {
    let shop = Shop::new(&overridden("memory: \"256M\""));
    let said = shop.must(&["explain", "--why", "varnish.memory", "shop.rhai"]);
    assert!(said.starts_with("varnish.cache.memory = \"256M\"\n  shop.rhai:5\n"), "{said}");
    assert!(said.contains("  instead of \"128M\"  std/profiles:"), "{said}");
    let said = shop.mops(&["explain", "--why", "varnish.cache.memroy", "shop.rhai"]);
    assert!(text(&said.stderr).contains("did you mean `varnish.cache.memory`?"), "{}", text(&said.stderr));
}

fn overridden(option: &str) -> String {
    format!(
        "import \"std/profiles\" as profiles;\n{SITE}\n{WEBSITE}\nprofiles::small(#{{}});\noverride(#{{ varnish: #{{ cache: #{{ {option} }} }} }});\n"
    )
}

impl Function {
    fn alias(&self) -> &str {
        self.module.trim_start_matches("std/")
    }

    /// What stands in its code fences.
    fn example(&self) -> String {
        let fences = self.doc.join("\n");
        let examples = fences.split("```").skip(1).step_by(2);
        examples.filter_map(|it| it.strip_prefix("rhai\n")).collect()
    }
}

/// Every public function.
fn functions() -> Vec<Function> {
    let mut found = Vec::new();
    for (module, text) in mops_eval::library() {
        let mut doc = Vec::new();
        for line in text.lines() {
            if let Some(said) = line.strip_prefix("///") {
                doc.push(said.strip_prefix(' ').unwrap_or(said));
                continue;
            }
            let doc = std::mem::take(&mut doc);
            if let Some(rest) = line.strip_prefix("fn ") {
                let name = rest.split('(').next().unwrap().to_owned();
                found.push(Function { module, name, doc });
            }
        }
    }
    found
}
