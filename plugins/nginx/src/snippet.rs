//! nginx configuration of the user's own, at named places.
//!
//! **Invariant:** a snippet is a file of its own in the closure, line for line as the user wrote it, so that nginx's
//! errors count the user's lines.

use mops_plugin::{
    Lowered, Slots,
    model::{Diagnostic, Input, OnChange, Text},
    slot::{NginxSnippet, Snippet},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Puts nginx configuration of your own at a named place. Its variables `$website`, `$path` and `$country` say what the
/// request is for and where it comes from.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Options {
    /// Where it stands.
    pub(crate) place: Place,
    /// The file.
    #[schemars(schema_with = "file")]
    pub(crate) source: Input,
}

/// A place of a snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Place {
    /// The `http` block of the TLS edge: maps, zones.
    #[serde(rename = "edge.http")]
    EdgeHttp,
    /// The `server` block of each website at the TLS edge.
    #[serde(rename = "edge.server")]
    EdgeServer,
    /// The location that hands requests on at the TLS edge.
    #[serde(rename = "edge.location")]
    EdgeLocation,
    /// The `http` block of the application's web server.
    #[serde(rename = "app.http")]
    AppHttp,
    /// The `server` block of the application's web server.
    #[serde(rename = "app.server")]
    AppServer,
    /// The location that runs PHP.
    #[serde(rename = "app.location")]
    AppLocation,
}

/// The snippets of one daemon, by block.
#[derive(Default, Serialize)]
pub(crate) struct Snippets {
    http: Vec<Included>,
    server: Vec<Included>,
    location: Vec<Included>,
    #[serde(skip)]
    files: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Included {
    origin: String,
    /// Relative to the daemon's configuration.
    file: String,
}

impl Options {
    /// The snippet that it contributes.
    ///
    /// # Errors
    /// When the file is no text.
    pub(crate) fn snippet(&self) -> Result<NginxSnippet, Diagnostic> {
        let text = self.source.text.clone().ok_or_else(|| {
            Diagnostic::error(
                "nginx::snippet",
                format!("`source`: {} is no text of at most 1 MiB", self.source.path),
            )
            .at_option("source")
            .help("name a file of nginx directives in UTF-8")
        })?;
        let place = self.place.as_str().to_owned();
        Ok(NginxSnippet(Snippet { place, text, origin: self.source.path.clone() }))
    }
}

impl Place {
    const ALL: [Self; 6] = [
        Self::EdgeHttp,
        Self::EdgeServer,
        Self::EdgeLocation,
        Self::AppHttp,
        Self::AppServer,
        Self::AppLocation,
    ];

    /// As a script writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EdgeHttp => "edge.http",
            Self::EdgeServer => "edge.server",
            Self::EdgeLocation => "edge.location",
            Self::AppHttp => "app.http",
            Self::AppServer => "app.server",
            Self::AppLocation => "app.location",
        }
    }
}

impl Snippets {
    /// The snippets whose places begin with `side`: `edge` or `app`.
    ///
    /// # Errors
    /// Everything that is wrong with a contribution.
    pub(crate) fn of(side: &str, slots: &Slots) -> Result<Self, Vec<Diagnostic>> {
        let mut snippets = Self::default();
        let mut wrong = Vec::new();
        for (i, (NginxSnippet(snippet), declared)) in slots.get::<NginxSnippet>()?.into_iter().enumerate() {
            let file = format!("snippets/{}-{}", i + 1, file_name(&snippet.origin));
            let included = Included { origin: snippet.origin.replace('\n', " "), file: file.clone() };
            let Some(place) = Place::ALL.into_iter().find(|it| it.as_str() == snippet.place) else {
                let message = format!("nginx has no place called `{}`", snippet.place);
                wrong.push(Diagnostic::error("nginx::place", message).at(declared.span, "contributed here"));
                continue;
            };
            if !place.as_str().starts_with(side) {
                continue;
            }
            snippets.files.push((file, snippet.text));
            match place {
                Place::EdgeHttp | Place::AppHttp => snippets.http.push(included),
                Place::EdgeServer | Place::AppServer => snippets.server.push(included),
                Place::EdgeLocation | Place::AppLocation => snippets.location.push(included),
            }
        }
        match wrong.is_empty() {
            true => Ok(snippets),
            false => Err(wrong),
        }
    }

    /// Adds the files of the snippets.
    pub(crate) fn add_to(&self, lowered: &mut Lowered, role: &str, daemon: &str) {
        for (file, text) in &self.files {
            let path = format!("{daemon}/{file}");
            lowered.file(role, &path, Text::literal(text.clone()), daemon, OnChange::Reload);
        }
    }
}

/// The last part of a path, of characters that need no quotes.
fn file_name(origin: &str) -> String {
    let name = origin.rsplit('/').next().unwrap_or(origin);
    name.chars().map(|it| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '-' }).collect()
}

fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "format": "file" })
}
