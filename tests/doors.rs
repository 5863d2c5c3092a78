//! Plugins as libraries: a script cannot tell a linked one from a loaded one, and nothing that a library does harms the run.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use mops_load::{Child, Guard, Library, Opened};
use mops_lower::{Lowering, World, lower};
use mops_model::{Diagnostic, Digest, Environment, Name, Site};
use mops_plugin::{Encoded, Linked, Lowered, Registry, Slots, Transport, testing};
use tempfile::TempDir;

use crate::shop::{program, scripts};

/// Every plugin of the workspace: its crate, and itself.
const PLUGINS: [(&str, Linked); 12] = [
    ("mops_baler", Linked(&mops_baler::Baler)),
    ("mops_cdn", Linked(&mops_cdn::Cdn)),
    ("mops_certificates", Linked(&mops_certificates::Certificates)),
    ("mops_elasticsuite", Linked(&mops_elasticsuite::Elasticsuite)),
    ("mops_geo_redirects", Linked(&mops_geo_redirects::GeoRedirects)),
    ("mops_magento", Linked(&mops_magento::Magento)),
    ("mops_nginx", Linked(&mops_nginx::Nginx)),
    ("mops_php", Linked(&mops_php::Php)),
    ("mops_rabbitmq", Linked(&mops_rabbitmq::Rabbitmq)),
    ("mops_redis", Linked(&mops_redis::Redis)),
    ("mops_throttling", Linked(&mops_throttling::Throttling)),
    ("mops_varnish", Linked(&mops_varnish::Varnish)),
];

/// How a plugin is reached.
#[derive(Clone, Copy, Debug)]
enum Way {
    Linked,
    Loaded,
    Guarded,
}

#[test]
fn every_plugin_is_the_same_linked_loaded_and_guarded() {
    let script = fs::read_to_string(scripts().join("full.rhai")).unwrap();
    let linked = registry(|_| Way::Linked);
    let site = site(&script, &linked);
    let expected = lowered(&site, &linked).unwrap();
    for way in [Way::Loaded, Way::Guarded] {
        let registry = registry(|_| way);
        for (one, other) in registry.manifests().zip(linked.manifests()) {
            assert_eq!(one, other, "{way:?}");
        }
        let found = lowered(&site, &registry).unwrap();
        assert_eq!(found.graph, expected.graph, "{way:?}");
        assert_eq!(found.objects, expected.objects, "{way:?}");
        assert_eq!(found.settings, expected.settings, "{way:?}");
        assert_eq!(found.warnings, expected.warnings, "{way:?}");
    }
}

#[test]
fn the_mistakes_that_plugins_find_are_the_same_linked_loaded_and_guarded() {
    let [linked, loaded, guarded] = [Way::Linked, Way::Loaded, Way::Guarded].map(|way| registry(|_| way));
    for script in ["redis-too-large", "consumer-without-broker", "sessions-evicted", "rate-inexpressible"] {
        let script =
            fs::read_to_string(scripts().join("../tests/wrong").join(format!("{script}.rhai"))).unwrap();
        let site = site(&script, &linked);
        let expected = lowered(&site, &linked).unwrap_err();
        assert_eq!(lowered(&site, &loaded).unwrap_err(), expected, "{script}");
        assert_eq!(lowered(&site, &guarded).unwrap_err(), expected, "{script}");
    }
}

#[test]
fn a_panic_is_the_same_error_linked_loaded_and_guarded() {
    let [linked, loaded, guarded] = [Way::Linked, Way::Loaded, Way::Guarded].map(|way| {
        let mut registry = Registry::new([]);
        registry.add(transport("mops_zoo", Linked(&mops_zoo::Zoo), way)).unwrap();
        animal(&registry, "panics").unwrap_err()
    });
    assert_eq!(linked.message, "the plugin `zoo` has a bug: the tiger is loose");
    assert_eq!(loaded, linked);
    assert_eq!(guarded, linked);
}

