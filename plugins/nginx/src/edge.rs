//! The TLS edge: ends TLS, tells hosts apart, counts requests, and hands them to the cache or the application.
//!
//! **Invariant:** what the next hop is told of a client comes from the connection or a trusted proxy, never from the
//! client.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Cidr, Diagnostic, Duration, Encoding, FlowEnd, Host, Listen, Name, OnChange, Protocol, ProviderName,
        Size, Text, Value, Website,
    },
    slot::{CertificateKeeper, Upstream},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    daemon::{HEADER_BUFFER_KIB, daemon},
    geo::{self, Redirects},
    limits,
    snippet::Snippets,
    throttle::{self, Limit},
    websites,
};

/// The name of the daemon, and of its folder in the closure.
const DAEMON: &str = "edge-nginx";
const EDGE: Template = Template {
    name: "edge-nginx/nginx.conf",
    text: include_str!("../templates/edge.conf"),
    encoding: Encoding::Nginx,
};
const READY: Template = Template {
    name: "edge-nginx/ready.conf",
    text: include_str!("../templates/ready.conf"),
    encoding: Encoding::Nginx,
};
const CHALLENGES: Template = Template {
    name: "edge-nginx/challenges.conf",
    text: include_str!("../templates/challenges.conf"),
    encoding: Encoding::Nginx,
};
/// Pages of our own, by file.
const PAGES: [(&str, &str); 3] = [
    ("throttled.html", include_str!("../templates/throttled.html")),
    ("unavailable.html", include_str!("../templates/unavailable.html")),
    ("unknown-host.html", include_str!("../templates/unknown-host.html")),
];

/// The TLS edge: what customers talk to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Options {
    /// How long browsers must insist on TLS (`Strict-Transport-Security`); `"0s"` does not ask them to.
    #[serde(default = "hsts")]
    hsts: Duration,
    /// Whether HTTP/2 is spoken.
    #[serde(default = "yes")]
    http2: bool,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    tls: Tls,
    /// Whether plain HTTP is redirected to TLS; otherwise it is served.
    #[serde(default = "yes")]
    redirect_http: bool,
    /// What happens on a website's hosts besides its first.
    #[serde(default)]
    aliases: Aliases,
    /// Proxies in front whose `X-Forwarded-For` is believed: the addresses of a load balancer or a CDN.
    #[serde(default)]
    trusted_proxies: Vec<Cidr>,
    /// The largest body of a request.
    #[schemars(extend("x-min" = "1M", "x-max" = "4G"))]
    #[serde(default = "body")]
    body: Size,
    /// How long a client may pause while it sends or reads.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    #[serde(default = "client_timeout")]
    client_timeout: Duration,
}

/// The oldest version of TLS that is spoken.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
enum Tls {
    /// Every browser since 2014.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// Every browser since 2019.
    #[serde(rename = "1.3")]
    V13,
}

/// What happens on a website's hosts besides its first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Aliases {
    /// The website.
    #[default]
    Serve,
    /// A permanent redirect to the first host.
    Redirect,
}

fn hsts() -> Duration {
    Duration::seconds(365 * 24 * 3600)
}

fn yes() -> bool {
    true
}

fn body() -> Size {
    Size::mebibytes(64)
}

fn client_timeout() -> Duration {
    Duration::seconds(60)
}

/// What the template takes.
#[derive(Serialize)]
struct Values {
    site: Name,
    cpus: u32,
    client_timeout: u64,
    read_timeout: u64,
    /// In bytes.
    body: u64,
    /// In KiB.
    header_buffer: u64,
    hsts: u64,
    tls: &'static [&'static str],
    proxies: Vec<Cidr>,
    redirect_http: bool,
    /// Whether somebody renews certificates, and must prove whose the hosts are.
    challenges: bool,
    /// The port as a URL needs it: nothing where it is the usual one.
    port_in_url: Text,
    listen: Listens,
    /// The fact that tells the next hop's port on this node; without it, the application's nodes are asked.
    upstream: Option<String>,
    fallback: bool,
    servers: Vec<Server>,
    redirects: Vec<Redirect>,
    limits: Vec<Limit>,
    geo: Option<Redirects>,
    snippets: Snippets,
}

/// What the template of challenges takes.
#[derive(Serialize)]
struct Challenges {
    /// The fact that tells the directory.
    directory: String,
}

/// The parameters of `listen`.
#[derive(Serialize)]
struct Listens {
    plain: Vec<Text>,
    tls: Vec<Text>,
}

/// The hosts of one certificate.
#[derive(Serialize)]
struct Server {
    website: Name,
    hosts: Vec<String>,
    fallback: bool,
}

/// Names that lead to a canonical one.
#[derive(Serialize)]
struct Redirect {
    website: Name,
    hosts: Vec<String>,
    to: String,
}

