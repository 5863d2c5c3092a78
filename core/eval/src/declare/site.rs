//! The site, its websites and its roles.

use std::collections::BTreeMap;

use mops_model::{Declared, Kind, Name, Need, Options, Role, Size, Span, Tier, Value, Website};
use serde::Deserialize;

use super::RENAME;
use crate::{
    handle::Handle,
    run::{Checked, State},
};

/// What `role` says; what it leaves out stays as it is, or gets its default.
#[derive(Deserialize)]
pub(crate) struct RoleDeclaration {
    pub(crate) name: Name,
    min: Option<u32>,
    max: Option<u32>,
    target_cpu: Option<u32>,
    memory: Option<Size>,
    cpus: Option<u32>,
    pub(crate) shares: Option<Name>,
    tier: Option<Tier>,
    #[serde(skip)]
    declared: Declared,
}

/// The roles that every site has.
pub(crate) fn default_roles() -> Vec<Role> {
    let role = |name: &str, tier: Tier, memory: u64| Role {
        name: Name::literal(name),
        tier,
        shares: None,
        min: 1,
        max: 1,
        target_cpu: None,
        memory: Size::mebibytes(memory),
        cpus: 1,
        declared: Declared::default(),
    };
    vec![role("edge", Tier::Edge, 1024), role("app", Tier::App, 2048), role("persistent", Tier::Data, 1024)]
}

impl RoleDeclaration {
    /// Adjusts the role of this name among `roles`, or adds one.
    pub(crate) fn apply(self, roles: &mut Vec<Role>) {
        let at = match roles.iter().position(|it| it.name == self.name) {
            Some(at) => at,
            None => {
                let fresh = Role {
                    name: self.name.clone(),
                    tier: Tier::App,
                    memory: Size::mebibytes(1024),
                    ..default_roles().remove(0)
                };
                roles.push(fresh);
                roles.len() - 1
            }
        };
        let role = &mut roles[at];
        role.min = self.min.unwrap_or(role.min);
        role.max = self.max.unwrap_or(role.min);
        role.target_cpu = self.target_cpu;
        role.memory = self.memory.unwrap_or(role.memory);
        role.cpus = self.cpus.unwrap_or(role.cpus);
        role.shares = self.shares;
        role.tier = self.tier.unwrap_or(role.tier);
        role.declared = self.declared;
    }

    pub(crate) fn place(&self, key: &str) -> Span {
        self.declared.of(key)
    }
}

pub(super) fn site(state: &mut State, call: &Checked<'_>) -> Handle {
    state.declared.has_site = true;
    let is_first = state.claim("site", "", call.places.call, "`site` is called twice", "keep one of them");
    if let (true, true, Some(name)) = (is_first, call.is_whole, call.name()) {
        let fields = &call.callee.function.options;
        let mut options = call.options.clone();
        options.remove("name");
        with_inner_defaults(fields, &mut options);
        state.declared.site = Some((name, options, call.declared.clone()));
    }
    Handle::Service("site".to_owned())
}

/// Fills in defaults below the first level.
fn with_inner_defaults(fields: &[mops_model::Field], options: &mut Options) {
    for field in fields {
        if let Need::Default(value) = &field.need {
            options.entry(field.name.clone()).or_insert_with(|| value.clone());
        }
        if let (Kind::Record(inner), Some(Value::Record(record))) =
            (&field.kind, options.get_mut(&field.name))
        {
            with_inner_defaults(inner, record);
        }
    }
}

pub(super) fn website(state: &mut State, call: &Checked<'_>) -> Handle {
    let Some(name) = call.name() else {
        state.declared.missing.anything = true;
        return Handle::Broken;
    };
    let twice = format!("the website `{name}` is declared twice");
    let is_new = state.claim("website", name.as_str(), call.name_place(), &twice, RENAME);
    if !is_new || !call.is_whole || !is_sound(state, call) {
        return Handle::Website(name);
    }
    let mut more = BTreeMap::from([(
        "declared".to_owned(),
        Value::of(&call.declared).expect("a declaration is plain data"),
    )]);
    if !call.options.contains_key("run_code") {
        more.insert("run_code".to_owned(), Value::text(name.as_str()));
    }
    // Where its values come from is no part of what is handed on as data.
    let website = Website { declared: call.declared.clone(), ..call.parse(more) };
    state.declared.websites.push(website);
    Handle::Website(name)
}

/// What no kind can say about a website.
fn is_sound(state: &mut State, call: &Checked<'_>) -> bool {
    let is_later = |it: &Value| it.texts().iter().any(|text| text.as_literal().is_none());
    if let Some((key, _)) = call.options.iter().find(|(_, it)| is_later(it)) {
        let message = format!("`website`: `{key}` must be known before apply");
        let help = "everything about a website is known from the script";
        state.wrong(
            "eval::known-after-apply",
            message,
            call.places.value(key),
            "known only after apply",
            help,
        );
        return false;
    }
    if call.options.get("hosts") == Some(&Value::List(Vec::new())) {
        let span = call.places.key("hosts");
        state.wrong(
            "eval::wrong-value",
            "`website`: `hosts` names no host".to_owned(),
            span,
            "here",
            "name at least one, such as [\"acme.pl\"]",
        );
        return false;
    }
    let path = call.text("path").unwrap_or("");
    let is_prefix = path.is_empty() || (path.starts_with('/') && !path.ends_with('/'));
    if let Some(Value::List(countries)) = call.options.get("countries") {
        let is_code = |it: &str| it.len() == 2 && it.bytes().all(|b| b.is_ascii_lowercase());
        let wrong = countries.iter().position(|it| !it.as_text().is_some_and(is_code));
        if let Some(at) = wrong {
            let given = countries[at].as_text().unwrap_or_default();
            let message = format!("`website`: {given:?} is no code of a country");
            let example = if given.len() == 2 { given.to_lowercase() } else { "pl".to_owned() };
            let help = format!("write two lowercase letters (ISO 3166-1), such as {example:?}");
            let span = call.places.key(&format!("countries[{at}]"));
            state.wrong("eval::wrong-value", message, span, "here", &help);
            return false;
        }
    }
    if !is_prefix {
        let help = format!("write {:?}", format!("/{}", path.trim_matches('/')));
        let message = format!("`website`: the path prefix {path:?} must start with `/` and not end with it");
        state.wrong("eval::wrong-value", message, call.places.key("path"), "here", &help);
    }
    is_prefix
}

pub(super) fn role(state: &mut State, call: &Checked<'_>) -> Handle {
    let Some(name) = call.name() else {
        state.declared.missing.anything = true;
        return Handle::Broken;
    };
    let twice = format!("the role `{name}` is declared twice");
    let is_new = state.claim("role", name.as_str(), call.name_place(), &twice, "say all of it in one call");
    if !is_new || !call.is_whole {
        return Handle::Role(name);
    }
    let declaration = RoleDeclaration { declared: call.declared.clone(), ..call.parse(Options::new()) };
    match (declaration.min, declaration.max) {
        (min, Some(max)) if max < min.unwrap_or(1) => {
            let message = format!("`role`: `max` is {max}, less than `min`, which is {}", min.unwrap_or(1));
            state.wrong(
                "eval::out-of-range",
                message,
                call.places.key("max"),
                "here",
                "`max` is at least `min`",
            );
        }
        _ => state.declared.roles.push(declaration),
    }
    Handle::Role(name)
}
