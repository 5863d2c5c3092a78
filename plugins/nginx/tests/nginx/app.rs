//! The application's web server, with PHP that says what it was told.

use std::{
    os::unix::net::UnixStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use mops_plugin::{model::Name, slot::PhpLimit};

use crate::{
    config::path,
    running::{Answer, Running, curl, nginx},
    shop::{Node, Shop},
};

/// Says what it was told, as lines of `KEY=value`.
const ECHO: &str = r#"<?php
if (isset($_GET['big'])) { header('X-Magento-Tags: ' . str_repeat('cat_p_1,', (int) $_GET['big'])); }
header('X-Powered-By: PHP');
foreach (['SCRIPT_NAME', 'REQUEST_URI', 'QUERY_STRING', 'MAGE_RUN_CODE', 'MAGE_RUN_TYPE', 'HTTPS', 'REMOTE_ADDR',
          'HTTP_HOST', 'HTTP_PROXY', 'HTTP_X_FORWARDED_PROTO', 'SERVER_PORT'] as $key) {
    echo $key, '=', $_SERVER[$key] ?? '-', "\n";
}
echo 'memory=', ini_get('memory_limit'), "\ntime=", ini_get('max_execution_time'), "\n";
"#;

/// The web server of a shop with PHP behind it, both running.
struct App {
    _nginx: Running,
    _php: Running,
    node: Node,
}

impl App {
    fn of(shop: &Shop) -> Self {
        let node = shop.node();
        for file in ["index.php", "get.php", "static.php", "health_check.php", "errors/404.php", "evil.php"] {
            node.put(&format!("current/trees/release/pub/{file}"), ECHO);
        }
        let php = php(&node);
        Self { _nginx: nginx(&node, "app"), _php: php, node }
    }

    /// Asks as the edge would: arguments of curl, then the host with its path.
    fn get(&self, arguments: &str, url: &str) -> Answer {
        let (host, path) = url.split_once('/').unwrap();
        let at = format!("{}:{}", self.node.fact("address"), self.node.fact("port.app-nginx.http"));
        curl(format!("{arguments} -H Host:~{host} http://{at}/{path}").trim())
    }
}

/// One PHP process, so that a limit which outlives its request is seen by the next.
fn php(node: &Node) -> Running {
    let socket = node.path("run/php.sock");
    let config = format!(
        "[global]\nerror_log = {}\ndaemonize = no\n[www]\nlisten = {}\npm = static\npm.max_children = 1\n",
        node.path("log/php.log").display(),
        socket.display(),
    );
    node.put("php.conf", &config);
    node.hand_over();
    let mut command = Command::new("php-fpm8.2");
    command.args(["-n", "-F", "-y"]).arg(node.path("php.conf"));
    let running = Running::start(command);
    let started = Instant::now();
    while UnixStream::connect(&socket).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "php does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    running
}

fn told<'a>(answer: &'a Answer, keys: &[&str]) -> Vec<&'a str> {
    let value = |key: &&str| {
        let line = answer.body.lines().find_map(|it| it.strip_prefix(&format!("{key}=")));
        line.unwrap_or_else(|| panic!("{key} is not in {answer:?}"))
    };
    keys.iter().map(value).collect()
}

#[test]
fn hosts_and_prefixes_tell_run_codes_apart() {
    let app = App::of(&Shop::default());
    for (url, code, run_type) in [
        ("acme.pl/", "pl", "website"),
        ("www.acme.pl.localhost/x", "pl", "website"),
        ("shop.acme.de/x", "de_de", "store"),
        ("acme.de/b2bx", "de_de", "store"),
        ("acme.de/b2b", "b2b", "website"),
        ("acme.de/b2b/x", "b2b", "website"),
        ("acme.pl/b2b/x", "pl", "website"),
    ] {
        let answer = app.get("-H MAGE-RUN-CODE:~lie", url);
        assert_eq!(told(&answer, &["MAGE_RUN_CODE", "MAGE_RUN_TYPE"]), [code, run_type], "{url}");
    }
}

