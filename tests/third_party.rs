//! A third party's plugin: written, built and tested outside this workspace, pinned, used, and refused when it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use mops_store::{Directory, Store};

use crate::shop::{Shop, eventually, mops, program, scripts, text};

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
    assert_eq!(
        shop.kept("acme-custom", "mops.lock"),
        fs::read_to_string(shop.folder().join("mops.lock")).unwrap()
    );
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
fn what_is_looked_up_knows_the_libraries_of_mops_toml_and_of_a_script() {
    let shop = Shop::new(&format!("plugin(\"./libzoo.so\");{SHOP}"));
    fs::copy(zoo(), shop.folder().join("libzoo.so")).unwrap();
    let unknown = shop.mops(&["explain", "zoo::animal"]);
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stdout));
    // What is not pinned is told, and what else is asked is answered.
    let unpinned = shop.mops(&["explain", "varnish::cache", "shop.rhai"]);
    assert_eq!(unpinned.status.code(), Some(0));
    assert!(text(&unpinned.stderr).contains("shop.rhai:1:8") && !unpinned.stdout.is_empty());
    assert_eq!(shop.mops(&["docs", "--out", "reference", "shop.rhai"]).status.code(), Some(1));

    shop.lock_only_this();
    assert!(shop.must(&["explain", "zoo::animal", "shop.rhai"]).contains("zoo::animal(\"tame\");"));
    assert_eq!(shop.mops(&["explain", "zoo"]).status.code(), Some(1));
    shop.must(&["docs", "--out", "reference", "shop.rhai"]);
    let page = |shop: &Shop| fs::read_to_string(shop.folder().join("reference/index.html")).unwrap();
    assert!(page(&shop).contains("zoo"));
    shop.must(&["docs", "--out", "reference"]);
    assert!(!page(&shop).contains("zoo"));
    fs::write(shop.folder().join("mops.toml"), "[plugins]\nzoo = { path = \"./libzoo.so\" }\n").unwrap();
    assert!(shop.must(&["explain", "zoo::animal.how"]).contains("tame"));
    shop.must(&["docs", "--out", "reference"]);
    assert!(page(&shop).contains("zoo"));
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

#[test]
fn a_library_that_never_answers_goes_with_whoever_asked_it() {
    let shop = Shop::new(&format!("plugin(\"./libzoo.so\");{SHOP}zoo::animal(\"loops\");"));
    fs::copy(zoo(), shop.folder().join("libzoo.so")).unwrap();
    shop.lock_only_this();
    let mut asks = Command::new(program())
        .args(["check", "shop.rhai"])
        .current_dir(shop.folder())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let busy = |it: &Process| it.parent == asks.id() && it.ticks > 50;
    eventually("the library loops", || processes().iter().any(busy));
    let library = processes().into_iter().find(busy).unwrap().id;
    asks.kill().unwrap();
    asks.wait().unwrap();
    eventually("the library is gone", || processes().iter().all(|it| it.id != library || it.is_over));
}

/// A process, as `proc(5)` tells it.
pub(crate) struct Process {
    pub(crate) id: u32,
    pub(crate) parent: u32,
    /// Processor time that it took for itself, in hundredths of a second.
    ticks: u64,
    /// It has ended, and nobody asked how.
    is_over: bool,
}

pub(crate) fn processes() -> Vec<Process> {
    let read = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (id, rest) = stat.split_once(' ')?;
        let fields: Vec<&str> = rest.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Process {
            id: id.parse().ok()?,
            is_over: fields[0] == "Z",
            parent: fields[1].parse().ok()?,
            ticks: fields[11].parse().ok()?,
        })
    };
    fs::read_dir("/proc").unwrap().filter_map(|it| read(it.ok()?)).collect()
}

/// The library that misbehaves, which cargo built together with this test.
pub(crate) fn zoo() -> PathBuf {
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
pub(crate) fn keep_only(folder: &Path) {
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

    /// The source `path` of the newest generation.
    fn kept(&self, site: &str, path: &str) -> String {
        let store = Directory::open(self.folder().join(".mops/local").join(site).join("store")).unwrap();
        let newest = mops_store::latest(&store).unwrap().unwrap();
        text(&store.get(&newest.generation.sources[path]).unwrap())
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
