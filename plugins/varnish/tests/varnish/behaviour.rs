//! What visitors and Magento see, with a real Varnish in front of an application that each test makes up.

use std::{thread, time::Duration};

use crate::support::shop::{Answer, Request, Shop, exchange, hang_up, page, status};

/// Cached under `url` and `headers`: the second of two requests hits.
fn hits(shop: &Shop, url: &str, headers: &[(&str, &str)]) -> bool {
    shop.get(url, headers);
    shop.get(url, headers).mark() == "HIT"
}

#[test]
fn a_page_is_asked_for_once_and_tells_nothing_of_what_is_behind() {
    let shop = Shop::start("{}", |_| {
        page(600, "hello")
            .with("X-Magento-Tags", "cms_p_2")
            .with("X-Powered-By", "PHP")
            .with("Vary", "Accept-Encoding, Cookie2")
    });
    assert_eq!(shop.get("/", &[]).mark(), "MISS");
    let second = shop.get("/", &[]);
    assert_eq!((second.mark(), second.body.as_str()), ("HIT", "hello"));
    assert_eq!(second.header("Cache-Control"), Some("no-store, no-cache, must-revalidate, max-age=0"));
    assert_eq!(second.header("Vary"), Some("Accept-Encoding"));
    for hidden in [
        "Set-Cookie",
        "X-Magento-Tags",
        "xkey",
        "X-Powered-By",
        "Age",
        "Via",
        "X-Varnish",
        "Server",
        "Expires",
    ] {
        assert_eq!(second.header(hidden), None, "{hidden}");
    }
    assert_eq!(shop.get("/", &[("Cache-Control", "no-cache")]).mark(), "MISS-FORCED");
    assert_eq!(shop.get("/", &[("X-Real-IP", "192.0.2.7")]).mark(), "none");
    assert_eq!(shop.asked_for(), ["/", "/"]);
}

#[test]
fn one_form_of_a_url_is_cached_once() {
    let shop = Shop::start("{}", |_| page(600, ""));
    for (asked, seen) in [
        ("/p1?b=2&a=1", "/p1?a=1&b=2"),
        ("/p2?gclid=a~b", "/p2"),
        ("/p3?gclid=&utm_source=x&z=1", "/p3?z=1"),
        ("/p4?_gl=1*abc*x&", "/p4"),
        ("/p5?xgclid=5&utm_source=a&z=45", "/p5?xgclid=5&z=45"),
        ("/p6?a=1&&&b=2&", "/p6?a=1&b=2"),
        ("/p7?&fbclid", "/p7"),
        ("/p8?gclid_x=1&p=2&q=gclid", "/p8?gclid_x=1&p=2&q=gclid"),
        ("http://acme.test/p9?", "/p9"),
        ("//p10", "/p10"),
    ] {
        shop.get(asked, &[]);
        assert_eq!(shop.asked_for(), [seen]);
        assert_eq!(shop.get(seen, &[]).mark(), "HIT", "{asked}");
    }
}

#[test]
fn host_and_cookies_mean_the_same_in_any_form() {
    let shop = Shop::start("{}", |_| page(600, ""));
    assert!(hits(&shop, "/", &[]));
    for host in ["ACME.test", "acme.test:443"] {
        assert_eq!(shop.get("/", &[("Host", host)]).mark(), "HIT", "{host}");
    }
    assert_eq!(shop.get("/", &[("Host", "other.test")]).mark(), "MISS");

    let vary = ("Cookie", "X-Magento-Vary=abc; PHPSESSID=1");
    assert!(hits(&shop, "/", &[vary]));
    let apart = [("Cookie", "X-Magento-Vary=abc"), ("Cookie", "PHPSESSID=2")];
    assert_eq!(shop.get("/", &apart).mark(), "HIT", "several Cookie headers are one");
    assert_eq!(
        shop.get("/", &[("Cookie", "NotX-Magento-Vary=abc; form_key=1")]).mark(),
        "HIT",
        "that of a guest"
    );
    assert_eq!(shop.get("/", &[("X-Forwarded-Proto", "http")]).mark(), "MISS", "another scheme");
    let long = format!("a={}", "x".repeat(12_000));
    assert_eq!(shop.get("/", &[("Cookie", &long)]).mark(), "HIT", "12 KB of cookies");
}

