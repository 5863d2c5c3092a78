//! What runs when, and what does not.

use crate::cloud::{Cloud, Site, address, graph, planned, thing};
use mops_apply::{Cancellation, End, Operation, Refused, contract, resume};
use mops_model::{Address, Move};
use mops_plan::{Action, Intent};

fn addresses(names: &[&str]) -> Vec<Address> {
    names.iter().map(|it| address(it)).collect()
}

#[tokio::test]
async fn the_cloud_of_these_tests_keeps_the_contract() {
    let graph = graph([thing("a", 1, "a", &[]), thing("b", 1, "a", &["a"])]);
    contract::check(&Cloud::default(), &graph).await;
}

#[tokio::test]
async fn independent_branches_run_at_once_and_the_longest_goes_first() {
    let mut site = Site::default();
    let wanted = graph([
        thing("alone", 1, "a", &[]),
        thing("z-long", 1, "a", &[]),
        thing("y-next", 1, "a", &["z-long"]),
        thing("x-last", 1, "a", &["y-next"]),
    ]);
    site.complete(&wanted).await;
    let inner = site.cloud.inner();
    assert_eq!(inner.at_once, 2);
    assert_eq!(inner.told[..2], ["create z-long", "create alone"]);
}

#[tokio::test]
async fn at_most_sixteen_calls_run_at_once() {
    let mut site = Site::default();
    let wanted = graph((0..40).map(|n| thing(&format!("n{n}"), 1, "a", &[])));
    site.complete(&wanted).await;
    assert_eq!(site.cloud.inner().at_once, 16);
}

#[tokio::test]
async fn a_failure_stops_what_depends_on_it_and_nothing_else() {
    let mut site = Site::default();
    site.cloud.inner().refuses = addresses(&["b"]).into_iter().collect();
    let wanted = graph([
        thing("a", 1, "a", &[]),
        thing("b", 1, "a", &["a"]),
        thing("c", 1, "a", &["b"]),
        thing("d", 1, "a", &["c", "e"]),
        thing("e", 1, "a", &[]),
    ]);
    let applied = site.run(&wanted).await.unwrap();
    assert_eq!(applied.end, End::Failed);
    assert_eq!(applied.failed, [(address("b"), Refused::new("no create today"))]);
    assert_eq!(applied.skipped, addresses(&["c", "d"]));
    assert_eq!(applied.state.resources.keys().cloned().collect::<Vec<_>>(), addresses(&["a", "e"]));
}

#[tokio::test]
async fn a_cancelled_run_finishes_what_it_began_and_begins_nothing_new() {
    let mut site = Site::default();
    let cancellation = Cancellation::default();
    site.cloud.inner().cancel_after = Some((1, cancellation.clone()));
    site.cancellation = cancellation;
    let wanted = graph([thing("a", 1, "a", &[]), thing("b", 1, "a", &[]), thing("c", 1, "a", &["a"])]);
    let applied = site.run(&wanted).await.unwrap();
    assert_eq!(applied.end, End::Cancelled);
    assert_eq!((applied.done, applied.skipped), (addresses(&["a", "b"]), addresses(&["c"])));
}

#[tokio::test]
async fn an_update_waits_for_the_output_it_uses_and_then_has_it() {
    let mut site = Site::default();
    site.complete(&graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &["net"])])).await;
    site.complete(&graph([thing("net", 1, "b", &[]), thing("app", 1, "a", &["net"])])).await;
    let inner = site.cloud.inner();
    assert_eq!(inner.calls[2..], ["delete net", "create net", "update app"]);
    assert_eq!(inner.things[&address("app")].inputs["uses"], mops_model::Value::List(vec!["net#3".into()]));
}

#[tokio::test]
async fn what_turns_out_unchanged_is_asked_of_nobody() {
    let mut site = Site::default();
    let wanted = graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &["net"])]);
    site.complete(&wanted).await;
    let plan = planned(&wanted, &site.head, &[], Intent::Apply);
    assert!(plan.is_empty());
    // The record of `net` is lost, so its output is unknown; adopting it shows that `app` has what it needs.
    site.head.resources.remove(&address("net"));
    let plan = planned(&wanted, &site.head, &[], Intent::Apply);
    assert_eq!(plan.counts().to_string(), "1 to create, 1 to update");
    site.complete(&wanted).await;
    assert_eq!(site.cloud.inner().calls, ["create net", "create app", "create net"]);
    assert_eq!(site.cloud.inner().told.last().unwrap(), "app: unchanged");
    site.assert_converged(&wanted, "after the record was lost").await;
}

