//! What daemons and customers notice.

use mops_model::{Closure, Digest, Listen, Loses, Name, Protocol, Tree, Value};
use mops_plan::{Consequence, Effect, Intent, Plan, Subject};

use crate::shop::{Case, closure, disk, node, recorded, resource, with_file};

/// The plan for a node that goes from one closure to another.
fn switch(old: &Closure, new: &Closure) -> Plan {
    let mut case = Case::new(Intent::Apply);
    case.closures = vec![old.clone(), new.clone()];
    case.plan(&[node(new)], &recorded(&[node(old)]))
}

fn said(plan: &Plan) -> Vec<String> {
    let consequences = plan.changes.iter().flat_map(|it| &it.consequences);
    consequences.map(|it| format!("{} {}", it.subject, it.effect)).collect()
}

#[test]
fn a_changed_file_reloads_its_daemon_and_nobody_notices() {
    let plan = switch(&closure(), &with_file(closure(), "default.vcl", "varnish", "vcl 4.1; import std;"));
    assert_eq!(said(&plan), ["varnish reloads"]);
    assert_eq!(plan.verdict.line, "nobody will notice");
}

#[test]
fn a_daemon_that_cannot_reload_restarts_and_what_is_lost_is_said() {
    let plan = switch(&closure(), &with_file(closure(), "redis.conf", "redis", "maxmemory 2G"));
    let redis = Subject::Daemon(Name::literal("redis"));
    let restart = Consequence { subject: redis, effect: Effect::Restart, loses: Loses::Sessions };
    assert_eq!(plan.changes[0].consequences, [restart]);
    assert_eq!(plan.verdict.line, "sessions are lost: people are logged out, guests' carts are gone");
}

#[test]
fn a_changed_command_restarts_its_daemon() {
    let mut new = closure();
    new.daemons.get_mut("varnish").unwrap().command.push("-p".into());
    let plan = switch(&closure(), &new);
    assert_eq!(said(&plan), ["varnish restarts"]);
    assert_eq!(plan.verdict.line, "pages are slower until the cache is warm again");
}

#[test]
fn another_port_restarts_and_requests_are_lost() {
    let mut old = closure();
    old.daemons.get_mut("varnish").unwrap().restart_loses = Loses::Requests;
    let mut new = old.clone();
    let listen = Listen { protocol: Protocol::Http, port: 6081, public: false };
    new.daemons.get_mut("varnish").unwrap().listens.insert(Name::literal("http"), listen);
    let plan = switch(&old, &new);
    assert_eq!(plan.verdict.line, "requests are lost for a moment");
    assert_eq!(plan.verdict.worst, Loses::Requests);
}

#[test]
fn daemons_that_come_and_go_and_a_new_release_are_told() {
    let mut new = closure();
    let redis = new.daemons.remove("redis").unwrap();
    new.files.remove("redis.conf");
    new.daemons.insert(Name::literal("valkey"), redis);
    new.trees.insert(Name::literal("release"), Tree { digest: Digest::of(b"2"), links: [].into() });
    let plan = switch(&closure(), &new);
    assert_eq!(said(&plan), ["redis stops", "valkey starts", "release gets new files"]);
    assert_eq!(plan.verdict.worst, Loses::Sessions);
}

#[test]
fn a_new_node_starts_its_daemons_and_a_node_that_goes_stops_them() {
    let mut case = Case::new(Intent::Apply);
    case.closures = vec![closure()];
    let plan = case.plan(&[node(&closure())], &recorded(&[]));
    assert_eq!(said(&plan), ["redis starts", "varnish starts"]);
    assert_eq!(plan.verdict.line, "nobody will notice");
    let plan = case.plan(&[], &recorded(&[node(&closure())]));
    assert_eq!(said(&plan), ["redis stops", "varnish stops"]);
    assert_eq!(plan.verdict.worst, Loses::Sessions);
}

#[test]
fn new_bindings_refill_files_and_a_daemon_that_listens_elsewhere_restarts() {
    let bound = |fact: &str, value: i64| {
        let here = Value::Record([(fact.to_owned(), Value::Int(value))].into());
        let mut node = node(&closure());
        node.inputs.insert("bindings".to_owned(), Value::Record([("here".to_owned(), here)].into()));
        [node]
    };
    let mut case = Case::new(Intent::Apply);
    case.closures = vec![closure()];
    let plan = case.plan(&bound("port.php.fpm", 2), &recorded(&bound("port.php.fpm", 1)));
    assert_eq!(said(&plan), ["files are filled anew"]);
    let plan = case.plan(&bound("port.varnish.http", 2), &recorded(&bound("port.varnish.http", 1)));
    assert_eq!(said(&plan), ["varnish restarts", "files are filled anew"]);
}

#[test]
fn deleting_data_by_name_says_that_there_is_no_way_back() {
    let mut case = Case::new(Intent::Apply);
    case.may_delete = vec![disk("10G").address];
    let plan = case.plan(&[], &recorded(&[disk("10G")]));
    assert_eq!(plan.verdict.line, "data is lost: test.disk.media is deleted");
    assert_eq!(plan.verdict.last_way_back, Some(disk("10G").address));
}

#[test]
fn what_runs_no_closure_has_no_consequences() {
    let changed = |value: i64| [resource("node.all-1", [("key", value.into())])];
    let plan = Case::new(Intent::Apply).plan(&changed(2), &recorded(&changed(1)));
    assert_eq!(said(&plan), Vec::<String>::new());
}
