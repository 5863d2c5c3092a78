//! A site on this machine with real processes.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests look at files and may panic")]

mod support;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::{Duration, Instant},
};

use mops_model::{Encoding, Text, Value};
use mops_node::DaemonState;
use support::{Site, get, kill, sh, until, varnish};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_runs_until_it_is_deleted_and_the_next_read_says_so() {
    let mut site = Site::new("runs");
    site.daemon("quiet", sh("sleep 1000"));
    site.activate().await.unwrap();
    assert_eq!(site.status("quiet").state, DaemonState::Ready);
    assert_eq!(site.read("local.node.all-1").await["running"], Value::Bool(true));
    site.delete("local.node.all-1").await;
    assert!(mops_local::status(&site.place).unwrap().nodes.is_empty());
    assert!(!site.place.data.join("nodes/all-1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_supervisor_leaves_no_orphan_and_the_next_run_starts_everything_again() {
    let mut site = Site::new("killed");
    // One ends with its parent; the other is deaf to that and is swept by the next run.
    site.daemon("polite", sh("sleep 1000"));
    site.daemon("deaf", sh("trap '' TERM; while :; do sleep 1; done"));
    site.activate().await.unwrap();
    let (polite, deaf) = (site.status("polite").pid.unwrap(), site.status("deaf").pid.unwrap());
    kill(site.supervisor());
    let gone = |pid: u32| !fs::exists(format!("/proc/{pid}")).unwrap() || is_zombie(pid);
    until(|| gone(polite));
    assert!(!gone(deaf));
    assert_eq!(site.read("local.node.all-1").await["running"], Value::Bool(false));
    site.activate().await.unwrap();
    assert!(gone(deaf));
    assert_eq!(site.status("deaf").state, DaemonState::Ready);
    assert_eq!(site.read("local.node.all-1").await["running"], Value::Bool(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_vcl_is_live_within_a_second_and_keeps_the_cache() {
    let mut site = Site::new("varnish");
    let address = site.create("local.address.all-1", &[("node", "all-1".into())]).await["address"].clone();
    let address = address.as_text().unwrap().to_owned();
    let inputs = [
        ("address", address.as_str().into()),
        ("node", "all-1".into()),
        ("daemon", "varnish".into()),
        ("listen", "http".into()),
        ("public", false.into()),
    ];
    let port =
        site.create("local.port.all-1-varnish-http", &inputs).await["port"].as_text().unwrap().to_owned();
    site.here.insert("address".to_owned(), address.clone());
    site.here.insert("port.varnish.http".to_owned(), port.clone());
    let at = format!("{address}:{port}");
    site.daemon("varnish", varnish());
    site.file("varnish/default.vcl", &vcl("one"), "varnish");
    site.activate().await.unwrap();
    let pid = site.status("varnish").pid;
    get(&at, "/page");
    assert!(get(&at, "/page").contains("X-Hits: 1"));
    site.file("varnish/default.vcl", &vcl("two"), "varnish");
    let began = Instant::now();
    site.activate().await.unwrap();
    let took = began.elapsed();
    let page = get(&at, "/page");
    assert!(page.contains("X-Vcl: two") && page.contains("X-Hits: 2"), "{page}");
    assert_eq!(site.status("varnish").pid, pid);
    assert!(took < Duration::from_secs(3), "{took:?}: 1 s on a machine that does nothing else");
    site.file("varnish/default.vcl", &Text::literal("vcl 4.1; nonsense"), "varnish");
    let refused = site.activate().await.unwrap_err();
    assert!(refused.detail.unwrap().contains("nonsense"));
    assert!(get(&at, "/page").contains("X-Vcl: two"));
}

/// A cached page that its own back end, the same Varnish, makes up.
fn vcl(name: &str) -> Text {
    let vcl = format!(
        r#"vcl 4.1;
        backend own {{ .host = "ADDRESS"; .port = "PORT"; }}
        sub vcl_recv {{
            if (req.url == "/ready" || req.http.X-Inner) {{ return (synth(200)); }}
            return (hash);
        }}
        sub vcl_backend_fetch {{ set bereq.http.X-Inner = "1"; }}
        sub vcl_backend_response {{ set beresp.ttl = 1h; }}
        sub vcl_deliver {{ set resp.http.X-Vcl = "{name}"; set resp.http.X-Hits = obj.hits; }}"#
    );
    let hole = |fact: &str| Text::here(fact).to_marked();
    let vcl = vcl.replace("ADDRESS", &hole("address")).replace("PORT", &hole("port.varnish.http"));
    Text::parse_marked(&vcl, Encoding::Vcl).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn destroy_leaves_no_process_port_or_file() {
    let mut site = Site::new("destroyed");
    site.daemon("quiet", sh("sleep 1000 & sleep 1000; exit 0"));
    site.create("local.address.all-1", &[("node", "all-1".into())]).await;
    site.create("local.directory.media", &[("name", "media".into()), ("shared", true.into())]).await;
    site.create("local.password.broker", &[("length", Value::Int(32))]).await;
    site.activate().await.unwrap();
    assert!(!site.processes().is_empty());
    mops_local::destroy(&site.place).unwrap();
    until(|| site.processes().is_empty());
    assert!(!site.place.data.exists() && !site.place.run.exists());
    let list = fs::read_to_string(site.place.machine.join("list.json")).unwrap();
    assert!(!list.contains("destroyed"), "{list}");
    mops_local::destroy(&site.place).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sites_never_have_the_same_address_or_port() {
    let one = Site::new("one");
    let two = Site::beside("two", one.folder());
    let mut seen = Vec::new();
    for site in [&one, &two] {
        let address =
            site.create("local.address.edge-1", &[("node", "edge-1".into())]).await["address"].clone();
        let inputs = [
            ("address", address.clone()),
            ("node", "edge-1".into()),
            ("daemon", "nginx".into()),
            ("listen", "https".into()),
            ("public", true.into()),
        ];
        let port = site.create("local.port.edge-1-nginx-https", &inputs).await["port"].clone();
        assert_eq!(site.create("local.port.edge-1-nginx-https", &inputs).await["port"], port);
        assert_eq!(site.read("local.port.edge-1-nginx-https").await, support::record(&inputs));
        let number: u16 = port.as_text().unwrap().parse().unwrap();
        drop(TcpListener::bind(("127.0.0.1", number)).unwrap());
        seen.push((address, port));
    }
    assert_ne!(seen[0].0, seen[1].0);
    assert_ne!(seen[0].1, seen[1].1);
    assert_ne!(seen[0].0, Value::from("127.0.1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_made_once_and_shows_in_nothing_but_the_file_that_asks_for_it() {
    let mut site = Site::new("password");
    let version = site.create("local.password.broker", &[("length", Value::Int(24))]).await;
    assert_eq!(site.create("local.password.broker", &[("length", Value::Int(24))]).await, version);
    let secret = Text::hole(mops_model::Source::Secret(mops_model::Name::literal("broker")));
    site.daemon("quiet", sh("sleep 1000"));
    site.file("quiet/secret", &secret, "quiet");
    site.activate().await.unwrap();
    let file = site.place.data.join("nodes/all-1/current/files/quiet/secret");
    let value = fs::read_to_string(&file).unwrap();
    assert_eq!(value.len(), 24);
    let found = fs::metadata(&file).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!(found.uid(), site.place.account.as_ref().map_or(found.uid(), |it| it.uid));
    assert!(!format!("{version:?}").contains(&value));
    assert!(!fs::read_to_string(site.place.data.join("nodes/all-1/inputs.json")).unwrap().contains(&value));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_other_hosts_has_another_path() {
    let site = Site::new("certificate");
    let hosts = |it: &[&str]| [("hosts", Value::List(it.iter().map(|it| (*it).into()).collect()))];
    let first = site.create("local.certificate.pl", &hosts(&["acme.pl", "acme.pl.localhost"])).await;
    assert_eq!(site.create("local.certificate.pl", &hosts(&["acme.pl", "acme.pl.localhost"])).await, first);
    let second = site.create("local.certificate.pl", &hosts(&["acme.pl", "www.acme.pl"])).await;
    assert_ne!(first["certificate"], second["certificate"]);
    assert_eq!(first["ca"], second["ca"]);
    let path = |name: &str| second[name].as_text().unwrap().to_owned();
    let verified = std::process::Command::new("openssl")
        .args(["verify", "-CAfile", &path("ca"), "-verify_hostname", "www.acme.pl", &path("certificate")])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    assert_eq!(fs::metadata(path("key")).unwrap().permissions().mode() & 0o777, 0o600);
    site.delete("local.certificate.pl").await;
    assert!(!fs::exists(path("key")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_files_of_a_site_are_found_by_node_and_daemon() {
    let mut site = Site::new("logs");
    site.daemon("talker", sh("echo hello; sleep 1000"));
    site.activate().await.unwrap();
    let logs = mops_local::logs(&site.place).unwrap();
    let [log] = logs.as_slice() else { panic!("{logs:?}") };
    assert_eq!((log.node.as_str(), log.name.as_str()), ("all-1", "talker"));
    until(|| fs::read_to_string(&log.path).unwrap() == "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_has_no_signal_blocked_and_stops_at_once() {
    let mut site = Site::new("signals");
    site.daemon("listener", sh("grep SigBlk /proc/self/status; exec sleep 1000"));
    site.activate().await.unwrap();
    let log = mops_local::logs(&site.place).unwrap().remove(0).path;
    until(|| fs::read_to_string(&log).unwrap() == "SigBlk:\t0000000000000000\n");
    let began = Instant::now();
    site.delete("local.node.all-1").await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

fn is_zombie(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|it| it.contains(") Z "))
}