#[test]
fn what_is_a_persons_own_is_never_cached() {
    let shop = Shop::start("{}", |_| page(600, ""));
    for url in [
        "/checkout/",
        "/checkout",
        "/b2b/checkout/cart",
        "//checkout/cart",
        "/b2b//checkout/cart",
        "/index.php//checkout/cart",
        "/de/customer/account",
        "/b2b/index.php/de_at/wishlist?x=1",
        "/backoffice/dashboard",
        "/rest/V1/carts/mine",
        "/elasticsuite/tracker/hit/image/h.png",
        "/cron.php",
        "/static/version1/a.js",
        "/b2b/media/a.jpg",
    ] {
        assert_eq!(shop.get(url, &[]).mark(), "UNCACHEABLE", "{url}");
        assert!(shop.get(url, &[]).header("Set-Cookie").is_some(), "{url}: its cookie survives");
    }
    for url in ["/customer-service.html", "/shop/checkout", "/catalogsearch/result/?q=x", "/backoffices"] {
        assert!(hits(&shop, url, &[]), "{url}");
    }
    assert_eq!(shop.ask("POST", "/", &[("Content-Length", "0")]).mark(), "UNCACHEABLE");
    assert_eq!(shop.ask("BREW", "/", &[]).status, 405);
}

#[test]
fn graphql_of_a_customer_is_cached_under_its_id_alone() {
    let id = |request: &Request| match request.header("Authorization") {
        Some(_) => "customer",
        None => "guest",
    };
    let shop = Shop::start("{}", move |it| page(600, id(it)).with("X-Magento-Cache-Id", id(it)));
    let (customer, bearer) = (("X-Magento-Cache-Id", "customer"), ("Authorization", "Bearer abc"));
    let url = "/graphql?query={x}";
    assert_eq!(shop.get(url, &[bearer]).mark(), "UNCACHEABLE", "a customer without an id");
    assert!(hits(&shop, url, &[bearer, customer]));
    assert_eq!(shop.get(url, &[customer]).mark(), "UNCACHEABLE", "logged out: another context answers");
    assert!(hits(&shop, url, &[("X-Magento-Cache-Id", "guest")]));
    assert_ne!(shop.get(url, &[("X-Magento-Cache-Id", "guest"), ("Store", "de")]).mark(), "HIT");
    assert_ne!(shop.get(url, &[("X-Magento-Cache-Id", "guest"), ("Content-Currency", "EUR")]).mark(), "HIT");
}

/// Tags by URL.
fn tagged(request: &Request) -> Answer {
    page(600, "").with(
        "X-Magento-Tags",
        match request.url.as_str() {
            "/p1" => "cat_p_1,cat_p,store",
            "/p10" => "cat_p_10,cat_p,store",
            _ => "cms_p_5",
        },
    )
}

