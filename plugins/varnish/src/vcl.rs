//! The VCL, as values for its template.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Slots, Template,
    model::{Cidr, Diagnostic, Duration, Encoding, ProviderName, Text, Value},
    slot::{PhpLimit, Vcl},
};
use serde::Serialize;

use crate::{
    options::{
        Assets, BrowserCache, CacheOptions, Debugging, DesignException, Place, Probe, Purge, SoftPurge,
        TrailingSlash,
    },
    paths::Paths,
};

/// What PHP's limit leaves for nginx to say that it was reached.
const BEYOND_PHP: Duration = Duration::seconds(10);

const TEMPLATE: Template = Template {
    name: "varnish/default.vcl",
    text: include_str!("../templates/default.vcl"),
    encoding: Encoding::Vcl,
};

/// What the template names.
#[derive(Serialize)]
struct Values<'a> {
    site: &'a str,
    local: bool,
    purge: Purge,
    soft_purge: SoftPurge,
    /// The header of a stored page that lists its tags.
    tags_header: &'static str,
    trusted: Vec<Network>,
    probe: ProbeValues,
    first_byte_timeout: Duration,
    grace: Duration,
    healthy_grace: Duration,
    not_found_ttl: Duration,
    redirect_ttl: Duration,
    assets: Assets,
    browser_cache: BrowserCache,
    debug: Debugging,
    trailing_slash: TrailingSlash,
    design_exceptions: Vec<DesignException>,
    pass_cookies: &'a [String],
    paths: Paths,
    /// The files of each place, relative to the VCL.
    places: BTreeMap<&'static str, Vec<String>>,
}

#[derive(Serialize)]
struct Network {
    address: String,
    prefix: u8,
}

#[derive(Serialize)]
struct ProbeValues {
    name: Probe,
    path: &'static str,
    host: String,
}

/// The VCL and the files that it includes, by path within the closure.
pub(crate) struct Rendered {
    /// The VCL itself.
    pub(crate) main: Text,
    /// Files of the user's own, by path relative to it.
    pub(crate) custom: BTreeMap<String, String>,
}

/// Renders the VCL.
///
/// # Errors
/// Options that cannot stand in VCL, and contributions of another form.
pub(crate) fn render(
    cache: &CacheOptions,
    context: &Context,
    slots: &Slots,
) -> Result<Rendered, Vec<Diagnostic>> {
    let first_byte_timeout = first_byte_timeout(cache, context, slots)?;
    let (custom, places) = custom(slots)?;
    let values = Values {
        site: context.site.name.as_str(),
        local: context.environment.provider == ProviderName::Local,
        purge: cache.purge,
        soft_purge: cache.soft_purge,
        tags_header: match cache.purge {
            Purge::Xkey => "xkey",
            Purge::Ban => "X-Magento-Tags",
        },
        trusted: trusted(cache, context),
        probe: probe(cache, context),
        first_byte_timeout,
        grace: cache.grace,
        healthy_grace: cache.healthy_grace,
        not_found_ttl: cache.not_found_ttl,
        redirect_ttl: cache.redirect_ttl,
        assets: cache.assets,
        browser_cache: cache.browser_cache,
        debug: cache.debug,
        trailing_slash: cache.trailing_slash,
        design_exceptions: cache.design_exceptions.iter().map(pcre).collect(),
        pass_cookies: &cache.pass_cookies,
        paths: Paths::new(cache, context)?,
        places,
    };
    let main = TEMPLATE.render(&values).map_err(|it| vec![it])?;
    Ok(Rendered { main, custom })
}