#[test]
fn a_library_that_misbehaves_ends_in_an_error_that_names_it_and_the_others_answer() {
    let cases = [
        ("hogs", "plugin::memory", "wants more than 1 GiB of memory"),
        ("recurses", "plugin::ended", "SIGABRT"),
        ("exits", "plugin::ended", "SIGABRT"),
        ("escapes", "plugin::disagrees", "`../../escaped` would lie outside"),
        ("babbles", "plugin::panicked", "its answer is longer than 64 MiB"),
    ];
    for (how, code, words) in cases {
        let registry = zoo_and_throttling();
        let wrong = animal(&registry, how).unwrap_err();
        assert_eq!(wrong.code, code, "{how}: {wrong:?}");
        assert!(wrong.message.contains("zoo") && wrong.message.contains(words), "{how}: {wrong:?}");
        assert!(wrong.help.is_some(), "{how}: {wrong:?}");
        throttling_answers(&registry);
    }
}

#[test]
fn a_library_that_never_answers_is_ended() {
    let registry = zoo_and_throttling();
    let began = Instant::now();
    let first = animal(&registry, "loops").unwrap_err();
    assert_eq!(first.code, "plugin::time");
    assert!(first.message.contains("did not answer within 10 seconds"), "{first:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(animal(&registry, "tame").unwrap_err(), first);
    assert!(began.elapsed() < Duration::from_secs(15), "it was waited for twice");
    throttling_answers(&registry);
}

#[test]
fn a_guarded_library_reaches_nothing() {
    let child = guarded("mops_zoo");
    assert_eq!(child.guards(), Guard::ALL, "this kernel lacks a guard that these tests need");
    let mut registry = Registry::new([]);
    registry.add(Box::new(child)).unwrap();
    for how in ["reads", "writes", "listens", "executes", "forks"] {
        let wrong = animal(&registry, how).unwrap_err();
        assert_eq!((wrong.code.as_str(), wrong.message.as_str()), REFUSED, "{how}");
    }
    let seen = animal(&registry, "peeks").unwrap();
    assert_eq!(seen.settings["zoo.environment"].as_text(), Some(""));
    animal(&registry, "prints").unwrap();
    animal(&registry, "tame").unwrap();
}

/// What the kernel says to what a plugin may not do.
const REFUSED: (&str, &str) = ("zoo::refused", "Permission denied (os error 13)");

#[test]
fn a_door_that_lies_is_an_error_that_names_the_library() {
    let cases = [
        ("OTHER_ABI", "plugin::wrong-abi", "speaks ABI 7, and this mops speaks 2"),
        ("GARBAGE", "plugin::disagrees", "cannot be read"),
        ("UNASKED", "plugin::disagrees", "answered with contributions unasked"),
        ("LONGER", "plugin::memory", "wants more than 1 GiB"),
        ("DEEP", "plugin::disagrees", "cannot be read"),
        ("DOORLESS", "plugin::no-plugin", "it exports no door"),
        ("ENDLESS_START", "plugin::time", "within 10 seconds"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (how, code, words) in cases {
        let path = folder.path().join(format!("lib{how}.so"));
        compile(how, &path);
        let opened =
            Library::read("./liar.so", &path).and_then(|it| Child::open(&program(), &it, folder.path()));
        let wrong = match opened {
            Ok(child) => Registry::new([]).add(Box::new(child)).map(|_| ()).unwrap_err(),
            Err(wrong) => wrong,
        };
        assert_eq!(wrong.code, code, "{how}: {wrong:?}");
        assert!(wrong.message.contains("./liar.so") && wrong.message.contains(words), "{how}: {wrong:?}");
        assert!(wrong.help.is_some(), "{how}: {wrong:?}");
    }
}

#[test]
fn what_is_no_whole_library_for_this_machine_is_never_opened() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(library_path("mops_throttling")).unwrap();
    let read = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Library::read(name, &path).map(|_| ()).unwrap_err()
    };
    assert_eq!(read("text.so", b"#!/bin/sh\n").code, "plugin::no-library");
    assert_eq!(read("empty.so", b"").code, "plugin::no-library");
    for part in [1_000, whole.len() / 2, whole.len() - 1] {
        assert_eq!(read("cut.so", &whole[..part]).code, "plugin::broken", "{part}");
    }
    let missing = Library::read("./gone.so", &folder.path().join("gone.so")).unwrap_err();
    assert_eq!(
        (missing.code.as_str(), missing.message.as_str()),
        ("plugin::missing", "there is no plugin library `./gone.so`")
    );
    let other = folder.path().join("other.so");
    fs::write(&other, &whole).unwrap();
    // The machine stands at byte 18 of an ELF file; 243 is RISC-V.
    fs::File::options().write(true).open(&other).unwrap().write_at(&[243, 0], 18).unwrap();
    let wrong = Library::read("other.so", &other).unwrap_err();
    assert_eq!(wrong.code, "plugin::wrong-architecture");
    assert!(wrong.message.contains("Riscv64"), "{}", wrong.message);
}

/// The plugins of the workspace, each reached as `way` says.
fn registry(way: impl Fn(&str) -> Way) -> Registry {
    let mut registry = Registry::new([]);
    for (name, plugin) in PLUGINS {
        registry.add(transport(name, plugin, way(name))).unwrap();
    }
    registry
}

fn transport(name: &str, plugin: Linked, way: Way) -> Box<dyn Transport> {
    match way {
        Way::Linked => Box::new(plugin),
        Way::Loaded => {
            let library = Library::read(name, &library_path(name)).unwrap();
            Box::new(Opened::open(&library, cache().path()).unwrap())
        }
        Way::Guarded => Box::new(guarded(name)),
    }
}

fn guarded(name: &str) -> Child {
    let library = Library::read(name, &library_path(name)).unwrap();
    Child::open(&program(), &library, cache().path()).unwrap()
}

fn cache() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The library that cargo built together with this test.
fn library_path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().join(format!("lib{name}.so"))
}

