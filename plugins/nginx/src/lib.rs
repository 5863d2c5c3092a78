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

mops_plugin::export_plugin!(Nginx);

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
            .slot("edge.certificates", "Who renews the certificates of the TLS edge; at most one.")
            .slot(
                "edge.throttle",
                "Limits on how often requests may come; the first that means a request counts it.",
            )
            .slot("nginx.snippet", "nginx configuration of the user's own, in the order of the script.")
            .slot("edge.geo", "Redirects by country and language; at most one.")
    }

    fn contribute(&self, call: &Call, _: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "snippet" => match parse::<snippet::Options>(call).snippet() {
                Ok(snippet) => Ok(vec![snippet.contribution()]),
                Err(err) => Err(vec![err]),
            },
            "edge" | "app" => Ok(Vec::new()),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "edge" => edge::lower(&parse(call), context, slots),
            "app" => app::lower(&parse(call), context, slots),
            // It is what it contributes.
            "snippet" => Ok(Lowered::default()),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse().expect("options were checked against the manifest")
}
