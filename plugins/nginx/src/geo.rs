//! Redirects by country and language, at the edge: the cache never sees them.
//!
//! **Invariant:** a redirect is never cached, and never leads to where the visitor is.

use mops_plugin::{
    Context, Slots, Template,
    model::{Diagnostic, Encoding, Name, Text, Website},
    slot::GeoRedirect,
};
use serde::Serialize;

use crate::websites;

const GEO: Template = Template {
    name: "edge-nginx/geo.conf",
    text: include_str!("../templates/geo.conf"),
    encoding: Encoding::Nginx,
};
/// The word of a website that nobody is sent away from.
const STAYS: &str = "never";

/// What the edge's configuration takes.
#[derive(Serialize)]
pub(crate) struct Redirects {
    /// The word of the mode; see [`GeoRedirect::mode`].
    mode: String,
    cookie: String,
    /// The maps that decide.
    #[serde(skip)]
    pub(crate) text: Text,
    #[serde(skip)]
    pub(crate) warnings: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct Values<'a> {
    mode: &'a str,
    countries: Vec<Leads<'a>>,
    languages: Vec<Leads<'a>>,
    never: &'a str,
    /// As a regular expression.
    cookie_pattern: String,
    staying: Vec<&'a Name>,
    targets: Vec<Target<'a>>,
    port_in_url: Text,
}

/// A country or language and the website for it.
#[derive(Serialize)]
struct Leads<'a> {
    key: &'a str,
    website: &'a Name,
}

/// Where a website is reached, for each kind of name that its first host has here.
#[derive(Serialize)]
struct Target<'a> {
    website: &'a Name,
    names: usize,
    host: String,
    prefix: &'a str,
}

/// What was contributed to `edge.geo`, if anything was.
///
/// # Errors
/// Everything that is wrong with a contribution.
pub(crate) fn redirects(
    context: &Context,
    slots: &Slots,
    port_in_url: Text,
) -> Result<Option<Redirects>, Vec<Diagnostic>> {
    let mut given = slots.get::<GeoRedirect>()?.into_iter();
    let Some((redirect, declared)) = given.next() else { return Ok(None) };
    let second = given.map(|(_, declared)| {
        Diagnostic::error("nginx::geo", "two services redirect by country or language")
            .at(declared.span, "this is the second")
            .help("keep one of them")
    });
    let mut wrong: Vec<Diagnostic> = second.collect();
    if !["home", "deep", "geofence"].contains(&redirect.mode.as_str()) {
        let message = format!("the edge knows no redirects of the mode `{}`", redirect.mode);
        wrong.push(Diagnostic::error("nginx::geo", message).at(declared.span, "contributed here"));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut warnings = Vec::new();
    if let Some(database) = &redirect.database {
        let message =
            format!("the edge does not read {database}: a country is known where a trusted proxy says it");
        warnings.push(Diagnostic::warning("nginx::geo-database", message).at(declared.span, "named here"));
    }
    let text = GEO.render(values(context, &redirect, port_in_url)).map_err(|it| vec![it])?;
    Ok(Some(Redirects { mode: redirect.mode, cookie: redirect.cookie, text, warnings }))
}

fn values<'a>(context: &'a Context, redirect: &'a GeoRedirect, port_in_url: Text) -> Values<'a> {
    let reachable = |name: &Name| context.site.website(name.as_str()).is_some_and(has_one_name);
    let leads = |(key, website): (&'a String, &'a Name)| Leads { key, website };
    let websites = &context.site.websites;
    Values {
        mode: &redirect.mode,
        countries: redirect.countries.iter().filter(|(_, it)| reachable(it)).map(leads).collect(),
        languages: redirect.languages.iter().filter(|(_, it)| reachable(it)).map(leads).collect(),
        never: &redirect.never,
        cookie_pattern: websites::escaped(&redirect.cookie),
        staying: websites.iter().filter(|it| it.geo.as_deref() == Some(STAYS)).map(|it| &it.name).collect(),
        targets: websites.iter().filter(|it| has_one_name(it)).flat_map(|it| targets(context, it)).collect(),
        port_in_url,
    }
}

fn targets<'a>(context: &Context, website: &'a Website) -> Vec<Target<'a>> {
    let prefix = website.path.trim_end_matches('/');
    let names = websites::names(context, website, &website.hosts[0]).into_iter().enumerate();
    names.map(|(names, host)| Target { website: &website.name, names, host, prefix }).collect()
}

/// Whether its first host is a name and no wildcard.
fn has_one_name(website: &Website) -> bool {
    website.hosts.first().is_some_and(|it| !it.as_str().starts_with("*."))
}
