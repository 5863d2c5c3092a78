//! Runs that are cut off, and what the next run makes of it.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::shop::{Shop, eventually, program, text};

const SHOP: &str = r#"
site("cut", #{ magento: #{ version: "2.4.6", release: path("release") } });
website("pl", #{ hosts: ["acme.pl"] });
varnish::cache(#{ memory: "64M" });
redis::cache(#{ memory: "16M" });
redis::sessions(#{ memory: "16M" });
"#;

/// Milliseconds after which a run is killed: spread over the 1.5 s that it takes from nothing.
const INSTANTS: [u64; 6] = [60, 150, 300, 500, 750, 1100];

#[test]
fn a_run_that_was_killed_is_finished_by_the_next() {
    for instant in INSTANTS {
        let shop = Shop::new(SHOP);
        let mut run = begin(&shop);
        thread::sleep(Duration::from_millis(instant));
        run.kill().unwrap();
        run.wait().unwrap();
        shop.apply();
        assert_eq!(shop.get("pl", "/cat", &[]).status, 200, "killed after {instant} ms");
        assert_eq!(shop.status()["health"], "well", "killed after {instant} ms");
        let plan = shop.mops(&["plan", "shop.rhai", "--detailed-exitcode"]);
        assert_eq!(plan.status.code(), Some(0), "killed after {instant} ms: {}", text(&plan.stdout));
        let fleeting = daemons(&shop);
        shop.must(&["destroy", "--yes"]);
        let left: Vec<_> = fleeting.iter().filter(|it| Path::new("/proc").join(it).exists()).collect();
        assert_eq!(left, [] as [&String; 0], "killed after {instant} ms");
    }
}

#[test]
fn a_run_that_ended_before_its_generation_is_recorded_by_the_next() {
    let shop = Shop::new(SHOP);
    let lock = shop.folder().join(".mops/local/cut/store/head.lock");
    fs::create_dir_all(&lock).unwrap();
    let output = shop.mops(&["script", "shop.rhai", "--yes"]);
    assert_eq!(output.status.code(), Some(1), "nothing can be published: {}", text(&output.stdout));
    fs::remove_dir(&lock).unwrap();
    shop.apply();
    assert_eq!(shop.status()["generation"], 1);
    assert_eq!(shop.status()["health"], "well");
}

#[test]
fn ctrl_c_leaves_what_the_next_run_finishes() {
    let shop = Shop::new(SHOP);
    let run = begin(&shop);
    let journal = shop.folder().join(".mops/local/cut/store/journal");
    eventually("a first intent is on disk", || fs::metadata(&journal).is_ok_and(|it| it.len() > 0));
    signal("INT", run.id());
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cancelled"), "{}", text(&output.stderr));
    shop.apply();
    assert_eq!(shop.get("pl", "/cat", &[]).status, 200);
}

#[test]
fn a_supervisor_that_was_killed_takes_its_daemons_along_and_the_next_run_starts_them() {
    let shop = Shop::new(SHOP);
    shop.apply();
    let daemons = daemons(&shop);
    let supervisor = Command::new("pgrep").args(["--full", "__supervise"]).output().unwrap();
    let parents: Vec<String> = daemons.iter().map(|it| parent(it)).collect();
    let supervisor =
        text(&supervisor.stdout).lines().map(str::to_owned).find(|it| parents.contains(it)).unwrap();
    signal("KILL", supervisor.parse().unwrap());
    let gone = || daemons.iter().all(|it| !Path::new("/proc").join(it).exists());
    eventually("daemons follow their supervisor", gone);
    assert_eq!(shop.status()["health"], "down");
    assert_eq!(shop.mops(&["status"]).status.code(), Some(1));
    assert!(shop.must(&["plan", "shop.rhai"]).contains("running: false → true"));
    shop.apply();
    assert_eq!(shop.get("pl", "/cat", &[]).status, 200);
}

#[test]
fn two_runs_at_once_do_not_meet() {
    let shop = Shop::new(SHOP);
    let first = begin(&shop);
    thread::sleep(Duration::from_millis(400));
    let second = shop.mops(&["script", "shop.rhai", "--yes"]);
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stdout));
    assert!(text(&second.stderr).contains("another run is at work here"), "{}", text(&second.stderr));
}

#[test]
fn a_rollback_brings_back_the_release_and_needs_no_script() {
    let shop = Shop::new(SHOP);
    let page = shop.folder().join("release/pub/health_check.php");
    let marked = |mark: &str| fs::write(&page, format!("<?php echo '{mark}';\n")).unwrap();
    let served = || shop.get("pl", "/health_check.php", &[]).body;
    marked("first");
    shop.apply();
    assert_eq!(served(), "first");
    marked("second");
    let said = shop.apply();
    assert!(said.contains("switches to the new files of release"), "{said}");
    assert_eq!(served(), "second");
    fs::remove_file(shop.folder().join("shop.rhai")).unwrap();
    fs::remove_dir_all(shop.folder().join("release")).unwrap();
    shop.must(&["rollback", "--yes"]);
    assert_eq!(served(), "first");
}

#[test]
fn a_rollback_keeps_sessions_and_data() {
    let shop = Shop::new(SHOP);
    shop.apply();
    shop.edit("memory: \"64M\"", "memory: \"96M\"");
    shop.apply();
    let jar = shop.folder().join("cookies");
    let jar = jar.to_str().unwrap();
    let visit = || shop.get("pl", "/session", &["--cookie", jar, "--cookie-jar", jar]).body;
    visit();
    shop.must(&["rollback", "--yes"]);
    let session: serde_json::Value = serde_json::from_str(&visit()).unwrap();
    assert_eq!(session["count"], 2, "the visitor is still known");
}

fn begin(shop: &Shop) -> Child {
    Command::new(program())
        .args(["script", "shop.rhai", "--yes"])
        .current_dir(shop.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The processes of the shop's daemons.
fn daemons(shop: &Shop) -> Vec<String> {
    let status = shop.status();
    let nodes = status["nodes"].as_object().unwrap().values();
    nodes.flat_map(|it| it.as_object().unwrap().values()).map(|it| it["pid"].to_string()).collect()
}

fn parent(pid: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|it| it.strip_prefix("PPid:")).unwrap().trim().to_owned()
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert_eq!(status.into_raw(), 0);
}
