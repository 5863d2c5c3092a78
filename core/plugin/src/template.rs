//! Files from templates, written in the daemon's own language.
//!
//! A template is Jinja (minijinja); logic stays in Rust, as named values. Every value is written in the encoding of the
//! file, so that none can end the string it stands in; the filters `raw` and `pattern` choose another encoding for one
//! value. What is known later is asked for by name: `here("address")`, `secret("redis-cache")`, and
//! `each("app")` … `end()`, between which `there("address")` is a fact of the node at hand.

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};
use mops_model::{Diagnostic, Encoding, Name, Source, Text};
use serde::{Deserialize, Serialize};

/// A template and the encoding of the file it makes.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name, for messages: `varnish/default.vcl`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// How values are written into it.
    pub encoding: Encoding,
}

/// The object that a value becomes whose encoding was chosen with a filter.
const CHOSEN: &str = "$chosen";

impl Template {
    /// Renders with `values`.
    ///
    /// # Errors
    /// When a value cannot stand where the template puts it.
    ///
    /// # Panics
    /// When the template itself is wrong (its syntax, an unknown value): a bug of the plugin, which a test that renders
    /// it finds.
    pub fn render(&self, values: impl Serialize) -> Result<Text, Diagnostic> {
        let marked = self
            .environment()
            .render_named_str(self.name, self.text, Serde(&values))
            .map_err(|err| self.wrong(&err))?;
        match Text::parse_marked(&marked, self.encoding) {
            Ok(text) => Ok(text),
            Err(err) => panic!("{}: {err}", self.name),
        }
    }

    fn wrong(&self, err: &Error) -> Diagnostic {
        match err.kind() {
            ErrorKind::BadEscape => {
                let why = err.detail().unwrap_or_default();
                Diagnostic::error("plugin::unencodable", format!("{}: {why}", self.name))
                    .help("use a value without that character")
            }
            _ => panic!("the template {} is wrong: {err:#}", self.name),
        }
    }

    fn environment(&self) -> Environment<'static> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(whole_lines());
        let encoding = self.encoding;
        environment.set_formatter(move |out, _, value| {
            let (value, encoding) = chosen(value, encoding)?;
            let written = written(&value)?;
            let encoded = Text::encode_marked(&written, encoding)
                .map_err(|err| Error::new(ErrorKind::BadEscape, err.to_string()))?;
            out.write_str(&encoded).map_err(|_| Error::new(ErrorKind::WriteFailure, "cannot write"))
        });
        environment.add_filter("raw", |value: Value| choose(&value, Encoding::Raw));
        environment.add_filter("pattern", |value: Value| choose(&value, Encoding::Pattern));
        environment.add_filter("shell", |value: Value| choose(&value, Encoding::Shell));
        environment.add_function("here", |fact: String| Text::here(fact).to_marked());
        environment.add_function("there", |fact: String| Text::hole(Source::There(fact)).to_marked());
        environment.add_function("secret", |secret: String| {
            name(&secret).map(|it| Text::hole(Source::Secret(it)).to_marked())
        });
        environment.add_function("each", |role: String| {
            name(&role).map(|it| choose(&Value::from(Text::mark_each(it)), Encoding::Raw))
        });
        environment.add_function("end", || choose(&Value::from(Text::mark_end()), Encoding::Raw));
        environment
    }
}

/// A block tag takes its whole line with it; the end of a file stays as it is.
fn whole_lines() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    syntax.build().expect("the usual delimiters are valid")
}

#[derive(Serialize, Deserialize)]
struct Chosen {
    #[serde(rename = "$chosen")]
    value: String,
    encoding: Encoding,
}

fn name(text: &str) -> Result<Name, Error> {
    text.parse()
        .map_err(|err: mops_model::InvalidName| Error::new(ErrorKind::InvalidOperation, err.to_string()))
}

fn choose(value: &Value, encoding: Encoding) -> Value {
    let value = written(value).unwrap_or_else(|err| panic!("{err}"));
    Value::from(Serde(Chosen { value, encoding }))
}

fn chosen(value: &Value, encoding: Encoding) -> Result<(Value, Encoding), Error> {
    match value.kind() == ValueKind::Map && value.get_attr(CHOSEN).is_ok_and(|it| !it.is_undefined()) {
        true => {
            let chosen = Chosen::deserialize(value.clone())?;
            Ok((Value::from(chosen.value), chosen.encoding))
        }
        false => Ok((value.clone(), encoding)),
    }
}

/// A value as text: what a template prints. Texts with holes print their marks.
fn written(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Map => match Text::deserialize(value.clone()) {
            Ok(text) => Ok(text.to_marked()),
            Err(_) => Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("{value} is a map and cannot be printed"),
            )),
        },
        _ => Ok(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    fn render(encoding: Encoding, text: &'static str, values: Value) -> Result<String, String> {
        let template = Template { name: "test", text, encoding };
        template.render(values).map(|it| it.to_string()).map_err(|it| it.message)
    }

    #[test]
    fn a_value_is_written_in_the_encoding_of_the_file() {
        let values = context!(name => "it's");
        assert_eq!(render(Encoding::Php, "'{{ name }}'", values.clone()).unwrap(), r"'it\'s'");
        assert_eq!(render(Encoding::Php, "'{{ name|raw }}'", values).unwrap(), "'it's'");
        let err = render(Encoding::Vcl, "\"{{ name }}\"", context!(name => "a\"b")).unwrap_err();
        assert_eq!(err, "test: \"a\\\"b\" cannot stand in a VCL string: '\"' has no escape there");
    }

    #[test]
    fn what_is_known_later_is_a_hole() {
        let template =
            "{{ each('app') }}server {{ there('address') }}:{{ there('port.nginx.http') }};\n{{ end() }}";
        assert_eq!(
            render(Encoding::Nginx, template, context!()).unwrap(),
            "‹each app›server ‹there.address›:‹there.port.nginx.http›;\n‹end›"
        );
        let text = Template {
            name: "test",
            text: "'{{ secret('key') }}' {{ here('run')|raw }}",
            encoding: Encoding::Php,
        };
        let text = text.render(context!()).unwrap();
        let encodings: Vec<Encoding> = text
            .parts()
            .iter()
            .filter_map(|it| match it {
                mops_model::Part::Hole(hole) => Some(hole.encoding),
                mops_model::Part::Literal(_) | mops_model::Part::Each(_) => None,
            })
            .collect();
        assert_eq!(encodings, [Encoding::Php, Encoding::Raw]);
    }

    #[test]
    #[should_panic(expected = "the template test is wrong")]
    fn an_unknown_value_is_a_bug() {
        drop(render(Encoding::Raw, "{{ unknown }}", context!()));
    }
}
