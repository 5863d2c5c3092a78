//! Redirects by country and language, with a trusted proxy that says the country.

use std::collections::BTreeMap;

use mops_plugin::{
    model::{Name, Selector},
    slot::GeoRedirect,
};
use serde_json::json;

use crate::{
    config::limit,
    edge::{Edge, lines},
    shop::{Shop, website},
};

const BROWSER: &str = "-A Mozilla/5.0";

fn redirect(mode: &str) -> GeoRedirect {
    let names = |pairs: &[(&str, &str)]| -> BTreeMap<String, Name> {
        pairs.iter().map(|(key, it)| ((*key).to_owned(), Name::literal(it))).collect()
    };
    GeoRedirect {
        mode: mode.to_owned(),
        countries: names(&[("pl", "pl"), ("de", "de"), ("at", "at")]),
        languages: names(&[("pl", "pl"), ("de", "de")]),
        database: None,
        never: "^(?:/at)?/(?:static|media|rest)(?:/|$)".to_owned(),
        cookie: "mops_geo".to_owned(),
    }
}

fn edge(mode: &str) -> Edge {
    let websites = [
        website("pl", &["acme.pl"], &json!({})),
        website("de", &["acme.de"], &json!({})),
        website("at", &["acme.de"], &json!({ "path": "/at" })),
        website("b2b", &["b2b.acme.de"], &json!({ "geo": "never" })),
    ];
    let proxies = json!({ "trusted_proxies": ["127.0.0.1"] });
    Edge::of(Shop::of(&websites).with("edge", proxies).given(&redirect(mode)))
}

/// Where a visitor of `country` is sent from `url`; nothing when they stay.
fn sent(edge: &Edge, country: &str, arguments: &str, url: &str) -> Option<String> {
    let answer = edge.get(&format!("-H CloudFront-Viewer-Country:~{country} {arguments}"), url);
    match answer.status {
        302 => {
            assert_eq!(answer.headers["cache-control"], "private, no-store");
            let port = format!(":{}", edge.node.fact("port.edge-nginx.https"));
            Some(answer.headers["location"].replace(&port, ""))
        }
        _ => None,
    }
}

fn to(url: &str) -> String {
    format!("https://{url}")
}

#[test]
fn the_front_page_sends_visitors_to_the_website_of_their_country() {
    let edge = edge("home");
    assert_eq!(sent(&edge, "DE", BROWSER, "acme.pl/?utm=a"), Some(to("acme.de/?utm=a")));
    assert_eq!(sent(&edge, "AT", BROWSER, "acme.pl/"), Some(to("acme.de/at/")));
    assert_eq!(sent(&edge, "AT", BROWSER, "acme.de/"), Some(to("acme.de/at/")));
    assert_eq!(sent(&edge, "PL", BROWSER, "acme.de/at/"), Some(to("acme.pl/")));
    assert_eq!(sent(&edge, "PL", BROWSER, "acme.de.localhost/"), Some(to("acme.pl.localhost/")));
    assert_eq!(sent(&edge, "DE", BROWSER, "acme.pl/shoes"), None);
}

#[test]
fn the_language_decides_where_the_country_does_not() {
    let edge = edge("home");
    let speaking = |languages: &str| {
        sent(&edge, "US", &format!("{BROWSER} -H Accept-Language:~{languages}"), "acme.pl/")
    };
    assert_eq!(speaking("de-CH,de;q=0.9"), Some(to("acme.de/")));
    assert_eq!(speaking("en-US,en;q=0.9,de;q=0.8"), Some(to("acme.de/")));
    assert_eq!(speaking("pl,de;q=0.5"), None);
    assert_eq!(speaking("den,fr"), None);
    assert_eq!(sent(&edge, "PL", &format!("{BROWSER} -H Accept-Language:~de"), "acme.pl/"), None);
}

