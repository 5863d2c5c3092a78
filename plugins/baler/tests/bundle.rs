//! What `baler::bundle` gives to Magento: flags, a step of the release, and what the step must make.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use mops_baler::Baler;
use mops_plugin::slot::{MagentoConfig, ReleaseStep, Slot};
use mops_plugin::testing::{call, context, website};
use mops_plugin::{Contribution, Plugin};

fn contribute(options: &str) -> Result<Vec<Contribution>, Vec<String>> {
    let call = call(&Baler, "bundle", options).unwrap();
    let wrong = |it: mops_plugin::model::Diagnostic| format!("{}: {}", it.option.unwrap(), it.message);
    let context = context(vec![website("pl", "acme.pl")]);
    Baler.contribute(&call, &context).map_err(|all| all.into_iter().map(wrong).collect())
}

fn flags(given: &[Contribution]) -> Vec<String> {
    let configs = given.iter().filter(|it| it.slot == MagentoConfig::NAME);
    let shown = |it: MagentoConfig| format!("{} = {}", it.path, it.value);
    configs.map(|it| shown(it.value.parse().unwrap())).collect()
}

fn step(given: &[Contribution]) -> Option<(String, Vec<String>)> {
    let step: ReleaseStep = given.iter().find(|it| it.slot == ReleaseStep::NAME)?.value.parse().unwrap();
    let words: Vec<String> = step.run.iter().map(ToString::to_string).collect();
    Some((words.join(" "), step.makes))
}

#[test]
fn baler_bundles_every_theme_and_excludes_what_it_cannot_work_with() {
    let given = contribute("{}").unwrap();
    assert_eq!(
        flags(&given),
        [
            "dev/js/enable_baler_js_bundling = 1",
            "dev/js/enable_magepack_js_bundling = 0",
            "dev/js/enable_js_bundling = 0",
            "dev/js/minify_files = 0",
            "dev/js/merge_files = 0",
        ]
    );
    let (run, makes) = step(&given).unwrap();
    assert_eq!(run, "/usr/bin/env BALER_PHP_PATH=/usr/bin/php /usr/bin/node /usr/local/bin/baler build");
    assert_eq!(
        makes,
        [
            "pub/static/frontend/*/*/*/balerbundles/core-bundle.js",
            "pub/static/frontend/*/*/*/requirejs-bundle-config.js",
        ]
    );
}

#[test]
fn named_themes_are_bundled_and_verified_one_by_one() {
    let given =
        contribute(r#"{"themes": ["Acme/default", "Acme/b2b"], "script": "/opt/baler/bin/baler"}"#).unwrap();
    let (run, makes) = step(&given).unwrap();
    assert!(run.ends_with("/opt/baler/bin/baler build --theme Acme/default --theme Acme/b2b"), "{run}");
    assert_eq!(makes.len(), 4);
    assert_eq!(makes[2], "pub/static/frontend/Acme/b2b/*/balerbundles/core-bundle.js");
}

#[test]
fn magepack_leaves_minified_and_merged_files_as_the_shop_has_them() {
    let given = contribute(r#"{"tool": "magepack", "themes": ["Acme/default", "Acme/b2b"]}"#).unwrap();
    assert_eq!(
        flags(&given),
        [
            "dev/js/enable_baler_js_bundling = 0",
            "dev/js/enable_magepack_js_bundling = 1",
            "dev/js/enable_js_bundling = 0",
        ]
    );
    let (run, makes) = step(&given).unwrap();
    assert_eq!(
        run,
        "/usr/bin/node /usr/local/bin/magepack bundle --glob pub/static/frontend/{Acme/default,Acme/b2b}/*"
    );
    assert_eq!(makes[0], "pub/static/frontend/Acme/default/*/magepack/bundle-common*.js");
}

#[test]
fn switched_off_no_flag_asks_for_bundles_and_nothing_is_made() {
    for tool in ["baler", "magepack"] {
        let given = contribute(&format!(r#"{{"tool": "{tool}", "enabled": false}}"#)).unwrap();
        assert!(flags(&given).iter().all(|it| it.ends_with(" = 0")), "{given:?}");
        assert_eq!(step(&given), None);
    }
}

#[test]
fn every_mistake_is_said_at_once_with_its_option() {
    let wrong =
        contribute(r#"{"themes": ["default", "Magento/blank", "../x"], "node": "node"}"#).unwrap_err();
    assert_eq!(
        wrong,
        [
            "themes[0]: \"default\" is no theme",
            "themes[1]: no tool bundles Magento/blank: it is there to be inherited from",
            "themes[2]: \"../x\" is no theme",
            "node: `node` must be the whole path of a program, not \"node\"",
        ]
    );
}

#[test]
fn a_tool_that_does_not_exist_suggests_the_nearest() {
    let wrong = call(&Baler, "bundle", r#"{"tool": "magepak"}"#).unwrap_err();
    assert_eq!(wrong[0].help.as_deref(), Some("did you mean \"magepack\"?"));
}
