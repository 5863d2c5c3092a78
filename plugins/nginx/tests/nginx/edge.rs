//! The edge, with an echo where the cache would stand.

use mops_plugin::model::Selector;
use serde_json::json;

use crate::{
    config::{limit, path, varnish},
    running::{Answer, Running, curl, echo, nginx},
    shop::{Node, Shop, website},
};

/// The edge of a shop, running.
pub(crate) struct Edge {
    nginx: Running,
    pub(crate) node: Node,
}

impl Edge {
    pub(crate) fn of(shop: Shop) -> Self {
        let node = shop.given(&varnish()).node();
        echo(&format!("{}:{}", node.fact("address"), node.fact("port.varnish.http")));
        let nginx = nginx(&node, "edge");
        Self { nginx, node }
    }

    /// Asks over TLS: arguments of curl, then the host with its path.
    pub(crate) fn get(&self, arguments: &str, url: &str) -> Answer {
        self.ask("https", arguments, url)
    }

    fn ask(&self, scheme: &str, arguments: &str, url: &str) -> Answer {
        let port = self.node.fact(&format!("port.edge-nginx.{scheme}"));
        let (host, path) = url.split_once('/').unwrap();
        let resolve = format!("--resolve {host}:{port}:127.0.0.1");
        curl(format!("{arguments} {resolve} {scheme}://{host}:{port}/{path}").trim())
    }
}

/// The lines of an echoed request that begin with one of `names`.
pub(crate) fn lines<'a>(answer: &'a Answer, names: &[&str]) -> Vec<&'a str> {
    let is_one = |line: &&str| names.iter().any(|it| line.to_lowercase().starts_with(&it.to_lowercase()));
    answer.body.lines().filter(is_one).collect()
}

#[test]
fn the_next_hop_learns_who_asks_from_the_edge_alone() {
    let edge = Edge::of(Shop::default());
    let lies =
        ["X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X-Country", "X-Original-URL", "X-Rewrite-URL"]
            .into_iter()
            .chain([
                "X-Forwarded-Host",
                "X-Forwarded-Server",
                "Proxy",
                "X-Magento-Debug",
                "X-Pool",
                "X-Magento-Tags-Pattern",
            ])
            .map(|it| format!("-H {it}:~lie"))
            .collect::<Vec<_>>()
            .join(" ");
    let answer = edge.get(&lies, "ACME.pl/a?b=%2B");
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("lie"), "{}", answer.body);
    assert_eq!(
        lines(&answer, &["GET", "Host", "X-"]),
        [
            "GET /a?b=%2B HTTP/1.1",
            "Host: acme.pl",
            "X-Real-IP: 127.0.0.1",
            "X-Forwarded-For: 127.0.0.1",
            "X-Forwarded-Proto: https",
        ]
    );
}

#[test]
fn a_trusted_proxy_says_who_asks() {
    let edge = Edge::of(Shop::default().with("edge", json!({ "trusted_proxies": ["127.0.0.1"] })));
    let answer = edge.get("-H X-Forwarded-For:~9.9.9.9,203.0.113.5", "acme.pl/");
    assert_eq!(
        lines(&answer, &["X-Real-IP", "X-Forwarded-For"]),
        ["X-Real-IP: 203.0.113.5", "X-Forwarded-For: 203.0.113.5"]
    );
}

