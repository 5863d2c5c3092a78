//! `elasticsuite::search`: the engine on the persistent node.

use std::collections::BTreeMap;

use mops_plugin::model::{
    Call, Daemon, Diagnostic, Directory, Duration, Encoding, FlowEnd, Listen, Loses, Name, OnChange,
    Protocol, ProviderName, Ready, ReadyCheck, Reload, Size, Stop, StopSignal, Text,
};
use mops_plugin::slot::{MagentoConfig, MagentoEnv, Slot};
use mops_plugin::{Context, Contribution, Lowered, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::versions;

/// A search engine on the persistent node, for `ElasticSuite`.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Search {
    /// The engine. `opensearch` by default.
    #[serde(default)]
    engine: Engine,
    /// The version that is installed, such as `2.5`: compared with what Magento is tested with.
    version: Option<String>,
    /// The folder of an unpacked release, with `bin`, `config` and `plugins`, readable by the node's user.
    /// `/usr/share/<engine>` by default.
    home: Option<String>,
    /// Memory meant for the engine: heap, and the system's cache of index files. At least 1G, 2G by default.
    #[serde(default = "memory")]
    #[schemars(extend("x-min" = "1G"))]
    memory: Size,
    /// The heap of Java. Half of `memory` by default; at most half of it, and 31G, beyond which Java's pointers grow.
    #[schemars(extend("x-min" = "512M", "x-max" = "31G"))]
    heap: Option<Size>,
    /// Into how many parts an index is split. From 1 to 64, 1 by default.
    #[serde(default = "shards")]
    #[schemars(range(min = 1, max = 64))]
    shards: u32,
    /// How many copies of each part other nodes hold. From 0 to 10, 0 by default: there is one node.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    replicas: u32,
    /// What the names of the indexes begin with. The site's name by default.
    #[schemars(with = "Option<String>", extend("format" = "name"))]
    alias: Option<Name>,
    /// How many clauses a query may have. From 1024 to 65536, 10240 by default.
    #[serde(default = "max_clauses")]
    #[schemars(range(min = 1024, max = 65536))]
    max_clauses: u32,
}

/// A search engine.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// `OpenSearch`.
    #[default]
    Opensearch,
    /// Elasticsearch.
    Elasticsearch,
}

/// The greatest heap whose pointers Java keeps in 32 bits, with some room.
const MAX_HEAP: Size = Size::mebibytes(31 * 1024);

const ENGINE: Template = Template {
    name: "search/engine.yml",
    text: include_str!("../templates/engine.yml"),
    encoding: Encoding::Json,
};
const JVM: Template = Template {
    name: "search/jvm.options",
    text: include_str!("../templates/jvm.options"),
    encoding: Encoding::Raw,
};
const START: Template =
    Template { name: "search/start", text: include_str!("../templates/start"), encoding: Encoding::Shell };
const CHECK: Template =
    Template { name: "search/check", text: include_str!("../templates/check"), encoding: Encoding::Shell };

/// Where the application's nodes find it: without a scheme, as `ElasticSuite` wants it.
const SERVERS: Template = Template {
    name: "search/servers",
    text: "{{ each('persistent') }}{{ there('address') }}:{{ there('port.search.http') }}{{ end() }}",
    encoding: Encoding::Raw,
};

fn memory() -> Size {
    Size::mebibytes(2048)
}

fn shards() -> u32 {
    1
}

fn max_clauses() -> u32 {
    10_240
}

impl Engine {
    /// As a script writes it; also its program.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Opensearch => "opensearch",
            Self::Elasticsearch => "elasticsearch",
        }
    }
}

impl Search {
    /// The options of `call`.
    pub(crate) fn of(call: &Call) -> Self {
        call.parse().expect("the call was checked against these options")
    }

    /// What Magento is told.
    ///
    /// # Errors
    /// When the engine cannot be as it was asked for.
    pub(crate) fn contribute(&self, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        self.check(context)?;
        let servers = SERVERS.render(BTreeMap::<&str, &str>::new()).map_err(|it| vec![it])?;
        let base = |path: &str| format!("smile_elasticsuite_core_base_settings/{path}");
        let configs: [(String, Text); 7] = [
            ("catalog/search/engine".to_owned(), "elasticsuite".into()),
            (base("es_client/servers"), servers),
            (base("es_client/enable_https_mode"), "0".into()),
            (base("es_client/enable_http_auth"), "0".into()),
            (base("indices_settings/alias"), self.alias(context).into()),
            (base("indices_settings/number_of_shards"), self.shards.to_string().into()),
            (base("indices_settings/number_of_replicas"), self.replicas.to_string().into()),
        ];
        let config = |(path, value)| MagentoConfig { website: None, path, value }.contribution();
        // ElasticSuite's own cache, of mappings and the like; off, each search reads them again.
        let cache = MagentoEnv { path: "cache_types/elasticsuite".to_owned(), value: 1.into() };
        Ok(configs.into_iter().map(config).chain([cache.contribution()]).collect())
    }

