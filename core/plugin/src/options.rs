//! Options of functions from Rust types, through their JSON schema.
//!
//! A plugin writes a struct with `#[derive(Deserialize, JsonSchema)]`; doc comments become docs, `#[serde(default)]`
//! becomes defaults, `#[schemars(range(…))]` becomes bounds, and the types of [`mops_model`] name their kind in
//! `format`. Bounds of sizes and durations are said with `extend("x-min" = "64M")` and `extend("x-max" = …)`; a text
//! is narrowed with `extend("format" = …)`: `name`, `pattern`, `website`, `role`, `target`, `path`, `file`, `folder`.

use mops_model::{Field, InputKind, Kind, Need, Value};
use schemars::JsonSchema;
use serde_json::{Map, Value as Json};

/// The doc comment and the fields of `T`, in the order of their declaration.
///
/// # Panics
/// When `T` is not a struct of what an option can be: a bug of the plugin, found by the first test that asks for its
/// manifest.
pub fn fields_of<T: JsonSchema>() -> (String, Vec<Field>) {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    let map = schema.as_object().expect("a schema is an object");
    (doc(map), fields(map))
}

fn fields(schema: &Map<String, Json>) -> Vec<Field> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Json::as_object);
    let field = |(name, it): (&String, &Json)| {
        let it = it.as_object().unwrap_or_else(|| panic!("`{name}` has no type that an option can be"));
        let need = match it.get("default") {
            Some(Json::Null) => Need::Optional,
            Some(value) => Need::Default(value_of(name, value)),
            None if required.contains(&name.as_str()) => Need::Required,
            None => Need::Optional,
        };
        Field { name: name.clone(), kind: kind(name, it), need, doc: doc(it) }
    };
    properties.into_iter().flatten().map(field).collect()
}

fn value_of(name: &str, value: &Json) -> Value {
    Value::of(value).unwrap_or_else(|err| panic!("the default of `{name}` is no plain data: {err}"))
}

fn doc(schema: &Map<String, Json>) -> String {
    schema.get("description").and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn kind(name: &str, schema: &Map<String, Json>) -> Kind {
    if let Some(kinds) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
        return either(name, kinds);
    }
    if let Some(words) = schema.get("enum").and_then(Json::as_array) {
        return Kind::OneOf(words.iter().filter_map(Json::as_str).map(str::to_owned).collect());
    }
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return Kind::OneOf(vec![word.to_owned()]);
    }
    let format = schema.get("format").and_then(Json::as_str);
    match type_of(schema) {
        Some("boolean") => Kind::Bool,
        Some("integer") => Kind::Int { min: bound(schema, "minimum"), max: bound(schema, "maximum") },
        Some("string") => text(name, format, schema),
        Some("array") => {
            let items = schema
                .get("items")
                .and_then(Json::as_object)
                .unwrap_or_else(|| panic!("`{name}` has no items"));
            Kind::List(Box::new(kind(name, items)))
        }
        Some("object") => match schema.get("additionalProperties").and_then(Json::as_object) {
            Some(values) => Kind::Map(Box::new(kind(name, values))),
            None if schema.contains_key("properties") => Kind::Record(fields(schema)),
            None => Kind::Map(Box::new(Kind::Any)),
        },
        Some(other) => panic!("`{name}`: an option cannot be a {other}"),
        None => match format {
            Some("path") => Kind::Path(None),
            Some("file") => Kind::Path(Some(InputKind::File)),
            Some("folder") => Kind::Path(Some(InputKind::Folder)),
            _ => Kind::Any,
        },
    }
}

/// `Option<T>` is `T` or null: whether a field may be left out is its need, not its kind.
fn type_of(schema: &Map<String, Json>) -> Option<&str> {
    match schema.get("type")? {
        Json::String(it) => Some(it),
        Json::Array(types) => types.iter().filter_map(Json::as_str).find(|it| *it != "null"),
        _ => None,
    }
}

