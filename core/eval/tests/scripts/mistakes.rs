//! What is wrong in a script, with its place and a way out.

use crate::kit::{run, shown, wrong, wrong_with};

/// Evaluates a script that calls `site` itself.
fn wrong_alone(script: &'static str, parameters: &[(&str, &str)]) -> Vec<String> {
    shown(&crate::kit::run_with(script, &[], parameters).expect_err("the script is wrong"))
}

#[test]
fn an_unknown_option_suggests_the_nearest() {
    assert_eq!(
        wrong(r#"varnish::cache(#{ memroy: "4G" });"#),
        [
            "eval::unknown-option at shop.rhai:2 «memroy»: `varnish::cache` has no option `memroy` (did you mean `memory`?)"
        ]
    );
}

#[test]
fn an_option_at_depth_is_named_by_its_path() {
    assert_eq!(
        wrong(r"varnish::cache(#{ images: #{ webp: 1, wepb: true } });"),
        [
            "eval::wrong-type at shop.rhai:2 «1»: `varnish::cache`: `images.webp` must be true or false, not a number (write true)",
            "eval::unknown-option at shop.rhai:2 «wepb»: `varnish::cache` has no option `images.wepb` (did you mean `webp`?)",
        ]
    );
}

#[test]
fn a_computed_value_is_refused_where_it_stands() {
    assert_eq!(
        wrong("let memory = \"9x\";\nvarnish::cache(#{ memory: memory });"),
        [concat!(
            "eval::wrong-value at shop.rhai:3 «memory»: `varnish::cache`: `memory`: \"9x\" is not a size ",
            "(write a whole number and a unit, such as \"512M\" or \"4G\")"
        )]
    );
}

#[test]
fn a_range_and_a_missing_option_are_told() {
    assert_eq!(
        wrong("varnish::cache(#{ memory: \"1M\" });\nredis::cache();"),
        [
            "eval::out-of-range at shop.rhai:2 «\"1M\"»: `varnish::cache`: `memory` must be at least 64M, not 1M",
            "eval::missing-option at shop.rhai:3 «redis::cache»: `redis::cache`: `memory` is missing (add memory: \"4G\")",
        ]
    );
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_source() {
    let script = r#"varnsh::cache(#{});
varnish::cach(#{});
websit("a", #{});
let y = nope + 1;
geo_throttling::limit("x", #{ on: "pll", rate: "10/1m" });
website("pl", #{ hosts: ["acme.pl"], pth: "/x" });"#;
    assert_eq!(
        wrong(script),
        [
            "eval::unknown-module at shop.rhai:2 «varnsh»: there is no plugin or import `varnsh` (did you mean `varnish`?)",
            "eval::unknown-function at shop.rhai:3 «varnish::cach»: there is no function `varnish::cach` (did you mean `varnish::cache`?)",
            "eval::unknown-function at shop.rhai:4 «websit»: there is no function `websit` (did you mean `website`?)",
            "eval::unknown-variable at shop.rhai:5 «nope»: there is no variable `nope` (write \"nope\" if it is text, or declare it with `let nope = …;`)",
            "eval::unknown-website at shop.rhai:6 «\"pll\"»: `geo_throttling::limit`: there is no website or role \"pll\" (did you mean \"pl\"?)",
            "eval::unknown-option at shop.rhai:7 «pth»: `website` has no option `pth` (did you mean `path`?)",
        ]
    );
}

#[test]
fn a_function_of_a_plugin_called_without_its_module_is_found() {
    assert_eq!(
        wrong("vcl(\"recv\", path(\"a.vcl\"));"),
        [
            "eval::unknown-function at shop.rhai:2 «vcl»: there is no function `vcl` (did you mean `varnish::vcl`?)"
        ]
    );
}

#[test]
fn the_number_of_arguments_is_checked_in_functions_that_are_never_called() {
    assert_eq!(
        wrong("fn never() { varnish::vcl(1); }\nfn two(a, b) { a + b }\nlet x = two(1);"),
        [
            "eval::arity at shop.rhai:2 «varnish::vcl»: `varnish::vcl` does not take one argument (write varnish::vcl(place, text))",
            "eval::arity at shop.rhai:4 «two»: `two` does not take one argument (it takes 2 arguments)",
        ]
    );
}

#[test]
fn a_missing_semicolon_is_told_at_the_end_of_its_line() {
    assert_eq!(
        wrong("let x = 1 // one; only\n\nlet y = 2;"),
        [
            "eval::syntax at shop.rhai:2 «1»: `;` is missing at the end of this statement (end the statement with `;`)"
        ]
    );
}

#[test]
fn a_reserved_word_as_a_key_is_suggested_in_quotes() {
    for word in ["default", "with", "public", "in", "fn"] {
        let script: &'static str =
            Box::leak(format!("varnish::cache(#{{ memory: \"1G\", {word}: 1 }});").into_boxed_str());
        assert_eq!(
            wrong(script),
            [format!(
                "eval::reserved-key at shop.rhai:2 «{word}»: `{word}` is a word of the language and no key by itself (write it in quotes: \"{word}\")"
            )]
        );
    }
}

#[test]
fn an_escape_that_is_meant_for_a_regular_expression_suggests_backticks() {
    assert_eq!(
        wrong(r#"geo_throttling::limit("x", #{ rate: "1/1s", path: "^/\d+$" });"#),
        [concat!(
            r"eval::bad-escape at shop.rhai:2 «\d»: `\d` means nothing inside quotes ",
            r"(write a regular expression in backticks, where `\` stays as it is: `^/\d+$`)"
        )]
    );
}

#[test]
fn what_is_declared_twice_is_told_with_both_places() {
    let script = r#"let a = website("pl", #{ hosts: ["acme.pl"] });
website("pl", #{ hosts: ["b.pl"] });
redis::cache(#{ memory: "1G" });
redis::cache(#{ memory: "2G" });
geo_throttling::limit("x", #{ rate: "1/1s" });
geo_throttling::limit("x", #{ rate: "2/1s" });
website("de", #{ hosts: ["acme.pl"] });"#;
    assert_eq!(
        wrong(script),
        [
            "eval::duplicate at shop.rhai:3 «\"pl\"» at shop.rhai:2 «\"pl\"»: the website `pl` is declared twice (keep one of them, or give one another name)",
            "eval::duplicate at shop.rhai:5 «redis::cache» at shop.rhai:4 «redis::cache»: `redis::cache` is called twice (keep one of them, with all its options)",
            "eval::duplicate at shop.rhai:7 «\"x\"» at shop.rhai:6 «\"x\"»: `geo_throttling::limit` is called twice with the name \"x\" (keep one of them, or give one another name)",
            concat!(
                "eval::duplicate at shop.rhai:8 «\"acme.pl\"» at shop.rhai:2 «\"acme.pl\"»: ",
                "`acme.pl` belongs to two websites: `pl` and `de` (give one of them another host, or a `path` of its own)"
            ),
        ]
    );
}

#[test]
fn a_mistake_in_a_loop_is_told_once() {
    assert_eq!(
        wrong("for i in 0..3 { website(`w${i}`, #{ hosts: [`w${i}.pl`], locle: \"pl_PL\" }); }"),
        [
            "eval::unknown-option at shop.rhai:2 «locle»: `website` has no option `locle` (did you mean `locale`?)"
        ]
    );
}

#[test]
fn websites_have_hosts_and_prefixes_that_stand_apart() {
    let script = r#"website("a", #{ hosts: [] });
website("b", #{ hosts: ["b.pl"], path: "b2b/" });
website("c", #{ hosts: ["c.pl"], fallback: true });
website("d", #{ hosts: ["d.pl"], fallback: true });
website("e", #{ hosts: ["e.pl"], countries: ["POL"] });"#;
    assert_eq!(
        wrong(script),
        [
            "eval::wrong-value at shop.rhai:2 «hosts»: `website`: `hosts` names no host (name at least one, such as [\"acme.pl\"])",
            "eval::wrong-value at shop.rhai:3 «path»: `website`: the path prefix \"b2b/\" must start with `/` and not end with it (write \"/b2b\")",
            "eval::duplicate at shop.rhai:5 «fallback: true» at shop.rhai:4 «fallback: true»: two websites are the fallback: `c` and `d` (only one website can answer for unknown hosts)",
            "eval::wrong-value at shop.rhai:6 «\"POL\"»: `website`: \"POL\" is no code of a country (write two lowercase letters (ISO 3166-1), such as \"pl\")",
        ]
    );
}

#[test]
fn a_script_that_names_no_site_or_names_it_twice_is_wrong() {
    assert!(
        wrong_alone("let x = 1;", &[])[0]
            .starts_with("eval::site-missing at shop.rhai:1 «»: the script names no site")
    );
    let twice = wrong(r#"site("b", #{});"#);
    assert_eq!(
        twice,
        [
            "eval::duplicate at shop.rhai:2 «site» at shop.rhai:1 «site»: `site` is called twice (keep one of them)"
        ]
    );
}

#[test]
fn a_path_that_is_not_there_or_outside_is_told() {
    assert_eq!(
        wrong("path(\"relase\");\npath(\"../etc\");\npath(\"/etc\");"),
        [
            "eval::path at shop.rhai:2 «\"relase\"»: there is no file or folder `relase` (paths are relative to the script's folder)",
            "eval::path at shop.rhai:3 «\"../etc\"»: `../etc` is outside the script's folder (copy or move it into the script's folder)",
            "eval::path at shop.rhai:4 «\"/etc\"»: `/etc` is outside the script's folder (copy or move it into the script's folder)",
        ]
    );
}

#[test]
fn a_value_known_after_apply_is_not_compared_and_not_cut() {
    let spare = "let p = resource(\"local.port\", \"spare\", #{});";
    let compared = concat!(
        "eval::known-after-apply at shop.rhai:3 «==»: `‹local.port.spare.number›` cannot be compared: it is known only after apply ",
        "(decide by something the script knows, such as environment() or a param)"
    );
    assert_eq!(wrong(&format!("{spare}\nif p.number == 5 {{ }}")), [compared]);
    assert_eq!(wrong(&format!("{spare}\nif `${{p.number}}` == \"5\" {{ }}")), [compared]);
    assert_eq!(
        wrong(&format!("{spare}\noutput(\"cut\", `${{p.number}}`.sub_string(0, 9));")),
        [concat!(
            "eval::known-after-apply at shop.rhai:3 «`${p.number}`»: `output`: `value` holds a value that is known only after apply, ",
            "and it was cut or changed (use the value whole, inside text or on its own)"
        )]
    );
}

#[test]
fn text_with_the_characters_of_marks_is_refused() {
    assert_eq!(
        wrong("output(\"a\", \"x\\uE000y\");")[0],
        concat!(
            "eval::reserved-character at shop.rhai:2 «\"x\\uE000y\"»: text cannot hold the private-use characters U+E000 to U+E002 ",
            "(mops marks values with them; take them away)"
        )
    );
}

#[test]
fn a_resource_is_checked_against_its_type() {
    let script = r#"resource("local.prot", "a", #{});
resource("local.port", "b", #{ rnage: 1 });
let c = resource("local.port", "c", #{ range: 0 });
output("c", c.nmber);"#;
    assert_eq!(
        wrong(script),
        [
            "eval::unknown-resource at shop.rhai:2 «\"local.prot\"»: there is no resource type \"local.prot\" (did you mean \"local.port\"?)",
            "eval::unknown-option at shop.rhai:3 «rnage»: `local.port` has no option `rnage` (did you mean `range`?)",
            "eval::out-of-range at shop.rhai:4 «range»: `local.port`: `range` must be at least 1, not 0",
            "eval::unknown-property at shop.rhai:5 «.nmber»: `local.port` has no output `nmber` (did you mean `number`?)",
        ]
    );
}

#[test]
fn parameters_that_are_not_declared_or_of_another_kind_are_told() {
    let script = "site(\"acme\", #{});\nlet n = param(\"consumers\", #{ otherwise: 2 });\nlet m = param(\"needed\", #{});";
    assert_eq!(
        wrong_alone(script, &[("consumers", "many"), ("consumer", "3")]),
        [
            "eval::wrong-value at shop.rhai:2 «\"consumers\"»: the parameter `consumers` must be a whole number, not \"many\" (it is set by `--set` or in mops.toml)",
            "eval::missing-parameter at shop.rhai:3 «\"needed\"»: the parameter `needed` has no value (set it with `--set needed=…`, in mops.toml, or give it an `otherwise`)",
            "eval::unknown-parameter: the script has no parameter `consumer` (did you mean \"consumers\"?)",
        ]
    );
}

#[test]
fn a_flow_names_who_begins_it_and_where_it_goes() {
    assert_eq!(
        wrong("allow(\"ap\", \"10.0.0.0/8:443\");\nallow(\"app\", \"10.0.0.0/8\");"),
        [
            "eval::unknown-role at shop.rhai:2 «\"ap\"»: `allow`: \"ap\" is no role, no daemon and no network (did you mean \"app\"?)",
            "eval::wrong-value at shop.rhai:3 «\"10.0.0.0/8\"»: `allow`: \"10.0.0.0/8\" names no port (write \"10.20.0.0/16:443\" or \"app:8080\")",
        ]
    );
}

#[test]
fn a_role_has_at_least_its_minimum_and_shares_with_one_that_has_nodes() {
    assert_eq!(
        wrong(
            "role(\"app\", #{ min: 3, max: 2 });\nrole(\"edge\", #{ shares: \"nodes\" });\nrole(\"a\", #{ shares: \"a\" });"
        ),
        [
            "eval::out-of-range at shop.rhai:2 «max»: `role`: `max` is 2, less than `min`, which is 3 (`max` is at least `min`)",
            "eval::unknown-role at shop.rhai:3 «\"nodes\"»: `role`: there is no role \"nodes\" (declared: a, app, edge, persistent)",
            "eval::wrong-value at shop.rhai:4 «shares: \"a\"»: `role`: `a` cannot share nodes with itself (name another role, or leave `shares` out)",
        ]
    );
}

#[test]
fn a_mistake_in_an_imported_file_is_told_in_that_file() {
    let files = [("lib/shared.rhai", "fn cache(m) {\n    varnish::cache(#{ memory: m, gracee: 1 })\n}\n")];
    let found = wrong_with("import \"lib/shared\" as lib;\nlib::cache(\"x\");\nlib::cahce(1);", &files);
    assert_eq!(
        found,
        [
            "eval::unknown-function at shop.rhai:4 «lib::cahce»: there is no function `lib::cahce` (did you mean `lib::cache`?)",
            concat!(
                "eval::wrong-value at lib/shared.rhai:2 «m» at shop.rhai:3 «cache»: `varnish::cache`: `memory`: \"x\" is not a size ",
                "(write a whole number and a unit, such as \"512M\" or \"4G\")"
            ),
            "eval::unknown-option at lib/shared.rhai:2 «gracee»: `varnish::cache` has no option `gracee` (its options are `images`, `memory`)",
        ]
    );
}

#[test]
fn files_that_import_each_other_are_told_with_the_whole_way() {
    let files = [("a.rhai", "import \"./b\" as b;"), ("b.rhai", "import \"./a\" as a;")];
    assert_eq!(
        wrong_with("import \"a\" as a;", &files),
        [
            "eval::import-cycle at b.rhai:1 «\"./a\"» at a.rhai:1 «\"./b\"» at shop.rhai:2 «\"a\"»: files import each other: a.rhai -> b.rhai -> a.rhai (move what both need to a third file)"
        ]
    );
    assert_eq!(
        wrong("import \"shop\" as shop;"),
        [
            "eval::import-cycle at shop.rhai:2 «\"shop\"»: files import each other: shop.rhai -> shop.rhai (move what both need to a third file)"
        ]
    );
}

#[test]
fn imports_stay_in_the_folder_and_the_standard_library_is_kept() {
    assert_eq!(
        wrong("import \"../x\" as x;\nimport \"std/shop\" as s;\nimport \"nothing\" as n;"),
        [
            "eval::path at shop.rhai:2 «\"../x\"»: `../x` is outside the script's folder (copy or move it into the script's folder)",
            "eval::path at shop.rhai:3 «\"std/shop\"»: there is no module \"std/shop\" in the standard library (its modules are std/lists, std/maps, std/overlay, std/profiles, std/roles, std/websites)",
            "eval::path at shop.rhai:4 «\"nothing\"»: there is no file or folder `nothing.rhai` (paths are relative to the script's folder)",
        ]
    );
}

#[test]
fn a_script_without_end_is_ended() {
    let code = |script: &str| wrong(script)[0].split(' ').next().unwrap().to_owned();
    assert_eq!(code("loop { }"), "eval::limit-operations");
    assert_eq!(code("fn f(n) { f(n + 1) }\nf(1);"), "eval::limit-calls");
    assert_eq!(code("let s = \"0123456789\"; loop { s += s; }"), "eval::limit-size");
    assert_eq!(code("let a = [0]; loop { a += a; }"), "eval::limit-size");
    assert_eq!(code("let a = [0]; loop { a = [a, a]; }"), "eval::limit-size");
    assert_eq!(code("let m = #{}; loop { m = #{ a: m, b: m }; }"), "eval::limit-size");
    assert_eq!(code("let a = []; a.pad(100000000, 0);"), "eval::limit-size");
}

#[test]
fn a_script_neither_sleeps_nor_reads_the_clock_nor_evaluates_text() {
    assert!(wrong("sleep(1);")[0].contains("a script cannot sleep"));
    assert!(
        wrong("let t = timestamp();")[0].starts_with("eval::unknown-function at shop.rhai:2 «timestamp»")
    );
    assert!(
        wrong("eval(\"1\");")[0].starts_with("eval::syntax at shop.rhai:2 «eval»: `eval` is not available")
    );
    assert!(wrong("exit();")[0].contains("a script cannot exit"));
}

#[test]
fn a_function_of_the_script_may_not_stand_before_one_of_mops() {
    assert_eq!(
        wrong("fn website(name) { name }"),
        [
            "eval::duplicate at shop.rhai:2 «website»: `website` is a function of mops already (give it another name)"
        ]
    );
}

#[test]
fn a_variable_of_the_file_used_in_a_function_is_explained() {
    assert_eq!(
        wrong("const MEMORY = \"2G\";\nfn cache() { redis::cache(#{ memory: MEMORY }) }\ncache();"),
        [
            "eval::unknown-variable at shop.rhai:3 «MEMORY»: there is no variable `MEMORY` (functions see no variables of the file; write `global::MEMORY`)"
        ]
    );
}

#[test]
fn what_is_no_plain_data_is_refused() {
    assert_eq!(
        wrong("redis::cache(#{ memory: if true { } });\noutput(\"n\", 1.5);\noutput(\"f\", |x| x);"),
        [
            "eval::wrong-type at shop.rhai:2 «if»: `redis::cache`: `memory` is nothing, which is no plain data (give it a value, or leave it out; a map has nothing under a key that it lacks)",
            "eval::wrong-type at shop.rhai:3 «1»: `output`: `value` is a number with a fraction, which is no plain data (write a whole number, or text with a unit)",
            "eval::wrong-type at shop.rhai:4 «|»: `output`: `value` is a function, which is no plain data (write what it returns)",
        ]
    );
}

#[test]
fn a_message_that_a_script_throws_is_told_with_the_way_there() {
    assert_eq!(
        wrong("fn check(n) {\n    throw \"too many\";\n}\ncheck(5);"),
        ["eval::thrown at shop.rhai:3 «throw» at shop.rhai:5 «check»: too many"]
    );
}

#[test]
fn what_follows_from_a_mistake_is_not_told() {
    let found = wrong("let x = nope.foo.bar(3);\nfor i in nope { }");
    assert_eq!(found.len(), 1, "{found:#?}");
    let found =
        wrong("let w = websit(\"a\", #{});\ngeo_throttling::limit(`x-${w}`, #{ on: w, rate: \"1/1s\" });");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn everything_about_a_website_is_known_before_apply() {
    assert_eq!(
        wrong("website(\"a\", #{ hosts: [\"a.pl\"], locale: secret(\"s\") });"),
        [concat!(
            "eval::known-after-apply at shop.rhai:2 «secret»: `website`: `locale` must be known before apply ",
            "(everything about a website is known from the script)"
        )]
    );
}

#[test]
fn a_value_that_is_handed_on_is_shown_where_it_is_wrong_unless_it_is_a_secret() {
    let labels = |body| {
        let failed = run(body).unwrap_err();
        let labels = failed.diagnostics.into_iter().flat_map(|it| it.labels);
        labels.map(|it| it.text).collect::<Vec<_>>()
    };
    assert_eq!(
        labels("site(\"acme\", #{}); let size = 12; redis::cache(#{ memory: size });"),
        ["here it is 12"]
    );
    assert_eq!(labels("site(\"acme\", #{}); redis::cache(#{ memory: 12 });"), ["here"]);
    let secret = labels("site(\"acme\", #{}); let size = secret(\"size\"); redis::cache(#{ memory: size });");
    assert!(secret.iter().all(|it| !it.contains("here it is")), "{secret:?}");
}

#[test]
fn a_role_that_is_no_name_is_unknown_like_any_other() {
    let body =
        "role(\"edge\", #{ shares: \"acme.pl\" }); daemon(\"feed\", #{ on: \"a b\", run: [\"/bin/feed\"] });";
    let codes: Vec<String> = wrong(body).iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(codes, ["eval::unknown-role", "eval::unknown-role"]);
}
