//! What the edge is told, from tables of websites.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::collections::BTreeMap;

use mops_geo_redirects::GeoRedirects;
use mops_plugin::model::{Declared, Diagnostic, Name, Options, Span, Value, Website};
use mops_plugin::slot::GeoRedirect;
use mops_plugin::testing::{call, context, website};
use mops_plugin::{Context, Plugin, Slots};

/// `acme.pl` for Poland, `acme.de` for Germany and Austria, and a part of it that takes no part.
fn shop() -> Context {
    let mut pl = website("pl", "acme.pl");
    pl.countries = vec!["pl".to_owned()];
    pl.locale = Some("pl_PL".to_owned());
    let mut de = website("de", "acme.de");
    de.countries = vec!["de".to_owned(), "at".to_owned()];
    de.language = Some("de".to_owned());
    let mut b2b = website("b2b", "acme.de");
    b2b.path.push_str("/b2b");
    b2b.countries = vec!["de".to_owned()];
    b2b.geo = Some("never".to_owned());
    context(vec![pl, de, b2b])
}

fn contribute(
    context: &Context,
    function: &str,
    options: &str,
) -> Result<Option<GeoRedirect>, Vec<Diagnostic>> {
    let call = call(&GeoRedirects, function, options).unwrap();
    let given = GeoRedirects.contribute(&call, context)?;
    Ok(given.first().map(|it| it.value.parse().unwrap()))
}

fn messages(wrong: &[Diagnostic]) -> Vec<&str> {
    wrong.iter().map(|it| it.message.as_str()).collect()
}

fn shown(map: &BTreeMap<String, Name>) -> Vec<String> {
    map.iter().map(|(code, website)| format!("{code} → {website}")).collect()
}

/// A website whose keys stand at the byte `at` and behind.
fn placed(mut website: Website, at: u32, keys: &[&str]) -> Website {
    let span = |i: usize| Span { start: at + u32::try_from(i).unwrap(), ..Span::default() };
    let keys = keys.iter().enumerate().map(|(i, key)| ((*key).to_owned(), span(i))).collect();
    website.declared = Declared { keys, ..Declared::default() };
    website
}

#[test]
fn countries_lead_to_the_websites_that_are_for_them() {
    let redirect = contribute(&shop(), "by_country", "{}").unwrap().unwrap();
    assert_eq!(shown(&redirect.countries), ["at → de", "de → de", "pl → pl"]);
    assert_eq!(redirect.languages, BTreeMap::new());
    assert_eq!((redirect.mode.as_str(), redirect.cookie.as_str()), ("home", "mops_geo"));
    assert_eq!(redirect.database, None);
}

