//! Why a script ended early, in words for people: with its place, the way there, and a way out.

use std::collections::BTreeSet;

use mops_model::{Diagnostic, nearest};
use rhai::{EvalAltResult, Position};

use crate::{
    handle::{BROKEN, Later, Raised},
    run::{Run, State},
    syntax,
};

/// An evaluation that ended early. What follows from a mistake that was told already is not told.
pub(crate) fn ended(run: &Run, state: &mut State, err: &EvalAltResult, script: &str) {
    let mut trace = Vec::new();
    let (leaf, source) = innermost(err, script.to_owned(), &mut trace);
    let mut at = leaf.position();
    let mut source = state.source(Some(&source));
    if at.is_none()
        && let Some((path, position)) = trace.last()
    {
        (source, at) = (state.source(Some(path)), *position);
    }
    let is_consequence = state.findings.has_errors() && uses_a_mistake(leaf);
    let Some((code, message, help)) = said(run, &state.natives, leaf).filter(|_| !is_consequence) else {
        return;
    };
    let label = match leaf {
        EvalAltResult::ErrorStackOverflow(_) => "in this call",
        EvalAltResult::ErrorRuntime(value, _) if !value.is::<Raised>() => "the script says so here",
        it if it.is_system_exception() => "it was here",
        _ => "here",
    };
    let mut found = Diagnostic::error(code, message).at(state.at(source, at), label);
    for (path, position) in trace.iter().rev().filter(|(_, position)| !position.is_none()) {
        let span = state.at(state.source(Some(path)), *position);
        if found.labels.iter().all(|it| it.span != span) && found.labels.len() < 4 {
            found = found.at(span, "called from here");
        }
    }
    state.findings.push(match help {
        Some(help) => found.help(help),
        None => found,
    });
}

/// The innermost error and the file it is about. A call's position belongs to the caller's file.
fn innermost<'a>(
    err: &'a EvalAltResult,
    source: String,
    trace: &mut Vec<(String, Position)>,
) -> (&'a EvalAltResult, String) {
    match err {
        EvalAltResult::ErrorInFunctionCall(_, callee, inner, at) => {
            trace.push((source.clone(), *at));
            innermost(inner, if callee.is_empty() { source } else { callee.clone() }, trace)
        }
        EvalAltResult::ErrorInModule(module, inner, at) => {
            trace.push((source, *at));
            innermost(inner, module.clone(), trace)
        }
        leaf => (leaf, source),
    }
}

/// Whether the error may come from the stand-in for an earlier mistake.
fn uses_a_mistake(err: &EvalAltResult) -> bool {
    match err {
        EvalAltResult::ErrorFor(_) => true,
        other => other.to_string().contains("handle"),
    }
}

type Said = (String, String, Option<String>);

