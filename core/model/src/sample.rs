//! How a value of a kind is written in a script: what a message tells to write.

use crate::{Field, Kind, Need, Size};

impl Kind {
    /// A value of this kind as a script writes it: `"4G"`, `["www.acme.pl"]`, `path("…")`.
    pub fn sample(&self) -> String {
        match self {
            Self::Any | Self::Text | Self::Name | Self::Website | Self::Role | Self::Target => {
                "\"…\"".to_owned()
            }
            Self::Bool => "true".to_owned(),
            Self::Int { min, max } => min.or(*max).unwrap_or(1).to_string(),
            Self::Pattern => "`^/…`".to_owned(),
            Self::Size { min, max } => format!("\"{}\"", size(*min, *max)),
            Self::Duration { min: Some(it), .. } | Self::Duration { min: None, max: Some(it) } => {
                format!("\"{it}\"")
            }
            Self::Duration { min: None, max: None } => "\"90s\"".to_owned(),
            Self::Rate => "\"10/1m\"".to_owned(),
            Self::Cidr => "\"10.20.0.0/16\"".to_owned(),
            Self::Host => "\"www.acme.pl\"".to_owned(),
            Self::OneOf(words) => format!("{:?}", words.first().map_or("…", String::as_str)),
            Self::Path(_) => "path(\"…\")".to_owned(),
            Self::List(kind) => format!("[{}]", kind.sample()),
            Self::OneOrMany(kind) => kind.sample(),
            Self::Map(kind) => format!("#{{ key: {} }}", kind.sample()),
            Self::Record(fields) => {
                let required = fields.iter().filter(|it| it.need == Need::Required);
                let samples: Vec<String> = required.map(Field::sample).collect();
                match samples.is_empty() {
                    true => "#{ … }".to_owned(),
                    false => format!("#{{ {} }}", samples.join(", ")),
                }
            }
            Self::Either(kinds) => kinds.first().map_or_else(|| "…".to_owned(), Self::sample),
        }
    }
}

impl Field {
    /// The field as a script writes it: `memory: "4G"`.
    pub fn sample(&self) -> String {
        format!("{}: {}", self.name, self.kind.sample())
    }
}

/// 4G, or the bound that excludes it.
fn size(min: Option<Size>, max: Option<Size>) -> Size {
    let usual = Size::mebibytes(4096);
    let at_least = min.map_or(usual, |it| it.max(usual));
    max.map_or(at_least, |it| it.min(at_least))
}