#[test]
fn languages_come_from_language_or_locale() {
    let redirect = contribute(&shop(), "by_language", r#"{"mode": "deep"}"#).unwrap().unwrap();
    assert_eq!(shown(&redirect.languages), ["de → de", "pl → pl"]);
    assert_eq!((redirect.countries, redirect.mode.as_str()), (BTreeMap::new(), "deep"));
}

#[test]
fn of_two_websites_in_one_language_the_first_declared_is_taken() {
    let mut context = shop();
    context.site.websites[0].locale = Some("de_CH".to_owned());
    let redirect = contribute(&context, "by_language", "{}").unwrap().unwrap();
    assert_eq!(shown(&redirect.languages), ["de → pl"]);
}

#[test]
fn country_and_language_together_are_one_contribution() {
    let mut context = shop();
    context.site.calls.push(call(&GeoRedirects, "by_country", r#"{"never_paths": ["^/jobs"]}"#).unwrap());
    context.site.calls.push(call(&GeoRedirects, "by_language", r#"{"never_paths": ["^/press"]}"#).unwrap());
    let redirect = contribute(&context, "by_country", r#"{"never_paths": ["^/jobs"]}"#).unwrap().unwrap();
    assert_eq!(shown(&redirect.countries), ["at → de", "de → de", "pl → pl"]);
    assert_eq!(shown(&redirect.languages), ["de → de", "pl → pl"]);
    assert!(redirect.never.ends_with("|(?:^/jobs)|(?:^/press)"), "{}", redirect.never);
    assert_eq!(contribute(&context, "by_language", r#"{"never_paths": ["^/press"]}"#).unwrap(), None);
}

#[test]
fn country_and_language_may_not_disagree() {
    let mut context = shop();
    context
        .site
        .calls
        .push(call(&GeoRedirects, "by_language", r#"{"mode": "deep", "cookie": "geo"}"#).unwrap());
    let wrong = contribute(&context, "by_country", "{}").unwrap_err();
    assert_eq!(
        messages(&wrong),
        [
            "`mode` must be the same by country and by language",
            "`cookie` must be the same by country and by language"
        ]
    );
}

#[test]
fn a_country_claimed_by_two_websites_names_both_places() {
    let mut context = shop();
    let keys = ["countries[0]", "countries[1]", "geo"];
    context.site.websites[2].geo = None;
    context.site.websites = context
        .site
        .websites
        .iter()
        .zip([100, 200, 300])
        .map(|(it, at)| placed(it.clone(), at, &keys))
        .collect();
    let wrong = contribute(&context, "by_country", "{}").unwrap_err();
    assert_eq!(messages(&wrong), ["the websites `de` and `b2b` are both for the country \"de\""]);
    let places: Vec<u32> = wrong[0].labels.iter().map(|it| it.span.start).collect();
    assert_eq!(places, [300, 200]);
}

#[test]
fn every_unknown_word_of_the_table_is_said_at_once_with_what_was_meant() {
    let mut context = shop();
    context.site.websites[0].countries = vec!["uk".to_owned(), "PL".to_owned(), "xx".to_owned()];
    context.site.websites[1].geo = Some("nevr".to_owned());
    let wrong = contribute(&context, "by_country", "{}").unwrap_err();
    let said: Vec<String> =
        wrong.iter().map(|it| format!("{}: {}", it.message, it.help.as_deref().unwrap())).collect();
    assert_eq!(
        said,
        [
            "`geo` of the website `de` may be \"never\", not \"nevr\": write \"never\" to leave it out, or nothing to let it take part",
            "\"uk\" is no country: did you mean \"gb\"?",
            "\"PL\" is no country: did you mean \"pl\"?",
            "\"xx\" is no country: write two lowercase letters, such as \"pl\"",
        ]
    );
    context.site.websites[0].locale = Some("cz_CZ".to_owned());
    context.site.websites[1].geo = None;
    let wrong = contribute(&context, "by_language", "{}").unwrap_err();
    assert_eq!(messages(&wrong), ["\"cz\" is no language"]);
    assert_eq!(wrong[0].help.as_deref(), Some("did you mean \"cs\"?"));
}

#[test]
fn a_table_without_countries_or_languages_is_refused() {
    let context = context(vec![website("pl", "acme.pl")]);
    let by_country = contribute(&context, "by_country", "{}").unwrap_err();
    assert_eq!(messages(&by_country), ["no website says which countries it is for"]);
    let by_language = contribute(&context, "by_language", "{}").unwrap_err();
    assert_eq!(messages(&by_language), ["no website says which language it is in"]);
}

#[test]
fn nobody_is_sent_to_a_host_that_stands_for_many() {
    let mut context = shop();
    context.site.websites[0].hosts = vec!["*.acme.pl".parse().unwrap()];
    let wrong = contribute(&context, "by_country", "{}").unwrap_err();
    assert_eq!(messages(&wrong), ["nobody can be sent to `*.acme.pl`, the first host of the website `pl`"]);
}

#[test]
fn what_programs_fetch_is_never_redirected_and_pages_are() {
    let mut context = shop();
    let magento = Value::Record(Options::from([("admin_path".to_owned(), "back.office".into())]));
    context.site.options.insert("magento".to_owned(), magento);
    let never = contribute(&context, "by_country", r#"{"never_paths": ["^/jobs/"]}"#).unwrap().unwrap().never;
    let never = regex::Regex::new(&never).unwrap();
    for path in [
        "/static/version1/a.js",
        "/media/a.jpg",
        "/pub/media/a.jpg",
        "/rest/V1/carts/mine",
        "/b2b/rest/V1/carts/mine",
        "/graphql",
        "/index.php/rest/V1/x",
        "/customer/section/load/",
        "/page_cache/block/esi/blocks/x",
        "/elasticsuite/tracker/hit/image/h.png",
        "/health_check.php",
        "/robots.txt",
        "/sitemap-1.xml",
        "/.well-known/acme-challenge/x",
        "/back.office/dashboard",
        "/checkout/cart",
        "/jobs/1",
    ] {
        assert!(never.is_match(path), "{path}");
    }
    for path in [
        "/",
        "/b2b/",
        "/restaurant.html",
        "/media-player.html",
        "/backXoffice/",
        "/customer/account",
        "/x/static/",
    ] {
        assert!(!never.is_match(path), "{path}");
    }
}

#[test]
fn what_was_derived_can_be_read_as_settings() {
    let call = call(&GeoRedirects, "by_country", "{}").unwrap();
    let settings = GeoRedirects.lower(&call, &shop(), &Slots::default()).unwrap().settings;
    assert_eq!(settings["geo-redirects.mode"].as_text(), Some("home"));
    let countries = settings["geo-redirects.countries"].as_record().unwrap();
    assert_eq!(countries["at"].as_text(), Some("de"));
}

#[test]
fn a_database_is_a_file_beside_the_script() {
    let digest = "0".repeat(64);
    let file =
        format!(r#"{{"database": {{"$path": "geo/country.mmdb", "digest": "{digest}", "kind": "file"}}}}"#);
    let redirect = contribute(&shop(), "by_country", &file).unwrap().unwrap();
    assert_eq!(redirect.database.as_deref(), Some("geo/country.mmdb"));
    let wrong = call(&GeoRedirects, "by_country", r#"{"database": "country.mmdb"}"#).unwrap_err();
    assert_eq!(wrong[0].help.as_deref(), Some("write path(\"country.mmdb\")"));
}

#[test]
fn options_are_checked() {
    let refused = |options| call(&GeoRedirects, "by_country", options).unwrap_err()[0].message.clone();
    assert_eq!(refused(r#"{"mode": "depp"}"#), "`mode`: \"depp\" is not \"home\", \"deep\" or \"geofence\"");
    assert!(refused(r#"{"never_paths": ["("]}"#).starts_with("`never_paths[0]` is not a regular expression"));
    let wrong = contribute(&shop(), "by_country", r#"{"cookie": "a b"}"#).unwrap_err();
    assert_eq!(messages(&wrong), ["\"a b\" is no name of a cookie"]);
}
