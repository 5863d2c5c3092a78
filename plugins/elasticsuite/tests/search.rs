//! What `elasticsuite::search` renders, what its programs do with an installation, and what Magento is told.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::fs::{Permissions, create_dir_all, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mops_elasticsuite::Elasticsuite;
use mops_plugin::model::{Diagnostic, Options, Value};
use mops_plugin::slot::{MagentoConfig, MagentoEnv, Slot};
use mops_plugin::testing::{call, context, fill, website};
use mops_plugin::{Context, Lowered, Plugin, Slots};

fn shop() -> Context {
    context(vec![website("pl", "acme.pl")])
}

fn lower(options: &str, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
    Elasticsuite.lower(&call(&Elasticsuite, "search", options).unwrap(), context, &Slots::default())
}

fn messages(all: &[Diagnostic]) -> Vec<&str> {
    all.iter().map(|it| it.message.as_str()).collect()
}

const FACTS: [(&str, &str); 7] = [
    ("name", "persistent-1"),
    ("address", "127.0.1.4"),
    ("port.search.http", "29200"),
    ("data.search", "/data/search"),
    ("log", "/log"),
    ("tmp", "/tmp/1"),
    ("current", "/run/current"),
];

/// A file without comments and empty lines.
fn settings(lowered: &Lowered, path: &str) -> Vec<String> {
    let file = lowered.files.iter().find(|it| it.path == path).unwrap();
    let text = fill(&file.text, &FACTS);
    text.lines().filter(|it| !it.starts_with('#') && !it.is_empty()).map(str::to_owned).collect()
}

#[test]
fn opensearch_listens_on_its_own_address_and_keeps_to_its_own_folders() {
    let lowered = lower("{}", &shop()).unwrap();
    assert_eq!(
        settings(&lowered, "search/opensearch.yml"),
        [
            r#"cluster.name: "acme""#,
            r#"node.name: "persistent-1""#,
            r#"path.data: "/data/search""#,
            r#"path.logs: "/log""#,
            r#"http.host: "127.0.1.4""#,
            "http.port: 29200",
            "discovery.type: single-node",
            "transport.host: 127.0.0.1",
            "transport.port: 0",
            "indices.query.bool.max_clause_count: 10240",
            "node.store.allow_mmap: false",
        ]
    );
    assert_eq!(
        settings(&lowered, "search/jvm.options"),
        ["-Xms1024m", "-Xmx1024m", "-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile=/log/search-jvm-error.log"]
    );
    assert!(lowered.directories["persistent"]["search"].holds_data);
    assert_eq!(lowered.flows.len(), 1);
}

