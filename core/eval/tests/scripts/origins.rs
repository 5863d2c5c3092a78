//! Where values come from, tables in files, and overrides.

use mops_model::{Declared, Site};

use crate::kit::{right, run_with, wrong, wrong_with};

#[test]
fn every_value_of_a_call_says_where_it_was_written() {
    let site = right(
        "let memory = \"2G\";\nvarnish::cache(#{\n    memory: memory,\n    images: #{ webp: true },\n});",
    );
    let cache = &site.calls[0].declared;
    assert_eq!(origins(cache, "memory"), ["\"2G\" at shop.rhai:4"]);
    assert_eq!(origins(cache, "images.webp"), ["true at shop.rhai:5"]);
}

#[test]
fn a_value_keeps_its_place_through_functions_files_and_maps() {
    let shop = r#"site("acme", #{});
import "ours" as ours;
let options = #{ memory: "3G" };
ours::cache(options);"#;
    let ours = (
        "ours.rhai",
        "fn cache(options) {\n    let all = #{ cache: options };\n    varnish::cache(all.cache);\n}",
    );
    let site = run_with(shop, &[ours], &[]).unwrap().site;
    assert_eq!(origins(&site.calls[0].declared, "memory"), ["\"3G\" at shop.rhai:3"]);
}

#[test]
fn a_merged_value_remembers_what_it_replaced() {
    let site = right(
        "import \"std/overlay\" as overlay;\nlet below = #{ memory: \"1G\" };\nlet above = #{ memory: \"2G\" };\nvarnish::cache(overlay::merge(below, above));",
    );
    assert_eq!(
        origins(&site.calls[0].declared, "memory"),
        ["\"1G\" at shop.rhai:3", "\"2G\" at shop.rhai:4"]
    );
}

#[test]
fn what_the_standard_library_declares_stands_where_the_script_asks_for_it() {
    let site = right(
        "import \"std/websites\" as websites;\nwebsites::from_table([\n    #{ name: \"pl\", host: \"acme.pl\" },\n]);",
    );
    assert_eq!(site.websites[0].declared.place, "shop.rhai:4");
    assert_eq!(origins(&site.websites[0].declared, "hosts"), ["[\"acme.pl\"] at shop.rhai:4"]);
}

#[test]
fn a_table_in_a_file_says_its_line() {
    let csv = (
        "websites.csv",
        "name,hosts,countries,currency\npl,acme.pl www.acme.pl,pl,\nde,acme.de,\"de,at\",EUR\n",
    );
    let shop = "site(\"acme\", #{});\nimport \"std/websites\" as websites;\nwebsites::from_csv(path(\"websites.csv\"));";
    let site = run_with(shop, &[csv], &[]).unwrap().site;
    let hosts = |it: usize| site.websites[it].hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((hosts(0).join(" "), &site.websites[0].currency), ("acme.pl www.acme.pl".to_owned(), &None));
    assert_eq!(
        (&site.websites[1].countries[..], site.websites[1].currency.as_deref()),
        (&["de".to_owned(), "at".to_owned()][..], Some("EUR"))
    );
    assert_eq!(origins(&site.websites[1].declared, "currency"), ["\"EUR\" at websites.csv:3"]);
    let json = ("websites.json", r#"[{ "name": "pl", "hosts": ["acme.pl"], "locale": null }]"#);
    let shop = "site(\"acme\", #{});\nimport \"std/websites\" as websites;\nwebsites::from_json(path(\"websites.json\"));";
    let site = run_with(shop, &[json], &[]).unwrap().site;
    assert_eq!(origins(&site.websites[0].declared, "hosts"), ["[\"acme.pl\"] at websites.json"]);
}

#[test]
fn a_broken_table_is_told() {
    let wrong = |call: &str, file| wrong_with(call, &[file]).join("\n");
    let csv = wrong("csv(path(\"a.csv\"));", ("a.csv", "name,host\npl,acme.pl,more\n"));
    assert!(
        csv.starts_with("eval::wrong-value at shop.rhai:2 «path»: `a.csv` cannot be read: CSV error"),
        "{csv}"
    );
    let json = wrong("json(path(\"a.json\"));", ("a.json", "[1,"));
    assert!(json.contains("`a.json` cannot be read: EOF"), "{json}");
}

#[test]
fn an_override_counts_last_and_in_order() {
    let site = right(
        "override(#{ redis: #{ cache: #{ memory: \"2G\" } } });\nredis::cache(#{ memory: \"1G\" });\noverride(#{ redis: #{ cache: #{ memory: \"3G\" } } });",
    );
    let cache = &site.calls[0];
    assert_eq!(cache.options["memory"], mops_model::Value::text("3G"));
    assert_eq!(
        origins(&cache.declared, "memory"),
        ["\"1G\" at shop.rhai:3", "\"2G\" at shop.rhai:2", "\"3G\" at shop.rhai:4"]
    );
}

#[test]
fn an_override_names_a_rule_takes_a_call_away_and_calls_what_is_implied() {
    let site = right(
        "geo_throttling::limit(\"login\", #{ rate: \"10/1m\" });\nredis::cache(#{ memory: \"1G\" });\noverride(#{ geo_throttling: #{ limit: #{ login: #{ rate: \"20/1m\" } } }, redis: #{ cache: false }, varnish: #{ cache: #{ images: #{ webp: true } } } });",
    );
    assert_eq!(calls(&site), ["geo-throttling limit", "varnish cache"]);
    assert_eq!(site.calls[0].options["rate"], mops_model::Value::text("20/1m"));
}

#[test]
fn a_wrong_override_is_told_at_its_own_place() {
    let said = wrong(
        "redis::cache(#{ memory: \"1G\" });\noverride(#{\n    redis: #{ cache: #{ memory: 3 }, cash: #{} },\n    varnish: #{ vcl: #{} },\n    geo_throttling: #{ limit: #{ login: #{ rate: \"1/1s\" } } },\n});",
    );
    assert_eq!(
        said,
        [
            "eval::wrong-type at shop.rhai:4 «3»: `redis::cache`: `memory` must be a size such as \"4G\", not a number (write a whole number and a unit, such as \"512M\" or \"4G\")",
            "eval::override at shop.rhai:4 «cash»: `override`: there is no function `redis::cash` (its functions are `cache`)",
            "eval::override at shop.rhai:5 «vcl»: `override`: `varnish::vcl` may be called many times: nothing says which call is meant (change the call itself, or give the part of the profile another list)",
            "eval::override at shop.rhai:6 «login»: `override`: `geo_throttling::limit \"login\"` is called nowhere: there is nothing to change (call it, or leave it out here)",
        ]
    );
}

#[test]
fn a_module_that_the_standard_library_lacks_suggests_the_nearest() {
    let said = wrong("import \"std/profile\" as profiles;");
    assert_eq!(
        said,
        [
            "eval::path at shop.rhai:2 «\"std/profile\"»: there is no module \"std/profile\" in the standard library (did you mean \"std/profiles\"?)"
        ]
    );
}

fn calls(site: &Site) -> Vec<String> {
    site.calls.iter().map(|it| format!("{} {}", it.plugin, it.function)).collect()
}

/// The values that the option at `path` was given, the last of which counts.
fn origins(declared: &Declared, path: &str) -> Vec<String> {
    let shown = |it: &mops_model::Provenance| {
        format!("{} at {}", serde_json::to_string(&it.value).expect("plain data serializes"), it.place)
    };
    declared.origins[path].iter().map(shown).collect()
}
