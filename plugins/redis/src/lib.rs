//! Cache and sessions: two Redis servers on the node of the role `persistent`.
//!
//! **Invariant:** sessions never share a server with the cache, and their server never evicts.
//! **Invariant:** a password stands in files only, never in a command.

mod contribution;
mod options;
mod server;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic},
};

use options::{Cache, Sessions};

/// The plugin `redis`.
#[derive(Clone, Copy, Debug)]
pub struct Redis;

mops_plugin::export_plugin!(Redis);

impl Plugin for Redis {
    fn manifest(&self) -> Manifest {
        let cache = Function::new::<Cache>("cache", Calls::Once, "redis::cache(#{ memory: \"2G\" });");
        let sessions =
            Function::new::<Sessions>("sessions", Calls::Once, "redis::sessions(#{ memory: \"512M\" });");
        Manifest::new("redis", "Cache and sessions in Redis").function(cache).function(sessions)
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        Ok(match call.function.as_str() {
            "cache" => contribution::cache(context),
            "sessions" => contribution::sessions(),
            other => unreachable!("the manifest has no function `{other}`"),
        })
    }

    fn lower(&self, call: &Call, context: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "cache" => parse::<Cache>(call).lower(context),
            "sessions" => parse::<Sessions>(call).lower(context),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse().expect("options were checked against the manifest")
}
