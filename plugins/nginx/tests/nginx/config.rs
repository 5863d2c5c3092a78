//! What is rendered, and what nginx says of it.

use mops_nginx::Nginx;
use mops_plugin::{
    Plugin, Slots,
    model::{Call, Declared, Digest, Input, InputKind, Name, OnChange, Options, Selector, Value},
    slot::{NginxSnippet, PhpLimit, Snippet, Throttle, Upstream},
    testing,
};
use serde_json::json;

use crate::{
    running::{What, command},
    shop::{Shop, website},
};

pub(crate) fn varnish() -> Upstream {
    Upstream { daemon: Name::literal("varnish"), listen: Name::literal("http") }
}

pub(crate) fn limit(name: &str, rate: &str, burst: u64, selector: Selector) -> Throttle {
    let (name, rate) = (Name::literal(name), rate.parse().unwrap());
    Throttle { name, selector, rate, burst, exempt: Vec::new(), always: false }
}

pub(crate) fn path(pattern: &str) -> Selector {
    Selector { path: Some(pattern.to_owned()), ..Selector::default() }
}

/// Runs both checks; what nginx says is empty when it is content.
fn checked(shop: &Shop) -> String {
    let node = shop.node();
    let mut said = String::new();
    for (role, daemon) in [("edge", "edge-nginx"), ("app", "app-nginx")] {
        let out = command(&node, role, daemon, What::Check)
            .output()
            .expect("nginx is installed: apt install nginx");
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.success(), error.is_empty(), "{error}");
        said.push_str(&error);
    }
    said
}

#[test]
fn nginx_takes_the_configuration_of_a_shop_without_options() {
    assert_eq!(checked(&Shop::default()), "");
}