    /// The daemon, its files and who may reach it.
    ///
    /// # Errors
    /// When the engine cannot be as it was asked for.
    pub(crate) fn lower(&self, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
        let major = self.check(context)?;
        let values = self.values(context);
        let render = |template: &Template| template.render(&values).map_err(|it| vec![it]);
        let engine = format!("search/{}.yml", self.engine.name());
        let log4j2 = include_str!("../templates/log4j2.properties").into();

        let mut lowered = Lowered::default();
        lowered.file("persistent", &engine, render(&ENGINE)?, "search", OnChange::Restart);
        lowered.file("persistent", "search/jvm.options", render(&JVM)?, "search", OnChange::Restart);
        lowered.file("persistent", "search/log4j2.properties", log4j2, "search", OnChange::Restart);
        lowered.program("persistent", "search/check", render(&CHECK)?, "search");
        lowered.program("persistent", "search/start", render(&START)?, "search");
        // The engine lives on in it: another start is another engine.
        lowered.files.last_mut().expect("just added").on_change = OnChange::Restart;
        lowered.directory("persistent", "search", Directory { shared: false, holds_data: true });
        lowered.daemon("persistent", "search", self.daemon());
        lowered.flow(FlowEnd::Role(Name::literal("app")), "persistent", "search", "http");
        lowered.setting("elasticsuite.engine", self.engine.name());
        lowered.setting("elasticsuite.heap", self.heap().to_string());
        if let Some(version) = &self.version {
            lowered.setting("elasticsuite.version", version.as_str());
        }
        lowered.warnings.extend(major.and_then(|it| versions::warning(&context.site, self.engine, it)));
        lowered.warnings.extend(self.no_place_for_copies().into_iter().chain(self.no_room(context)));
        Ok(lowered)
    }

    fn home(&self) -> String {
        self.home.clone().unwrap_or_else(|| format!("/usr/share/{}", self.engine.name()))
    }

    fn heap(&self) -> Size {
        self.heap.unwrap_or_else(|| half(self.memory).min(MAX_HEAP))
    }

    fn alias(&self, context: &Context) -> String {
        self.alias.as_ref().unwrap_or(&context.site.name).to_string()
    }

    fn no_place_for_copies(&self) -> Option<Diagnostic> {
        let message = format!("`replicas` is {}, but there is one node: no copy has a place", self.replicas);
        let help = "leave it out: the indexes stay yellow otherwise";
        let warning = Diagnostic::warning("elasticsuite::replicas", message).at_option("replicas").help(help);
        (self.replicas > 0).then_some(warning)
    }

    fn no_room(&self, context: &Context) -> Option<Diagnostic> {
        let has = context.group("persistent").map(|it| it.memory).filter(|it| self.memory > *it)?;
        let message = format!("`memory` is {}, more than a node of `persistent` has ({has})", self.memory);
        let help = format!("write role(\"persistent\", #{{ memory: \"{}\" }}) or more", self.memory);
        Some(Diagnostic::warning("elasticsuite::memory", message).at_option("memory").help(help))
    }

    /// The major version, when one was named.
    fn check(&self, context: &Context) -> Result<Option<u32>, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let major = self.version.as_deref().map(|it| it.split('.').next().unwrap_or(it).parse::<u32>());
        if let (Some(version), Some(Err(_))) = (&self.version, &major) {
            let message = format!("{version:?} is no version");
            let help = "write its numbers, such as \"2.5\" or \"8.11.4\"";
            wrong.push(Diagnostic::error("elasticsuite::version", message).at_option("version").help(help));
        }
        if self.home.as_deref().is_some_and(|it| !it.starts_with('/') || it.chars().any(char::is_control)) {
            let message = "`home` must be the whole path of a folder";
            wrong.push(Diagnostic::error("elasticsuite::home", message).at_option("home"));
        }
        if self.heap() > half(self.memory) {
            let message = format!("`heap` is {}, more than half of `memory` ({})", self.heap(), self.memory);
            let help = "the other half is the system's cache of index files: raise `memory` or lower `heap`";
            wrong.push(Diagnostic::error("elasticsuite::heap", message).at_option("heap").help(help));
        }
        let Some(group) = context.group("persistent") else {
            return Err(vec![Diagnostic::error(
                "elasticsuite::no-role",
                "no node plays the role `persistent`",
            )]);
        };
        if group.count != 1 {
            let message =
                format!("the engine runs on one node, but the role `persistent` has {}", group.count);
            let help = "write role(\"persistent\", #{ min: 1, max: 1 }): mops sets up no cluster of engines";
            wrong.push(Diagnostic::error("elasticsuite::one-node", message).help(help));
        }
        match wrong.is_empty() {
            true => Ok(major.and_then(Result::ok)),
            false => Err(wrong),
        }
    }

    fn values(&self, context: &Context) -> Values {
        Values {
            engine: self.engine,
            home: self.home(),
            cluster: context.site.name.to_string(),
            heap: self.heap().as_mebibytes(),
            max_clauses: self.max_clauses,
            mmap: match context.environment.provider {
                ProviderName::Local => false,
            },
        }
    }

    fn daemon(&self) -> Daemon {
        let http = Name::literal("http");
        Daemon {
            command: vec![Text::here("current").then("/files/search/start")],
            environment: BTreeMap::new(),
            listens: BTreeMap::from([(
                http.clone(),
                Listen { protocol: Protocol::Http, port: 9200, public: false },
            )]),
            after: Vec::new(),
            check: Some(vec![Text::here("files").then("/search/check")]),
            // Yellow: every index can be searched. Until then the answer is 408.
            ready: Ready {
                check: ReadyCheck::Http {
                    listen: http,
                    path: "/_cluster/health?wait_for_status=yellow&timeout=1s".to_owned(),
                },
                within: Duration::seconds(180),
            },
            reload: Reload::Restart,
            restart_loses: Loses::Requests,
            stop: Stop { signal: StopSignal::Term, within: Duration::seconds(60) },
            memory: Some(self.memory),
        }
    }
}

/// The values of the templates.
#[derive(Serialize)]
struct Values {
    engine: Engine,
    home: String,
    cluster: String,
    /// Mebibytes.
    heap: u64,
    max_clauses: u32,
    mmap: bool,
}

fn half(size: Size) -> Size {
    Size::bytes(size.as_bytes() / 2)
}
