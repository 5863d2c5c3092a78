//! What right scripts come to.

use std::collections::BTreeMap;

use crate::kit::{right, run, run_with};
use mops_model::{FlowEnd, Name, RunType, Source, Tier, Value};

#[test]
fn a_shop_reads_like_an_invoice() {
    let site = right(
        r#"
for country in ["pl", "de"] {
    website(country, #{ hosts: [`acme.${country}`, `www.acme.${country}`], countries: [country] });
}
let b2b = website("b2b", #{ hosts: ["acme.de"], path: "/b2b", geo: "never", run_type: "store", run_code: "b2b_de" });
role("app", #{ min: 2, max: 8, target_cpu: 60 });
varnish::cache(#{ memory: "4G" });
varnish::vcl("recv.after_normalise", path("a.vcl"));
redis::cache(#{ memory: "2G" });
geo_throttling::limit("login", #{ path: `^/customer/account/loginPost`, method: "POST", rate: "10/1m" });
geo_throttling::limit("b2b-rest", #{ on: b2b, path: `^/rest/`, rate: "30/1s" });
let feed = daemon("price-feed", #{ on: "app", run: ["./feed"], files: path("release"), memory: "256M", port: 9000, ready: #{ http: "/up" } });
allow(feed, "10.20.0.0/16:443");
"#,
    );
    assert_eq!(site.name.as_str(), "acme");
    assert_eq!(site.options["magento"].as_record().unwrap()["admin_path"], Value::text("admin"));
    let websites: Vec<_> =
        site.websites.iter().map(|it| (it.name.as_str(), it.hosts.len(), it.run_code.as_str())).collect();
    assert_eq!(websites, [("pl", 2, "pl"), ("de", 2, "de"), ("b2b", 1, "b2b_de")]);
    assert_eq!((site.websites[2].path.as_str(), site.websites[2].run_type), ("/b2b", RunType::Store));
    let roles: Vec<_> = site.roles.iter().map(|it| (it.name.as_str(), it.tier, it.min, it.max)).collect();
    assert_eq!(
        roles,
        [("edge", Tier::Edge, 1, 1), ("app", Tier::App, 2, 8), ("persistent", Tier::Data, 1, 1)]
    );
    let calls: Vec<_> =
        site.calls.iter().map(|it| format!("{}::{} {}", it.plugin, it.function, it.declared.place)).collect();
    assert_eq!(
        calls,
        [
            "varnish::cache shop.rhai:8",
            "varnish::vcl shop.rhai:9",
            "redis::cache shop.rhai:10",
            "geo-throttling::limit shop.rhai:11",
            "geo-throttling::limit shop.rhai:12",
        ]
    );
    assert_eq!(site.calls[4].options["on"], Value::text("b2b"));
    assert_eq!(site.daemons[0].on, Name::literal("app"));
    assert_eq!(site.flows[0].from, FlowEnd::Role(Name::literal("app")));
    assert_eq!((site.inputs.len(), site.listings.len()), (2, 1));
}

#[test]
fn the_same_script_gives_the_same_site() {
    let script = "for i in 0..9 { website(`w${i}`, #{ hosts: [`w${i}.pl`] }); }\nlet f = |x| x; output(\"a\", f.call(1));";
    let bytes = || serde_json::to_vec(&right(script)).unwrap();
    assert_eq!(bytes(), bytes());
}

#[test]
fn defaults_are_filled_in_and_keys_have_places() {
    let site = right("varnish::cache(#{ images: #{ webp: true } });");
    let call = &site.calls[0];
    assert_eq!(call.options["memory"], Value::text("1G"));
    assert_eq!(call.declared.keys.keys().collect::<Vec<_>>(), ["images", "images.webp"]);
}

#[test]
fn outputs_and_secrets_become_holes_wherever_text_goes() {
    let site = right(
        r#"let p = resource("local.port", "spare", #{ range: 3 });
output("url", `http://acme.pl:${p.number}/`);
output("password", "x" + secret("database"));
output("plain", p.number);"#,
    );
    let sources: Vec<_> =
        site.outputs.iter().flat_map(|it| it.value.texts()).flat_map(mops_model::Text::sources).collect();
    let number =
        Source::Output { address: "local.port.spare".parse().unwrap(), attribute: "number".to_owned() };
    assert_eq!(sources, [&number, &Source::Secret(Name::literal("database")), &number]);
    assert_eq!(site.secrets[&Name::literal("database")].place, "shop.rhai:4");
    assert_eq!(site.resources[0].inputs["range"], Value::Int(3));
}

#[test]
fn a_resource_may_come_after_others_and_be_protected() {
    let site = right(
        r#"let a = resource("local.port", "a", #{});
resource("local.port", "b", #{ needs: [a], protect: true });
moved("local.port.old", "local.port.a");"#,
    );
    assert!(site.resources[1].protect && !site.resources[0].protect);
    assert_eq!(site.resources[1].needs, ["local.port.a".parse().unwrap()]);
    assert_eq!(site.moves[0].to.to_string(), "local.port.a");
}

#[test]
fn names_may_be_used_before_they_are_declared() {
    let site = right(
        "geo_throttling::limit(\"x\", #{ on: \"pl\", rate: \"1/1s\" });\nwebsite(\"pl\", #{ hosts: [\"acme.pl\"] });",
    );
    assert_eq!((site.calls.len(), site.websites.len()), (1, 1));
}

#[test]
fn a_parameter_has_the_kind_of_its_default() {
    let script = r#"site("acme", #{});
let n = param("consumers", #{ otherwise: 2 });
let on = param("cache", #{ otherwise: true });
output("n", n + 1);
output("on", on);
output("where", environment());"#;
    let site = run_with(script, &[], &[("consumers", "5"), ("cache", "false")]).unwrap().site;
    let values: Vec<_> = site.outputs.into_iter().map(|it| it.value).collect();
    assert_eq!(values, [Value::Int(6), Value::Bool(false), Value::text("local")]);
}

#[test]
fn functions_and_closures_of_imported_files_declare_too() {
    let files = [
        (
            "lib/shops.rhai",
            "import \"./hosts\" as hosts;\nfn shop(code) { website(code, #{ hosts: hosts::of(code) }) }\nfn maker(tld) { |code| website(code, #{ hosts: [`${code}.${tld}`] }) }",
        ),
        ("lib/hosts.rhai", "fn of(code) { [`acme.${code}`] }"),
    ];
    let script = "site(\"acme\", #{});\nimport \"lib/shops\" as shops;\nshops::shop(\"pl\");\n[\"a\", \"b\"].map(shops::maker(\"com\"));";
    let evaluated = run_with(script, &files, &[]).unwrap();
    let declared: BTreeMap<_, _> =
        evaluated.site.websites.iter().map(|it| (it.hosts[0].as_str(), it.declared.place.as_str())).collect();
    assert_eq!(
        declared,
        BTreeMap::from([
            ("acme.pl", "lib/shops.rhai:2"),
            ("a.com", "lib/shops.rhai:3"),
            ("b.com", "lib/shops.rhai:3")
        ])
    );
    assert_eq!(
        evaluated.texts.texts().map(|it| it.1).collect::<Vec<_>>(),
        ["shop.rhai", "lib/shops.rhai", "lib/hosts.rhai"]
    );
}

#[test]
fn a_new_role_needs_a_tier_only_when_it_is_not_app() {
    let site = right(
        "role(\"import\", #{});\nrole(\"search\", #{ tier: \"data\", memory: \"8G\", shares: \"persistent\" });",
    );
    let roles: Vec<_> =
        site.roles.iter().skip(3).map(|it| (it.name.as_str(), it.tier, it.memory.as_mebibytes())).collect();
    assert_eq!(roles, [("import", Tier::App, 1024), ("search", Tier::Data, 8192)]);
}

#[test]
fn every_function_is_documented_and_its_example_runs() {
    for function in mops_eval::functions() {
        assert!(!function.doc.is_empty());
        let undocumented = function.arguments.iter().chain(&function.options).find(|it| it.doc.is_empty());
        assert!(undocumented.is_none(), "{undocumented:?}");
        let before = match function.name.as_str() {
            "site" => "",
            _ => "site(\"acme\", #{});",
        };
        let example = function.example.replace("path(\"feed\")", "path(\"release\")");
        // Here is one resource type only.
        let example = example
            .replace("\"local.address\", \"spare\", #{ node: \"spare\" }", "\"local.port\", \"spare\", #{}");
        let script: &'static str = Box::leak(format!("{before}\n{example};").into_boxed_str());
        if let Err(failed) = run(script) {
            panic!("{}: {:#?}", function.name, crate::kit::shown(&failed));
        }
    }
}

#[test]
fn what_a_script_prints_is_a_warning() {
    let evaluated = run("site(\"acme\", #{});\nprint(\"two\");\ndebug(1);").unwrap();
    let said: Vec<_> = evaluated.warnings.iter().map(|it| (it.is_error(), it.message.as_str())).collect();
    assert_eq!(said, [(false, "1"), (false, "two")]);
}