fn either(name: &str, kinds: &[Json]) -> Kind {
    let is_null = |it: &Map<String, Json>| it.get("type").and_then(Json::as_str) == Some("null");
    let kinds: Vec<Kind> =
        kinds.iter().filter_map(Json::as_object).filter(|it| !is_null(it)).map(|it| kind(name, it)).collect();
    let words = |kind: &Kind| match kind {
        Kind::OneOf(words) => Some(words.clone()),
        _ => None,
    };
    if let Some(words) = kinds.iter().map(words).collect::<Option<Vec<_>>>() {
        return Kind::OneOf(words.concat());
    }
    match kinds.as_slice() {
        [kind] => kind.clone(),
        [one, Kind::List(many)] if *one == **many => Kind::OneOrMany(many.clone()),
        _ => Kind::Either(kinds),
    }
}

fn text(name: &str, format: Option<&str>, schema: &Map<String, Json>) -> Kind {
    match format {
        None => Kind::Text,
        Some("name") => Kind::Name,
        Some("pattern") => Kind::Pattern,
        Some("rate") => Kind::Rate,
        Some("cidr") => Kind::Cidr,
        Some("host") => Kind::Host,
        Some("website") => Kind::Website,
        Some("role") => Kind::Role,
        Some("target") => Kind::Target,
        Some("size") => Kind::Size { min: bound(schema, "x-min"), max: bound(schema, "x-max") },
        Some("duration") => Kind::Duration { min: bound(schema, "x-min"), max: bound(schema, "x-max") },
        Some(other) => panic!("`{name}`: no kind of text has the format `{other}`"),
    }
}

fn bound<T: serde::de::DeserializeOwned>(schema: &Map<String, Json>, key: &str) -> Option<T> {
    let bound = schema.get(key)?;
    Some(
        serde_json::from_value(bound.clone())
            .unwrap_or_else(|err| panic!("the bound {bound} is wrong: {err}")),
    )
}

#[cfg(test)]
mod tests {
    use mops_model::{Duration, Rate, Selector, Size};
    use serde::Deserialize;

    use super::*;

    /// A cache.
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Cache {
        /// Memory of the storage.
        #[schemars(extend("x-min" = "64M"))]
        #[serde(default = "memory")]
        memory: Size,
        /// How long it may be stale.
        grace: Option<Duration>,
        /// How fast.
        rate: Rate,
        /// What probes.
        #[serde(default)]
        probe: Probe,
        /// Processes.
        #[schemars(range(min = 1, max = 64))]
        #[serde(default = "one")]
        processes: u32,
        #[serde(flatten)]
        selector: Selector,
    }

    #[derive(Default, serde::Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Probe {
        /// Asks PHP.
        #[default]
        Php,
        /// Asks nginx.
        Nginx,
    }

    fn memory() -> Size {
        Size::mebibytes(1024)
    }

    fn one() -> u32 {
        1
    }

    #[test]
    fn a_struct_says_what_its_options_are() {
        let (doc, fields) = fields_of::<Cache>();
        assert_eq!(doc, "A cache.");
        let shown: Vec<String> =
            fields.iter().map(|it| format!("{}: {} ({:?})", it.name, it.kind, it.need)).collect();
        assert_eq!(
            shown,
            [
                "agent: a regular expression (Optional)",
                "country: text, or a list of such (Optional)",
                "from: a network such as \"10.20.0.0/16\", or a list of such (Optional)",
                "grace: a duration such as \"90s\" (Optional)",
                "memory: a size such as \"4G\", at least 64M (Default(Text(Text([Literal(\"1G\")]))))",
                "method: text, or a list of such (Optional)",
                "on: a website or a role (Optional)",
                "path: a regular expression (Optional)",
                "probe: \"php\" or \"nginx\" (Default(Text(Text([Literal(\"php\")]))))",
                "processes: a whole number from 1 to 64 (Default(Int(1)))",
                "rate: a rate such as \"10/1m\" (Required)",
            ]
        );
    }
}
