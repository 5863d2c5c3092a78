//! What declarations return to a script, and values that are known only after apply.

use std::sync::Arc;

use mops_model::{Address, Encoding, Input, Name, Source, Text};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, Position};

use crate::run::Run;

/// Stands in text for the result of a mistake; never part of anybody's text.
pub(crate) const BROKEN: char = '\u{E002}';

/// What a declaration returns: a name that other calls take.
#[derive(Clone, Debug)]
pub(crate) enum Handle {
    Website(Name),
    Role(Name),
    Daemon(Name),
    Resource(Address),
    /// A service, by the function that was called.
    Service(String),
    /// The result of a mistake, which was reported: whatever is made of it is no mistake of its own.
    Broken,
}

/// Text with holes: an output of a resource, a secret, or text made with one.
#[derive(Clone, Debug)]
pub(crate) struct Later(pub(crate) Text);

/// What `path(…)` returns.
#[derive(Clone, Debug)]
pub(crate) struct Found(pub(crate) Arc<Input>);

/// An error that a function raises: it ends the evaluation.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

type Outcome<T> = Result<T, Box<EvalAltResult>>;

impl Handle {
    /// What other calls take for it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Website(name) | Self::Role(name) | Self::Daemon(name) => name.to_string(),
            Self::Resource(address) => address.to_string(),
            Self::Service(shown) => shown.clone(),
            Self::Broken => BROKEN.to_string(),
        }
    }

    /// What it is, with its article.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Website(_) => "a website",
            Self::Role(_) => "a role",
            Self::Daemon(_) => "a daemon",
            Self::Resource(_) => "a resource",
            Self::Service(_) => "a service",
            Self::Broken => "nothing",
        }
    }
}

impl Raised {
    /// As Rhai raises it.
    pub(crate) fn into_error(self, position: Position) -> EvalAltResult {
        EvalAltResult::ErrorRuntime(Dynamic::from(self), position)
    }
}

/// Teaches the engine what handles can do.
pub(crate) fn register(engine: &mut Engine, run: &Arc<Run>) {
    engine.register_type_with_name::<Handle>("handle");
    engine.register_type_with_name::<Later>("value known after apply");
    engine.register_type_with_name::<Found>("path");
    for shown in ["to_string", "to_debug"] {
        engine.register_fn(shown, |it: &mut Handle| it.name());
        engine.register_fn(shown, |it: &mut Later| it.0.to_marked());
        engine.register_fn(shown, |it: &mut Found| it.0.path.clone());
    }
    register_text(engine);
    register_comparison(engine);
    register_mistakes(engine);
    let run = Arc::clone(run);
    engine.register_indexer_get(
        move |context: NativeCallContext<'_>, it: &mut Handle, key: ImmutableString| {
            Outcome::Ok(property(&run, &context, it, &key))
        },
    );
}

fn register_text(engine: &mut Engine) {
    let joined = |a: &str, b: &str| ImmutableString::from(format!("{a}{b}"));
    engine.register_fn("+", move |a: &str, b: Later| joined(a, &b.0.to_marked()));
    engine.register_fn("+", move |a: Later, b: &str| joined(&a.0.to_marked(), b));
    engine.register_fn("+", move |a: Later, b: Later| joined(&a.0.to_marked(), &b.0.to_marked()));
    engine.register_fn("+", move |a: &str, b: Handle| joined(a, &b.name()));
    engine.register_fn("+", move |a: Handle, b: &str| joined(&a.name(), b));
    engine.register_fn("+=", |a: &mut ImmutableString, b: Later| *a += b.0.to_marked().as_str());
    engine.register_fn("+=", |a: &mut ImmutableString, b: Handle| *a += b.name().as_str());
}