#[test]
fn a_path_prefix_is_gone_and_encoded_characters_stay() {
    let app = App::of(&Shop::default());
    for (asked, seen) in [
        ("/b2b", "/"),
        ("/b2b?a=b", "/?a=b"),
        ("/b2b/", "/"),
        ("/b2b/a%2Bb+c%20d/%C4%85?q=%2B%26+x", "/a%2Bb+c%20d/%C4%85?q=%2B%26+x"),
        ("/b2b/a%252Fb%3Fc", "/a%252Fb%3Fc"),
        ("/b2b/b2b/x", "/b2b/x"),
        ("/other/a%2Bb", "/other/a%2Bb"),
        ("//b2b//x", "//x"),
        ("/b2b/index.php/checkout/cart?a=b", "/index.php/checkout/cart?a=b"),
        ("/index.php/backoffice/", "/index.php/backoffice/"),
    ] {
        let answer = app.get("", &format!("acme.de{asked}"));
        let query = seen.split_once('?').map_or("", |(_, it)| it);
        assert_eq!(
            told(&answer, &["REQUEST_URI", "QUERY_STRING", "SCRIPT_NAME"]),
            [seen, query, "/index.php"]
        );
    }
}

#[test]
fn every_entry_of_php_gets_the_run_code_of_a_prefix() {
    let app = App::of(&Shop::default());
    for (url, script) in
        [("static/version1/x.js", "/static.php"), ("media/x.jpg", "/get.php"), ("index.php", "/index.php")]
    {
        let answer = app.get("", &format!("acme.de/b2b/{url}"));
        assert_eq!(told(&answer, &["SCRIPT_NAME", "MAGE_RUN_CODE"]), [script, "b2b"]);
    }
}

#[test]
fn who_asks_is_believed_of_the_edge() {
    let app = App::of(&Shop::default());
    let keys = ["REMOTE_ADDR", "HTTPS", "HTTP_X_FORWARDED_PROTO", "SERVER_PORT", "HTTP_PROXY", "HTTP_HOST"];
    let answer = app.get("-H X-Real-IP:~203.0.113.5 -H X-Forwarded-Proto:~https -H Proxy:~evil", "acme.pl/");
    assert_eq!(told(&answer, &keys), ["203.0.113.5", "on", "https", "443", "-", "acme.pl"]);
    let answer = app.get("-H X-Forwarded-Proto:~http", "acme.pl/");
    assert_eq!(told(&answer, &keys), ["127.0.0.1", "-", "http", "80", "-", "acme.pl"]);
}

#[test]
fn an_unknown_host_reaches_probes_only() {
    let app = App::of(&Shop::default());
    assert_eq!(app.get("", "unknown.example/health_check.php").status, 200);
    assert_eq!(app.get("", "unknown.example/mops-ready").body, "ready\n");
    assert_eq!(app.get("-H X-Real-IP:~203.0.113.5", "acme.pl/mops-ready").status, 404, "a visitor's");
    for url in ["", "index.php", "checkout", "media/x.jpg"] {
        let answer = app.get("", &format!("unknown.example/{url}"));
        assert_eq!(answer.status, 404, "{url}");
        assert!(!answer.body.contains("SCRIPT_NAME=/index.php"), "{url}");
    }
}

#[test]
fn what_is_nobodys_business_is_not_found() {
    let app = App::of(&Shop::default());
    let release = "current/trees/release/pub";
    for file in [
        ".user.ini",
        ".htaccess",
        ".git/config",
        "errors/local.xml",
        "dump.sql",
        "index.php.bak",
        "setup/index.php",
    ] {
        app.node.put(&format!("{release}/{file}"), "secret");
    }
    for file in [
        "customer/x",
        "downloadable/x",
        "import/x",
        "custom_options/x",
        "theme_customization/x/y.xml",
        "shell.php",
        "a.phtml",
    ] {
        app.node.put(&format!("media/{file}"), "secret");
    }
    for url in [
        "evil.php",
        ".user.ini",
        ".htaccess",
        ".git/config",
        "errors/local.xml",
        "dump.sql",
        "index.php.bak",
        "setup/index.php",
        "media/customer/x",
        "media/downloadable/x",
        "media/import/x",
        "media/custom_options/x",
        "media/theme_customization/x/y.xml",
        "media/shell.php",
        "media/a.phtml",
        "media/%73hell.php",
        "MEDIA/../evil.php",
        "b2b/media/customer/x",
        "media/../.htaccess",
        "evil.php/x",
        "x/index.php/y.php",
        "cron.php",
    ] {
        let host = if url.starts_with("b2b") { "acme.de" } else { "acme.pl" };
        let answer = app.get("", &format!("{host}/{url}"));
        assert_eq!(answer.status, 404, "{url}");
        assert!(
            !answer.body.contains("secret") && !answer.body.contains("SCRIPT_NAME=/evil.php"),
            "{url}: {}",
            answer.body
        );
    }
}