/// What the edge comes to.
///
/// # Errors
/// Everything that is wrong with a contribution.
pub(crate) fn lower(options: &Options, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
    let mut lowered = Lowered::default();
    let Some(group) = context.group("edge").filter(|_| !context.site.websites.is_empty()) else {
        lowered.warnings.push(nothing_to_serve());
        return Ok(lowered);
    };
    let mut wrong = Vec::new();
    let mut take = |them: Vec<Diagnostic>| wrong.extend(them);
    let upstream = upstream(slots).map_err(&mut take);
    let keeper = keeper(slots).map_err(&mut take);
    let throttling = throttle::throttling(context, slots).map_err(&mut take);
    let snippets = Snippets::of("edge", slots).map_err(&mut take);
    let read_timeout = limits::longest(context, slots).map(|it| beyond(it, context)).map_err(&mut take);
    let geo = geo::redirects(context, slots, port_in_url(context)).map_err(&mut take);
    let (Ok(upstream), Ok(keeper), Ok(throttling), Ok(snippets), Ok(read_timeout), Ok(mut geo)) =
        (upstream, keeper, throttling, snippets, read_timeout, geo)
    else {
        return Err(wrong);
    };
    let (servers, redirects) = servers(context, options.aliases);

    for website in
        context.site.websites.iter().filter(|it| servers.iter().any(|server| server.website == it.name))
    {
        let kept_in = keeper.as_ref().map(|it| it.directory.clone());
        lowered.certificate("edge", &website.name, context.hosts(website), kept_in);
        if keeper.is_some() {
            lowered.watch("edge", DAEMON, Text::here(format!("certificate.{}", website.name)));
        }
    }
    snippets.add_to(&mut lowered, "edge", DAEMON);
    if let Some(geo) = &mut geo {
        lowered.file("edge", "edge-nginx/geo.conf", std::mem::take(&mut geo.text), DAEMON, OnChange::Reload);
        lowered.warnings.append(&mut geo.warnings);
    }
    let values = Values {
        site: context.site.name.clone(),
        cpus: group.cpus.max(1),
        client_timeout: options.client_timeout.as_seconds(),
        read_timeout: read_timeout.as_seconds(),
        body: options.body.as_bytes(),
        header_buffer: HEADER_BUFFER_KIB,
        hsts: options.hsts.as_seconds(),
        tls: match options.tls {
            Tls::V12 => &["TLSv1.2", "TLSv1.3"],
            Tls::V13 => &["TLSv1.3"],
        },
        proxies: options.trusted_proxies.clone(),
        redirect_http: options.redirect_http,
        challenges: keeper.is_some(),
        port_in_url: port_in_url(context),
        listen: listens(context, options),
        upstream: upstream.as_ref().map(|it| format!("port.{}.{}", it.daemon, it.listen)),
        fallback: servers.iter().any(|it| it.fallback),
        servers,
        redirects,
        limits: throttling.limits,
        geo,
        snippets,
    };
    let one = |it| vec![it];
    let mut file = |path: &str, text| {
        lowered.file("edge", &format!("{DAEMON}/{path}"), text, DAEMON, OnChange::Reload);
    };
    file("nginx.conf", EDGE.render(values).map_err(one)?);
    file("ready.conf", READY.render(()).map_err(one)?);
    file("websites.conf", websites::render(context).map_err(one)?);
    file("throttle.conf", throttling.text);
    if let Some(keeper) = &keeper {
        let values = Challenges { directory: format!("data.{}", keeper.directory) };
        file("challenges.conf", CHALLENGES.render(values).map_err(one)?);
    }
    for (page, text) in PAGES {
        lowered.file("edge", &format!("{DAEMON}/pages/{page}"), Text::literal(text), DAEMON, OnChange::None);
    }
    let public = |protocol, port| Listen { protocol, port, public: true };
    let places = [("http", public(Protocol::Http, 80)), ("https", public(Protocol::Https, 443))];
    let places = BTreeMap::from(places.map(|(name, it)| (Name::literal(name), it)));
    lowered.daemon(
        "edge",
        DAEMON,
        daemon(DAEMON, places, upstream.into_iter().map(|it| it.daemon).collect()),
    );
    lowered.package("edge", "nginx", "nginx");
    for place in ["http", "https"] {
        lowered.flow(FlowEnd::Network(the_world()), "edge", DAEMON, place);
    }
    lowered.setting("nginx.edge.proxy_read_timeout", read_timeout.to_string());
    lowered.setting("nginx.edge.client_max_body_size", options.body.to_string());
    lowered
        .setting("nginx.edge.header_buffer", Value::text(Size::bytes(HEADER_BUFFER_KIB << 10).to_string()));
    Ok(lowered)
}

