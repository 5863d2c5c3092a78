//! What differs, in which order it is done, and how it is said.

use mops_model::{Move, Source, State, Text, Value};
use mops_plan::{Action, Forces, Intent, Plan, Shown};

use crate::shop::{Case, address, apply, id_of, network, recorded, resource, signs};

#[test]
fn the_plan_of_what_is_there_already_is_empty() {
    let wanted = [network("10.0.0.0/16"), resource("node.app-1", [("bindings", id_of("network.main"))])];
    let plan = apply(&wanted, &recorded(&wanted));
    assert!(plan.is_empty());
    assert_eq!(
        (plan.counts().to_string().as_str(), plan.verdict.line.as_str()),
        ("nothing to do", "nothing changes")
    );
}

#[test]
fn another_place_in_the_script_is_no_change() {
    let mut moved = network("10.0.0.0/16");
    moved.origin.place = "shop.rhai:99".to_owned();
    assert!(apply(&[moved], &recorded(&[network("10.0.0.0/16")])).is_empty());
}

#[test]
fn an_input_that_is_left_out_is_its_default() {
    let mut explicit = network("10.0.0.0/16");
    explicit.inputs.insert("dns".to_owned(), true.into());
    assert!(apply(&[network("10.0.0.0/16")], &recorded(&[explicit])).is_empty());
}

#[test]
fn every_action_has_its_sign_its_reason_and_its_count() {
    let before = recorded(&[
        network("10.0.0.0/16"),
        resource("node.changed", [("bindings", 1.into())]),
        resource("node.gone", []),
    ]);
    let wanted = [
        network("10.1.0.0/16"),
        resource("node.changed", [("bindings", 2.into())]),
        resource("node.new", [("bindings", 1.into())]),
    ];
    let plan = apply(&wanted, &before);
    assert_eq!(signs(&plan), ["± main", "~ changed", "+ new", "- gone"]);
    assert_eq!(plan.counts().to_string(), "1 to create, 1 to update, 1 to replace, 1 to delete");
}

#[test]
fn a_replacement_and_a_deletion_say_why() {
    let before = recorded(&[network("10.0.0.0/16"), resource("node.gone", [])]);
    let plan = apply(&[network("10.1.0.0/16")], &before);
    let reasons: Vec<_> = plan.changes.iter().flat_map(|it| &it.reasons).collect();
    assert_eq!(
        reasons,
        ["`cidr` changed, and it cannot be changed in place", "no longer declared at shop.rhai:7"]
    );
}

#[test]
fn the_output_of_what_is_made_anew_is_unknown_and_of_what_is_updated_is_known() {
    let app = |dns: bool, cidr: &str| {
        let mut network = network(cidr);
        network.inputs.insert("dns".to_owned(), dns.into());
        [network, resource("node.app-1", [("bindings", id_of("network.main"))])]
    };
    let before = recorded(&app(true, "10.0.0.0/16"));
    assert_eq!(signs(&apply(&app(false, "10.0.0.0/16"), &before)), ["~ main"]);
    let plan = apply(&app(true, "10.1.0.0/16"), &before);
    assert_eq!(signs(&plan), ["± main", "~ app-1"]);
    let bindings = &plan.changes[1].attributes[0];
    assert_eq!(bindings.old, Some(Shown::Known("main".into())));
    assert_eq!(bindings.new, Some(Shown::Unknown));
}

#[test]
fn an_unknown_input_that_cannot_be_changed_in_place_replaces() {
    let scratch = |cidr| [network(cidr), resource("network.sub", [("cidr", id_of("network.main"))])];
    let plan = apply(&scratch("10.1.0.0/16"), &recorded(&scratch("10.0.0.0/16")));
    assert_eq!(signs(&plan), ["± main", "± sub"]);
    assert_eq!(plan.changes[1].attributes[0].forces, Forces::Replacement);
    let reason = "`cidr` may change (it is known after apply), and it cannot be changed in place";
    assert_eq!(plan.changes[1].reasons, [reason]);
}

#[test]
fn facts_of_nodes_and_secrets_stay_holes_and_are_no_change() {
    let bindings = || {
        let secret = Text::hole(Source::Secret(mops_model::Name::literal("password")));
        Value::List(vec![Value::Text(Text::here("address")), Value::Text(secret)])
    };
    let wanted = [resource("node.app-1", [("bindings", bindings())])];
    assert!(apply(&wanted, &recorded(&wanted)).is_empty());
}

#[test]
fn a_sensitive_value_is_nowhere_in_a_plan() {
    let with_key = |key: &str| [resource("node.app-1", [("key", key.into())])];
    let plan = apply(&with_key("hunter2"), &recorded(&with_key("hunter1")));
    assert_eq!(plan.changes[0].attributes[0].new, Some(Shown::Hidden));
    let json = serde_json::to_string(&plan).unwrap();
    assert!(!json.contains("hunter"), "{json}");
}

#[test]
fn making_follows_needs_and_deleting_goes_the_other_way() {
    let pair = [network("10.0.0.0/16"), resource("node.app-1", [("bindings", id_of("network.main"))])];
    let edges = |plan: &Plan| -> Vec<_> {
        plan.changes
            .iter()
            .map(|it| (it.address.name.to_string(), it.needs.clone(), it.after.clone()))
            .collect()
    };
    let (main, app) = (address("network.main"), address("node.app-1"));
    let made = apply(&pair, &State::default());
    assert_eq!(edges(&made), [("main".to_owned(), vec![], vec![]), ("app-1".to_owned(), vec![main], vec![])]);
    let gone = apply(&[], &recorded(&pair));
    assert_eq!(edges(&gone), [("app-1".to_owned(), vec![], vec![]), ("main".to_owned(), vec![], vec![app])]);
}

#[test]
fn a_deletion_waits_until_what_used_the_resource_has_let_go() {
    let using = |value| resource("node.app-1", [("bindings", value)]);
    let before = recorded(&[network("10.0.0.0/16"), using(id_of("network.main"))]);
    let plan = apply(&[using(Value::Int(1))], &before);
    assert_eq!(signs(&plan), ["~ app-1", "- main"]);
    assert_eq!(plan.changes[1].after, [address("node.app-1")]);
}

#[test]
fn a_moved_resource_is_the_same_one_and_may_change_as_well() {
    let renamed = |cidr: &str| resource("network.office", [("cidr", cidr.into())]);
    let mut case = Case::new(Intent::Apply);
    case.moves = vec![
        Move { from: address("network.main"), to: address("network.office") },
        Move { from: address("network.never"), to: address("network.nobody") },
    ];
    let before = recorded(&[network("10.0.0.0/16")]);
    let plan = case.plan(&[renamed("10.0.0.0/16")], &before);
    assert_eq!(signs(&plan), ["→ office"]);
    assert_eq!(plan.changes[0].action, Action::Move { from: address("network.main") });
    assert_eq!(signs(&case.plan(&[renamed("10.1.0.0/16")], &before)), ["→ office", "± office"]);
    assert!(case.plan(&[renamed("10.0.0.0/16")], &recorded(&[renamed("10.0.0.0/16")])).is_empty());
}

#[test]
fn an_unheard_of_type_is_planned_all_the_same() {
    let wanted = [resource("unheard.of", [("size", 1.into())])];
    assert_eq!(signs(&apply(&wanted, &recorded(&[resource("unheard.of", [])]))), ["~ of"]);
}