fn register_comparison(engine: &mut Engine) {
    for operator in ["==", "!=", "<", "<=", ">", ">="] {
        engine.register_fn(operator, |context: NativeCallContext<'_>, a: Later, _: Dynamic| {
            compared(&context, &a)
        });
        engine.register_fn(operator, |context: NativeCallContext<'_>, _: Dynamic, b: Later| {
            compared(&context, &b)
        });
        engine.register_fn(operator, |context: NativeCallContext<'_>, a: Later, _: Later| {
            compared(&context, &a)
        });
    }
    engine.register_fn("==", |a: Handle, b: Handle| a.name() == b.name());
    engine.register_fn("!=", |a: Handle, b: Handle| a.name() != b.name());
    engine.register_fn("==", |a: Handle, b: &str| a.name() == b);
    engine.register_fn("!=", |a: Handle, b: &str| a.name() != b);
    engine.register_fn("==", |a: &str, b: Handle| a == b.name());
    engine.register_fn("!=", |a: &str, b: Handle| a != b.name());
    // Text that holds a value known later is compared no more than the value itself.
    for operator in ["==", "!="] {
        let is_equal = operator == "==";
        engine.register_fn(
            operator,
            move |context: NativeCallContext<'_>, a: ImmutableString, b: ImmutableString| match [&a, &b]
                .into_iter()
                .find(|it| Text::is_marked(it))
            {
                None => Ok((a == b) == is_equal),
                Some(marked) => {
                    let text = Text::parse_marked(marked, Encoding::Raw)
                        .unwrap_or_else(|_| Text::literal("this text"));
                    compared(&context, &Later(text))
                }
            },
        );
    }
}

/// Calculations with the result of a mistake give such a result again.
fn register_mistakes(engine: &mut Engine) {
    fn calculated(context: &NativeCallContext<'_>, it: &Handle) -> Outcome<Dynamic> {
        match it {
            Handle::Broken => Ok(Dynamic::from(Handle::Broken)),
            other => {
                let message = format!("`{}` cannot be used with {}", context.fn_name(), other.describe());
                let help =
                    Some("a declaration is a name to hand to other calls, or to write into text".to_owned());
                Err(Raised { code: "eval::wrong-type", message, help }
                    .into_error(context.call_position())
                    .into())
            }
        }
    }
    for operator in ["+", "-", "*", "/", "%"] {
        engine.register_fn(operator, |context: NativeCallContext<'_>, a: Handle, _: Dynamic| {
            calculated(&context, &a)
        });
        engine.register_fn(operator, |context: NativeCallContext<'_>, _: Dynamic, b: Handle| {
            calculated(&context, &b)
        });
    }
}

fn compared(context: &NativeCallContext<'_>, it: &Later) -> Outcome<bool> {
    let message = format!("`{}` cannot be compared: it is known only after apply", it.0);
    let help = Some("decide by something the script knows, such as environment() or a param".to_owned());
    Err(Raised { code: "eval::known-after-apply", message, help }.into_error(context.call_position()).into())
}

fn property(run: &Run, context: &NativeCallContext<'_>, it: &Handle, key: &str) -> Dynamic {
    let unknown = |known: Vec<&str>| {
        let help = match mops_model::nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "use it as a value of its own".to_owned(),
            None => {
                format!("it has {}", known.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "))
            }
        };
        let message = match it {
            Handle::Resource(address) => format!("`{}` has no output `{key}`", address.kind),
            _ => format!("{} has no property `{key}`", it.describe()),
        };
        run.report(context, Raised { code: "eval::unknown-property", message, help: Some(help) });
        Dynamic::from(Handle::Broken)
    };
    match it {
        Handle::Broken => Dynamic::from(Handle::Broken),
        Handle::Website(name) | Handle::Role(name) | Handle::Daemon(name) if key == "name" => {
            name.to_string().into()
        }
        Handle::Resource(address) => match run.catalog.get(&address.kind) {
            Some(schema) if schema.outputs.contains_key(key) => {
                let source = Source::Output { address: address.clone(), attribute: key.to_owned() };
                Dynamic::from(Later(Text::hole(source)))
            }
            Some(schema) => unknown(schema.outputs.keys().map(String::as_str).collect()),
            None => Dynamic::from(Handle::Broken),
        },
        Handle::Website(_) | Handle::Role(_) | Handle::Daemon(_) => unknown(vec!["name"]),
        Handle::Service(_) => unknown(Vec::new()),
    }
}
