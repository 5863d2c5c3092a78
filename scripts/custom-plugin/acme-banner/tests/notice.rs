//! Given these options and this site: these files.

use acme_banner::AcmeBanner;
use mops_plugin::{
    Context, Plugin,
    model::{Call, Declared, Diagnostic, Name, Options},
    slot::Vcl,
    testing,
};

/// A shop with one website and a cache.
fn shop() -> Context {
    let mut shop = testing::context(vec![testing::website("pl", "acme.pl")]);
    shop.site.calls.push(Call {
        plugin: Name::literal("varnish"),
        function: Name::literal("cache"),
        options: Options::new(),
        declared: Declared::default(),
    });
    shop
}

/// The VCL that `acme_banner::notice` comes to with `options`.
fn vcl(options: &str, shop: &Context) -> Result<Vcl, Vec<Diagnostic>> {
    let call = testing::call(&AcmeBanner, "notice", options).expect("the manifest takes these options");
    let given = AcmeBanner.contribute(&call, shop)?;
    Ok(given[0].value.parse().expect("it is VCL"))
}

#[test]
fn a_notice_is_sent_with_every_page() {
    let vcl = vcl(r#"{ "text": "Deliveries pause on 24 December" }"#, &shop()).unwrap();
    assert_eq!(vcl.0.place, "deliver.last");
    assert_eq!(
        vcl.0.text,
        r#"# A notice for every page, in a header that the theme shows.
if (resp.http.Content-Type ~ "^text/html" && req.url ~ "^/") {
    set resp.http.X-Notice = "Deliveries pause on 24 December";
}
"#
    );
}

#[test]
fn a_notice_can_be_for_some_pages() {
    let vcl = vcl(r#"{ "text": "Sale", "path": "^/sale/" }"#, &shop()).unwrap();
    assert!(vcl.0.text.contains(r#"req.url ~ "^/sale/""#), "{}", vcl.0.text);
}

#[test]
fn a_notice_that_would_end_its_string_is_refused() {
    let wrong = vcl(r#"{ "text": "a \"sale\"" }"#, &shop()).unwrap_err();
    assert_eq!(wrong[0].option.as_deref(), Some("text"));
}

#[test]
fn a_shop_without_a_cache_is_told() {
    let without = testing::context(vec![testing::website("pl", "acme.pl")]);
    let wrong = vcl(r#"{ "text": "Sale" }"#, &without).unwrap_err();
    assert_eq!(wrong[0].code, "acme-banner::no-cache");
}

#[test]
fn an_unknown_option_is_refused_before_the_plugin_sees_it() {
    let wrong = testing::call(&AcmeBanner, "notice", r#"{ "text": "Sale", "colour": "red" }"#).unwrap_err();
    assert_eq!(wrong[0].path, "colour");
}