#[test]
fn a_purge_forgets_exactly_the_pages_of_its_tags() {
    for options in [r#"{ "purge": "xkey" }"#, r#"{ "purge": "ban" }"#] {
        let shop = Shop::start(options, tagged);
        for url in ["/p1", "/p10", "/cms"] {
            assert!(hits(&shop, url, &[]));
        }
        let answer = shop.forget("((^|,)cat_p_1(,|$))|((^|,)cat_c_3(,|$))", &[]);
        assert_eq!(answer.status, 200);
        let count = u32::from(options.contains("xkey"));
        assert_eq!(answer.body, format!("{{ \"invalidated\": {count} }}"));
        let marks = ["/p1", "/p10", "/cms"].map(|it| shop.get(it, &[]).mark().to_owned());
        assert_eq!(marks, ["MISS", "HIT", "HIT"], "{options}");

        let long = vec!["((^|,)cat_p_123456(,|$))"; 315].join("|");
        assert!(long.len() > 7_500);
        assert_eq!(shop.forget(&long, &[]).status, 200, "the longest that Magento sends");
        assert_eq!(shop.forget(".*", &[]).status, 200);
        let marks = ["/p1", "/p10", "/cms"].map(|it| shop.get(it, &[]).mark().to_owned());
        assert_eq!(marks, ["MISS", "MISS", "MISS"], "{options}");
    }
}

#[test]
fn pages_of_one_release_are_forgotten_by_their_pool() {
    for options in [r#"{ "purge": "xkey" }"#, r#"{ "purge": "ban" }"#] {
        let shop = Shop::start(options, |request| {
            tagged(request).with("X-Pool", if request.url == "/p1" { "blue" } else { "green" })
        });
        for url in ["/p1", "/p10"] {
            assert!(hits(&shop, url, &[]));
        }
        shop.forget("((^|,)cat_p_1(,|$))", &[("X-Pool", "green")]);
        assert_eq!(["/p1", "/p10"].map(|it| shop.get(it, &[]).mark().to_owned()), ["HIT", "HIT"]);
        assert_eq!(
            exchange(shop.purge, "PURGE", "/", &[("Host", "x"), ("X-Pool", "green")]).unwrap().status,
            200
        );
        assert_eq!(
            ["/p1", "/p10"].map(|it| shop.get(it, &[]).mark().to_owned()),
            ["HIT", "MISS"],
            "{options}"
        );
    }
}

#[test]
fn static_files_are_cached_where_the_script_says_so() {
    let shop = Shop::start(r#"{ "assets": "cache" }"#, |_| page(600, "").with("Content-Type", "text/css"));
    let url = "/static/version1/a.css";
    assert!(hits(&shop, url, &[("Cookie", "X-Magento-Vary=abc")]));
    assert_eq!(shop.get(url, &[("X-Forwarded-Proto", "http")]).mark(), "HIT", "one for both schemes");
    assert_eq!(shop.get(url, &[]).header("Cache-Control"), Some("max-age=600, public, s-maxage=600"));
}

#[test]
fn options_change_what_is_one_page() {
    let options = r#"{
        "trailing_slash": "ignore", "strip_params": { "add": ["ref"], "remove": ["gclid"] },
        "design_exceptions": [{ "pattern": "/firefox/i", "theme": "fox" }],
        "pass_cookies": ["preview"], "pass_paths": ["^/quickorder(/|$)"], "debug": "always"
    }"#;
    let shop = Shop::start(options, |_| page(600, ""));
    assert!(hits(&shop, "/x", &[]));
    assert_eq!(shop.get("/x/?ref=1", &[]).mark(), "HIT");
    for other in ["/x?gclid=1", "/"] {
        assert_eq!(shop.get(other, &[]).mark(), "MISS", "{other}");
    }
    assert_eq!(shop.get("/x", &[("User-Agent", "Firefox/1")]).mark(), "MISS");
    assert_eq!(shop.get("/x", &[("Cookie", "preview=1")]).mark(), "UNCACHEABLE");
    assert_eq!(shop.get("/b2b/quickorder?x", &[]).mark(), "UNCACHEABLE");
    assert_eq!(shop.get("/quickorders", &[("X-Real-IP", "192.0.2.7")]).mark(), "MISS");
}

#[test]
fn a_purge_that_asks_for_it_leaves_the_page_for_one_more_visitor() {
    let shop = Shop::start("{}", tagged);
    assert!(hits(&shop, "/p1", &[]));
    shop.forget("((^|,)cat_p_1(,|$))", &[("X-Magento-Purge-Soft", "1")]);
    assert_eq!(shop.get("/p1", &[]).mark(), "HIT-GRACE");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(shop.get("/p1", &[]).mark(), "HIT");
    assert_eq!(shop.asked_for().len(), 2);
}

