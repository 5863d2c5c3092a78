//! What the two functions take, and what they come to together.

use mops_plugin::Context;
use mops_plugin::model::{Call, Declared, Diagnostic, Input};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{BY_COUNTRY, BY_LANGUAGE, PLUGIN};

/// Visitors are sent to the website that has their country among its `countries`.
///
/// A website with `geo: "never"` is left out: nobody is sent there or away from there.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ByCountry {
    #[serde(flatten)]
    pub(crate) redirect: Redirect,
    /// What tells the country of an address, for an edge that reads such files: a database in `MaxMind`'s format with
    /// `country.iso_code`. Without one the country is known where a trusted proxy in front says it
    /// (`CloudFront-Viewer-Country`).
    #[serde(default)]
    #[schemars(schema_with = "file")]
    pub(crate) database: Option<Input>,
}

/// Visitors are sent to the website in the language that their browser asks for, when their country does not decide.
///
/// The language of a website is its `language`, or the first half of its `locale`; of several with the same one, the
/// first declared is taken.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ByLanguage {
    #[serde(flatten)]
    pub(crate) redirect: Redirect,
}

/// What both functions take.
#[derive(Clone, Deserialize, JsonSchema)]
pub(crate) struct Redirect {
    /// Which pages redirect: `home`, only the front page; `deep`, every page, to the same path; `geofence`, every page,
    /// with no way to stay. `home` by default.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Paths that never redirect, besides those of programs and of the checkout: regular expressions (PCRE).
    #[serde(default)]
    #[schemars(schema_with = "patterns")]
    pub(crate) never_paths: Vec<String>,
    /// The cookie that remembers a visitor's choice. `mops_geo` by default.
    #[serde(default = "cookie")]
    pub(crate) cookie: String,
}

/// Which pages redirect.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Only the front page.
    #[default]
    Home,
    /// Every page, to the same path of the other website.
    Deep,
    /// Every page, with no way to stay.
    Geofence,
}

/// What the calls of a script want together.
pub(crate) struct Wanted {
    /// The call to `by_country`.
    pub(crate) country: Option<(ByCountry, Declared)>,
    /// The call to `by_language`.
    pub(crate) language: Option<(ByLanguage, Declared)>,
}

fn cookie() -> String {
    "mops_geo".to_owned()
}

fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "format": "file" })
}

fn patterns(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string", "format": "pattern" } })
}

impl Mode {
    /// As a script writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Deep => "deep",
            Self::Geofence => "geofence",
        }
    }
}

impl Wanted {
    /// What `call` and the other calls of the script want.
    pub(crate) fn of(context: &Context, call: &Call) -> Self {
        let find = |function: &str| match call.function.as_str() == function {
            true => Some(call),
            false => context.site.calls(PLUGIN, function).next(),
        };
        Self { country: find(BY_COUNTRY).map(read), language: find(BY_LANGUAGE).map(read) }
    }

    /// Whether `call` is the one that contributes for all.
    pub(crate) fn speaks(&self, call: &Call) -> bool {
        match self.country {
            Some(_) => call.function.as_str() == BY_COUNTRY,
            None => true,
        }
    }

    /// The options of the call that contributes for all.
    pub(crate) fn first(&self) -> &Redirect {
        let country = self.country.as_ref().map(|(it, _)| &it.redirect);
        let language = self.language.as_ref().map(|(it, _)| &it.redirect);
        country.or(language).expect("one of the two functions was called")
    }

    /// The path of the database, beside the script.
    pub(crate) fn database(&self) -> Option<String> {
        let (country, _) = self.country.as_ref()?;
        country.database.as_ref().map(|it| it.path.clone())
    }

    /// The paths that either function excepts.
    pub(crate) fn never_paths(&self) -> Vec<&str> {
        let country = self.country.iter().flat_map(|(it, _)| &it.redirect.never_paths);
        let language = self.language.iter().flat_map(|(it, _)| &it.redirect.never_paths);
        country.chain(language).map(String::as_str).collect()
    }

    /// What is wrong with the options.
    pub(crate) fn mistakes(&self) -> Vec<Diagnostic> {
        let mut wrong = Vec::new();
        if !is_cookie(&self.first().cookie) {
            let message = format!("{:?} is no name of a cookie", self.first().cookie);
            let help = "use letters, digits, `_` and `-`";
            wrong.push(Diagnostic::error("geo-redirects::cookie", message).at_option("cookie").help(help));
        }
        if let (Some((country, one)), Some((language, other))) = (&self.country, &self.language) {
            let (country, language) = (&country.redirect, &language.redirect);
            for (option, is_same) in
                [("mode", country.mode == language.mode), ("cookie", country.cookie == language.cookie)]
            {
                if !is_same {
                    let message = format!("`{option}` must be the same by country and by language");
                    wrong.push(
                        Diagnostic::error("geo-redirects::disagree", message)
                            .at(other.of(option), "one thing here")
                            .at(one.of(option), "another here")
                            .help("a visitor is redirected once, whatever decides where to"),
                    );
                }
            }
        }
        wrong
    }
}

fn read<T: serde::de::DeserializeOwned>(call: &Call) -> (T, Declared) {
    (call.parse().expect("the call was checked against these options"), call.declared.clone())
}

/// What every part may write without quoting (a part of RFC 6265's token).
fn is_cookie(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-'))
}
