//! Wherever a run is cut off, the next ones end in the same place.

use crate::cloud::{Site, graph, thing};
use mops_model::{Graph, Resource};

fn before() -> Graph {
    graph([
        thing("net", 1, "a", &[]),
        thing("app", 1, "a", &["net"]),
        thing("old", 1, "a", &["app"]),
        thing("gone", 1, "a", &[]),
    ])
}

/// `net` is replaced and `app` follows it, `old` no longer uses it, `gone` goes, `cache` and `mail` come.
fn after() -> Graph {
    graph([
        thing("net", 1, "b", &[]),
        thing("app", 2, "a", &["net"]),
        thing("old", 1, "a", &[]),
        thing("cache", 1, "a", &["app"]),
        thing("mail", 1, "a", &[]),
    ])
}

#[tokio::test]
async fn a_run_killed_at_any_event_is_finished_by_the_next() {
    for events in 0.. {
        let mut site = Site::default();
        site.complete(&before()).await;
        site.cloud.inner().events_left = Some(events);
        if site.run(&after()).await.is_some() {
            assert!(events > 20, "it was killed at every event");
            break;
        }
        site.complete(&after()).await;
        site.assert_converged(&after(), &format!("killed after {events} events")).await;
        assert_eq!(site.cloud.inner().made, 7, "nothing was made twice: killed after {events} events");
    }
}

#[tokio::test]
async fn a_run_killed_twice_is_finished_by_the_third() {
    for first in (0..30).step_by(3) {
        for second in 0..20 {
            let mut site = Site::default();
            site.complete(&before()).await;
            for events in [first, second] {
                site.cloud.inner().events_left = Some(events);
                drop(site.run(&after()).await);
            }
            site.complete(&after()).await;
            site.assert_converged(&after(), &format!("killed after {first} and {second} events")).await;
            assert_eq!(site.cloud.inner().made, 7, "nothing was made twice");
        }
    }
}

#[tokio::test]
async fn what_a_killed_run_made_and_nobody_wants_any_more_is_deleted() {
    for events in 0..30 {
        let mut site = Site::default();
        site.complete(&before()).await;
        site.cloud.inner().events_left = Some(events);
        drop(site.run(&after()).await);
        site.complete(&before()).await;
        site.assert_converged(&before(), &format!("killed after {events} events")).await;
    }
}

#[tokio::test]
async fn what_drifted_is_put_right() {
    let mut site = Site::default();
    site.complete(&before()).await;
    {
        let mut inner = site.cloud.inner();
        inner.things.remove(&crate::cloud::address("gone"));
        inner
            .things
            .get_mut(&crate::cloud::address("app"))
            .unwrap()
            .inputs
            .insert("size".to_owned(), 9.into());
        inner.calls.clear();
    }
    site.complete(&before()).await;
    let mut calls = site.cloud.inner().calls.clone();
    calls.sort();
    assert_eq!(calls, ["create gone", "update app"]);
    site.assert_converged(&before(), "after drift").await;
}

/// 300 seeds; whatever is refused or killed on the way, two graphs made at random are reached one after the other.
#[tokio::test]
async fn random_graphs_with_random_failures_converge() {
    for seed in 1..=300 {
        let mut random = Random(seed);
        let mut site = Site::default();
        for round in 0..3 {
            let wanted = random.graph();
            site.cloud.inner().refuses = wanted
                .resources()
                .iter()
                .map(|it| it.address.clone())
                .filter(|_| random.below(4) == 0)
                .collect();
            let events = usize::try_from(random.below(40)).unwrap();
            site.cloud.inner().events_left = Some(events);
            drop(site.run(&wanted).await);
            site.cloud.inner().refuses.clear();
            site.complete(&wanted).await;
            site.assert_converged(&wanted, &format!("seed {seed}, round {round}")).await;
        }
    }
}

/// xorshift64: the same numbers from the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Up to eight things in random order, each of which uses some of those before it.
    fn graph(&mut self) -> Graph {
        let mut names: Vec<&str> = vec!["a", "b", "c", "d", "e", "f", "g", "h"];
        names.sort_by_key(|_| self.below(1000));
        names.truncate(usize::try_from(self.below(9)).unwrap());
        let things: Vec<Resource> = (0..names.len())
            .map(|at| {
                let uses: Vec<_> = names[..at].iter().copied().filter(|_| self.below(3) == 0).collect();
                let zone = ["a", "a", "b"][usize::try_from(self.below(3)).unwrap()];
                thing(names[at], i64::try_from(self.below(3)).unwrap(), zone, &uses)
            })
            .collect();
        graph(things)
    }
}
