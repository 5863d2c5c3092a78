//! The cache in front of the shop: Varnish with a VCL that knows Magento.
//!
//! `varnish::cache` becomes the daemon `varnish` on the role `edge`; `varnish::vcl` puts VCL of the user's own at a
//! named place.
//!
//! **Invariant:** VCL and run-time parameters change while it runs; only what stands in the command (the size of the
//! storage) restarts it and loses what it has cached.
//! **Invariant:** every rule that names a path allows for the path prefixes of the websites.

mod daemon;
mod options;
mod paths;
mod sizes;
mod tracking;
mod vcl;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic, Name},
    slot::{CacheHost, Slot, Snippet, Upstream, Vcl},
};

use options::{CacheOptions, Custom};

/// The plugin `varnish`.
pub struct Varnish;

mops_plugin::export_plugin!(Varnish);

impl Plugin for Varnish {
    fn manifest(&self) -> Manifest {
        Manifest::new("varnish", "The cache in front of the shop")
            .function(Function::new::<CacheOptions>(
                "cache",
                Calls::Once,
                r#"varnish::cache(#{ memory: "4G", grace: "3d" });"#,
            ))
            .function(
                Function::new::<Custom>(
                    "vcl",
                    Calls::Any,
                    r#"varnish::vcl("recv.after_normalise", path("vcl/bots.vcl"));"#,
                )
                .arguments(&["place", "source"]),
            )
            .slot(
                Vcl::NAME,
                "VCL of the user's own at a named place; several stand in the order of the calls.",
            )
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "cache" => Ok(vec![
                Upstream { daemon: Name::literal(daemon::NAME), listen: Name::literal("http") }
                    .contribution(),
                CacheHost {
                    role: Name::literal(daemon::ROLE),
                    daemon: Name::literal(daemon::NAME),
                    listen: Name::literal("purge"),
                }
                .contribution(),
            ]),
            "vcl" => custom(call, context).map(|it| vec![it.contribution()]).map_err(|it| vec![it]),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "cache" => daemon::lower(&parsed::<CacheOptions>(call), context, slots),
            "vcl" => Ok(Lowered::default()),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

/// The options of `call`, which have been checked against the manifest.
fn parsed<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse()
        .unwrap_or_else(|err| panic!("the manifest disagrees with the options of `{}`: {err}", call.function))
}

fn custom(call: &Call, context: &Context) -> Result<Vcl, Diagnostic> {
    if context.site.calls("varnish", "cache").next().is_none() {
        return Err(Diagnostic::error(
            "varnish::no-cache",
            "there is no cache that this VCL could be part of",
        )
        .help("call `varnish::cache(#{})` as well"));
    }
    let Custom { place, source } = parsed(call);
    let Some(text) = source.text else {
        return Err(Diagnostic::error(
            "varnish::vcl",
            format!("`{}` is no VCL: not text, or longer than 1 MiB", source.path),
        )
        .at_option("source")
        .help("name a file with VCL, such as path(\"vcl/bots.vcl\")"));
    };
    Ok(Vcl(Snippet { place: place.as_str().to_owned(), text, origin: source.path }))
}
