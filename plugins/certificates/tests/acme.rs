//! What `certificates::acme` comes to, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use mops_certificates::Certificates;
use mops_plugin::{
    Context, Contribution, Lowered, Plugin, Slots,
    model::{Declared, Diagnostic, Digest, Host, Input, InputKind},
    testing::{call, context, fill, website},
};
use serde_json::{Value, json};

/// A directory of one's own.
const OWN: &str = r#"{ "email": "ops@acme.pl", "directory": "https://acme.example/directory" }"#;

fn shop() -> Context {
    let mut pl = website("pl", "acme.pl");
    pl.hosts.push("www.acme.pl".parse::<Host>().unwrap());
    context(vec![pl, website("de", "acme.de")])
}

fn lowered(options: &str, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
    Certificates.lower(&call(&Certificates, "acme", options).unwrap(), context, &Slots::default())
}

/// What the daemon is told.
fn told(options: &str, context: &Context) -> Value {
    let text = lowered(options, context).unwrap().files[0].text.clone();
    serde_json::from_str(&fill(&text, &[])).unwrap()
}

fn contributed(options: &str) -> Vec<Contribution> {
    Certificates.contribute(&call(&Certificates, "acme", options).unwrap(), &shop()).unwrap()
}

fn refused(options: &str, context: &Context) -> Vec<String> {
    lowered(options, context).unwrap_err().into_iter().map(|it| it.message).collect()
}

#[test]
fn each_website_has_a_certificate_for_every_name_it_answers_to() {
    let names = json!({
        "de": ["acme.de", "acme.de.localhost"],
        "pl": ["acme.pl", "www.acme.pl", "acme.pl.localhost", "www.acme.pl.localhost"],
    });
    assert_eq!(told(OWN, &shop())["certificates"], names);
}

#[test]
fn a_website_below_a_path_of_anothers_host_has_none_of_its_own() {
    let mut b2b = website("b2b", "acme.de");
    b2b.path = "/b2b".to_owned();
    let context = context(vec![website("de", "acme.de"), b2b]);
    let names = told(OWN, &context)["certificates"].clone();
    assert_eq!(names, json!({ "de": ["acme.de", "acme.de.localhost"] }));
}

#[test]
fn what_is_left_out_is_a_third_of_the_life_and_five_minutes() {
    let told = told(OWN, &shop());
    assert_eq!((&told["renew"], &told["retry"], &told["key"]), (&json!(null), &json!(300), &json!("ecdsa")));
    assert_eq!(told["authority"]["trust"], "visitors");
}

#[test]
fn the_world_is_not_asked_to_look_at_this_machine() {
    for directory in ["letsencrypt", "staging"] {
        let options = format!(r#"{{ "email": "ops@acme.pl", "directory": "{directory}" }}"#);
        let lowered = lowered(&options, &shop()).unwrap();
        assert_eq!((lowered.files.len(), lowered.daemons.len(), lowered.directories.len()), (0, 0, 0));
        assert_eq!(lowered.warnings[0].code, "certificates::not-asked");
        assert_eq!(contributed(&options), []);
    }
    assert_eq!(contributed(OWN)[0].slot, "edge.certificates");
}

#[test]
fn two_directories_never_share_a_folder() {
    let name = |url: &str| {
        let options = format!(r#"{{ "email": "ops@acme.pl", "directory": "{url}" }}"#);
        told(&options, &shop())["authority"]["name"].clone()
    };
    assert_ne!(name("https://acme.example/a"), name("https://acme.example/b"));
}

#[test]
fn what_no_order_could_use_is_refused() {
    let options = r#"{ "email": "ops", "directory": "ftp://acme.example" }"#;
    assert_eq!(
        refused(options, &shop()),
        [
            "`email`: \"ops\" is no address of e-mail",
            "`directory`: \"ftp://acme.example\" is no ACME directory"
        ]
    );
    for hostile in ["https://a\\\"b", "https://a\\nb", "https://a;b", "https://a${b}", "https://"] {
        let options = format!(r#"{{ "email": "ops@acme.pl", "directory": "{hostile}" }}"#);
        assert_eq!(refused(&options, &shop()).len(), 1, "{hostile}");
    }
    for hostile in ["a@b@c", "a b@acme.pl", "a@acme.pl?cc=x@y.z", "a,b@acme.pl", "@acme.pl", "a\\nb@acme.pl"]
    {
        let options = format!(r#"{{ "email": "{hostile}", "directory": "https://acme.example/" }}"#);
        assert_eq!(refused(&options, &shop()).len(), 1, "{hostile}");
    }
}

#[test]
fn more_hosts_than_a_certificate_takes_are_refused() {
    let mut many = website("many", "acme.pl");
    many.hosts = (0..51).map(|it| format!("shop{it}.acme.pl").parse().unwrap()).collect();
    assert_eq!(
        refused(OWN, &context(vec![many])),
        ["the website `many` has 102 names; a certificate takes 100"]
    );
}

#[test]
fn a_star_needs_a_proof_in_the_domain_name_system() {
    let star = context(vec![website("all", "*.acme.pl")]);
    let nobody = "`*.acme.pl` stands for many hosts, which nobody can prove over HTTP";
    assert_eq!(refused(OWN, &star), [nobody]);

    let mut dns = Certificates.manifest().implied_call(Certificates.manifest().get("dns").unwrap());
    let program = Input {
        path: "dns.sh".to_owned(),
        digest: Digest::of(b""),
        kind: InputKind::File,
        text: Some("#!/bin/sh\n".to_owned()),
    };
    dns.options.insert("program".to_owned(), mops_plugin::model::Value::Input(program));
    let mut slots = Slots::default();
    slots.add(Certificates.contribute(&dns, &star).unwrap(), &Declared::default());
    let acme = call(&Certificates, "acme", OWN).unwrap();
    let text = Certificates.lower(&acme, &star, &slots).unwrap().files[0].text.clone();
    let told: Value = serde_json::from_str(&fill(&text, &[("current", "/node/current")])).unwrap();
    assert_eq!(told["dns"], json!({ "run": ["/node/current/files/acme/dns"], "wait": 30 }));
}
