//! TLS edge and application web server, both nginx.
//!
//! **Invariant:** where two nginx daemons share a node, no file, socket or scratch folder of theirs is the same.

mod app;
mod daemon;
mod edge;
mod geo;
mod limits;
mod rules;
mod snippet;
mod throttle;
mod websites;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic},
    slot::Slot,
};

/// The plugin `nginx`.
pub struct Nginx;

impl Plugin for Nginx {
    fn manifest(&self) -> Manifest {
        Manifest::new("nginx", "TLS edge and application web server.")
            .function(Function::new::<edge::Options>(
                "edge",
                Calls::Implied,
                "nginx::edge(#{ aliases: \"redirect\" });",
            ))
            .function(Function::new::<app::Options>(
                "app",
                Calls::Implied,
                "nginx::app(#{ body: \"128M\" });",
            ))
            .function(
                Function::new::<snippet::Options>(
                    "snippet",
                    Calls::Any,
                    "nginx::snippet(\"edge.server\", path(\"nginx/bots.conf\"));",
                )
                .arguments(&["place", "source"]),
            )
            .slot("edge.upstream", "What the TLS edge hands requests to on its own node; at most one.")
            .slot(
                "edge.throttle",
                "Limits on how often requests may come; the first that means a request counts it.",
            )
            .slot("nginx.snippet", "nginx configuration of the user's own, in the order of the script.")
            .slot("php.limit", "PHP's limits for some requests; the first that means a request decides.")
    }

    fn contribute(&self, call: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "snippet" => {
                let options: snippet::Options = snippet::parse(call)?;
                Ok(vec![options.snippet().map_err(|it| vec![it])?.contribution()])
            }
            _ => Ok(Vec::new()),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "edge" => edge::lower(call, context, slots),
            "app" => app::lower(call, context, slots),
            _ => Ok(Lowered::default()),
        }
    }
}
