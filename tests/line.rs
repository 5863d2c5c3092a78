//! The whole line with the real daemons: script, plan, apply, and what customers get.

use std::{
    net::TcpStream,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use crate::shop::{Shop, curl, eventually, text};

/// Small enough that several of them run beside each other.
const SMALL: &str = r#"
site("small", #{ magento: #{ version: "2.4.6", release: path("release"), admin_path: "backoffice" } });
website("pl", #{ hosts: ["acme.pl"], countries: ["pl"] });
website("de", #{ hosts: ["acme.de"], countries: ["de"] });
website("b2b", #{ hosts: ["acme.de"], path: "/b2b", run_type: "store" });
varnish::cache(#{ memory: "64M", grace: "1d" });
redis::cache(#{ memory: "16M" });
redis::sessions(#{ memory: "16M" });
throttling::limit("login", #{ path: `^/customer/account/loginPost`, method: "POST", rate: "3/1m", burst: 2 });
"#;

#[test]
fn a_shop_answers_and_the_second_time_from_the_cache() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let first = shop.get("pl", "/cat", &[]);
    assert_eq!(
        (first.status, first.header("x-magento-cache-debug")),
        (200, Some("miss")),
        "{}",
        first.headers
    );
    let second = shop.get("pl", "/cat", &[]);
    assert_eq!(
        (second.status, second.header("x-magento-cache-debug")),
        (200, Some("hit")),
        "{}",
        second.headers
    );
    assert_eq!(first.body, second.body);
}

#[test]
fn websites_are_told_apart_by_host_and_by_path() {
    let shop = Shop::new(SMALL);
    shop.apply();
    for (website, code, kind) in [("pl", "pl", "website"), ("de", "de", "website"), ("b2b", "b2b", "store")] {
        let environment: serde_json::Value =
            serde_json::from_str(&shop.get(website, "/env", &[]).body).unwrap();
        assert_eq!(environment["MAGE_RUN_CODE"], code, "{environment}");
        assert_eq!(environment["MAGE_RUN_TYPE"], kind, "{environment}");
        assert_eq!(environment["HTTPS"], "on", "{environment}");
        assert_eq!(environment["REMOTE_ADDR"], "127.0.0.1", "{environment}");
    }
}

#[test]
fn a_purge_by_tag_forgets_what_has_the_tag_and_nothing_else() {
    let shop = Shop::new(SMALL);
    shop.apply();
    for path in ["/p1", "/p10"] {
        shop.get("pl", path, &[]);
        assert_eq!(shop.get("pl", path, &[]).header("x-magento-cache-debug"), Some("hit"));
    }
    let from_outside = shop.get("pl", "/p1", &["-X", "PURGE", "-H", "X-Magento-Tags-Pattern: .*"]);
    assert_eq!(from_outside.status, 405);
    let purge = format!("http://{}/", listen(&shop, "edge-1", "varnish", "purge"));
    let pattern = "X-Magento-Tags-Pattern: ((^|,)cat_p_1(,|$))";
    let answer = curl(&purge, &shop.authority(), &["-X", "PURGE", "-H", pattern]);
    assert_eq!(answer.status, 200, "{}", answer.headers);
    assert_eq!(shop.get("pl", "/p1", &[]).header("x-magento-cache-debug"), Some("miss"));
    assert_eq!(shop.get("pl", "/p10", &[]).header("x-magento-cache-debug"), Some("hit"));
}

#[test]
fn a_session_is_kept_and_nobody_elses() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let jar = shop.folder().join("cookies");
    let jar = jar.to_str().unwrap();
    let visit = || shop.get("pl", "/session", &["--cookie", jar, "--cookie-jar", jar]).body;
    let counts: Vec<String> = (0..3).map(|_| count(&visit())).collect();
    assert_eq!(counts, ["1", "2", "3"]);
    assert_eq!(count(&shop.get("pl", "/session", &[]).body), "1");
}

#[test]
fn who_logs_in_too_often_is_told_when_to_come_back() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let login = || shop.get("pl", "/customer/account/loginPost", &["-X", "POST", "-d", "x=1"]);
    let statuses: Vec<u16> = (0..4).map(|_| login().status).collect();
    assert_eq!(statuses, [302, 302, 302, 429]);
    assert_eq!(login().header("retry-after"), Some("20"));
    assert_eq!(shop.get("pl", "/customer/account/login", &[]).status, 200, "other paths are not counted");
}

#[test]
fn a_second_run_changes_nothing() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let before = pids(&shop);
    let again = shop.apply();
    assert!(again.contains("nothing to do"), "{again}");
    assert_eq!(pids(&shop), before);
    assert_eq!(shop.mops(&["plan", "shop.rhai", "--detailed-exitcode"]).status.code(), Some(0));
}

#[test]
fn ten_changes_and_five_rollbacks_under_load_lose_no_request() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let load = Load::start(&shop, 3);
    for grace in 2..12 {
        shop.edit(&format!("\"{}d\"", grace - 1), &format!("\"{grace}d\""));
        shop.apply();
    }
    for _ in 0..5 {
        shop.must(&["rollback", "--yes"]);
    }
    let (sent, failed) = load.stop();
    assert_eq!(failed, [] as [String; 0], "of {sent}");
    assert!(sent > 100, "only {sent} requests were sent");
    assert_eq!(shop.must(&["generations"]).lines().filter(|it| it.contains("rollback")).count(), 5);
}

#[test]
fn a_cache_that_restarts_loses_no_request() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let load = Load::start(&shop, 3);
    for memory in ["65M", "66M", "67M"] {
        let said = shop.must(&["plan", "shop.rhai"]);
        assert!(said.contains("nothing to do"), "{said}");
        shop.write(&SMALL.replace("64M", memory));
        let said = shop.apply();
        assert!(said.contains("Pages are slower until the cache is warm again."), "{said}");
    }
    let (sent, failed) = load.stop();
    assert_eq!(failed, [] as [String; 0], "of {sent}");
    let page = shop.get("pl", "/cat", &[]);
    assert_eq!(page.header("x-magento-tags"), None, "{}", page.headers);
}

#[test]
fn releases_follow_one_another_while_customers_come() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let load = Load::start(&shop, 2);
    for release in 0..6 {
        std::fs::write(shop.folder().join("release/pub/static/release.txt"), format!("{release}")).unwrap();
        shop.apply();
    }
    let (sent, failed) = load.stop();
    assert_eq!(failed, [] as [String; 0], "of {sent}");
}

#[test]
fn a_broken_configuration_changes_nothing() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let before = pids(&shop);
    shop.write(&format!("{SMALL}\nvarnish::vcl(\"recv.first\", path(\"vcl/broken.vcl\"));"));
    std::fs::write(shop.folder().join("vcl/broken.vcl"), "set req.nonsense = 1;\n").unwrap();
    let output = shop.mops(&["script", "shop.rhai", "--yes"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("req.nonsense"), "the daemon's own words are shown: {said}");
    assert!(said.contains("vcl/broken.vcl"), "the user's file is named: {said}");
    assert_eq!(shop.get("pl", "/cat", &[]).status, 200);
    assert_eq!(pids(&shop), before);
}

#[test]
fn a_daemon_that_dies_is_started_again() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let pid = pids(&shop)["app-1/php"].as_u64().unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let is_back = || shop.get("pl", "/env", &[]).status == 200 && pids(&shop)["app-1/php"] != pid;
    eventually("php answers again", is_back);
}

#[test]
fn destroy_leaves_no_process_no_port_and_no_file() {
    let shop = Shop::new(SMALL);
    shop.apply();
    let before = shop.status();
    let pids: Vec<String> = pids(&shop).values().map(ToString::to_string).collect();
    let ports = [
        listen(&shop, "edge-1", "edge-nginx", "https"),
        listen(&shop, "persistent-1", "redis-cache", "redis"),
    ];
    shop.must(&["destroy", "--yes"]);
    let alive: Vec<_> = pids.iter().filter(|it| Path::new("/proc").join(it).exists()).collect();
    assert_eq!(alive, [] as [&String; 0]);
    for port in ports {
        assert!(TcpStream::connect(&port).is_err(), "something listens on {port}");
    }
    for folder in ["data", "run"] {
        let folder = before["folders"][folder].as_str().unwrap();
        assert!(!Path::new(folder).exists(), "{folder} is still there");
    }
    assert!(shop.must(&["generations"]).contains("destroy"), "the history stays");
    shop.apply();
    assert_eq!(shop.get("pl", "/cat", &[]).status, 200, "and the shop can be made again");
}

#[test]
fn a_resource_that_has_moved_is_the_same_one() {
    let shop = Shop::new(SMALL);
    let declare = |name: &str| {
        format!(
            "{SMALL}\nlet it = resource(\"local.address\", \"{name}\", #{{ node: \"x\" }});\noutput(\"it\", it.address);"
        )
    };
    shop.write(&declare("old"));
    shop.apply();
    let address = || shop.status()["outputs"]["it"].as_str().unwrap().to_owned();
    let before = address();
    shop.write(&format!("{}\nmoved(\"local.address.old\", \"local.address.new\");", declare("new")));
    let said = shop.apply();
    assert!(said.contains("local.address.old → local.address.new") && said.contains("1 to move"), "{said}");
    assert_eq!(address(), before);
    assert!(shop.apply().contains("nothing to do"));
}

/// Asks two websites again and again, each time on a fresh connection, until it is stopped.
struct Load {
    threads: Vec<thread::JoinHandle<Vec<String>>>,
    shared: std::sync::Arc<Shared>,
}

struct Shared {
    stop: AtomicBool,
    sent: AtomicUsize,
}

impl Load {
    fn start(shop: &Shop, threads: usize) -> Self {
        let shared = std::sync::Arc::new(Shared { stop: AtomicBool::new(false), sent: AtomicUsize::new(0) });
        let urls = [shop.url("pl") + "cat", shop.url("de") + "env"];
        let run = |i: usize| {
            let (shared, url, authority) = (shared.clone(), urls[i % urls.len()].clone(), shop.authority());
            thread::spawn(move || Self::ask(&shared, &url, &authority))
        };
        let threads = (0..threads).map(run).collect();
        Self { threads, shared }
    }

    fn ask(shared: &Shared, url: &str, authority: &str) -> Vec<String> {
        let mut failed = Vec::new();
        while !shared.stop.load(Ordering::Relaxed) {
            let answer = Command::new("curl")
                .args(["--silent", "--show-error", "--output", "/dev/null", "--max-time", "20"])
                .args(["--write-out", "%{http_code}", "--cacert", authority, url])
                .output()
                .unwrap();
            shared.sent.fetch_add(1, Ordering::Relaxed);
            let status = text(&answer.stdout);
            if status != "200" {
                failed.push(format!("{url}: {status} {}", text(&answer.stderr)));
            }
        }
        failed
    }

    fn stop(self) -> (usize, Vec<String>) {
        self.shared.stop.store(true, Ordering::Relaxed);
        let failed = self.threads.into_iter().flat_map(|it| it.join().unwrap()).collect();
        (self.shared.sent.load(Ordering::Relaxed), failed)
    }
}

/// The process of each daemon, by `node/daemon`.
fn pids(shop: &Shop) -> serde_json::Map<String, serde_json::Value> {
    let status = shop.status();
    let nodes = status["nodes"].as_object().unwrap();
    let daemons = nodes.iter().flat_map(|(node, daemons)| {
        let daemons = daemons.as_object().unwrap().iter();
        daemons.map(move |(daemon, it)| (format!("{node}/{daemon}"), it["pid"].clone()))
    });
    daemons.collect()
}

/// Where a daemon listens, as `address:port`.
fn listen(shop: &Shop, node: &str, daemon: &str, listen: &str) -> String {
    let status = shop.status();
    status["nodes"][node][daemon]["listens"][listen][0]
        .as_str()
        .unwrap_or_else(|| panic!("{status}"))
        .to_owned()
}

fn count(body: &str) -> String {
    let session: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|err| panic!("{err}: {body}"));
    session["count"].to_string()
}
