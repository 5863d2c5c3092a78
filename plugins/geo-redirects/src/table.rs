//! Which website is for which country and language: read from the table of websites.

use std::collections::BTreeMap;

use mops_plugin::model::{Diagnostic, Name, Website};

use crate::options::Wanted;

/// Countries and languages with the website for each.
#[derive(Default)]
pub(crate) struct Table {
    pub(crate) countries: BTreeMap<String, Name>,
    pub(crate) languages: BTreeMap<String, Name>,
}

/// The word of a website that takes no part.
const NEVER: &str = "never";

/// Two letters each; lines that begin with `#` are for people.
const COUNTRIES: &str = include_str!("../data/countries.txt");
const LANGUAGES: &str = include_str!("../data/languages.txt");

/// Codes that people write for another.
const MEANT_COUNTRIES: [(&str, &str); 2] = [("uk", "gb"), ("el", "gr")];
const MEANT_LANGUAGES: [(&str, &str); 6] =
    [("cz", "cs"), ("dk", "da"), ("ua", "uk"), ("gr", "el"), ("jp", "ja"), ("cn", "zh")];

impl Table {
    /// What `wanted` needs of it. Everything that is wrong with the websites goes to `wrong`.
    pub(crate) fn of(websites: &[Website], wanted: &Wanted, wrong: &mut Vec<Diagnostic>) -> Self {
        for website in websites {
            wrong.extend(unknown_geo(website));
        }
        let targets: Vec<&Website> = websites.iter().filter(|it| it.geo.as_deref() != Some(NEVER)).collect();
        let mut table = Self::default();
        if wanted.country.is_some() {
            table.countries = countries(&targets, wrong);
        }
        if wanted.language.is_some() {
            table.languages = languages(&targets, wrong);
        }
        let named = |name: &Name| targets.iter().find(|it| it.name == *name);
        let mut used: Vec<&Name> = table.countries.values().chain(table.languages.values()).collect();
        used.sort();
        used.dedup();
        wrong.extend(used.into_iter().filter_map(named).filter_map(|it| many_hosts(it)));
        table
    }
}

fn countries(targets: &[&Website], wrong: &mut Vec<Diagnostic>) -> BTreeMap<String, Name> {
    let mut claims: BTreeMap<String, &Website> = BTreeMap::new();
    let mut is_any = false;
    for website in targets {
        for (i, country) in website.countries.iter().enumerate() {
            is_any = true;
            let at = format!("countries[{i}]");
            if !is_among(COUNTRIES, country) {
                wrong.push(unknown(website, &at, "country", country, &MEANT_COUNTRIES));
                continue;
            }
            match claims.get(country) {
                Some(first) if first.name != website.name => {
                    wrong.push(claimed_twice(first, website, country, &at));
                }
                Some(_) => (),
                None => {
                    claims.insert(country.clone(), website);
                }
            }
        }
    }
    if !is_any {
        wrong.push(
            Diagnostic::error("geo-redirects::no-countries", "no website says which countries it is for")
                .help("add `countries: [\"pl\"]` to each website that visitors are to be sent to"),
        );
    }
    claims.into_iter().map(|(country, website)| (country, website.name.clone())).collect()
}

fn languages(targets: &[&Website], wrong: &mut Vec<Diagnostic>) -> BTreeMap<String, Name> {
    let mut languages = BTreeMap::new();
    let mut is_any = false;
    for website in targets {
        let Some((language, at)) = language(website) else { continue };
        is_any = true;
        match is_among(LANGUAGES, language) {
            true => {
                languages.entry(language.to_owned()).or_insert_with(|| website.name.clone());
            }
            false => wrong.push(unknown(website, at, "language", language, &MEANT_LANGUAGES)),
        }
    }
    if !is_any {
        wrong.push(
            Diagnostic::error("geo-redirects::no-languages", "no website says which language it is in")
                .help("add `language: \"pl\"` or `locale: \"pl_PL\"` to each website that visitors are to be sent to"),
        );
    }
    languages
}

/// The language of a website and the option that says it.
fn language(website: &Website) -> Option<(&str, &'static str)> {
    match (&website.language, &website.locale) {
        (Some(language), _) => Some((language, "language")),
        (None, Some(locale)) => locale.split('_').next().map(|it| (it, "locale")),
        (None, None) => None,
    }
}

fn is_among(codes: &str, code: &str) -> bool {
    codes.lines().filter(|it| !it.starts_with('#')).flat_map(str::split_whitespace).any(|it| it == code)
}

fn unknown(website: &Website, at: &str, what: &str, code: &str, meant: &[(&str, &str)]) -> Diagnostic {
    let lower = code.to_lowercase();
    let meant = meant.iter().find(|(wrong, _)| *wrong == lower).map_or(lower.as_str(), |(_, right)| right);
    let codes = if what == "country" { COUNTRIES } else { LANGUAGES };
    let help = match is_among(codes, meant) {
        true => format!("did you mean {meant:?}?"),
        false => "write two lowercase letters, such as \"pl\"".to_owned(),
    };
    Diagnostic::error(format!("geo-redirects::{what}"), format!("{code:?} is no {what}"))
        .at(website.declared.of(at), "here")
        .help(help)
}

fn claimed_twice(first: &Website, second: &Website, country: &str, at: &str) -> Diagnostic {
    let (one, other) = (&first.name, &second.name);
    let place = first.countries.iter().position(|it| it == country).map(|i| format!("countries[{i}]"));
    let first_at = first.declared.of(place.as_deref().unwrap_or("countries"));
    Diagnostic::error(
        "geo-redirects::claimed-twice",
        format!("the websites `{one}` and `{other}` are both for the country \"{country}\""),
    )
    .at(second.declared.of(at), "claimed again here")
    .at(first_at, "claimed here first")
    .help(format!("take it from one of them, or give `{other}` the option `geo: \"never\"`"))
}

fn unknown_geo(website: &Website) -> Option<Diagnostic> {
    let geo = website.geo.as_deref().filter(|it| *it != NEVER)?;
    let message = format!("`geo` of the website `{}` may be \"never\", not {geo:?}", website.name);
    Some(
        Diagnostic::error("geo-redirects::geo", message)
            .at(website.declared.of("geo"), "here")
            .help("write \"never\" to leave it out, or nothing to let it take part"),
    )
}

/// A visitor is sent to one host.
fn many_hosts(website: &Website) -> Option<Diagnostic> {
    let host = website.hosts.first().filter(|it| it.as_str().starts_with("*."))?;
    let message = format!("nobody can be sent to `{host}`, the first host of the website `{}`", website.name);
    Some(
        Diagnostic::error("geo-redirects::many-hosts", message)
            .at(website.declared.of("hosts[0]"), "here")
            .help("put the host that visitors shall see first"),
    )
}
