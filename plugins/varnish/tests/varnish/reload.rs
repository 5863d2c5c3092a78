//! New VCL and parameters are taken while visitors are served, or refused before anything changes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::support::shop::{Request, Shop, free_port, page};

#[test]
fn a_reload_changes_vcl_and_parameters_and_keeps_what_is_cached() {
    let tags = |request: &Request| if request.url == "/" { 1 } else { 100_000 };
    let shop = Shop::start("{}", move |it| page(600, "").with("X-Magento-Tags", &"x".repeat(tags(it))));
    shop.get("/", &[]);
    assert_eq!(shop.get("/many", &[]).status, 503, "more than 64K of tags");
    let files = shop.new_files(r#"{ "browser_cache": "bfcache", "headers": { "tags": "128K" } }"#, &[]);
    let since = Instant::now();
    for step in ["prepare", "commit"] {
        let done = Shop::reload(step, &files);
        assert!(done.status.success(), "{done:?}");
    }
    let took = since.elapsed();
    let page = shop.get("/", &[]);
    assert_eq!((page.mark(), page.header("Cache-Control")), ("HIT", Some("must-revalidate, max-age=60")));
    assert_eq!(shop.get("/many", &[]).status, 200);
    assert!(took < Duration::from_secs(5), "it took {took:?}: a second on a quiet machine");
}

#[test]
fn each_step_may_run_again() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let files = shop.new_files("{}", &[]);
    for step in ["prepare", "prepare", "commit", "commit", "prepare", "commit"] {
        let done = Shop::reload(step, &files);
        assert!(done.status.success(), "{step}: {done:?}");
    }
    let list = shop.admin(&["vcl.list"]);
    let kept = list.lines().filter(|it| !it.is_empty() && !it.starts_with("discarded")).count();
    assert_eq!(kept, 1, "{list}");
    assert_eq!(shop.get("/", &[]).status, 200);
}

#[test]
fn a_reload_in_front_of_a_dead_node_is_refused_and_changes_nothing() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let before = shop.admin(&["vcl.list"]);
    let done = Shop::reload("prepare", &shop.new_files("{}", &[free_port()]));
    assert!(!done.status.success());
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("not healthy within 8 s: app_2"), "{said}");
    assert_eq!(shop.admin(&["vcl.list"]), before);
}

#[test]
fn a_node_that_is_dead_already_does_not_stand_in_the_way() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let dead = [free_port()];
    let files = shop.new_files("{}", &dead);
    shop.admin(&["vcl.load", "dead", &files.path().join("files/varnish/default.vcl").display().to_string()]);
    shop.admin(&["vcl.use", "dead"]);
    let done = Shop::reload("prepare", &shop.new_files(r#"{ "debug": "always" }"#, &dead));
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn vcl_that_does_not_compile_is_refused_with_what_the_compiler_says() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let before = shop.admin(&["vcl.list"]);
    let files = shop.new_files("{}", &[]);
    append(&files, "sub broken { set req.http.X = ; }");
    let done = Shop::reload("prepare", &files);
    assert!(!done.status.success());
    assert!(String::from_utf8(done.stderr).unwrap().contains("sub broken { set req.http.X = ; }"));
    assert_eq!(shop.admin(&["vcl.list"]), before);
}

/// Writes more VCL behind what was rendered.
fn append(files: &tempfile::TempDir, vcl: &str) {
    let path = files.path().join("files/varnish/default.vcl");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, vcl.as_bytes()).unwrap();
}

#[test]
fn no_request_fails_while_vcl_changes() {
    let shop = Shop::start("{}", |_| page(600, ""));
    let is_over = AtomicBool::new(false);
    let failed = thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut failed = 0;
            while !is_over.load(Ordering::Relaxed) {
                failed += u32::from(shop.get("/checkout", &[]).status != 200);
            }
            failed
        });
        for options in [r#"{ "browser_cache": "bfcache" }"#, "{}", r#"{ "debug": "always" }"#] {
            let files = shop.new_files(options, &[]);
            for step in ["prepare", "commit"] {
                let done = Shop::reload(step, &files);
                assert!(done.status.success(), "{done:?}");
            }
        }
        is_over.store(true, Ordering::Relaxed);
        visitor.join().unwrap()
    });
    assert_eq!(failed, 0);
}