#[test]
fn purge_and_unknown_methods_are_refused() {
    let edge = Edge::of(Shop::default());
    for method in ["PURGE", "BAN", "TRACE", "FOO"] {
        assert_eq!(edge.get(&format!("-X {method}"), "acme.pl/").status, 405, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(edge.get(&format!("-X {method}"), "acme.pl/").status, 200, "{method}");
    }
}

#[test]
fn an_unknown_host_gets_an_answer_of_ours() {
    let edge = Edge::of(Shop::default());
    for scheme in ["http", "https"] {
        let answer = edge.ask(scheme, "", "unknown.example/checkout");
        assert_eq!(answer.status, 404);
        assert!(answer.body.contains("belongs to no shop"), "{}", answer.body);
    }
}

#[test]
fn a_fallback_website_answers_unknown_hosts() {
    let edge = Edge::of(Shop::of(&[
        website("pl", &["acme.pl"], &json!({})),
        website("de", &["acme.de"], &json!({ "fallback": true })),
    ]));
    assert_eq!(lines(&edge.get("", "unknown.example/"), &["Host"]), ["Host: unknown.example"]);
    assert_eq!(edge.ask("http", "", "unknown.example/").status, 301);
}

#[test]
fn a_fallback_website_answers_in_plain_text_where_that_is_served() {
    let websites = [website("de", &["acme.de"], &json!({ "fallback": true }))];
    let edge = Edge::of(Shop::of(&websites).with("edge", json!({ "redirect_http": false })));
    assert_eq!(lines(&edge.ask("http", "", "unknown.example/"), &["Host"]), ["Host: unknown.example"]);
    let port = edge.node.fact("port.edge-nginx.http");
    assert_eq!(curl(&format!("http://127.0.0.1:{port}/mops-ready")).body, "ready\n");
}

#[test]
fn plain_http_leads_to_the_port_that_tls_has_here() {
    let edge = Edge::of(Shop::default());
    let port = edge.node.fact("port.edge-nginx.https").to_owned();
    for host in ["www.acme.pl", "acme.pl.localhost", "shop.acme.de"] {
        let answer = edge.ask("http", "", &format!("{host}/a%2Fb?c=d"));
        assert_eq!(answer.status, 301);
        assert_eq!(answer.headers["location"], format!("https://{host}:{port}/a%2Fb?c=d"));
    }
}

#[test]
fn aliases_lead_to_the_first_host_when_asked_to() {
    let edge = Edge::of(Shop::default().with("edge", json!({ "aliases": "redirect" })));
    let port = edge.node.fact("port.edge-nginx.https").to_owned();
    for (alias, first) in
        [("www.acme.pl", "acme.pl"), ("www.acme.pl.localhost", "acme.pl.localhost"), ("x.acme.de", "acme.de")]
    {
        let answer = edge.get("", &format!("{alias}/a?b"));
        assert_eq!(
            (answer.status, answer.headers["location"].as_str()),
            (301, &*format!("https://{first}:{port}/a?b"))
        );
        assert_eq!(edge.get("", &format!("{first}/")).status, 200);
    }
}

#[test]
fn browsers_are_told_to_insist_on_tls_for_a_year() {
    let edge = Edge::of(Shop::default());
    let answer = edge.get("", "acme.pl/");
    assert_eq!(answer.headers["strict-transport-security"], "max-age=31536000");
    assert_eq!(answer.headers["server"], "nginx");
}

#[test]
fn each_host_gets_the_certificate_of_its_website() {
    let edge = Edge::of(Shop::default());
    let port = edge.node.fact("port.edge-nginx.https").to_owned();
    let ca = |website: &str| edge.node.fact(&format!("certificate.{website}")).to_owned();
    for (host, website) in [("www.acme.pl", "pl"), ("acme.de.localhost", "de")] {
        // `-k` of the harness is taken back, so that curl judges the certificate.
        let answer = curl(&format!(
            "--no-insecure --cacert {} --resolve {host}:{port}:127.0.0.1 https://{host}:{port}/",
            ca(website)
        ));
        assert_eq!(answer.status, 200);
    }
}

#[test]
fn ten_a_minute_are_ten_and_then_429_with_retry_after() {
    let login = Selector { method: vec!["POST".to_owned()], ..path("^/customer/account/loginPost") };
    let edge = Edge::of(Shop::default().given(&limit("login", "10/1m", 9, login)));
    let url = "acme.pl/customer/account/loginPost";
    for _ in 0..10 {
        assert_eq!(edge.get("-X POST", url).status, 200);
    }
    let refused = edge.get("-X POST", url);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "7");
    assert_eq!(refused.headers["cache-control"], "no-store");
    assert!(refused.body.contains("Too many requests"));
    assert_eq!(edge.get("", url).status, 200, "another method is not meant");
    assert_eq!(edge.get("-X POST", "acme.pl/customer/account/").status, 200, "another path is not meant");
}

#[test]
fn no_spelling_of_a_path_evades_its_limit() {
    let edge =
        Edge::of(Shop::default().given(&limit("login", "1/1m", 0, path("^/customer/account/loginPost"))));
    assert_eq!(edge.get("", "acme.de/customer/account/loginPost").status, 200);
    for url in [
        "acme.de/customer/account/loginPost/?x=1",
        "acme.de//customer/account/loginPost",
        "acme.de/customer/account/%6cogin%50ost",
        "acme.de/index.php/customer/account/loginPost",
        "acme.de/b2b/customer/account/loginPost",
        "acme.de/b2b/index.php/customer/./account/loginPost",
        "acme.pl/customer/account/loginPost",
    ] {
        assert_eq!(edge.get("", url).status, 429, "{url}");
    }
}

#[test]
fn a_limit_on_a_website_means_paths_below_its_prefix() {
    let rest = Selector { on: Some(mops_plugin::model::Name::literal("b2b")), ..path("^/rest/") };
    let edge = Edge::of(Shop::default().given(&limit("b2b-rest", "1/1m", 0, rest)));
    let statuses = |url: &str| [edge.get("", url).status, edge.get("", url).status];
    assert_eq!(statuses("acme.de/b2b/rest/V1"), [200, 429]);
    assert_eq!(edge.get("", "acme.de//b2b//rest/V1").status, 429);
    assert_eq!(statuses("acme.de/rest/V1"), [200, 200]);
    assert_eq!(statuses("acme.pl/b2b/rest/V1"), [200, 200]);
}