/// How long the edge waits for what PHP may take: longer than the application's web server, and than a cache between the
/// two, so that whoever gives up first can still say so.
fn beyond(php: Duration, context: &Context) -> Duration {
    let cache = context.site.calls("varnish", "cache").find_map(|it| it.options.get("first_byte_timeout"));
    let cache: Option<Duration> = cache.and_then(Value::as_text).and_then(|it| it.parse().ok());
    Duration::seconds(cache.map_or(php, |it| it.max(php)).as_seconds() + 20)
}

fn nothing_to_serve() -> Diagnostic {
    Diagnostic::warning("nginx::no-website", "no website is declared, so there is no TLS edge")
        .help("declare one: website(\"pl\", #{ hosts: [\"acme.pl\"] })")
}

/// Who renews certificates; at most one service may.
fn keeper(slots: &Slots) -> Result<Option<CertificateKeeper>, Vec<Diagnostic>> {
    let mut given = slots.get::<CertificateKeeper>()?.into_iter();
    let first = given.next();
    let others: Vec<Diagnostic> = given
        .map(|(_, declared)| {
            Diagnostic::error("nginx::certificates", "two services renew the certificates of the edge")
                .at(declared.span, "this is the second")
                .help("keep one of them")
        })
        .collect();
    match others.is_empty() {
        true => Ok(first.map(|(it, _)| it)),
        false => Err(others),
    }
}

/// Where requests go on this node; at most one service may say.
fn upstream(slots: &Slots) -> Result<Option<Upstream>, Vec<Diagnostic>> {
    let mut given = slots.get::<Upstream>()?.into_iter();
    let first = given.next();
    let others: Vec<Diagnostic> = given
        .map(|(it, declared)| {
            Diagnostic::error(
                "nginx::upstream",
                format!("`{}` and another service both stand behind the edge", it.daemon),
            )
            .at(declared.span, "this is the second")
            .help("keep one of them")
        })
        .collect();
    match others.is_empty() {
        true => Ok(first.map(|(it, _)| it)),
        false => Err(others),
    }
}

/// One server for each website that a host belongs to as a whole, and the names that lead elsewhere.
fn servers(context: &Context, aliases: Aliases) -> (Vec<Server>, Vec<Redirect>) {
    let websites = &context.site.websites;
    let fallback = websites.iter().find(|it| it.fallback).and_then(|it| it.hosts.first());
    let default = fallback.and_then(|it| context.owner(it)).map(|it| &it.name);
    let mut servers = Vec::new();
    let mut redirects = Vec::new();
    for website in websites {
        let own = website.hosts.iter().filter(|host| context.owner(host) == Some(website));
        let (away, served): (Vec<_>, Vec<_>) =
            own.partition(|host| is_alias(context, website, host, aliases));
        if served.is_empty() {
            continue;
        }
        let names = |host| websites::names(context, website, host);
        let canonical = names(&website.hosts[0]);
        for (i, to) in canonical.into_iter().enumerate() {
            let hosts: Vec<String> = away.iter().filter_map(|host| names(host).into_iter().nth(i)).collect();
            if !hosts.is_empty() {
                redirects.push(Redirect { website: website.name.clone(), hosts, to });
            }
        }
        servers.push(Server {
            website: website.name.clone(),
            hosts: served.into_iter().flat_map(names).collect(),
            fallback: default == Some(&website.name),
        });
    }
    (servers, redirects)
}

/// Whether `host` leads to the first host of `website`: no website calls it its first, and that first is one name.
fn is_alias(context: &Context, website: &Website, host: &Host, aliases: Aliases) -> bool {
    let is_canonical = context.site.websites.iter().any(|it| it.hosts.first() == Some(host));
    let has_one_name = !website.hosts[0].as_str().starts_with("*.");
    match aliases {
        Aliases::Serve => false,
        Aliases::Redirect => !is_canonical && has_one_name,
    }
}

/// Where nginx listens. On this machine 127.0.0.1 answers too, for `<host>.localhost`.
fn listens(context: &Context, options: &Options) -> Listens {
    let addresses = match context.environment.provider {
        ProviderName::Local => vec![Text::here("address"), Text::literal("127.0.0.1")],
    };
    let at = |port: &str, more: &str| -> Vec<Text> {
        let port = format!("port.{DAEMON}.{port}");
        addresses.iter().map(|it| it.clone().then(":").then(Text::here(port.clone())).then(more)).collect()
    };
    Listens { plain: at("http", ""), tls: at("https", if options.http2 { " ssl http2" } else { " ssl" }) }
}

fn port_in_url(context: &Context) -> Text {
    match context.environment.provider {
        ProviderName::Local => Text::literal(":").then(Text::here(format!("port.{DAEMON}.https"))),
    }
}

fn the_world() -> Cidr {
    "0.0.0.0/0".parse().expect("a literal network is valid")
}