fn zoo_and_throttling() -> Registry {
    let mut registry = Registry::new([Linked(&mops_throttling::Throttling)]);
    registry.add(Box::new(guarded("mops_zoo"))).unwrap();
    registry
}

fn animal(registry: &Registry, how: &str) -> Result<Lowered, Diagnostic> {
    let call = testing::call(&mops_zoo::Zoo, "animal", &format!("{{ \"how\": \"{how}\" }}")).unwrap();
    let context = Encoded::of(&testing::context(Vec::new()));
    registry.lower(&call, &context, &Encoded::of(&Slots::default())).map_err(|mut it| it.remove(0))
}

#[track_caller]
fn throttling_answers(registry: &Registry) {
    let call =
        testing::call(&mops_throttling::Throttling, "limit", r#"{ "name": "login", "rate": "10/1m" }"#)
            .unwrap();
    registry.contribute(&call, &Encoded::of(&testing::context(Vec::new()))).unwrap();
}

fn compile(how: &str, path: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo/doors.c");
    let done =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-D", how, "-o"]).arg(path).arg(source).status();
    assert!(done.unwrap().success(), "cc: install gcc and libc6-dev");
}

fn site(script: &str, registry: &Registry) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let sources = mops_eval::Folder::open(&scripts(), &folder.path().join("cache.json")).unwrap();
    let catalog = mops_local::catalog();
    let world = mops_eval::World {
        manifests: registry.manifests().collect(),
        catalog: &catalog,
        parameters: BTreeMap::new(),
        environment: Name::literal("local"),
    };
    let script = Script { sources, text: script.to_owned() };
    mops_eval::eval("test.rhai", &script, &world).unwrap_or_else(|err| panic!("{:?}", err.diagnostics)).site
}

/// A script of the test's own in the folder of the examples.
struct Script {
    sources: mops_eval::Folder,
    text: String,
}

impl mops_eval::Sources for Script {
    fn read(&self, path: &str) -> Result<String, mops_eval::SourceError> {
        match path {
            "test.rhai" => Ok(self.text.clone()),
            path => self.sources.read(path),
        }
    }

    fn input(&self, path: &str) -> Result<mops_eval::InputFound, mops_eval::SourceError> {
        self.sources.input(path)
    }
}

fn lowered(site: &Site, registry: &Registry) -> Result<Lowering, Vec<Diagnostic>> {
    let versions = site.secrets.keys().map(|it| (it.clone(), Digest::of(b""))).collect();
    let world =
        World { environment: &Environment::local(), catalog: &mops_local::catalog(), secrets: &versions };
    lower(site, registry, &world)
}
