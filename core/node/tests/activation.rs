//! Activations with real processes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests look at files and may panic")]

mod support;

use std::{fs, net::TcpListener, thread::sleep, time::Duration};

use mops_model::{Entry, Listen, Listing, Name, OnChange, Protocol, ReadyCheck, Reload, Text, Tree};
use mops_node::DaemonState;
use support::{Shop, command, get, sh};

#[test]
fn a_daemon_starts_when_what_it_comes_after_is_ready() {
    let mut shop = Shop::open();
    let first = sh("sleep 0.3; touch $RUN/first; exec sleep 1000")
        .ready(ReadyCheck::Command(command("test -f $RUN/first")));
    let second = sh("test -f $RUN/first && touch $RUN/second; exec sleep 1000")
        .ready(ReadyCheck::Command(command("test -f $RUN/second")))
        .after("first");
    shop.daemon("first", first).daemon("second", second);
    let done = shop.activate().unwrap();
    assert_eq!(done.started, [Name::literal("first"), Name::literal("second")]);
    assert!(shop.node.watch().status().unwrap().values().all(|it| it.state == DaemonState::Ready));
}

#[test]
fn nothing_is_done_when_nothing_changed() {
    let mut shop = Shop::open();
    shop.daemon("quiet", sh("exec sleep 1000"));
    shop.activate().unwrap();
    let pid = shop.pid("quiet");
    assert_eq!(shop.activate().unwrap(), mops_node::Activated::default());
    assert_eq!(shop.pid("quiet"), pid);
}

#[test]
fn a_checker_that_refuses_changes_nothing_and_is_quoted() {
    let mut shop = Shop::open();
    let picky = sh("exec sleep 1000")
        .check("grep -q good $MOPS_FILES/picky/conf || { echo 'line 1: not good'; exit 1; }");
    shop.daemon("picky", picky).file("picky/conf", "good", "picky", OnChange::Restart);
    shop.activate().unwrap();
    let (pid, current) = (shop.pid("picky"), shop.current());
    shop.file("picky/conf", "bad", "picky", OnChange::Restart);
    let refused = shop.activate().unwrap_err();
    assert_eq!(refused.message, "`picky` refuses its new files");
    assert_eq!(refused.detail.as_deref(), Some("line 1: not good"));
    assert_eq!((shop.pid("picky"), shop.current()), (pid, current));
}

#[test]
fn a_daemon_that_does_not_become_ready_is_put_back() {
    let mut shop = Shop::open();
    let daemon = sh(
        "grep good $CURRENT/files/fragile/conf || { echo 'cannot live so'; exit 3; }; touch $RUN/up; exec sleep 1000",
    );
    shop.daemon("fragile", daemon.ready(ReadyCheck::Command(command("test -f $RUN/up"))));
    shop.daemon("steady", sh("exec sleep 1000"));
    shop.file("fragile/conf", "good", "fragile", OnChange::Restart);
    shop.activate().unwrap();
    let (steady, current) = (shop.pid("steady"), shop.current());
    shop.file("fragile/conf", "bad", "fragile", OnChange::Restart);
    fs::remove_file(shop.run().join("up")).unwrap();
    let failed = shop.activate().unwrap_err();
    assert!(failed.message.starts_with("`fragile` ended with exit status: 3"), "{failed:?}");
    assert_eq!(failed.detail.as_deref(), Some("cannot live so"));
    assert!(failed.undone.contains(&"`fragile` as before".to_owned()), "{failed:?}");
    assert_eq!((shop.pid("steady"), shop.current()), (steady, current));
    assert_eq!(shop.status("fragile").state, DaemonState::Ready);
}

#[test]
fn a_first_activation_that_fails_leaves_nothing_running() {
    let mut shop = Shop::open();
    shop.daemon("well", sh("exec sleep 1000"));
    shop.daemon("ill", sh("exit 1").after("well").ready(ReadyCheck::Command(command("false"))));
    shop.activate().unwrap_err();
    assert!(shop.node.watch().status().unwrap().is_empty());
    assert!(!shop.root().join("current").exists());
    assert_eq!(fs::read_dir(shop.root().join("closures")).unwrap().count(), 0);
}

#[test]
fn only_the_changed_daemon_is_reloaded_and_keeps_its_process() {
    let mut shop = Shop::open();
    let (web, cache) = (support::free_port(), support::free_port());
    shop.port("nginx", "http", web).port("redis", "redis", cache);
    let listen = Listen { protocol: Protocol::Http, port: 80, public: false };
    let nginx = support::nginx().listen("http", listen).reload(Reload::Signal("HUP".to_owned()));
    let nginx = nginx.ready(ReadyCheck::Http { listen: Name::literal("http"), path: "/".to_owned() });
    shop.daemon("nginx", nginx).file(
        "nginx/nginx.conf",
        &support::nginx_conf(web, "one"),
        "nginx",
        OnChange::Reload,
    );
    let redis = support::redis(cache).listen("redis", Listen { protocol: Protocol::Tcp, ..listen });
    shop.daemon("redis", redis.ready(ReadyCheck::Port(Name::literal("redis"))));
    shop.activate().unwrap();
    assert_eq!(get(web), "one");
    let pids = (shop.pid("nginx"), shop.pid("redis"));
    shop.file("nginx/nginx.conf", &support::nginx_conf(web, "two"), "nginx", OnChange::Reload);
    assert_eq!(shop.activate().unwrap().reloaded, [Name::literal("nginx")]);
    support::until(|| get(web) == "two");
    assert_eq!((shop.pid("nginx"), shop.pid("redis")), pids);
    shop.file("nginx/nginx.conf", "nonsense;", "nginx", OnChange::Reload);
    let refused = shop.activate().unwrap_err();
    assert!(refused.detail.unwrap().contains("unknown directive \"nonsense\""));
    // A worker of before may still answer while it ends.
    support::until(|| get(web) == "two");
    shop.node.stop().unwrap();
    assert!(TcpListener::bind(("127.0.0.1", web)).is_ok(), "nginx is gone");
}