/// The timeout of the option, or longer than PHP may take at most.
///
/// # Errors
/// Limits of another form.
pub(crate) fn first_byte_timeout(
    cache: &CacheOptions,
    context: &Context,
    slots: &Slots,
) -> Result<Duration, Vec<Diagnostic>> {
    let limits = slots.get::<PhpLimit>()?;
    let usual = context.site.calls("php", "fpm").find_map(|it| it.options.get("max_execution_time"));
    let usual = usual.and_then(Value::as_text).and_then(|it| it.parse().ok());
    let longest = limits.into_iter().filter_map(|(limit, _)| limit.time).chain(usual).max();
    let beyond =
        longest.map(|it| Duration::milliseconds(it.as_milliseconds() + BEYOND_PHP.as_milliseconds()));
    Ok(beyond.map_or(cache.first_byte_timeout, |it| it.max(cache.first_byte_timeout)))
}

type Custom = (BTreeMap<String, String>, BTreeMap<&'static str, Vec<String>>);

fn custom(slots: &Slots) -> Result<Custom, Vec<Diagnostic>> {
    let mut files = BTreeMap::new();
    let mut places: BTreeMap<&'static str, Vec<String>> =
        Place::ALL.into_iter().map(|it| (it.as_str(), Vec::new())).collect();
    let mut wrong = Vec::new();
    for (Vcl(snippet), declared) in slots.get::<Vcl>()? {
        let Some(files_there) = places.get_mut(snippet.place.as_str()) else {
            let names: Vec<&str> = Place::ALL.into_iter().map(Place::as_str).collect();
            wrong.push(
                Diagnostic::error("varnish::place", format!("VCL has no place `{}`", snippet.place))
                    .at(declared.span, "contributed here")
                    .help(format!("the places are {}", names.join(", "))),
            );
            continue;
        };
        let file = file_of(&snippet.origin);
        match files.insert(file.clone(), snippet.text.clone()) {
            Some(other) if other != snippet.text => wrong.push(
                Diagnostic::error("varnish::vcl", format!("two files would both be `{file}` beside the VCL"))
                    .at(declared.span, "the second")
                    .help("give one of them another name"),
            ),
            Some(_) | None => files_there.push(file),
        }
    }
    match wrong.is_empty() {
        true => Ok((files, places)),
        false => Err(wrong),
    }
}

/// Where a file of the user's stands beside the VCL: its own path, so that varnishd's messages name it.
fn file_of(origin: &str) -> String {
    let safe = |it: char| if it.is_ascii_alphanumeric() || "._-/".contains(it) { it } else { '_' };
    let parts: Vec<&str> = origin.split('/').filter(|it| !it.is_empty() && *it != ".").collect();
    let path = parts.join("/").replace("..", "up").chars().map(safe).collect::<String>();
    format!("custom/{}.vcl", path.strip_suffix(".vcl").unwrap_or(&path))
}

fn trusted(cache: &CacheOptions, context: &Context) -> Vec<Network> {
    let own = match context.environment.provider {
        ProviderName::Local => Some(Network { address: "127.0.0.0".to_owned(), prefix: 8 }),
    };
    let network = |it: &Cidr| Network { address: it.address().to_string(), prefix: it.prefix() };
    cache.trusted.iter().map(network).chain(own).collect()
}

/// A vhost of a shop may redirect unknown hosts: the probe asks for the first website's.
fn probe(cache: &CacheOptions, context: &Context) -> ProbeValues {
    let host = context.site.websites.first().and_then(|it| context.hosts(it).into_iter().next());
    ProbeValues {
        name: cache.probe,
        path: match cache.probe {
            Probe::Php => "/health_check.php",
            Probe::Nginx => "/mops-ready",
        },
        host: host.unwrap_or_else(|| "localhost".to_owned()),
    }
}

/// Magento writes patterns as PHP does, between delimiters and with flags: `/firefox/i`.
fn pcre(exception: &DesignException) -> DesignException {
    let mut exception = exception.clone();
    let php = exception.pattern.0.strip_prefix('/').and_then(|it| it.rsplit_once('/'));
    if let Some((pattern, flags)) = php.filter(|(_, flags)| flags.chars().all(|it| "imsx".contains(it))) {
        exception.pattern.0 = match flags.is_empty() {
            true => pattern.to_owned(),
            false => format!("(?{flags}){pattern}"),
        };
    }
    exception
}