#[test]
fn only_the_application_may_purge_and_only_at_the_port_for_it() {
    let shop = Shop::start("{}", tagged);
    assert_eq!(shop.ask("PURGE", "/", &[("X-Magento-Tags-Pattern", ".*")]).status, 405);
    assert_eq!(exchange(shop.purge, "GET", "/", &[("Host", "acme.test")]).unwrap().status, 405);
    assert_eq!(exchange(shop.purge, "PURGE", "/", &[("Host", "acme.test")]).unwrap().status, 400);
    let everything = [("X-Magento-Tags-Pattern", ".*")];
    for (address, status) in [("127.0.0.1", "200"), ("127.0.0.9", "405")] {
        assert_eq!(Shop::ask_from(address, shop.purge, &["-X", "PURGE"], &everything), status, "{address}");
    }
}

#[test]
fn a_page_that_changes_the_visitors_context_is_not_stored_and_keeps_its_cookie() {
    let shop = Shop::start("{}", |request| match request.header("Cookie") {
        Some("PHPSESSID=eur") => page(600, "EUR").with("Set-Cookie", "X-Magento-Vary=eur; path=/; HttpOnly"),
        Some(it) if it.contains("X-Magento-Vary=") => {
            page(600, "EUR").with("Set-Cookie", "X-Magento-Vary=eur; path=/")
        }
        _ => page(600, "PLN"),
    });
    let first = shop.get("/", &[("Cookie", "PHPSESSID=eur")]);
    assert_eq!((first.mark(), first.body.as_str()), ("UNCACHEABLE", "EUR"));
    assert!(first.headers.iter().any(|(_, it)| it.starts_with("X-Magento-Vary=eur")), "{first:?}");
    assert_eq!(shop.get("/", &[]).body, "PLN", "a guest gets the guests' page");
    assert_eq!(shop.get("/", &[("Cookie", "X-Magento-Vary=usd")]).mark(), "UNCACHEABLE", "it changes again");
    assert!(hits(&shop, "/", &[("Cookie", "X-Magento-Vary=eur")]), "nothing changes");
}

#[test]
fn a_failing_application_is_hidden_behind_what_was_stored() {
    // `/new` was never stored; `/page` was, and is stale by the second time.
    for options in [r#"{ "healthy_grace": "0s" }"#, "{}"] {
        let shop = Shop::start(options, |request| match (request.url.as_str(), request.header("X-Down")) {
            ("/page", None) => page(1, "good"),
            _ => Answer { body: "bad".to_owned(), ..status(503) }.with("Retry-After", "60"),
        });
        let down = [("X-Down", "1")];
        assert_eq!(shop.get("/page", &[]).mark(), "MISS");
        thread::sleep(Duration::from_millis(1_200));
        for _ in 0..2 {
            let stale = shop.get("/page", &down);
            assert_eq!((stale.mark(), stale.body.as_str()), ("HIT-GRACE", "good"), "{options}");
        }
        let new = shop.get("/new", &down);
        assert_eq!((new.status, new.body.as_str(), new.header("Retry-After")), (503, "bad", Some("60")));
        assert_eq!(shop.get("/new", &down).mark(), "UNCACHEABLE");
    }
}