/// Code, message and help; nothing for what follows from an earlier mistake.
fn said(run: &Run, natives: &BTreeSet<String>, err: &EvalAltResult) -> Option<Said> {
    let say =
        |code: &str, message: String, help: &str| Some((code.to_owned(), message, Some(help.to_owned())));
    match err {
        EvalAltResult::ErrorRuntime(value, _) => match value.clone().try_cast::<Raised>() {
            Some(raised) => Some((raised.code.to_owned(), raised.message, raised.help)),
            None if value.to_string().contains(BROKEN) => None,
            None if value.is_unit() => {
                say("eval::thrown", "the script ends here".to_owned(), "throw a message that says why")
            }
            None => Some(("eval::thrown".to_owned(), value.to_string(), None)),
        },
        EvalAltResult::ErrorFunctionNotFound(call, _) => Some(function(run, natives, call)),
        EvalAltResult::ErrorVariableNotFound(name, _) => say(
            "eval::unknown-variable",
            format!("there is no variable `{name}`"),
            "functions see no variables of the file; hand it over as an argument, or write `global::NAME` for a const",
        ),
        EvalAltResult::ErrorModuleNotFound(path, _) => say(
            "eval::path",
            format!("there is no module `{path}`"),
            "paths are relative to the script's folder",
        ),
        EvalAltResult::ErrorTooManyOperations(_) => say(
            "eval::limit-operations",
            "the script takes more than 10 million steps".to_owned(),
            "look for a loop that does not end",
        ),
        EvalAltResult::ErrorStackOverflow(_) => say(
            "eval::limit-calls",
            "functions call each other more than 512 deep".to_owned(),
            "look for a function that calls itself without end",
        ),
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            let (what, most) = match what.contains("tring") {
                true => ("a text", "16 MiB"),
                false => ("a list or a map", "a million elements, those of nested ones included"),
            };
            let help = format!("{what} may have {most}; look for a loop that does not end");
            say("eval::limit-size", format!("{what} becomes too large"), &help)
        }
        EvalAltResult::ErrorArithmetic(what, _) => match what.split('\'').nth(1) {
            Some(text) if what.starts_with("Error parsing") => {
                say("eval::failed", format!("{text:?} is no number"), "give it text that holds digits only")
            }
            Some(_) | None => {
                say("eval::failed", syntax::in_our_words(what), "look at the values that it is given")
            }
        },
        EvalAltResult::ErrorTooManyModules(_) => {
            say("eval::limit-modules", "more than 1,000 files are imported".to_owned(), "import fewer")
        }
        EvalAltResult::ErrorTooManyVariables(_) => {
            say("eval::limit-variables", "more than 10,000 variables".to_owned(), "use a list or a map")
        }
        EvalAltResult::ErrorTerminated(_, _) => say(
            "eval::limit-time",
            "the script takes more than 30 seconds".to_owned(),
            "look for a loop that does too much",
        ),
        EvalAltResult::ErrorArrayBounds(length, index, _) => say(
            "eval::out-of-range",
            format!("there is no item {index} in this list, which has {length}"),
            "items are counted from 0",
        ),
        EvalAltResult::ErrorPropertyNotFound(name, _) => {
            say("eval::unknown-property", format!("there is no property `{name}`"), "look at the spelling")
        }
        other => {
            let later = std::any::type_name::<Later>();
            let mut without_place = other.to_string().replace(later, "a value known after apply");
            if let Some(at) = without_place.rfind(" (line ") {
                without_place.truncate(at);
            }
            let help = "look at the values that it is given".to_owned();
            (!without_place.contains(BROKEN))
                .then(|| ("eval::failed".to_owned(), syntax::in_our_words(&without_place), Some(help)))
        }
    }
}

/// `text, number` as people say it: `text and a number`.
fn listed(types: &str) -> String {
    let shown = types.split(", ").map(|it| match it {
        "text" => "text".to_owned(),
        "array" => "a list".to_owned(),
        "bool" => "true or false".to_owned(),
        "()" => "nothing".to_owned(),
        other => format!("a {other}"),
    });
    shown.collect::<Vec<_>>().join(" and ")
}

/// A call that no function takes: its name is unknown, or its arguments are of the wrong types.
fn function(run: &Run, natives: &BTreeSet<String>, call: &str) -> Said {
    let (name, types) = call.split_once(" (").unwrap_or((call, ""));
    let types = types
        .trim_end_matches(')')
        .replace("&str | ImmutableString | String", "text")
        .replace("i64", "number");
    let is_about_handles = types.split(", ").any(|it| it == "handle" || it == "value known after apply");
    let is_operator = !name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if is_about_handles || is_operator {
        let help = match is_about_handles {
            true if types.contains("value known after apply") => {
                "write it into text, such as `port ${value}`"
            }
            true => "a declaration is a name to hand to other calls, or to write into text",
            false => "make text a number with parse_int(), a number text with to_string()",
        };
        let message = format!("`{name}` cannot be used with {}", listed(&types));
        return ("eval::wrong-type".to_owned(), message, Some(help.to_owned()));
    }
    if natives.contains(name) {
        let help = "it is for other values, or takes another number of them".to_owned();
        return (
            "eval::wrong-type".to_owned(),
            format!("`{name}` cannot be used with {}", listed(&types)),
            Some(help),
        );
    }
    let known = run.table.globals.keys().chain(natives).map(String::as_str);
    let longer = || {
        let holding = natives.iter().map(String::as_str).filter(|it| it.contains(name) && name.len() > 3);
        holding.min_by_key(|it| it.len())
    };
    let help = match nearest(name, known).or_else(longer) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "look at the spelling; values know no other functions than those of the language".to_owned(),
    };
    ("eval::unknown-function".to_owned(), format!("there is no function `{name}`"), Some(help))
}
