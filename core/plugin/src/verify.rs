//! What a plugin says about itself and what it answers, checked: a library may be wrong in ways that types do not show.

use std::collections::BTreeSet;

use mops_model::{Field, Need};

use crate::{Calls, Function, Lowered, Manifest};

/// What contradicts itself in `manifest`.
pub(crate) fn manifest(manifest: &Manifest) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for function in &manifest.functions {
        if !names.insert(&function.name) {
            return Err(format!("its manifest has two functions `{}`", function.name));
        }
        self::function(function)?;
    }
    Ok(())
}

fn function(function: &Function) -> Result<(), String> {
    let fields = || function.arguments.iter().chain(&function.options);
    let mut names = BTreeSet::new();
    if let Some(twice) = fields().find(|it| !names.insert(it.name.as_str())) {
        return Err(format!("its function `{}` has two options `{}`", function.name, twice.name));
    }
    if let Some(wrong) = fields().find(|it| has_wrong_default(it)) {
        return Err(format!("the default of the option `{}` of `{}` is none", wrong.name, function.name));
    }
    match &function.calls {
        Calls::OncePer(key) if !names.contains(key.as_str()) => {
            Err(format!("its function `{}` is called once per `{key}`, which is no option", function.name))
        }
        Calls::Once | Calls::Implied | Calls::OncePer(_) | Calls::Any => Ok(()),
    }
}

fn has_wrong_default(field: &Field) -> bool {
    match &field.need {
        Need::Default(value) => !field.kind.check(value).is_empty(),
        Need::Required | Need::Optional => false,
    }
}

/// What in `lowered` would reach beyond the closure or release that it is part of.
pub(crate) fn lowered(lowered: &Lowered) -> Result<(), String> {
    let files = lowered.files.iter().map(|it| it.path.as_str());
    let links = lowered.release_links.values().flat_map(|it| it.keys().map(String::as_str));
    match files.chain(links).find(|it| leads_out(it)) {
        Some(path) => Err(format!("its file `{}` would lie outside its place", path.escape_debug())),
        None => Ok(()),
    }
}

fn leads_out(path: &str) -> bool {
    path.chars().any(char::is_control) || path.split('/').any(|part| matches!(part, "" | "." | ".."))
}
