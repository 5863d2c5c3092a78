//! What a script may say about its caches and sessions.

use mops_plugin::{
    Context, Lowered,
    model::{Diagnostic, Loses, Size, Text},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::server::{Persistence, Server};

/// Keeps Magento's cache in a Redis of its own: configuration, layouts, blocks.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Cache {
    /// The memory for entries (`maxmemory`).
    #[serde(default = "cache_memory")]
    #[schemars(extend("x-min" = "16M"))]
    memory: Size,
    /// What goes when the memory is full.
    #[serde(default)]
    policy: CachePolicy,
    /// Who runs it.
    #[serde(default)]
    host: HostedBy,
}

/// Keeps the sessions of customers in a Redis of their own, so that no cache entry pushes one out.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Sessions {
    /// The memory for sessions (`maxmemory`); when it is full, no new session begins.
    #[serde(default = "sessions_memory")]
    #[schemars(extend("x-min" = "16M"))]
    memory: Size,
    /// What goes when the memory is full. Every session has a time to live: only `noeviction` keeps them all.
    #[serde(default)]
    policy: Policy,
    /// What a restart keeps.
    #[serde(default)]
    persistence: Persistence,
    /// Who runs it.
    #[serde(default)]
    host: HostedBy,
}

/// Policies that fit a cache (<https://redis.io/docs/latest/develop/reference/eviction/>).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CachePolicy {
    /// What was used least recently.
    #[default]
    AllkeysLru,
    /// What was used least recently among entries that have a time to live.
    VolatileLru,
}

/// Every policy that Redis knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Policy {
    /// Nothing goes; writing fails.
    #[default]
    Noeviction,
    /// What was used least recently.
    AllkeysLru,
    /// What was used least often.
    AllkeysLfu,
    /// Anything.
    AllkeysRandom,
    /// What was used least recently among what has a time to live.
    VolatileLru,
    /// What was used least often among what has a time to live.
    VolatileLfu,
    /// Anything that has a time to live.
    VolatileRandom,
    /// What would end soonest.
    VolatileTtl,
}

/// Who runs a Redis.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostedBy {
    /// The node of the role `persistent`.
    #[default]
    SelfHosted,
}

fn cache_memory() -> Size {
    Size::mebibytes(512)
}

fn sessions_memory() -> Size {
    Size::mebibytes(256)
}

impl Cache {
    pub(crate) fn lower(&self, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
        let policy = match self.policy {
            CachePolicy::AllkeysLru => "allkeys-lru",
            CachePolicy::VolatileLru => "volatile-lru",
        };
        match self.host {
            HostedBy::SelfHosted => Server {
                daemon: "redis-cache",
                port: 6379,
                memory: self.memory,
                policy,
                persistence: Persistence::None,
                folder: Text::here("tmp"),
                restart_loses: Loses::Cache,
            }
            .lower(context, Vec::new()),
        }
    }
}

impl Sessions {
    pub(crate) fn lower(&self, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
        let wrong = self.evicts().into_iter().collect();
        let (folder, restart_loses) = match self.persistence {
            Persistence::Aof | Persistence::Rdb => (Text::here("data.redis-sessions"), Loses::Nothing),
            Persistence::None => (Text::here("tmp"), Loses::Sessions),
        };
        match self.host {
            HostedBy::SelfHosted => Server {
                daemon: "redis-sessions",
                port: 6380,
                memory: self.memory,
                policy: "noeviction",
                persistence: self.persistence,
                folder,
                restart_loses,
            }
            .lower(context, wrong),
        }
    }

    fn evicts(&self) -> Option<Diagnostic> {
        match self.policy {
            Policy::Noeviction => None,
            Policy::AllkeysLru
            | Policy::AllkeysLfu
            | Policy::AllkeysRandom
            | Policy::VolatileLru
            | Policy::VolatileLfu
            | Policy::VolatileRandom
            | Policy::VolatileTtl => Some(
                Diagnostic::error(
                    "redis::evicts-sessions",
                    "this policy throws sessions away when the memory is full",
                )
                .at_option("policy")
                .help("every session has a time to live: leave `policy` out, and give more `memory`"),
            ),
        }
    }
}
