//! One Redis server: its files, its daemon, who may talk to it.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Template,
    model::{
        Daemon, Diagnostic, Directory, Duration, Encoding, FlowEnd, Listen, Loses, Name, OnChange, Protocol,
        Ready, ReadyCheck, Reload, Size, Stop, StopSignal, Text, Value,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The role whose node runs it.
pub(crate) const ROLE: &str = "persistent";

/// What a restart keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Persistence {
    /// All but the last second (`appendonly yes`, `appendfsync everysec`).
    #[default]
    Aof,
    /// The last snapshot, up to 15 minutes old (`save 900 1 300 10 60 10000`).
    Rdb,
    /// Nothing.
    None,
}

/// One Redis server.
pub(crate) struct Server {
    /// Its daemon; also the name of its password.
    pub(crate) daemon: &'static str,
    /// The port on a machine of its own.
    pub(crate) port: u16,
    /// `maxmemory`.
    pub(crate) memory: Size,
    /// `maxmemory-policy`.
    pub(crate) policy: &'static str,
    /// What a restart keeps.
    pub(crate) persistence: Persistence,
    /// Where it keeps it.
    pub(crate) folder: Text,
    /// What customers lose when it restarts.
    pub(crate) restart_loses: Loses,
}

/// What the templates read.
#[derive(Serialize)]
struct Values<'a> {
    daemon: &'a str,
    maxmemory: u64,
    policy: &'a str,
    persistence: Persistence,
    folder: &'a Text,
}

/// Redis reads a double-quoted value with the escapes of C, of which JSON's are a part.
const REDIS: Encoding = Encoding::Json;
const FIXED: Template =
    Template { name: "redis/redis.conf", text: include_str!("../templates/redis.conf"), encoding: REDIS };
const LIMITS: Template =
    Template { name: "redis/limits.conf", text: include_str!("../templates/limits.conf"), encoding: REDIS };
const PASSWORD: Template =
    Template { name: "redis/password", text: include_str!("../templates/password"), encoding: Encoding::Raw };
const CHECK: Template = Template {
    name: "redis/check.sh",
    text: include_str!("../templates/check.sh"),
    encoding: Encoding::Shell,
};
const READY: Template = Template {
    name: "redis/ready.sh",
    text: include_str!("../templates/ready.sh"),
    encoding: Encoding::Shell,
};
const COMMIT: Template = Template {
    name: "redis/commit.sh",
    text: include_str!("../templates/commit.sh"),
    encoding: Encoding::Shell,
};

impl Server {
    /// What it comes to, unless something is wrong already or with the node.
    pub(crate) fn lower(
        &self,
        context: &Context,
        mut wrong: Vec<Diagnostic>,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        wrong.extend(self.node_is_wrong(context));
        let mut lowered = Lowered::default();
        let files = [
            ("redis.conf", FIXED, OnChange::Restart),
            ("limits.conf", LIMITS, OnChange::Reload),
            ("password", PASSWORD, OnChange::Restart),
            ("check.sh", CHECK, OnChange::None),
            ("ready.sh", READY, OnChange::None),
            ("commit.sh", COMMIT, OnChange::None),
        ];
        for (name, template, on_change) in files {
            match template.render(self.values()) {
                Ok(text) => {
                    lowered.file(ROLE, &format!("{}/{name}", self.daemon), text, self.daemon, on_change);
                }
                Err(err) => wrong.push(err),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        lowered.daemon(ROLE, self.daemon, self.as_daemon());
        lowered.package(ROLE, "redis-server", "redis-server");
        lowered.package(ROLE, "redis-cli", "redis-tools");
        lowered.password(self.daemon, 32);
        lowered.flow(FlowEnd::Role(Name::literal("app")), ROLE, self.daemon, "redis");
        if self.persistence != Persistence::None {
            lowered.directory(ROLE, self.daemon, Directory { shared: false, holds_data: true });
        }
        let setting = |key: &str| format!("{}.{key}", self.daemon);
        lowered.setting(&setting("memory"), Value::text(self.memory.to_string()));
        lowered.setting(&setting("policy"), self.policy);
        Ok(lowered)
    }

    fn values(&self) -> Values<'_> {
        Values {
            daemon: self.daemon,
            maxmemory: self.memory.as_bytes(),
            policy: self.policy,
            persistence: self.persistence,
            folder: &self.folder,
        }
    }

    fn as_daemon(&self) -> Daemon {
        let current = |name: &str| Text::here("current").then(format!("/files/{}/{name}", self.daemon));
        let fresh = |name: &str| Text::here("files").then(format!("/{}/{name}", self.daemon));
        let on_new_files = |name| vec!["sh".into(), fresh(name), Text::here("files")];
        Daemon {
            command: vec![
                "redis-server".into(),
                current("redis.conf"),
                "--include".into(),
                current("limits.conf"),
            ],
            environment: BTreeMap::new(),
            listens: BTreeMap::from([(
                Name::literal("redis"),
                Listen { protocol: Protocol::Tcp, port: self.port, public: false },
            )]),
            after: Vec::new(),
            check: Some(on_new_files("check.sh")),
            ready: Ready {
                check: ReadyCheck::Command(vec!["sh".into(), current("ready.sh")]),
                // Loading an append-only file takes about ten seconds a gigabyte.
                within: Duration::seconds(60),
            },
            reload: Reload::Commands { prepare: None, commit: on_new_files("commit.sh") },
            restart_loses: self.restart_loses,
            stop: Stop { signal: StopSignal::Term, within: Duration::seconds(15) },
            memory: Some(self.memory),
        }
    }

    fn node_is_wrong(&self, context: &Context) -> Vec<Diagnostic> {
        let Some(group) = context.group(ROLE) else {
            let message = format!("no node plays the role `{ROLE}`, which runs {}", self.daemon);
            return vec![
                Diagnostic::error("redis::no-node", message).help(format!("add role(\"{ROLE}\", #{{}})")),
            ];
        };
        let mut wrong = Vec::new();
        let most = context.site.role(group.name.as_str()).map_or(group.count, |it| it.max.max(group.count));
        if most > 1 {
            let message =
                format!("{} runs on one node, but the group `{}` may have {most}", self.daemon, group.name);
            wrong.push(
                Diagnostic::error("redis::one-node", message).help(format!(
                    "give `{ROLE}` a node of its own: role(\"{ROLE}\", #{{ min: 1, max: 1 }})"
                )),
            );
        }
        if self.memory > group.memory {
            let message = format!("`memory` is {}, but the node has {}", self.memory, group.memory);
            wrong.push(Diagnostic::error("redis::too-large", message).at_option("memory").help(format!(
                "take less, or give the role more: role(\"{}\", #{{ memory: … }})",
                group.name
            )));
        }
        wrong
    }
}
