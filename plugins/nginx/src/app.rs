//! The application's web server: static files and media from the disk, Magento's entry points through PHP.
//!
//! **Invariant:** PHP runs for Magento's entry points and nothing else, each time with the run code of the website.
//! **Invariant:** who asks, and whether over TLS, is believed of the edge's nodes only.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Diagnostic, Encoding, FlowEnd, Listen, Name, OnChange, Protocol, ProviderName, RunType, Size, Value,
        Website,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    daemon::{HEADER_BUFFER_KIB, daemon},
    limits,
    snippet::Snippets,
    websites::{self, Prefixed},
};

/// The name of the daemon, and of its folder in the closure.
const DAEMON: &str = "app-nginx";
const APP: Template = Template {
    name: "app-nginx/nginx.conf",
    text: include_str!("../templates/app.conf"),
    encoding: Encoding::Nginx,
};

/// The application's web server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Options {
    /// The largest body of a request; the edge has a limit of its own.
    #[schemars(extend("x-min" = "1M", "x-max" = "4G"))]
    #[serde(default = "body")]
    body: Size,
}

fn body() -> Size {
    Size::mebibytes(64)
}

/// What the template takes.
#[derive(Serialize)]
struct Values {
    site: Name,
    cpus: u32,
    /// In bytes.
    body: u64,
    read_timeout: u64,
    /// In KiB.
    header_buffer: u64,
    /// Whether the edge's nodes are this machine: its connections may come from any loopback address.
    local: bool,
    prefixed: Vec<Prefixed>,
    websites: Vec<RunCode>,
    snippets: Snippets,
}

#[derive(Serialize)]
struct RunCode {
    name: Name,
    code: String,
    run_type: &'static str,
}

/// What the application's web server comes to.
///
/// # Errors
/// Everything that is wrong with a contribution.
pub(crate) fn lower(options: &Options, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
    let mut lowered = Lowered::default();
    let Some(group) = context.group("app") else { return Ok(lowered) };
    let mut wrong = Vec::new();
    let mut take = |them: Vec<Diagnostic>| wrong.extend(them);
    let snippets = Snippets::of("app", slots).map_err(&mut take);
    let read_timeout = limits::longest(context, slots).map_err(&mut take);
    let limits = limits::render(context, slots).map_err(&mut take);
    let (Ok(snippets), Ok(read_timeout), Ok(limits)) = (snippets, read_timeout, limits) else {
        return Err(wrong);
    };
    snippets.add_to(&mut lowered, "app", DAEMON);
    let values = Values {
        site: context.site.name.clone(),
        cpus: group.cpus.max(1),
        body: options.body.as_bytes(),
        read_timeout: read_timeout.as_seconds(),
        header_buffer: HEADER_BUFFER_KIB,
        local: match context.environment.provider {
            ProviderName::Local => true,
        },
        prefixed: websites::prefixed(context),
        websites: context.site.websites.iter().map(run_code).collect(),
        snippets,
    };
    let one = |it| vec![it];
    let mut file = |path: &str, text| {
        lowered.file("app", &format!("{DAEMON}/{path}"), text, DAEMON, OnChange::Reload);
    };
    file("nginx.conf", APP.render(values).map_err(one)?);
    file("websites.conf", websites::render(context).map_err(one)?);
    file("limits.conf", limits);
    let places = BTreeMap::from([(
        Name::literal("http"),
        Listen { protocol: Protocol::Http, port: 8080, public: false },
    )]);
    lowered.daemon("app", DAEMON, daemon(DAEMON, places, vec![Name::literal("php")]));
    lowered.package("app", "nginx", "nginx");
    lowered.flow(FlowEnd::Role(Name::literal("edge")), "app", DAEMON, "http");
    lowered.setting("nginx.app.fastcgi_read_timeout", read_timeout.to_string());
    lowered.setting("nginx.app.client_max_body_size", options.body.to_string());
    lowered.setting("nginx.app.header_buffer", Value::text(Size::bytes(HEADER_BUFFER_KIB << 10).to_string()));
    Ok(lowered)
}

fn run_code(website: &Website) -> RunCode {
    RunCode {
        name: website.name.clone(),
        code: website.run_code.clone(),
        run_type: match website.run_type {
            RunType::Website => "website",
            RunType::Store => "store",
        },
    }
}
