//! What is rendered is VCL: Varnish's own compiler takes it, whatever the options.

use std::process::Command;

use mops_plugin::Slots;

use crate::support;

/// Compiles what `options` and `slots` come to; the compiler's complaint if it has one.
fn compile(options: &str, slots: &Slots) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    support::write(&support::lowered(options, slots), folder.path(), &[8080, 8081]);
    let vcl = folder.path().join("files/varnish/default.vcl");
    let done = Command::new("varnishd")
        .args([
            "-C",
            "-n",
            &folder.path().join("work").display().to_string(),
            "-f",
            &vcl.display().to_string(),
        ])
        .output()
        .expect("this test needs varnishd: apt-get install varnish varnish-modules");
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

#[test]
fn every_option_in_every_form_compiles() {
    let forms = [
        "{}",
        r#"{ "memory": "256M", "grace": "1h30m", "healthy_grace": "0s", "probe": "nginx", "debug": "never" }"#,
        r#"{ "purge": "ban", "assets": "cache", "browser_cache": "bfcache", "debug": "always" }"#,
        r#"{ "purge": "xkey", "soft_purge": "always", "assets": "cache", "trailing_slash": "ignore" }"#,
        r#"{ "soft_purge": "never", "trusted": ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] }"#,
        r#"{ "purge": "ban", "debug": "trusted", "pass_cookies": ["preview", "admin"], "probe": "nginx" }"#,
        r#"{ "design_exceptions": [{ "pattern": "/firefox/i", "theme": "acme/fox" }, { "pattern": "iPhone|Android", "theme": "acme/phone" }] }"#,
        r#"{ "pass_paths": ["^/quickorder(/|$)", "\\.csv$"], "browser_cache": "bfcache", "not_found_ttl": "0s" }"#,
        r#"{ "strip_params": { "add": ["ref_*", "x.y"], "remove": ["gdf*", "sc_*"] }, "redirect_ttl": "1d" }"#,
    ];
    for options in forms {
        compile(options, &Slots::default()).unwrap_or_else(|err| panic!("{options}: {err}"));
    }
}

#[test]
fn every_place_takes_vcl_of_ones_own() {
    let header = |on: &str| format!("set {on}.http.X-Own = \"1\";");
    let slots = support::snippets(&[
        ("top", "sub own { set req.http.X-Own = \"1\"; }"),
        ("recv.first", "call own;"),
        ("recv.after_normalise", &header("req")),
        ("recv.last", &header("req")),
        ("hash", "hash_data(req.http.X-Own);"),
        ("backend_fetch", &header("bereq")),
        ("backend_response.first", &header("beresp")),
        ("backend_response.last", &header("beresp")),
        ("deliver.first", &header("resp")),
        ("deliver.last", &header("resp")),
        ("synth", &header("resp")),
    ]);
    compile("{}", &slots).unwrap();
}

#[test]
fn a_mistake_in_ones_own_vcl_is_told_with_its_file_and_line() {
    let slots = support::snippets(&[("recv.last", "# bots\nset req.http.X-Own = ;\n")]);
    let err = compile("{}", &slots).unwrap_err();
    assert!(err.contains("varnish/custom/vcl/recv.last.vcl' Line 2"), "{err}");
}
