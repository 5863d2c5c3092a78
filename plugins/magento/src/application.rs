//! What the script says of the application itself: `site("acme", #{ magento: #{ … } })`.

use mops_plugin::{
    Context, fields_of,
    model::{Diagnostic, Input, Kind, Site, Value, nearest},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The key of the site's options.
const KEY: &str = "magento";

/// The application.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Application {
    /// Magento's version, such as `2.4.6` or `2.4.6-p3`.
    #[serde(default = "version")]
    pub(crate) version: String,
    /// The release: a folder with `app`, `bin`, `pub`, `vendor`.
    #[serde(default)]
    #[schemars(with = "serde_json::Value", extend("format" = "folder"))]
    pub(crate) release: Option<Input>,
    /// The front name of the admin (`backend/frontName`).
    #[serde(default = "admin_path")]
    pub(crate) admin_path: String,
}

/// Each line of versions and the PHP it is run with
/// (<https://experienceleague.adobe.com/docs/commerce-operations/installation-guide/system-requirements.html>).
const LINES: [(&str, &str); 6] = [
    ("2.4.4", "8.1"),
    ("2.4.5", "8.1"),
    ("2.4.6", "8.2"),
    ("2.4.7", "8.3"),
    ("2.4.8", "8.4"),
    ("2.4.9", "8.4"),
];

/// First parts of the storefront's paths, which the admin cannot have.
const STOREFRONT: [&str; 8] =
    ["catalog", "checkout", "cms", "customer", "graphql", "media", "rest", "static"];

/// What Debian 12's daemons match.
fn version() -> String {
    "2.4.6".to_owned()
}

fn admin_path() -> String {
    "admin".to_owned()
}

impl Application {
    /// What `site` says of it.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place.
    pub(crate) fn of(site: &Site) -> Result<Self, Vec<Diagnostic>> {
        let said = site.options.get(KEY).cloned().unwrap_or_else(Value::record);
        let (_, fields) = fields_of::<Self>();
        let mismatches = Kind::Record(fields).check(&said);
        let place = |path: &str| site.declared.of(&format!("{KEY}.{path}"));
        if !mismatches.is_empty() {
            let diagnostic = |it: &mops_plugin::model::Mismatch| {
                let found = Diagnostic::error(format!("magento::{}", it.rule), &it.message)
                    .at(place(&it.path), "here");
                Diagnostic { help: it.help.clone(), ..found }
            };
            return Err(mismatches.iter().map(diagnostic).collect());
        }
        let application: Self = said.parse().expect("it was checked against its own fields");
        let mut wrong = Vec::new();
        if application.line().is_none() {
            let version = &application.version;
            let lines: Vec<&str> = LINES.iter().map(|(line, _)| *line).collect();
            wrong.push(
                Diagnostic::error(
                    "magento::unknown-version",
                    format!("there is no Magento {version:?} that mops knows"),
                )
                .at(place("version"), "this version")
                .help(match nearest(version, lines.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("it knows {}, and their patches (\"2.4.6-p3\")", lines.join(", ")),
                }),
            );
        }
        wrong.extend(application.wrong_admin_path().map(|it| it.at(place("admin_path"), "this path")));
        match wrong.is_empty() {
            true => Ok(application),
            false => Err(wrong),
        }
    }

    /// The version of PHP to run it with: the script's choice, or what its line of versions is run with.
    pub(crate) fn php(&self, context: &Context) -> String {
        let chosen = context.site.calls("php", "fpm").find_map(|it| it.options.get("version")?.as_text());
        let needed = self.line().map(|(_, php)| php).expect("an application has a known version");
        chosen.unwrap_or(needed).to_owned()
    }

    fn line(&self) -> Option<(&'static str, &'static str)> {
        let (line, patch) = self.version.split_once("-p").unwrap_or((&self.version, "1"));
        let is_patch = !patch.is_empty() && patch.bytes().all(|it| it.is_ascii_digit());
        LINES.into_iter().find(|(known, _)| *known == line && is_patch)
    }

    fn wrong_admin_path(&self) -> Option<Diagnostic> {
        let path = self.admin_path.as_str();
        let is_word =
            !path.is_empty() && path.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
        let message = match (is_word, STOREFRONT.contains(&path)) {
            (true, false) => return None,
            (true, true) => format!("{path:?} is a path of the storefront"),
            (false, _) => format!("{path:?} is no front name"),
        };
        let help = "write one word of letters, digits, `-` and `_`, such as \"backoffice\"";
        Some(Diagnostic::error("magento::wrong-admin-path", message).help(help))
    }
}
