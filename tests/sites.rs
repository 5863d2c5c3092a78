//! Several sites in one folder: which one a command means.

use crate::shop::{Shop, text};

const SHOP: &str = r#"
site("first", #{ magento: #{ version: "2.4.6", release: path("release") } });
website("pl", #{ hosts: ["acme.pl"] });
"#;

#[test]
fn a_command_with_a_script_takes_the_site_it_declares_and_refuses_another() {
    let shop = Shop::new(SHOP);
    for command in [&["check", "shop.rhai"][..], &["plan", "shop.rhai"], &["graph", "shop.rhai"]] {
        shop.must(&[command, &["--site", "first"]].concat());
        let refused = shop.mops(&[command, &["--site", "second"]].concat());
        assert_eq!(refused.status.code(), Some(1), "{command:?}");
        assert_eq!(
            text(&refused.stderr),
            "error: shop.rhai declares the site `first`, and --site says `second`\n\
             help: name the script of that site, or leave --site out\n",
            "{command:?}"
        );
    }
    let refused = shop.mops(&["script", "shop.rhai", "--yes", "--site", "second"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(!shop.folder().join(".mops/local").exists());
}