#[test]
fn only_the_edge_of_this_node_may_say_who_a_visitor_is() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let says = [
        ("X-Forwarded-For", "198.51.100.1"),
        ("X-Country", "de"),
        ("X-Original-URL", "/checkout"),
        ("Proxy", "x"),
    ];
    shop.get("/", &[&says[..], &[("X-Real-IP", "192.0.2.7")]].concat());
    assert_eq!(Shop::ask_from("127.0.0.9", shop.http, &[], &says), "200");
    let asked = shop.asked.lock().unwrap();
    let seen = |i: usize, name: &str| asked[i].header(name).unwrap_or("none");
    assert_eq!([0, 1].map(|i| seen(i, "X-Forwarded-For")), ["192.0.2.7", "127.0.0.9"]);
    assert_eq!([0, 1].map(|i| seen(i, "X-Country")), ["de", "none"]);
    assert_eq!([0, 1].map(|i| seen(i, "X-Original-URL")), ["none", "none"]);
    assert_eq!([0, 1].map(|i| seen(i, "Proxy")), ["none", "none"]);
}

#[test]
fn a_connection_that_dies_is_tried_once_more() {
    let times = std::sync::atomic::AtomicU32::new(0);
    let shop = Shop::start("{}", move |_| match times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => hang_up(),
        _ => page(600, "hello"),
    });
    assert_eq!(shop.get("/checkout", &[]).body, "hello");
    assert_eq!(shop.asked_for().len(), 2);
}

#[test]
fn a_node_without_php_is_hidden_behind_another() {
    let asked_of_both = |method: &str, headers: &[(&str, &str)]| {
        let shop = Shop::start_two("{}", |_| page(600, "hello"), |_| status(502));
        (0..8).filter(|i| shop.ask(method, &format!("/checkout/{i}"), headers).status == 502).count()
    };
    assert_eq!(asked_of_both("GET", &[]), 0);
    assert_eq!(asked_of_both("HEAD", &[]), 0);
    assert_eq!(asked_of_both("POST", &[("Content-Length", "0")]), 4, "half of what must not be asked twice");

    let shop = Shop::start_two("{}", |_| page(600, "hello"), |_| hang_up());
    assert!((0..8).all(|i| shop.get(&format!("/checkout/{i}"), &[]).body == "hello"));
}

#[test]
fn what_magento_says_decides_what_is_stored() {
    let shop = Shop::start("{}", |request| match request.url.as_str() {
        "/private" => page(600, "").with("Cache-Control", "private, max-age=600"),
        "/none" => {
            Answer { headers: vec![("Content-Type".to_owned(), "text/html".to_owned())], ..page(600, "") }
        }
        "/star" => page(600, "").with("Vary", "*"),
        "/moved" => {
            Answer { status: 301, headers: Vec::new(), ..page(0, "") }.with("Cache-Control", "max-age=9")
        }
        "/found" => status(302),
        "/forbidden" => status(403),
        _ => status(404),
    });
    for url in ["/private", "/none", "/star", "/moved", "/found", "/forbidden"] {
        shop.get(url, &[]);
        assert_eq!(shop.get(url, &[]).mark(), "UNCACHEABLE", "{url}");
    }
    assert!(hits(&shop, "/missing", &[]));
}

#[test]
fn parts_of_a_page_are_put_together() {
    let shop = Shop::start("{}", |request| match request.url.as_str() {
        "/" => page(600, "<esi:include src=\"http://ACME.test:443/page_cache/block/esi/x/\" />!"),
        _ => page(600, "part"),
    });
    assert!(shop.get("/", &[]).body.contains("part"));
    assert_eq!(shop.asked_for(), ["/", "/page_cache/block/esi/x/"]);
    assert!(hits(&shop, "/page_cache/block/esi/x/", &[]));
}

#[test]
fn a_page_of_very_many_products_passes_with_its_tags() {
    let tags: Vec<String> = (0..4_000).map(|it| format!("cat_p_{it}")).collect();
    let shop = Shop::start("{}", move |_| page(600, "").with("X-Magento-Tags", &tags.join(",")));
    assert!(hits(&shop, "/", &[]));
    shop.forget("((^|,)cat_p_3999(,|$))", &[]);
    assert_eq!(shop.get("/", &[]).mark(), "MISS");
}