#[test]
fn static_files_come_from_the_release_and_media_from_their_directory() {
    let app = App::of(&Shop::default());
    app.node.put("current/trees/release/pub/static/frontend/a.js", "js");
    app.node.put("current/trees/release/pub/static/frontend/a.woff2", "font");
    app.node.put("media/catalog/a.jpg", "jpg");
    let js = app.get("", "acme.pl/static/version17/frontend/a.js");
    assert_eq!(
        (js.body.as_str(), js.headers["cache-control"].as_str()),
        ("js", "public, max-age=31536000, immutable")
    );
    let js = app.get("", "acme.pl/static/frontend/a.js");
    assert_eq!((js.body.as_str(), js.headers["cache-control"].as_str()), ("js", "public, max-age=86400"));
    assert_eq!(js.headers["x-content-type-options"], "nosniff");
    let font = app.get("", "acme.de/b2b/static/version17/frontend/a.woff2");
    assert_eq!((font.body.as_str(), font.headers["access-control-allow-origin"].as_str()), ("font", "*"));
    let jpg = app.get("", "acme.pl/media/catalog/a.jpg");
    assert_eq!(
        (jpg.body.as_str(), jpg.headers["cache-control"].as_str()),
        ("jpg", "public, max-age=31536000")
    );
    let missing = app.get("", "acme.pl/static/version17/frontend/b.js");
    assert_eq!(told(&missing, &["SCRIPT_NAME", "QUERY_STRING"]), ["/static.php", "resource=frontend/b.js"]);
    let missing = app.get("", "acme.pl/media/catalog/b.jpg?w=1");
    assert_eq!(
        told(&missing, &["SCRIPT_NAME", "QUERY_STRING", "REQUEST_URI"]),
        ["/get.php", "w=1", "/media/catalog/b.jpg?w=1"]
    );
}

#[test]
fn sixty_kilobytes_of_tags_pass_and_php_is_not_named() {
    let app = App::of(&Shop::default());
    let answer = app.get("", "acme.pl/?big=7500");
    assert_eq!(answer.headers["x-magento-tags"].len(), 60_000);
    assert!(!answer.headers.contains_key("x-powered-by"));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[test]
fn without_limits_php_keeps_its_own() {
    let app = App::of(&Shop::default());
    assert_eq!(told(&app.get("", "acme.pl/"), &["memory", "time"]), ["128M", "30"]);
}

#[test]
fn php_limits_hold_for_their_requests_and_no_other() {
    let on_b2b =
        |pattern: &str| mops_plugin::model::Selector { on: Some(Name::literal("b2b")), ..path(pattern) };
    let limit = |selector, memory: Option<&str>, time: Option<&str>| PhpLimit {
        selector,
        memory: memory.map(|it| it.parse().unwrap()),
        time: time.map(|it| it.parse().unwrap()),
    };
    let app = App::of(
        &Shop::default()
            .given(&limit(mops_plugin::model::Selector::default(), Some("256M"), None))
            .given(&limit(on_b2b("^/quickorder/upload"), Some("2G"), Some("5m")))
            .given(&limit(path("^/quickorder"), None, Some("40s"))),
    );
    let limits = |url: &str| told(&app.get("", url), &["memory", "time"]).join(" ");
    assert_eq!(limits("acme.de/b2b/quickorder/upload"), "2048M 300");
    assert_eq!(limits("acme.de/quickorder/upload"), "256M 40");
    assert_eq!(limits("acme.de/b2b/quickorder/x"), "256M 40");
    assert_eq!(limits("acme.de/b2b/quickorder/upload"), "2048M 300");
    assert_eq!(limits("acme.pl/"), "256M 600", "nothing is left of the requests before");
}