#[test]
fn the_first_limit_that_means_a_request_counts_it_and_then_those_that_always_do() {
    let mut total = limit("total", "2/1m", 1, Selector::default());
    total.always = true;
    let edge = Edge::of(
        Shop::default()
            .given(&limit("wide", "100/1s", 99, path("^/a")))
            .given(&limit("narrow", "1/1m", 0, path("^/ab")))
            .given(&total),
    );
    let statuses = [edge.get("", "acme.pl/ab").status, edge.get("", "acme.pl/ab").status];
    assert_eq!(statuses, [200, 200], "`narrow` is never asked");
    let refused = edge.get("", "acme.pl/other");
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "31"));
}

#[test]
fn who_is_exempt_is_not_counted() {
    let mut limit = limit("all", "1/1m", 0, Selector::default());
    limit.exempt = vec!["192.0.2.0/24".parse().unwrap()];
    let edge =
        Edge::of(Shop::default().with("edge", json!({ "trusted_proxies": ["127.0.0.1"] })).given(&limit));
    let from = |address: &str| edge.get(&format!("-H X-Forwarded-For:~{address}"), "acme.pl/").status;
    assert_eq!([from("192.0.2.7"), from("192.0.2.7"), from("192.0.2.7")], [200, 200, 200]);
    assert_eq!([from("198.51.100.1"), from("198.51.100.1")], [200, 429]);
    assert_eq!(from("198.51.100.2"), 200, "each address has a budget of its own");
}

#[test]
fn agents_and_networks_select() {
    let bots = Selector { agent: Some("(?:ahrefs|semrush)bot".to_owned()), ..Selector::default() };
    let office = Selector { from: vec!["203.0.113.0/24".parse().unwrap()], ..Selector::default() };
    let edge = Edge::of(
        Shop::default()
            .with("edge", json!({ "trusted_proxies": ["127.0.0.1"] }))
            .given(&limit("bots", "1/1m", 0, bots))
            .given(&limit("office", "1/1m", 0, office)),
    );
    let twice =
        |arguments: &str| [edge.get(arguments, "acme.pl/").status, edge.get(arguments, "acme.pl/").status];
    assert_eq!(twice("-A AhrefsBot/7"), [200, 429]);
    assert_eq!(twice("-A Mozilla"), [200, 200]);
    assert_eq!(twice("-H X-Forwarded-For:~203.0.113.9"), [200, 429]);
}

#[test]
fn a_reload_keeps_what_was_counted() {
    let edge = Edge::of(Shop::default().given(&limit("all", "1/1m", 0, Selector::default())));
    assert_eq!(edge.get("", "acme.pl/").status, 200);
    nix::sys::signal::kill(edge.nginx.pid(), nix::sys::signal::Signal::SIGHUP).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(edge.get("", "acme.pl/").status, 429);
}

#[test]
fn twelve_kilobytes_of_cookies_pass() {
    let edge = Edge::of(Shop::default());
    let cookies =
        (0..6).map(|i| format!("-H Cookie:~c{i}={}", "x".repeat(2000))).collect::<Vec<_>>().join(" ");
    assert_eq!(edge.get(&cookies, "acme.pl/").status, 200);
    assert_eq!(edge.get(&format!("--http1.1 -H Cookie:~c={}", "x".repeat(12_000)), "acme.pl/").status, 200);
}

#[test]
fn without_a_cache_the_nodes_of_the_application_are_asked() {
    let node = Shop::default().with("edge", json!({ "redirect_http": false })).node();
    echo(&format!("{}:{}", node.fact("address"), node.fact("port.app-nginx.http")));
    let edge = Edge { nginx: nginx(&node, "edge"), node };
    let answer = edge.ask("http", "", "acme.pl/");
    assert_eq!(lines(&answer, &["X-Forwarded-Proto"]), ["X-Forwarded-Proto: http"]);
}

#[test]
fn while_the_cache_is_away_the_application_is_asked() {
    let node = Shop::default().given(&varnish()).node();
    echo(&format!("{}:{}", node.fact("address"), node.fact("port.app-nginx.http")));
    let edge = Edge { nginx: nginx(&node, "edge"), node };
    let answer = edge.get("", "acme.pl/");
    assert_eq!(answer.status, 200);
    assert_eq!(lines(&answer, &["X-Forwarded-Proto"]), ["X-Forwarded-Proto: https"]);
}

#[test]
fn a_silent_upstream_is_a_page_of_ours() {
    let node = Shop::default().given(&varnish()).node();
    let edge = Edge { nginx: nginx(&node, "edge"), node };
    let answer = edge.get("", "acme.pl/");
    assert_eq!(answer.status, 502);
    assert!(answer.body.contains("Back in a moment"));
}

#[test]
fn readiness_is_told_to_this_machine() {
    let edge = Edge::of(Shop::default());
    let answer = curl(&format!(
        "http://{}:{}/mops-ready",
        edge.node.fact("address"),
        edge.node.fact("port.edge-nginx.http")
    ));
    assert_eq!((answer.status, answer.body.as_str()), (200, "ready\n"));
}