#[test]
fn nobody_is_sent_to_where_they_are() {
    for mode in ["home", "deep", "geofence"] {
        let edge = edge(mode);
        for (country, start) in
            [("DE", "acme.pl/"), ("AT", "acme.pl/"), ("PL", "acme.de/at/"), ("AT", "acme.de/")]
        {
            let there = sent(&edge, country, BROWSER, start).expect("the first visit is sent on");
            assert_eq!(
                sent(&edge, country, BROWSER, there.trim_start_matches("https://")),
                None,
                "{mode} {there}"
            );
        }
    }
}

#[test]
fn a_choice_is_remembered() {
    let edge = edge("home");
    let first = edge.get(&format!("-H CloudFront-Viewer-Country:~DE {BROWSER}"), "acme.pl/");
    assert!(first.headers["set-cookie"].starts_with("mops_geo=de; Path=/;"));
    for cookie in ["mops_geo=de", "a=b;~mops_geo=de", "store=x", "X-Magento-Vary=abc"] {
        assert_eq!(
            sent(&edge, "DE", &format!("{BROWSER} -H Cookie:~{cookie}"), "acme.pl/"),
            None,
            "{cookie}"
        );
    }
    assert_eq!(
        sent(&edge, "DE", &format!("{BROWSER} -H Cookie:~notmops_geo=de"), "acme.pl/"),
        Some(to("acme.de/"))
    );
}

#[test]
fn programs_forms_and_unmarked_websites_are_left_alone() {
    let edge = edge("deep");
    assert_eq!(sent(&edge, "DE", BROWSER, "acme.pl/shoes%2Bhats?a=b"), Some(to("acme.de/shoes%2Bhats?a=b")));
    assert_eq!(sent(&edge, "PL", BROWSER, "acme.de/at/shoes"), Some(to("acme.pl/shoes")));
    assert_eq!(sent(&edge, "DE", "-A Googlebot/2.1", "acme.pl/shoes"), None);
    assert_eq!(sent(&edge, "DE", "-A curl/8", "acme.pl/shoes"), None);
    assert_eq!(sent(&edge, "DE", &format!("{BROWSER} -X POST"), "acme.pl/shoes"), None);
    assert_eq!(sent(&edge, "DE", BROWSER, "acme.pl/static/a.js"), None);
    assert_eq!(sent(&edge, "PL", BROWSER, "b2b.acme.de/shoes"), None);
    assert_eq!(sent(&edge, "XX", BROWSER, "acme.pl/shoes"), None);
}

#[test]
fn a_geofence_has_no_way_to_stay() {
    let edge = edge("geofence");
    assert_eq!(
        sent(&edge, "DE", &format!("{BROWSER} -H Cookie:~mops_geo=pl"), "acme.pl/a"),
        Some(to("acme.de/a"))
    );
}

#[test]
fn the_next_hop_learns_the_country_from_trusted_proxies_alone() {
    let edge = edge("home");
    let country = |edge: &Edge| {
        let answer = edge.get("-H CloudFront-Viewer-Country:~FR -H X-Country:~lie", "acme.pl/");
        lines(&answer, &["X-Country"]).join("")
    };
    assert_eq!(country(&edge), "X-Country: fr");
    assert_eq!(country(&Edge::of(Shop::default())), "");
}

#[test]
fn a_country_selects_for_a_limit() {
    let from_fr = Selector { country: vec!["fr".to_owned()], ..Selector::default() };
    let edge = Edge::of(
        Shop::default()
            .with("edge", json!({ "trusted_proxies": ["127.0.0.1"] }))
            .given(&limit("fr", "1/1m", 0, from_fr)),
    );
    let status =
        |country: &str| edge.get(&format!("-H CloudFront-Viewer-Country:~{country}"), "acme.pl/").status;
    assert_eq!([status("FR"), status("FR"), status("PL"), status("PL")], [200, 429, 200, 200]);
}

#[test]
fn a_database_is_not_read_yet_and_the_plan_says_so() {
    let redirect = GeoRedirect { database: Some("country.mmdb".to_owned()), ..redirect("home") };
    let shop = Shop::of(&[website("pl", &["acme.pl"], &json!({})), website("de", &["acme.de"], &json!({}))]);
    let warnings = shop.given(&redirect).lower("edge").unwrap().warnings;
    assert_eq!(warnings[0].code, "nginx::geo-database");
}
