//! Certificates from an ACME directory: the real pebble, the real edge, and what browsers get.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use walkdir::WalkDir;

use crate::{
    pebble::Pebble,
    shop::{Shop, eventually, text},
};

const SHOP: &str = r#"
site("certified", #{ magento: #{ version: "2.4.6", release: path("release"), admin_path: "backoffice" } });
website("pl", #{ hosts: ["acme.pl", "www.acme.pl"] });
website("de", #{ hosts: ["acme.de"] });
nginx::edge(#{ aliases: "redirect" });
"#;
/// How long a certificate of these tests is good, when it is not about renewal.
const LONG: u32 = 90 * 86_400;

#[test]
fn each_website_has_a_certificate_for_all_its_names_and_the_key_is_its_own_files_secret() {
    let (shop, pebble) = certified(SHOP, LONG, "blocked.example", "");
    let root = pebble.root();
    eventually("both are served", || ask(&shop, "acme.pl", &root).and(ask(&shop, "acme.de", &root)).is_ok());
    let names = ["acme.pl", "acme.pl.localhost", "www.acme.pl", "www.acme.pl.localhost"];
    assert_eq!(shop.status()["certificates"]["pl"]["served"]["hosts"], serde_json::json!(names));
    for host in names {
        assert_eq!(ask(&shop, host, &root), Ok(()), "{host}");
    }
    assert_eq!(shop.mops(&["status"]).status.code(), Some(0));

    let keys: Vec<PathBuf> = files(&folder(&shop)).filter(|it| holds_a_key(it)).collect();
    assert!(!keys.is_empty());
    for key in &keys {
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600, "{}", key.display());
    }
    let logs = Path::new(shop.status()["folders"]["data"].as_str().unwrap()).join("nodes");
    let told: Vec<PathBuf> =
        files(&shop.folder().join(".mops")).chain(files(&logs)).filter(|it| holds_a_key(it)).collect();
    assert_eq!(told, [] as [PathBuf; 0], "state, closures and logs hold no key");
}

#[test]
fn renewals_lose_no_request() {
    let (shop, pebble) = certified(SHOP, 20, "blocked.example", "");
    let root = pebble.root();
    eventually("it is served", || ask(&shop, "acme.pl", &root).is_ok());
    let served = || shop.status()["certificates"]["pl"]["served"]["from"].as_u64().unwrap();
    let (ended, mut seen) = (AtomicBool::new(false), BTreeSet::from([served()]));
    let lost = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                answers.push(ask(&shop, "acme.pl", &root));
            }
            answers
        });
        for _ in 0..2 {
            let before = seen.len();
            eventually("it is renewed", || {
                seen.insert(served());
                seen.len() > before
            });
        }
        ended.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    assert!(lost.len() > 20, "only {} requests were made", lost.len());
    let lost: Vec<_> = lost.into_iter().filter_map(Result::err).collect();
    assert_eq!(lost, [] as [String; 0]);
}

#[test]
fn a_host_that_is_refused_keeps_the_first_certificate_and_the_status_says_why() {
    let (shop, pebble) = certified(SHOP, LONG, "acme.de", "");
    let root = pebble.root();
    eventually("the other one is served", || ask(&shop, "acme.pl", &root).is_ok());
    eventually("it is refused", || shop.status()["certificates"]["de"]["tries"]["problem"].is_string());
    assert_eq!(ask(&shop, "acme.de", &shop.authority()), Ok(()));
    let said = text(&shop.mops(&["status"]).stdout);
    assert!(said.contains("a new one was refused once"), "{said}");
    assert!(said.contains("acme.de") && said.contains("rejectedIdentifier"), "{said}");
}

#[test]
fn a_directory_that_is_down_is_asked_less_and_less_and_a_restart_does_not_hurry_it() {
    let pebble = Pebble::down();
    let shop = Shop::new(&script(SHOP, &pebble, "retry: \"1h\""));
    install(&shop, &pebble);
    shop.apply();
    let tries = || shop.status()["certificates"]["pl"]["tries"].clone();
    eventually("it has been tried", || tries()["problem"].is_string());
    assert_eq!(ask(&shop, "acme.pl", &shop.authority()), Ok(()));
    let before = tries();
    let pid = || shop.status()["nodes"]["edge-1"]["acme"]["pid"].as_u64();
    let first = pid().unwrap();
    assert!(Command::new("kill").arg(first.to_string()).status().unwrap().success());
    eventually("the daemon is back", || pid().is_some_and(|it| it != first));
    eventually("it looks", || shop.status()["nodes"]["edge-1"]["acme"]["state"] == "ready");
    assert_eq!(tries(), before);
    assert_eq!(before["failures"], 1);
}

