//! A third party's plugin: written, built and tested outside this workspace, pinned, used, and refused when it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::shop::{Shop, mops, program, scripts, text};

/// A shop that the zoo visits.
const SHOP: &str = r#"
site("visited", #{ magento: #{ version: "2.4.6", release: path("release") } });
website("pl", #{ hosts: ["acme.pl"] });
varnish::cache(#{ memory: "64M" });
"#;

/// What the plugin of the example says.
const NOTICE: &str = "Deliveries pause on 24 December";

#[test]
fn a_third_partys_plugin_is_made_built_pinned_and_used() {
    let folder = tempfile::tempdir().unwrap();
    let made = mops(folder.path(), &["plugin", "new", "acme-banner"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let library = build(&folder.path().join("acme-banner"));

    let shop = Shop::new(&fs::read_to_string(scripts().join("custom-plugin/shop.rhai")).unwrap());
    shop.refuses("plugin::missing", "./plugins/libacme_banner.so");
    let place = shop.folder().join("plugins/libacme_banner.so");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::copy(&library, &place).unwrap();
    shop.refuses("plugin::unpinned", "mops plugin lock");
    shop.lock_only_this();
    shop.apply();
    assert_eq!(shop.get("pl", "/cat", &[]).header("x-notice"), Some(NOTICE.to_lowercase().as_str()));
    assert_eq!(shop.get("pl", "/", &[]).header("x-notice"), None);

    let before = shop.status();
    let whole = fs::read(&place).unwrap();
    fs::write(&place, [whole.as_slice(), b"more"].concat()).unwrap();
    shop.refuses("plugin::changed", "mops plugin lock");
    fs::write(&place, &whole[..whole.len() / 2]).unwrap();
    shop.refuses("plugin::broken", "./plugins/libacme_banner.so");
    fs::remove_file(&place).unwrap();
    shop.refuses("plugin::missing", "./plugins/libacme_banner.so");
    assert_eq!(shop.status()["generation"], before["generation"]);
    assert_eq!(shop.get("pl", "/cat", &[]).status, 200);
    shop.must(&["destroy", "--yes"]);
}

#[test]
fn a_library_is_named_in_mops_toml_too() {
    let library = zoo();
    let shop = Shop::new(&format!("{SHOP}zoo::animal(\"panics\");"));
    fs::write(shop.folder().join("mops.toml"), "[plugins]\nzoo = { path = \"libzoo.so\" }\n").unwrap();
    fs::copy(&library, shop.folder().join("libzoo.so")).unwrap();
    shop.lock_only_this();
    shop.refuses("plugin::panicked", "the plugin `zoo` has a bug: the tiger is loose");
    shop.write(&format!("{SHOP}zoo::animal(\"tame\");"));
    shop.must(&["check", "shop.rhai"]);
    fs::write(shop.folder().join("mops.toml"), "[plugins]\nlion = { path = \"libzoo.so\" }\n").unwrap();
    shop.refuses("plugin::disagrees", "calls itself `zoo`, and mops.toml calls it `lion`");
}

#[test]
fn a_library_in_the_users_own_folder_goes_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let shop = Shop::new(&format!("plugin(\"zoo\");{SHOP}zoo::animal(\"tame\");"));
    fs::create_dir_all(home.path().join("mops/plugins")).unwrap();
    fs::copy(zoo(), home.path().join("mops/plugins/libzoo.so")).unwrap();
    keep_only(shop.folder());
    for arguments in [["plugin", "lock"], ["check", "shop.rhai"], ["plugin", "list"]] {
        let output = Command::new(program())
            .args(arguments)
            .env("XDG_DATA_HOME", home.path())
            .current_dir(shop.folder())
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// The library that misbehaves, which cargo built together with this test.
fn zoo() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().join("libmops_zoo.so")
}

/// Tests and builds the crate in `folder` as its author would; returns the library.
fn build(folder: &Path) -> PathBuf {
    let target = program().parent().unwrap().join("../scaffold");
    for command in ["test", "build"] {
        let output = Command::new(env!("CARGO"))
            .args([command, "--offline"])
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", &target)
            .output()
            .unwrap();
        assert!(output.status.success(), "cargo {command}: {}", text(&output.stderr));
    }
    target.join("debug/libacme_banner.so")
}

/// Removes the other scripts of a folder: `mops plugin lock` reads them all.
fn keep_only(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
        let is_other = entry.extension().is_some_and(|it| it == "rhai") && !entry.ends_with("shop.rhai");
        if is_other {
            fs::remove_file(entry).unwrap();
        }
    }
}

impl Shop {
    /// Pins what `shop.rhai` and `mops.toml` name.
    #[track_caller]
    fn lock_only_this(&self) {
        keep_only(self.folder());
        self.must(&["plugin", "lock"]);
    }

    /// The script is refused with this code, and the message holds these words.
    #[track_caller]
    fn refuses(&self, code: &str, words: &str) {
        let output = self.mops(&["plan", "shop.rhai"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(code) && said.contains(words), "{said}");
    }
}
