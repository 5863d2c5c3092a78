//! The application: `env.php`, the links of a release, cron, consumers.
//!
//! **Invariant:** `app/etc/env.php` has one writer; two calls that give one key two values are a mistake of both.

mod application;
mod consumer;
mod env;
mod lowering;
mod options;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic},
    slot::{PhpVersion, Slot},
};

use application::Application;
use options::{App, Config, Env};

/// The plugin `magento`.
#[derive(Clone, Copy, Debug)]
pub struct Magento;

mops_plugin::export_plugin!(Magento);

impl Plugin for Magento {
    fn manifest(&self) -> Manifest {
        let app = Function::new::<App>("app", Calls::Implied, "magento::app(#{ mode: \"developer\" });");
        let env = "magento::env(\"cache/graphql/id_salt\", secret(\"salt\"));";
        let env =
            Function::new::<Env>("env", Calls::OncePer("path".to_owned()), env).arguments(&["path", "value"]);
        let config = "magento::config(\"catalog/search/engine\", \"elasticsuite\");";
        let config = Function::new::<Config>("config", Calls::Any, config).arguments(&["path", "value"]);
        Manifest::new("magento", "The application: env.php, cron, consumers")
            .function(app)
            .function(env)
            .function(config)
            .slot("magento.env", "A key of `app/etc/env.php`. Two calls may not give one key two values; any may replace a default.")
            .slot("magento.config", "A key of Magento's configuration, written to the `system` part of `env.php`.")
            .slot("magento.cache-host", "A cache that Magento tells what to forget (`http_cache_hosts`).")
            .slot("magento.consumer", "A queue consumer to supervise: so many processes on each node of its role.")
            .slot("magento.release-step", "A step that makes a release ready, in the order of the calls.")
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            // What is wrong with the site's options is said once, while lowering.
            "app" => Ok(Application::of(&context.site).map_or_else(
                |_| Vec::new(),
                |it| vec![PhpVersion { version: it.php(context) }.contribution()],
            )),
            "env" => parse::<Env>(call).contribute(),
            "config" => parse::<Config>(call).contribute(),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "app" => lowering::lower(&parse::<App>(call), context, slots),
            // They are what they contribute.
            "env" | "config" => Ok(Lowered::default()),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse().expect("options were checked against the manifest")
}
