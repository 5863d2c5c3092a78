//! What holds data, or is protected, and what becomes of it.

use mops_plan::Intent;

use crate::shop::{Case, address, apply, disk, id_of, network, recorded, resource, signs};

#[test]
fn deleting_data_is_refused_unless_it_is_named() {
    let before = recorded(&[disk("10G")]);
    let plan = apply(&[], &before);
    assert!(plan.is_empty());
    assert_eq!(plan.refused[0].why, "test.disk.media would be deleted, and it holds data");
    assert!(plan.refused[0].help.ends_with("--allow-delete test.disk.media"));

    let mut case = Case::new(Intent::Apply);
    case.may_delete = vec![address("disk.media")];
    let plan = case.plan(&[], &before);
    assert_eq!((signs(&plan), plan.refused.len()), (vec!["- media".to_owned()], 0));
}

#[test]
fn replacing_data_is_refused_too() {
    let in_network = |name: &str| [resource("disk.media", [("network", name.into())])];
    let plan = apply(&in_network("b"), &recorded(&in_network("a")));
    assert_eq!(plan.refused[0].why, "test.disk.media would be replaced, and it holds data");
    assert!(plan.is_empty());
}

#[test]
fn what_data_needs_is_not_deleted_under_it() {
    let before =
        recorded(&[network("10.0.0.0/16"), resource("disk.media", [("network", id_of("network.main"))])]);
    let plan = apply(&[], &before);
    assert!(plan.is_empty());
    assert_eq!(plan.refused.iter().map(|it| it.address.clone()).collect::<Vec<_>>(), [address("disk.media")]);
    let plan = Case::new(Intent::Rollback).plan(&[], &before);
    assert!(plan.is_empty());
    assert_eq!(plan.kept, [address("disk.media"), address("network.main")]);
}

#[test]
fn a_protected_resource_is_neither_deleted_nor_replaced() {
    let mut protected = network("10.0.0.0/16");
    protected.lifecycle.protect = true;
    let before = recorded(&[protected.clone()]);
    assert_eq!(apply(&[], &before).refused[0].why, "test.network.main would be deleted, and it is protected");
    protected.inputs.insert("cidr".to_owned(), "10.1.0.0/16".into());
    assert_eq!(
        apply(&[protected], &before).refused[0].why,
        "test.network.main would be replaced, and it is protected"
    );
}

#[test]
fn giving_up_protection_is_a_change_that_people_see() {
    let mut protected = network("10.0.0.0/16");
    protected.lifecycle.protect = true;
    let plan = apply(&[network("10.0.0.0/16")], &recorded(&[protected]));
    assert_eq!(signs(&plan), ["~ main"]);
    assert_eq!(plan.changes[0].attributes[0].name, "lifecycle.protect");
}

#[test]
fn a_rollback_leaves_data_and_its_size_alone() {
    let before = recorded(&[disk("20G"), network("10.1.0.0/16")]);
    let case = Case::new(Intent::Rollback);
    let plan = case.plan(&[disk("10G"), network("10.0.0.0/16")], &before);
    assert_eq!((signs(&plan), plan.kept), (vec!["± main".to_owned()], vec![address("disk.media")]));
    let plan = case.plan(&[], &before);
    assert_eq!((signs(&plan), plan.kept), (vec!["- main".to_owned()], vec![address("disk.media")]));
}

#[test]
fn destroying_deletes_everything_and_says_so() {
    let both = [disk("10G"), resource("node.app-1", [("bindings", id_of("disk.media"))])];
    let plan = Case::new(Intent::Destroy).plan(&both, &recorded(&both));
    assert_eq!(signs(&plan), ["- app-1", "- media"]);
    assert_eq!(plan.verdict.line, "the site is gone afterwards, and its data with it");
    assert_eq!(plan.verdict.last_way_back, Some(address("disk.media")));
}