#[test]
fn nginx_takes_every_option_at_once() {
    let everything = Selector {
        on: Some(Name::literal("b2b")),
        path: Some(r#"^/(rest|soap)/.{2,}"[a-z]\.$"#.to_owned()),
        method: vec!["GET".to_owned(), "POST".to_owned()],
        agent: Some("(curl|wget)/\\d".to_owned()),
        country: vec!["pl".to_owned()],
        from: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
    };
    let mut always = limit("a_key", "1/1m", 0, everything.clone());
    always.always = true;
    always.exempt = vec!["192.0.2.1".parse().unwrap()];
    let shop = Shop::default()
        .with(
            "edge",
            json!({ "aliases": "redirect", "hsts": "0s", "http2": false, "tls": "1.3", "redirect_http": false,
                "trusted_proxies": ["10.0.0.0/8"], "body": "1G", "client_timeout": "5s" }),
        )
        .given(&varnish())
        .given(&limit("a", "30/1s", 29, everything.clone()))
        .given(&limit("a-key", "10/1m", 9, Selector::default()))
        .given(&always)
        .given(&PhpLimit {
            selector: everything,
            memory: Some("2G".parse().unwrap()),
            time: Some("15m".parse().unwrap()),
        });
    assert_eq!(checked(&shop), "");
}

#[test]
fn nginx_takes_a_fallback_and_hosts_that_share_websites() {
    let shop = Shop::of(&[
        website("b2b", &["acme.de", "b2b.acme.de"], &json!({ "path": "/b2b", "fallback": true })),
        website("de", &["acme.de"], &json!({})),
    ]);
    assert_eq!(checked(&shop), "");
}

#[test]
fn an_error_in_a_snippet_points_into_the_users_lines() {
    let text = "# bots\n\nlimit_rate 1m\n".to_owned();
    let snippet = Snippet { place: "edge.server".to_owned(), text, origin: "nginx/bots.conf".to_owned() };
    let said = checked(&Shop::default().given(&NginxSnippet(snippet)));
    assert!(said.contains("snippets/1-bots.conf:3") || said.contains("snippets/1-bots.conf:4"), "{said}");
}

#[test]
fn every_place_takes_a_snippet_and_says_where_it_is_from() {
    let mut shop = Shop::default();
    for place in ["edge.http", "edge.server", "edge.location", "app.http", "app.server", "app.location"] {
        let text = if place.ends_with("http") {
            format!("map \"\" ${} {{}}", place.replace('.', "_"))
        } else {
            "etag on;".to_owned()
        };
        shop = shop.given(&NginxSnippet(Snippet {
            place: place.to_owned(),
            text,
            origin: format!("own/{place}.conf"),
        }));
    }
    assert_eq!(checked(&shop), "");
    let edge = shop.lower("edge").unwrap();
    let config = edge.files.iter().find(|it| it.path == "edge-nginx/nginx.conf").unwrap().text.to_string();
    assert!(
        config.contains("# from own/edge.location.conf\n            include snippets/3-edge.location.conf;"),
        "{config}"
    );
}

#[test]
fn a_snippet_is_the_users_file_and_must_be_text() {
    let file = |text: Option<&str>| {
        let digest = Digest::of(b"");
        let input = Input {
            path: "bots.conf".to_owned(),
            digest,
            kind: InputKind::File,
            text: text.map(str::to_owned),
        };
        Options::from([
            ("place".to_owned(), "edge.server".into()),
            ("source".to_owned(), Value::Input(input)),
        ])
    };
    let contributed = |options| Shop::default().contribute("snippet", options);
    let given = contributed(file(Some("etag on;"))).unwrap();
    assert_eq!(
        (given[0].slot.as_str(), given[0].value.as_record().unwrap()["text"].as_text()),
        ("nginx.snippet", Some("etag on;"))
    );
    assert_eq!(contributed(file(None)).unwrap_err()[0].option.as_deref(), Some("source"));
}

#[test]
fn the_check_works_while_the_daemon_runs() {
    let node = Shop::default().node();
    let _app = crate::running::nginx(&node, "app");
    let _edge = crate::running::nginx(&node, "edge");
    for (role, daemon) in [("edge", "edge-nginx"), ("app", "app-nginx")] {
        assert!(command(&node, role, daemon, What::Check).status().unwrap().success());
    }
}

#[test]
fn every_hop_waits_for_the_longest_time_of_php_and_the_edge_longest() {
    let limit =
        |time: &str| PhpLimit { selector: path("^/x"), memory: None, time: Some(time.parse().unwrap()) };
    let shop = Shop::default().given(&limit("30s")).given(&limit("20m"));
    let (edge, app) = (shop.lower("edge").unwrap(), shop.lower("app").unwrap());
    assert_eq!(edge.settings["nginx.edge.proxy_read_timeout"], "1220s".into());
    assert_eq!(app.settings["nginx.app.fastcgi_read_timeout"], "20m".into());
    assert_eq!(
        Shop::default().lower("app").unwrap().settings["nginx.app.fastcgi_read_timeout"],
        "10m".into()
    );

    let mut context = shop.context();
    let timeout = [("first_byte_timeout".to_owned(), "1h".into())].into();
    let declared = Declared::default();
    let (plugin, function) = (Name::literal("varnish"), Name::literal("cache"));
    context.site.calls.push(Call { plugin, function, options: timeout, declared });
    let call = testing::call(&Nginx, "edge", "{}").unwrap();
    let edge = Nginx.lower(&call, &context, &Slots::default()).unwrap();
    assert_eq!(edge.settings["nginx.edge.proxy_read_timeout"], "3620s".into(), "the cache's own");
}

#[test]
fn the_world_reaches_the_edge_and_the_edge_reaches_the_application() {
    let shop = Shop::default();
    let flows = |it: &str| serde_json::to_value(shop.lower(it).unwrap().flows).unwrap();
    let from_world = |listen| json!({ "from": { "network": "0.0.0.0/0" }, "to": "edge", "daemon": "edge-nginx", "listen": listen });
    assert_eq!(flows("edge"), json!([from_world("http"), from_world("https")]));
    assert_eq!(
        flows("app"),
        json!([{ "from": { "role": "edge" }, "to": "app", "daemon": "app-nginx", "listen": "http" }])
    );
}

#[test]
fn a_certificate_is_asked_for_each_website_that_has_a_host_of_its_own() {
    let certificates = Shop::default().lower("edge").unwrap().certificates;
    let named: Vec<_> = certificates.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(named, ["pl", "de"]);
    assert_eq!(
        certificates[0].hosts,
        ["acme.pl", "www.acme.pl", "acme.pl.localhost", "www.acme.pl.localhost"]
    );
}

#[test]
fn files_reload_the_daemon_and_pages_do_not() {
    let edge = Shop::default().lower("edge").unwrap();
    let change = |path: &str| edge.files.iter().find(|it| it.path == path).unwrap().on_change;
    assert_eq!(change("edge-nginx/nginx.conf"), OnChange::Reload);
    assert_eq!(change("edge-nginx/pages/throttled.html"), OnChange::None);
}

#[test]
fn a_site_without_websites_has_no_edge_and_says_so() {
    let lowered = Shop::of(&[]).lower("edge").unwrap();
    assert!(lowered.daemons.is_empty());
    assert_eq!(lowered.warnings[0].code, "nginx::no-website");
}

#[test]
fn every_wrong_contribution_is_reported() {
    let nowhere = Selector { on: Some(Name::literal("persistent")), ..Selector::default() };
    let shop = Shop::default()
        .given(&varnish())
        .given(&varnish())
        .given(&limit("a", "1/1h", 0, path("^/")))
        .given(&limit("b", "1/1s", 0, nowhere));
    let codes: Vec<_> = shop.lower("edge").unwrap_err().into_iter().map(|it| it.code).collect();
    assert_eq!(codes, ["nginx::upstream", "nginx::rate", "nginx::target"]);
}
