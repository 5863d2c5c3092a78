//! What the plugin says to the others, and what it refuses.

use mops_plugin::{
    Plugin, Slots,
    model::{Call, Diagnostic, Name, Text, Value},
    slot::{PhpLimit, Slot},
    testing,
};
use mops_varnish::Varnish;

use crate::support;

fn refused(options: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let call = testing::call(&Varnish, "cache", options).unwrap();
    let found = Varnish.lower(&call, &support::context(), &Slots::default()).unwrap_err();
    found.into_iter().map(|it: Diagnostic| (it.message, it.option, it.help)).collect()
}

fn setting(options: &str, name: &str) -> String {
    let lowered = support::lowered(options, &Slots::default());
    lowered.settings[name].as_text().unwrap().to_owned()
}

fn custom(text: Option<&str>) -> Call {
    let mut call = testing::call(&Varnish, "cache", "{}").unwrap();
    call.function = "vcl".parse().unwrap();
    let text = text.map(|it| format!(r#", "text": {it:?}"#)).unwrap_or_default();
    let digest = mops_plugin::model::Digest::of(b"");
    let source = format!(r#"{{ "$path": "vcl/bots.vcl", "digest": "{digest}", "kind": "file"{text} }}"#);
    call.options = [
        ("place".to_owned(), Value::text("recv.first")),
        ("source".to_owned(), serde_json::from_str(&source).unwrap()),
    ]
    .into();
    call
}

#[test]
fn the_command_holds_nothing_that_changes_from_closure_to_closure() {
    let lowered = support::lowered(r#"{ "memory": "1G" }"#, &Slots::default());
    let command: Vec<String> =
        lowered.daemons["edge"]["varnish"].command.iter().map(Text::to_string).collect();
    assert_eq!(
        command.join(" "),
        "varnishd -F -j none -n ‹here.tmp›/varnish -a http=‹here.address›:‹here.port.varnish.http› \
         -a purge=‹here.address›:‹here.port.varnish.purge› -s malloc,1G \
         -I ‹here.current›/files/varnish/params.cli -f ‹here.current›/files/varnish/default.vcl"
    );
}

#[test]
fn room_for_headers_follows_the_longest() {
    let lowered = support::lowered(r#"{ "headers": { "tags": "128K" } }"#, &Slots::default());
    let parameters = lowered.files.iter().find(|it| it.path == "varnish/params.cli").unwrap();
    let text = parameters.text.to_string();
    let backend: Vec<&str> =
        text.lines().filter(|it| it.contains("resp") || it.contains("backend")).collect();
    assert_eq!(
        backend,
        [
            "param.set http_resp_hdr_len 128K",
            "param.set http_resp_size 160K",
            "param.set workspace_backend 320K"
        ]
    );
    assert_eq!(setting("{}", "varnish.http_resp_hdr_len"), "64K");
}

#[test]
fn sizes_that_do_not_fit_into_one_another_are_refused_at_once() {
    let wrong = refused(r#"{ "headers": { "tags": "64K", "response": "48K", "workspace": "32K" } }"#);
    let options: Vec<Option<&str>> = wrong.iter().map(|(_, option, _)| option.as_deref()).collect();
    assert_eq!(options, [Some("headers.response"), Some("headers.workspace")]);
    assert_eq!(wrong[1].0, "the workspace (32K) must hold more than the headers (48K)");
}

#[test]
fn a_parameter_that_magento_reads_cannot_be_taken_out() {
    let wrong = refused(r#"{ "strip_params": { "add": ["pr*", "a b"], "remove": ["gclidd"] } }"#);
    assert_eq!(wrong[0].0, "`pr*` would take out `product_list_order`, which Magento reads");
    assert_eq!(wrong[1].0, "\"a b\" is no name of a parameter");
    assert_eq!(wrong[2].2.as_deref(), Some("did you mean `gclid`?"));
    assert_eq!(wrong[2].1.as_deref(), Some("strip_params.remove[0]"));
}

#[test]
fn the_storage_is_half_of_the_nodes_memory_unless_the_script_says_otherwise() {
    assert_eq!(setting("{}", "varnish.memory"), "2G");
    assert_eq!(setting(r#"{ "memory": "512M" }"#, "varnish.memory"), "512M");
    assert!(testing::call(&Varnish, "cache", r#"{ "memory": "32M" }"#).is_err());
}

#[test]
fn the_application_may_take_as_long_as_php_may() {
    let limit = r#"{ "selector": {}, "time": "900s" }"#;
    let limit: PhpLimit = serde_json::from_str(limit).unwrap();
    let slots = Slots([(PhpLimit::NAME.to_owned(), vec![limit.contribution()])].into());
    let lowered = support::lowered("{}", &slots);
    assert_eq!(lowered.settings["varnish.first_byte_timeout"].as_text(), Some("910s"));

    let mut context = support::context();
    let fpm = [("max_execution_time".to_owned(), Value::text("20m"))].into();
    let fpm =
        Call { plugin: Name::literal("php"), function: Name::literal("fpm"), options: fpm, ..custom(None) };
    context.site.calls.push(fpm);
    let call = testing::call(&Varnish, "cache", "{}").unwrap();
    let lowered = Varnish.lower(&call, &context, &slots).unwrap();
    assert_eq!(lowered.settings["varnish.first_byte_timeout"].as_text(), Some("1210s"));
}

#[test]
fn vcl_of_ones_own_needs_a_cache_and_text() {
    let mut context = support::context();
    let alone = Varnish.contribute(&custom(Some("")), &context).unwrap_err();
    assert_eq!(alone[0].message, "there is no cache that this VCL could be part of");
    context.site.calls.push(testing::call(&Varnish, "cache", "{}").unwrap());
    assert_eq!(Varnish.contribute(&custom(Some("# bots")), &context).unwrap().len(), 1);
    let binary = Varnish.contribute(&custom(None), &context).unwrap_err();
    assert_eq!(binary[0].message, "`vcl/bots.vcl` is no VCL: not text, or longer than 1 MiB");
}

#[test]
fn two_files_cannot_be_one() {
    let mut slots = support::snippets(&[("recv.first", "# a")]);
    let mut other = support::snippets(&[("recv.first", "# b")]);
    slots.0.get_mut("varnish.vcl").unwrap().append(other.0.get_mut("varnish.vcl").unwrap());
    let call = testing::call(&Varnish, "cache", "{}").unwrap();
    let wrong = Varnish.lower(&call, &support::context(), &slots).unwrap_err();
    assert_eq!(wrong[0].message, "two files would both be `custom/vcl/recv.first.vcl` beside the VCL");
}

#[test]
fn every_option_has_a_description_and_the_places_are_offered() {
    let manifest = Varnish.manifest();
    for field in &manifest.get("cache").unwrap().options {
        assert!(!field.doc.is_empty(), "{}", field.name);
    }
    let place = &manifest.get("vcl").unwrap().arguments[0];
    assert!(place.kind.to_string().contains("\"recv.after_normalise\""), "{}", place.kind);
}