#[test]
fn elasticsearch_has_its_own_words_for_no_accounts() {
    let lowered = lower(r#"{"engine": "elasticsearch", "heap": "512M"}"#, &shop()).unwrap();
    let yml = settings(&lowered, "search/elasticsearch.yml");
    assert!(yml.contains(&"xpack.security.enabled: false".to_owned()), "{yml:?}");
    assert_eq!(settings(&lowered, "search/jvm.options")[..2], ["-Xms512m", "-Xmx512m"]);
    let yml = settings(&lower("{}", &shop()).unwrap(), "search/opensearch.yml");
    assert!(yml.iter().all(|it| !it.starts_with("xpack")), "{yml:?}");
}

#[test]
fn the_heap_stays_within_what_javas_short_pointers_reach() {
    let mut shop = shop();
    shop.groups[2].memory = "128G".parse().unwrap();
    let lowered = lower(r#"{"memory": "96G"}"#, &shop).unwrap();
    assert_eq!(lowered.settings["elasticsuite.heap"].as_text(), Some("31G"));
}

#[test]
fn magento_learns_the_servers_without_a_scheme_and_the_form_of_the_indexes() {
    let call = call(&Elasticsuite, "search", r#"{"shards": 2}"#).unwrap();
    let given = Elasticsuite.contribute(&call, &shop()).unwrap();
    let configs = given.iter().filter(|it| it.slot == MagentoConfig::NAME);
    let shown = |it: MagentoConfig| format!("{} = {}", it.path, fill(&it.value, &FACTS));
    let configs: Vec<String> = configs.map(|it| shown(it.value.parse().unwrap())).collect();
    assert_eq!(
        configs,
        [
            "catalog/search/engine = elasticsuite",
            "smile_elasticsuite_core_base_settings/es_client/servers = 127.0.1.4:29200",
            "smile_elasticsuite_core_base_settings/es_client/enable_https_mode = 0",
            "smile_elasticsuite_core_base_settings/es_client/enable_http_auth = 0",
            "smile_elasticsuite_core_base_settings/indices_settings/alias = acme",
            "smile_elasticsuite_core_base_settings/indices_settings/number_of_shards = 2",
            "smile_elasticsuite_core_base_settings/indices_settings/number_of_replicas = 0",
        ]
    );
    let cache: MagentoEnv = given.last().unwrap().value.parse().unwrap();
    assert_eq!((cache.path.as_str(), cache.value), ("cache_types/elasticsuite", Value::Int(1)));
}

#[test]
fn a_version_that_magento_is_not_tested_with_is_worth_a_warning() {
    let mut shop = shop();
    let magento = Value::Record(Options::from([("version".to_owned(), "2.4.7-p3".into())]));
    shop.site.options.insert("magento".to_owned(), magento);
    assert_eq!(lower(r#"{"version": "2.12"}"#, &shop).unwrap().warnings, []);
    let warnings = lower(r#"{"engine": "elasticsearch", "version": "7.17"}"#, &shop).unwrap().warnings;
    assert_eq!(messages(&warnings), ["Magento 2.4.7-p3 is not tested with elasticsearch 7"]);
    assert_eq!(warnings[0].help.as_deref(), Some("Magento 2.4.7 is tested with elasticsearch 8"));
}

#[test]
fn replicas_without_a_second_node_are_worth_a_warning() {
    let warnings = lower(r#"{"replicas": 1}"#, &shop()).unwrap().warnings;
    assert_eq!(messages(&warnings), ["`replicas` is 1, but there is one node: no copy has a place"]);
}

#[test]
fn every_mistake_is_said_at_once() {
    let options = r#"{"version": "latest", "home": "opensearch", "heap": "4G", "memory": "6G"}"#;
    let wrong = lower(options, &shop()).unwrap_err();
    assert_eq!(
        messages(&wrong),
        [
            "\"latest\" is no version",
            "`home` must be the whole path of a folder",
            "`heap` is 4G, more than half of `memory` (6G)",
        ]
    );
}

#[test]
fn more_memory_than_the_node_has_is_worth_a_warning() {
    let warnings = lower(r#"{"memory": "6G"}"#, &shop()).unwrap().warnings;
    assert_eq!(messages(&warnings), ["`memory` is 6G, more than a node of `persistent` has (4G)"]);
    assert_eq!(warnings[0].help.as_deref(), Some("write role(\"persistent\", #{ memory: \"6G\" }) or more"));
}

#[test]
fn options_are_within_bounds() {
    let refused = |options| call(&Elasticsuite, "search", options).unwrap_err()[0].message.clone();
    assert_eq!(refused(r#"{"heap": "32G"}"#), "`heap` must be at most 31G, not 32G");
    assert_eq!(refused(r#"{"shards": 0}"#), "`shards` must be at least 1, not 0");
    assert_eq!(
        refused(r#"{"engine": "solr"}"#),
        "`engine`: \"solr\" is not \"opensearch\" or \"elasticsearch\""
    );
}

/// A node beside a stand-in for an installation, whose engine tells what it was started with.
struct Node {
    folder: tempfile::TempDir,
    lowered: Lowered,
}

impl Node {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("it's home");
        let options = format!(r#"{{"home": "{}"}}"#, home.display());
        let node = Self { lowered: lower(&options, &shop()).unwrap(), folder };
        node.write(
            "it's home/bin/opensearch",
            "#!/bin/sh\ncd \"$OPENSEARCH_PATH_CONF\"\ngrep -r . . | sort\n",
        );
        node.write("it's home/config/opensearch.yml", "cluster.name: theirs\n");
        node.write(
            "it's home/config/jvm.options",
            "-Xms1g\n9-:-Xlog:gc*:file=logs/gc.log\n-XX:HeapDumpPath=data\n21-:-javaagent:agent/opensearch-agent.jar\n",
        );
        create_dir_all(node.path("tmp")).unwrap();
        let (tmp, current) =
            (node.path("tmp").display().to_string(), node.path("current").display().to_string());
        let mut facts: Vec<_> =
            FACTS.into_iter().filter(|(name, _)| !matches!(*name, "tmp" | "current")).collect();
        facts.extend([("tmp", tmp.as_str()), ("current", current.as_str())]);
        for file in &node.lowered.files {
            node.write(&format!("current/files/{}", file.path), &fill(&file.text, &facts));
        }
        node
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes the files that a node would")]
    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    }

    fn run(&self, program: &str) -> Output {
        let program: &Path = &self.path("current/files/search").join(program);
        Command::new(program).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
    }
}

#[test]
fn the_check_names_each_missing_plugin_with_the_command_that_installs_it() {
    let node = Node::new();
    let output = node.run("check");
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let home = node.path("it's home").display().to_string();
    assert!(said.contains(&format!("{home}/bin/opensearch-plugin install analysis-icu\n")), "{said}");
    assert!(said.contains(&format!("{home}/bin/opensearch-plugin install analysis-phonetic\n")), "{said}");
    for plugin in ["analysis-icu", "analysis-phonetic"] {
        create_dir_all(node.path("it's home/plugins").join(plugin)).unwrap();
    }
    assert!(node.run("check").status.success());
}

#[test]
fn the_start_lays_our_settings_over_the_installations_and_leaves_out_its_log_files() {
    let node = Node::new();
    for _ in 0..2 {
        let output = node.run("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let settings = String::from_utf8(output.stdout).unwrap();
        let has = |line: &str| settings.lines().any(|it| it == line);
        assert!(has(r#"./opensearch.yml:cluster.name: "acme""#), "{settings}");
        assert!(has("./jvm.options:21-:-javaagent:agent/opensearch-agent.jar"), "{settings}");
        assert!(has("./jvm.options.d/zz-mops.options:-Xmx1024m"), "{settings}");
        for absent in ["gc.log", "HeapDumpPath", "cluster.name: theirs", "plugins.security"] {
            assert!(!settings.contains(absent), "{absent}: {settings}");
        }
    }
    create_dir_all(node.path("it's home/plugins/opensearch-security")).unwrap();
    let settings = String::from_utf8(node.run("start").stdout).unwrap();
    assert!(settings.contains("./opensearch.yml:plugins.security.disabled: true"), "{settings}");
}
