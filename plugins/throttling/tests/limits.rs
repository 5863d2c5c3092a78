//! What a script's limit gives to the edge, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use mops_plugin::{
    Context, Lowered, Plugin, Slots,
    model::{Call, Declared, Diagnostic, Name, Site, Value},
    slot::Throttle,
};
use mops_throttling::Throttling;

/// A site with so many edge nodes and nothing else.
fn context(edges: u32) -> Context {
    let site: Site = serde_json::from_value(serde_json::json!({
        "name": "acme", "options": {}, "declared": { "span": {"source": 0, "start": 0, "end": 0}, "keys": {}, "place": "" },
        "websites": [], "calls": [], "daemons": [], "flows": [], "resources": [], "outputs": [], "moves": [],
        "secrets": {}, "inputs": [],
        "roles": [{ "name": "edge", "tier": "edge", "min": edges, "max": edges, "memory": "2G", "cpus": 2,
            "declared": { "span": {"source": 0, "start": 0, "end": 0}, "keys": {}, "place": "" } }],
    }))
    .unwrap();
    let groups = site.groups();
    Context { site, groups, environment: mops_plugin::model::Environment::local() }
}

fn call(options: &serde_json::Value) -> Call {
    let given = Value::of(options).unwrap().as_record().unwrap().clone();
    let manifest = Throttling.manifest();
    let function = manifest.get("limit").unwrap();
    let call = Call {
        plugin: Name::literal("throttling"),
        function: Name::literal("limit"),
        options: function.with_defaults(given),
        declared: Declared::default(),
    };
    assert_eq!(call.check(&function.kind()), []);
    call
}

fn contributed(options: &serde_json::Value, edges: u32) -> Result<Throttle, Vec<Diagnostic>> {
    let given = Throttling.contribute(&call(options), &context(edges))?;
    assert_eq!(given[0].slot, "edge.throttle");
    Ok(given[0].value.parse().unwrap())
}

fn lowered(options: &serde_json::Value, edges: u32) -> Lowered {
    Throttling.lower(&call(options), &context(edges), &Slots::default()).unwrap()
}

#[test]
fn ten_a_minute_lets_ten_through_at_once() {
    let limit =
        contributed(&serde_json::json!({ "name": "login", "rate": "10/1m", "method": "POST" }), 1).unwrap();
    assert_eq!((limit.rate.to_string(), limit.burst), ("10/1m".to_owned(), 9));
    assert_eq!(limit.selector.method, ["POST"]);
}

#[test]
fn the_burst_is_shown_as_a_setting() {
    let lowered = lowered(&serde_json::json!({ "name": "login", "rate": "30/1s" }), 1);
    assert_eq!(lowered.settings["throttling.login.burst_per_node"], Value::Int(29));
    assert_eq!(lowered.settings["throttling.login.rate_per_node"], Value::text("30/1s"));
    assert!(lowered.files.is_empty() && lowered.daemons.is_empty() && lowered.warnings.is_empty());
}

#[test]
fn edge_nodes_share_a_rate() {
    let limit = contributed(&serde_json::json!({ "name": "login", "rate": "10/1m" }), 2).unwrap();
    assert_eq!((limit.rate.to_string(), limit.burst), ("5/1m".to_owned(), 4));
}

#[test]
fn a_rate_that_does_not_divide_is_rounded_up_with_a_warning() {
    let options = serde_json::json!({ "name": "login", "rate": "10/1m" });
    assert_eq!(contributed(&options, 3).unwrap().rate.to_string(), "4/1m");
    let warnings = lowered(&options, 3).warnings;
    assert_eq!(
        warnings[0].message,
        "`rate`: 10/1m does not divide by 3 edge nodes; each allows 4/1m, together 12/1m"
    );
    assert_eq!(warnings[0].option.as_deref(), Some("rate"));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let options =
        serde_json::json!({ "name": "login", "rate": "100/1h", "method": "post", "country": "Poland" });
    let wrong = contributed(&options, 1).unwrap_err();
    let codes: Vec<_> = wrong.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["throttling::method", "throttling::country", "throttling::rate"]);
    assert_eq!(wrong[2].help.as_deref(), Some("write \"1/1m\" or \"2/1m\""));
}
