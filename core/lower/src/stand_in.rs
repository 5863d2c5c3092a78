//! Stand-ins for what a script declares wrongly: there, and otherwise in nobody's way.
//!
//! **Invariant:** a stand-in fits the manifest, so that plugins read it like any call.

use mops_model::{
    Call, Declared, Digest, Duration, Host, Input, InputKind, Kind, Name, Need, Options, Role, RunType, Size,
    Tier, Value, Website,
};
use mops_plugin::{Function, Manifest};

/// More memory than any service asks for, in MiB: nothing is too large for a role whose size is not known.
const VAST: u64 = 1 << 30;
/// As many processors.
const MANY: u32 = 10_000;

/// A website that says everything a website can say.
pub(crate) fn website(name: Name) -> Website {
    Website {
        run_code: name.to_string(),
        hosts: vec![host(&format!("{}.invalid", name.as_str().replace('_', "-")))],
        name,
        path: String::new(),
        run_type: RunType::Website,
        locale: Some("zz_ZZ".to_owned()),
        language: Some("zz".to_owned()),
        currency: Some("XXX".to_owned()),
        countries: vec!["zz".to_owned()],
        geo: None,
        fallback: false,
        declared: Declared::default(),
    }
}

/// A role of one node, with room for everything.
pub(crate) fn role(name: Name) -> Role {
    let mut role = Role {
        name,
        tier: Tier::App,
        shares: None,
        min: 1,
        max: 1,
        target_cpu: None,
        memory: Size::mebibytes(0),
        cpus: 1,
        declared: Declared::default(),
    };
    make_roomy(&mut role);
    role
}

/// Gives `role` room for everything.
pub(crate) fn make_roomy(role: &mut Role) {
    role.memory = Size::mebibytes(VAST);
    role.cpus = MANY;
}

/// A call to `function` that gives what it must, and nothing else.
pub(crate) fn call(manifest: &Manifest, function: &Function) -> Call {
    with_options(&manifest.implied_call(function), function, Options::new())
}

/// `call` with `options`, and a stand-in for each that is required and not among them.
pub(crate) fn with_options(call: &Call, function: &Function, options: Options) -> Call {
    let mut options = function.with_defaults(options);
    for field in function.arguments.iter().chain(&function.options).filter(|it| it.need == Need::Required) {
        options.entry(field.name.clone()).or_insert_with(|| value(&field.kind));
    }
    Call { options, ..call.clone() }
}

/// A value of `kind`.
fn value(kind: &Kind) -> Value {
    match kind {
        Kind::Any | Kind::Text | Kind::Name => Value::text("stand-in"),
        // Every site has this one.
        Kind::Website | Kind::Role | Kind::Target => Value::text("app"),
        Kind::Bool => Value::Bool(false),
        Kind::Int { min, max } => Value::Int(min.or(*max).unwrap_or(1)),
        Kind::Pattern => Value::text("^/stand-in"),
        Kind::Size { min, max } => Value::text(min.or(*max).unwrap_or(Size::mebibytes(64)).to_string()),
        Kind::Duration { min, max } => Value::text(min.or(*max).unwrap_or(Duration::seconds(60)).to_string()),
        Kind::Rate => Value::text("10/1m"),
        Kind::Cidr => Value::text("192.0.2.0/24"),
        Kind::Host => Value::text("stand-in.invalid"),
        Kind::OneOf(words) => Value::text(words.first().map_or("", String::as_str)),
        Kind::Path(kind) => Value::Input(Input {
            path: "stand-in".to_owned(),
            digest: Digest::of(b""),
            kind: kind.unwrap_or(InputKind::File),
            text: Some(String::new()),
        }),
        Kind::List(kind) => Value::List(vec![value(kind)]),
        Kind::OneOrMany(kind) => value(kind),
        Kind::Map(_) => Value::record(),
        Kind::Record(fields) => {
            let required = fields.iter().filter(|it| it.need == Need::Required);
            Value::Record(required.map(|it| (it.name.clone(), value(&it.kind))).collect())
        }
        Kind::Either(kinds) => kinds.first().map_or(Value::Bool(false), value),
    }
}

/// A host that nobody has (RFC 2606).
fn host(name: &str) -> Host {
    name.parse().unwrap_or_else(|_| "stand-in.invalid".parse().expect("a literal host is valid"))
}
