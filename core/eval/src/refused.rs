//! What Rhai refuses, in words for people: with its place, the way there, and a way out.

use mops_model::{Diagnostic, SourceId, nearest};
use rhai::{EvalAltResult, LexError, ParseErrorType, Position};

use crate::{
    handle::{BROKEN, Later, Raised},
    run::{Run, State},
    texts::SourceTexts,
};

/// A text that cannot be parsed.
pub(crate) fn syntax(
    kind: &ParseErrorType,
    at: Position,
    source: SourceId,
    texts: &SourceTexts,
) -> Diagnostic {
    let token = texts.token(source, at);
    let word = texts.slice(token).to_owned();
    let is_key = !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
        && texts.text(source)[token.end as usize..].trim_start().starts_with(':');
    let before = texts.slice(texts.before(source, at));
    let is_about_a_key = match kind {
        ParseErrorType::Reserved(_) | ParseErrorType::PropertyExpected => true,
        ParseErrorType::MissingToken(_, _) => matches!(before, "{" | ","),
        _ => false,
    };
    if is_key && is_about_a_key {
        return Diagnostic::error(
            "eval::reserved-key",
            format!("`{word}` is a word of the language and no key by itself"),
        )
        .at(token, "reserved word")
        .help(format!("write it in quotes: \"{word}\""));
    }
    let at_token =
        |code: &str, message: String, label: &str| Diagnostic::error(code, message).at(token, label);
    match kind {
        ParseErrorType::BadInput(LexError::MalformedEscapeSequence(sequence)) => {
            let escape = texts.escape(source, at, sequence);
            let pattern = texts.quoted_around(escape).unwrap_or("^/\\d+$");
            Diagnostic::error("eval::bad-escape", format!("`{sequence}` means nothing inside quotes"))
                .at(escape, "no escape of text")
                .help(format!(
                    "write a regular expression in backticks, where `\\` stays as it is: `{pattern}`"
                ))
        }
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            at_token("eval::syntax", "this text does not end".to_owned(), "it begins here")
                .help("close it with the quote it begins with")
        }
        ParseErrorType::MissingToken(missing, why) => {
            let (message, help) = missing_token(missing, why);
            Diagnostic::error("eval::syntax", message).at(texts.before(source, at), "after this").help(help)
        }
        ParseErrorType::DuplicatedProperty(key) => {
            at_token("eval::duplicate", format!("the key `{key}` is given twice"), "here again")
                .help("keep one of them")
        }
        _ if word == "eval" => at_token("eval::syntax", "`eval` is not available".to_owned(), "here")
            .help("write a function instead"),
        ParseErrorType::Reserved(word) => {
            at_token("eval::syntax", format!("`{word}` is a reserved word"), "here")
                .help("choose another name")
        }
        ParseErrorType::ExprTooDeep => {
            at_token("eval::limit-depth", "this expression is nested too deeply".to_owned(), "here")
                .help("give its parts names with `let`")
        }
        ParseErrorType::UnexpectedEOF => Diagnostic::error("eval::syntax", "the text ends too early")
            .at(texts.before(source, at), "after this")
            .help("close each bracket that is opened"),
        ParseErrorType::BadInput(LexError::UnexpectedInput(_)) => {
            at_token("eval::syntax", format!("`{word}` does not belong here"), "here")
                .help("look before it: each call has brackets, each statement ends with `;`")
        }
        ParseErrorType::PropertyExpected => {
            at_token("eval::syntax", format!("a map has keys, and `{word}` is none"), "expected a key here")
                .help("write `key: value`")
        }
        ParseErrorType::MismatchedType(wanted, given) => {
            let (wanted, given) = (in_our_words(wanted), in_our_words(given));
            let help = match wanted.as_str() {
                "true or false" => "write a comparison, such as `country == \"pl\"`",
                _ => "a loop runs over a list, such as `[\"pl\", \"de\"]`, or a range, such as `0..3`",
            };
            at_token("eval::wrong-type", format!("expected {wanted}, not {given}"), "here").help(help)
        }
        other => at_token("eval::syntax", in_our_words(&other.to_string()), "here")
            .help("check the brackets, quotes and commas before this"),
    }
}

/// Rhai's own sentence, with the words that a script's author knows.
fn in_our_words(said: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("Expecting", "expected"),
        ("object map literal", "map"),
        ("array literal", "list"),
        ("a boolean expression", "true or false"),
        ("an iterable value", "a list"),
        ("a string", "text"),
        ("'", "`"),
    ];
    let said = WORDS.iter().fold(said.to_owned(), |said, (from, to)| said.replace(from, to));
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What to say where `missing` was expected; Rhai says `why`, and names only one of the tokens that may follow.
fn missing_token(missing: &str, why: &str) -> (String, String) {
    let brackets = "close each bracket that is opened; a text has a quote at both ends";
    let list = |what: &str, parts: &str, end: &str| {
        let help = format!("put `,` between {parts} and `{end}` at the end; a text has a quote at both ends");
        (format!("`,` or `{end}` is missing in this {what}"), help)
    };
    match missing {
        ";" => (
            "`;` is missing at the end of this statement".to_owned(),
            "end the statement with `;`".to_owned(),
        ),
        "," if why.contains("array") => list("list", "items", "]"),
        "," if why.contains("map") => list("map", "keys", "}"),
        "," if why.contains("call") => list("call", "arguments", ")"),
        ":" => ("`:` is missing after this key".to_owned(), "write `key: value`".to_owned()),
        _ => (format!("`{missing}` is missing"), brackets.to_owned()),
    }
}

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
    let Some((code, message, help)) = said(run, leaf).filter(|_| !is_consequence) else { return };
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
fn said(run: &Run, err: &EvalAltResult) -> Option<Said> {
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
        EvalAltResult::ErrorFunctionNotFound(call, _) => Some(function(run, call)),
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
            say("eval::limit-size", format!("too large: {what}"), "text may have 16 MiB")
        }
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
            (!without_place.contains(BROKEN)).then(|| ("eval::failed".to_owned(), without_place, None))
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
fn function(run: &Run, call: &str) -> Said {
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
    let known = run.table.globals.keys().map(String::as_str);
    let help = nearest(name, known).map(|it| format!("did you mean `{it}`?"));
    ("eval::unknown-function".to_owned(), format!("there is no function `{name}` that takes ({types})"), help)
}