#[test]
fn a_daemon_that_was_killed_is_started_again() {
    let mut shop = Shop::open();
    shop.daemon("mortal", sh("exec sleep 1000"));
    shop.activate().unwrap();
    let pid = shop.pid("mortal");
    support::kill(pid);
    support::until(|| {
        sleep(shop.node.tick().unwrap());
        shop.status("mortal").pid.is_some_and(|it| it != pid)
    });
    assert_eq!(shop.status("mortal").restarts, 1);
}

#[test]
fn a_missing_program_is_named_with_the_package_that_brings_it() {
    let mut shop = Shop::open();
    shop.daemon("far", sh("")).closure.daemons.get_mut("far").unwrap().command =
        vec!["no-such-daemon".into()];
    shop.closure.packages.insert("no-such-daemon".to_owned(), "such-daemons".to_owned());
    let refused = shop.activate().unwrap_err();
    assert_eq!(refused.message, "`no-such-daemon` is not installed");
    assert_eq!(refused.help.as_deref(), Some("apt-get install such-daemons"));
}

#[test]
fn a_taken_port_is_named_with_who_holds_it() {
    let mut shop = Shop::open();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    shop.port("late", "http", port);
    let listen = Listen { protocol: Protocol::Http, port: 80, public: false };
    shop.daemon("late", sh("exec sleep 1000").listen("http", listen));
    let refused = shop.activate().unwrap_err();
    let me = format!("port {port} on 127.0.0.1 is taken by process {}", std::process::id());
    assert!(refused.message.contains(&me), "{refused:?}");
}

#[test]
fn a_tree_is_laid_out_read_only_with_its_links_over_it() {
    let mut shop = Shop::open();
    let file =
        |text: &str, shop: &mut Shop| Entry::File { digest: shop.object(text.as_bytes()), executable: false };
    let index = file("<?php", &mut shop);
    let old = file("covered", &mut shop);
    let listing = Listing([("pub/index.php".to_owned(), index), ("pub/media/old".to_owned(), old)].into());
    let digest = shop.object(&listing.to_bytes());
    let links = [("pub/media".to_owned(), Text::here("run"))].into();
    shop.closure.trees.insert(Name::literal("release"), Tree { digest, links });
    shop.daemon("reader", sh("exec sleep 1000"));
    shop.activate().unwrap();
    let release = shop.root().join("current/trees/release");
    assert_eq!(fs::read_to_string(release.join("pub/index.php")).unwrap(), "<?php");
    assert!(fs::metadata(release.join("pub/index.php")).unwrap().permissions().readonly());
    assert_eq!(fs::read_link(release.join("pub/media")).unwrap(), shop.run());
}

#[test]
fn what_ignores_the_signal_is_killed_when_its_time_is_up_with_all_it_started() {
    let mut shop = Shop::open();
    let deaf = sh("trap '' TERM; sleep 1000 & touch $RUN/deaf; while :; do sleep 1; done");
    shop.daemon("deaf", deaf.ready(ReadyCheck::Command(command("test -f $RUN/deaf"))).stop_within("300ms"));
    shop.activate().unwrap();
    let pid = shop.pid("deaf");
    shop.node.stop().unwrap();
    sleep(Duration::from_millis(20));
    assert!(support::group(pid).is_empty());
}

#[test]
fn a_daemon_reloads_when_a_file_that_it_watches_is_replaced() {
    let mut shop = Shop::open();
    let (watched, taken) = (shop.run().join("watched"), shop.run().join("taken"));
    fs::write(&watched, "first").unwrap();
    let script = "trap 'cat $RUN/watched >> $RUN/taken' HUP; touch $RUN/up; while :; do sleep 0.02; done";
    let reader = sh(script).reload(Reload::Signal("HUP".to_owned()));
    shop.daemon("reader", reader.ready(ReadyCheck::Command(command("test -f $RUN/up"))));
    shop.closure.watches.insert(Name::literal("reader"), vec![Text::here("run").then("/watched")]);
    shop.activate().unwrap();
    let pid = shop.pid("reader");
    let replaced = shop.run().join("new");
    fs::write(&replaced, "again").unwrap();
    fs::rename(replaced, watched).unwrap();
    support::until(|| {
        shop.node.tick().unwrap();
        fs::read_to_string(&taken).is_ok_and(|it| it == "again")
    });
    assert_eq!(shop.pid("reader"), pid);
}