#[tokio::test]
async fn a_move_asks_nobody_and_survives_in_the_needs_of_others() {
    let mut site = Site::default();
    site.complete(&graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &["net"])])).await;
    let wanted = graph([thing("network", 1, "a", &[]), thing("app", 1, "a", &["network"])]);
    let moves = [Move { from: address("net"), to: address("network") }];
    let plan = planned(&wanted, &site.head, &moves, Intent::Apply);
    let signs: Vec<_> = plan.changes.iter().map(|it| (it.action.clone(), it.address.clone())).collect();
    assert_eq!(signs, [(Action::Move { from: address("net") }, address("network"))]);

    let state = site.head.clone();
    site.cloud.inner().calls.clear();
    let world = mops_apply::World {
        provider: site.cloud.clone(),
        journal: &*site.cloud,
        observer: &mops_apply::Silent,
        cancellation: Cancellation::default(),
    };
    let applied = mops_apply::apply(&plan, state, &wanted, &world).await;
    assert_eq!(applied.state.resources.keys().cloned().collect::<Vec<_>>(), addresses(&["app", "network"]));
    assert_eq!(applied.state.resources[&address("app")].needs, addresses(&["network"]));
    assert_eq!(site.cloud.inner().calls, Vec::<String>::new());
}

#[tokio::test]
async fn destroying_removes_dependants_first_and_leaves_nothing() {
    let mut site = Site::default();
    let wanted = graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &["net"])]);
    site.complete(&wanted).await;
    let applied = site.run_with(&wanted, &[], Intent::Destroy).await.unwrap();
    assert_eq!(applied.done, addresses(&["app", "net"]));
    assert_eq!(site.cloud.inner().things.len(), 0);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_stops_the_run_before_any_call() {
    struct Full;
    impl mops_apply::Journal for Full {
        fn append(&self, _: &[Vec<u8>]) -> std::io::Result<()> {
            Err(std::io::Error::other("no space left"))
        }
    }
    let site = Site::default();
    let wanted = graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &["net"])]);
    let plan = planned(&wanted, &site.head, &[], Intent::Apply);
    let world = mops_apply::World {
        provider: site.cloud.clone(),
        journal: &Full,
        observer: &mops_apply::Silent,
        cancellation: Cancellation::default(),
    };
    let applied = mops_apply::apply(&plan, site.head.clone(), &wanted, &world).await;
    assert_eq!(applied.end, End::Unrecorded("no space left".to_owned()));
    assert_eq!(applied.skipped, addresses(&["net", "app"]));
    assert_eq!(site.cloud.inner().calls, Vec::<String>::new());
}

#[tokio::test]
async fn the_journal_of_a_failed_run_tells_what_exists_and_what_failed() {
    let mut site = Site::default();
    site.complete(&graph([thing("net", 1, "a", &[]), thing("app", 1, "a", &[]), thing("gone", 1, "a", &[])]))
        .await;
    site.cloud.inner().refuses = addresses(&["app"]).into_iter().collect();
    let wanted =
        graph([thing("network", 1, "a", &[]), thing("app", 2, "a", &["network"]), thing("new", 1, "a", &[])]);
    let moves = [Move { from: address("net"), to: address("network") }];
    let applied = site.run_with(&wanted, &moves, Intent::Apply).await.unwrap();
    let resumed = resume(site.head.clone(), &site.cloud.inner().journal).unwrap();
    assert_eq!(resumed.state, applied.state);
    assert_eq!(
        resumed.state.resources.keys().cloned().collect::<Vec<_>>(),
        addresses(&["app", "network", "new"])
    );
    let unfinished = &resumed.unfinished[0];
    assert_eq!((&unfinished.address, unfinished.operation), (&address("app"), Operation::Update));
    assert_eq!(unfinished.refused.as_deref(), Some("no update today"));
}
