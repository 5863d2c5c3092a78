//! The function at the edge, run by Node on events as `CloudFront` sends them, and what Magento is told.
//!
//! **Invariant:** the function runs; where Node is not installed these tests fail.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::io::Write;
use std::process::{Command, Stdio};

use mops_cdn::{Cdn, FUNCTION_LIMIT};
use mops_plugin::model::Diagnostic;
use mops_plugin::slot::MagentoConfig;
use mops_plugin::testing::{call, context, fill, website};
use mops_plugin::{Lowered, Plugin, Slots};

/// Says what becomes of each request: its address and the header that names the format.
const RUN: &str = r"
function shown(method, uri, query, accept) {
    var headers = accept ? { accept: { value: accept } } : {};
    var querystring = {};
    query.split('&').filter(Boolean).forEach(function (pair) {
        querystring[pair.split('=')[0]] = { value: pair.split('=')[1] || '' };
    });
    var request = handler({ version: '1.0', request: { method: method, uri: uri, querystring: querystring, headers: headers } });
    var kept = Object.keys(request.querystring).map(function (it) { return it + '=' + request.querystring[it].value; });
    var format = request.headers['x-img-format'];
    console.log(request.uri + (kept.length ? '?' + kept.join('&') : '') + (format ? ' ' + format.value : ''));
}
";

fn lower(options: &str) -> Lowered {
    let call = call(&Cdn, "media", options).unwrap();
    Cdn.lower(&call, &context(vec![website("pl", "acme.pl")]), &Slots::default()).unwrap()
}

fn function(options: &str) -> String {
    fill(&lower(options).files[0].text, &[])
}

/// What the function makes of `requests`, one line each.
fn run(options: &str, requests: &[&str]) -> Vec<String> {
    let calls: Vec<String> = requests.iter().map(|it| format!("shown({it});")).collect();
    let script = format!("'use strict';\n{}\n{RUN}\n{}", function(options), calls.join("\n"));
    let mut node = Command::new("node")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs Node: apt-get install nodejs");
    node.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

const CHROME: &str = "'image/avif,image/webp,*/*;q=0.8'";

#[test]
fn a_picture_gets_the_format_that_the_browser_takes_in_its_key() {
    let webp = format!("'GET', '/media/a.jpg', '', {CHROME}");
    let none = "'GET', '/media/a.jpg', '', '*/*'";
    let keys = run("{}", &[&webp, none, "'GET', '/media/a.jpg', ''"]);
    assert_eq!(
        keys,
        ["/media/a.jpg/format=webp,quality=82", "/media/a.jpg/original", "/media/a.jpg/original"]
    );
    let keys = run(r#"{"images": {"avif": true, "quality": 60}}"#, &[&webp]);
    assert_eq!(keys, ["/media/a.jpg/format=avif,quality=60"]);
    let keys = run(r#"{"images": {"webp": false}}"#, &[&webp]);
    assert_eq!(keys, ["/media/a.jpg/original"]);
}

#[test]
fn one_picture_in_one_form_has_one_key() {
    let asked = [
        "'GET', '/media/a.png', 'width=400&quality=70&format=webp', '*/*'",
        "'GET', '/media/a.png', 'format=WEBP&utm_source=x&quality=070&width=0400', ''",
        "'HEAD', '/media/a.png', 'quality=70&width=400&crop=1', 'image/webp'",
    ];
    let keys = run("{}", &asked);
    assert_eq!(keys, ["/media/a.png/format=webp,width=400,quality=70"; 3]);
}

#[test]
fn nobody_asks_for_a_copy_beyond_the_bounds() {
    let asked = [
        "'GET', '/media/a.jpg', 'width=99999&height=0&quality=500', ''",
        "'GET', '/media/a.jpg', 'width=-1&height=1e3&quality=x&format=bmp', ''",
        "'GET', '/media/a.jpg', 'width=1234567', ''",
    ];
    let keys = run(r#"{"images": {"max_width": 1920}}"#, &asked);
    assert_eq!(
        keys,
        ["/media/a.jpg/width=1920,quality=100", "/media/a.jpg/original", "/media/a.jpg/original"]
    );
}

#[test]
fn what_is_no_picture_to_make_smaller_stays_as_it_is() {
    let asked = [
        &format!("'GET', '/media/moving.gif', 'v=3', {CHROME}") as &str,
        "'GET', '/media/logo.svg', '', ''",
        "'GET', '/media/catalog.pdf', 'width=3', ''",
        "'OPTIONS', '/media/a.jpg', '', ''",
    ];
    let keys = run("{}", &asked);
    assert_eq!(keys, ["/media/moving.gif", "/media/logo.svg", "/media/catalog.pdf", "/media/a.jpg"]);
}

#[test]
fn with_originals_on_the_shops_own_nodes_the_format_is_a_header_and_the_path_stays() {
    let asked = [
        &format!("'GET', '/media/a.jpg', 'width=300&x=1', {CHROME}") as &str,
        "'GET', '/media/a.jpg', '', ''",
    ];
    for store in ["efs", "nfs"] {
        let keys = run(&format!(r#"{{"store": "{store}"}}"#), &asked);
        assert_eq!(keys, ["/media/a.jpg?width=300&quality=82 webp", "/media/a.jpg original"]);
    }
}

#[test]
fn the_function_is_small_enough_and_uses_nothing_that_its_runtime_lacks() {
    let function = function(r#"{"images": {"avif": true}}"#);
    assert!(function.len() < FUNCTION_LIMIT, "{}", function.len());
    for absent in ["require(", "import ", "Date", "Math.random", "setTimeout", "eval("] {
        assert!(!function.contains(absent), "{absent}");
    }
}

#[test]
fn media_have_the_domain_in_magentos_configuration_only_when_it_is_named() {
    let context = context(vec![website("pl", "acme.pl")]);
    let configs = |options| -> Result<Vec<String>, Vec<Diagnostic>> {
        let given = Cdn.contribute(&call(&Cdn, "media", options).unwrap(), &context)?;
        let shown = |it: MagentoConfig| format!("{} = {}", it.path, it.value);
        Ok(given.iter().map(|it| shown(it.value.parse().unwrap())).collect())
    };
    assert_eq!(configs("{}").unwrap(), Vec::<String>::new());
    assert_eq!(
        configs(r#"{"domain": "media.acme.pl"}"#).unwrap(),
        [
            "web/secure/base_media_url = https://media.acme.pl/media/",
            "web/unsecure/base_media_url = https://media.acme.pl/media/",
        ]
    );
    let wrong = configs(r#"{"domain": "*.acme.pl"}"#).unwrap_err();
    assert_eq!(wrong[0].message, "`*.acme.pl` stands for many hosts; media has one");
}

#[test]
fn options_become_settings_and_are_within_bounds() {
    let settings = lower(r#"{"store": "efs", "images": {"avif": true}}"#).settings;
    let shown: Vec<String> = settings.iter().map(|(name, it)| format!("{name}: {it:?}")).collect();
    assert_eq!(settings["cdn.store"].as_text(), Some("efs"), "{shown:?}");
    assert_eq!(settings["cdn.price_class"].as_text(), Some("100"));
    let refused = |options| call(&Cdn, "media", options).unwrap_err()[0].message.clone();
    assert_eq!(refused(r#"{"images": {"quality": 101}}"#), "`images.quality` must be at most 100, not 101");
    assert_eq!(refused(r#"{"store": "s4"}"#), "`store`: \"s4\" is not \"s3\", \"efs\" or \"nfs\"");
}