#[test]
fn every_edge_node_serves_the_same_certificate_and_one_of_them_asked_for_it() {
    let two = SHOP.to_owned() + "role(\"edge\", #{ min: 2, max: 2 });\n";
    let (shop, _pebble) = certified(&two, LONG, "blocked.example", "");
    let serial = |node: &str| {
        let at =
            shop.status()["nodes"][node]["edge-nginx"]["listens"]["https"][0].as_str().unwrap().to_owned();
        let asked = format!(
            "openssl s_client -connect {at} -servername acme.pl </dev/null 2>/dev/null | openssl x509 -noout -serial -issuer"
        );
        text(&Command::new("sh").args(["-c", &asked]).output().unwrap().stdout)
    };
    eventually("both serve it", || {
        serial("edge-1").contains("Pebble") && serial("edge-1") == serial("edge-2")
    });
    let nodes = Path::new(shop.status()["folders"]["data"].as_str().unwrap()).join("nodes");
    let logs = ["edge-1", "edge-2"]
        .map(|it| fs::read_to_string(nodes.join(it).join("log/acme.log")).unwrap_or_default());
    let orders: usize = logs.iter().map(|it| it.matches("pl: Pebble").count()).sum();
    assert_eq!(orders, 1, "{logs:?}");
}

#[test]
fn a_host_with_a_star_is_proved_in_the_domain_name_system() {
    let star = SHOP.replace("\"www.acme.pl\"", "\"*.acme.pl\"")
        + "certificates::dns(#{ program: path(\"dns.sh\"), wait: \"0s\" });\n";
    let (shop, pebble) = certified(&star, LONG, "blocked.example", "");
    let root = pebble.root();
    eventually("it is served", || ask(&shop, "any.acme.pl", &root).is_ok());
}

/// A shop that runs, with a directory that issues for it.
fn certified(script_text: &str, life: u32, blocked: &str, more: &str) -> (Shop, Pebble) {
    // Ports stay the same: the directory is told where the edge listens before it is named.
    let shop = Shop::new(&script_text.replace("certificates::dns", "// "));
    shop.apply();
    let at =
        shop.status()["nodes"]["edge-1"]["edge-nginx"]["listens"]["http"][1].as_str().unwrap().to_owned();
    let http = at.rsplit_once(':').unwrap().1.parse().unwrap();
    let pebble = Pebble::new(http, life, blocked);
    install(&shop, &pebble);
    shop.write(&script(script_text, &pebble, more));
    shop.apply();
    (shop, pebble)
}

fn script(script: &str, pebble: &Pebble, more: &str) -> String {
    let directory = pebble.directory();
    let options =
        format!("email: \"ops@acme.pl\", directory: \"{directory}\", ca: path(\"pebble.pem\"), {more}");
    format!("{script}\ncertificates::acme(#{{ {options} }});\n")
}

/// Puts what the script names beside it.
fn install(shop: &Shop, pebble: &Pebble) {
    fs::copy(pebble.ca(), shop.folder().join("pebble.pem")).unwrap();
    let records = pebble.records();
    let program = format!(
        "#!/bin/sh\nexec curl --silent --fail {records}/$1-txt --data \"{{\\\"host\\\":\\\"$2.\\\",\\\"value\\\":\\\"$3\\\"}}\"\n"
    );
    fs::write(shop.folder().join("dns.sh"), program).unwrap();
}

/// Asks `host` over TLS on a fresh connection, trusting `root` alone; what went wrong.
fn ask(shop: &Shop, host: &str, root: &str) -> Result<(), String> {
    let at =
        shop.status()["nodes"]["edge-1"]["edge-nginx"]["listens"]["https"][1].as_str().unwrap().to_owned();
    let port = at.rsplit_once(':').unwrap().1;
    let resolve = format!("{host}:{port}:127.0.0.1");
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .args(["--cacert", root, "--resolve", &resolve, &format!("https://{host}:{port}/")])
        .output()
        .unwrap();
    match (output.status.success(), text(&output.stdout).as_str()) {
        (true, "200" | "301") => Ok(()),
        (_, status) => Err(format!("{status} {}", text(&output.stderr))),
    }
}

/// The folder that the edge nodes share.
fn folder(shop: &Shop) -> PathBuf {
    Path::new(shop.status()["folders"]["data"].as_str().unwrap()).join("data/certificates")
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = WalkDir::new(folder).into_iter().map(Result::unwrap);
    entries.filter(|it| it.file_type().is_file()).map(walkdir::DirEntry::into_path)
}

fn holds_a_key(path: &Path) -> bool {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    text.contains("PRIVATE KEY") || text.contains("key_pkcs8")
}
