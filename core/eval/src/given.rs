//! What one call was given, and what its function says to that: the same for a text that is only read and for a call
//! that runs, so that both find the same mistakes in the same words.

use std::collections::BTreeMap;

use mops_model::{Diagnostic, Kind, Mismatch, Options, Span, Value};

use crate::{marks::Mark, table::Callee};

/// What one call was given. Where a value is not known (a text that is only read, or the result of a mistake), anything
/// stands in its place and its path is among the unknown.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) arguments: Options,
    pub(crate) options: Options,
    pub(crate) unknown: Vec<String>,
    /// The map of options as a whole is not known.
    pub(crate) is_open: bool,
    /// What is wrong with the values themselves, whatever the function says.
    pub(crate) wrong: Vec<Mismatch>,
    /// Where values were written, as far as that is known; by path, the options as a whole under no path.
    pub(crate) marks: BTreeMap<String, Mark>,
}

/// Where a call and everything it was given stand in the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    /// The function's name.
    pub(crate) call: Span,
    /// The keys of options, the elements of lists, the arguments.
    pub(crate) keys: BTreeMap<String, Span>,
    /// The values.
    pub(crate) values: BTreeMap<String, Span>,
}

impl Given {
    /// Stands for a value that is not known.
    pub(crate) fn unknown(&mut self, path: &str) -> Value {
        self.unknown.push(path.to_owned());
        Value::Bool(false)
    }

    /// Adds something that no function takes.
    pub(crate) fn refuse(
        &mut self,
        path: &str,
        rule: &'static str,
        message: String,
        help: Option<&str>,
    ) -> Value {
        self.wrong.push(Mismatch { path: path.to_owned(), rule, message, help: help.map(str::to_owned) });
        self.unknown(path)
    }

    /// The value of the option or argument at `path`, where it is known.
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        let value = self.arguments.get(path).or_else(|| self.options.get(path));
        value.filter(|_| !self.unknown.iter().any(|it| it == path))
    }

    /// Everything that is wrong.
    pub(crate) fn check(&self, callee: &Callee) -> Vec<Mismatch> {
        let mut wrong = self.wrong.clone();
        let check = |fields: &[_], values: &Options| {
            Kind::Record(fields.to_vec()).check(&Value::Record(values.clone()))
        };
        wrong.extend(check(&callee.function.arguments, &self.arguments));
        if !self.is_open {
            wrong.extend(check(&callee.function.options, &self.options));
        }
        wrong.retain(|it| self.wrong.contains(it) || !self.unknown.iter().any(|path| is_guess(it, path)));
        wrong
    }

    /// Arguments and options together, as a call has them.
    pub(crate) fn into_options(self) -> Options {
        let mut options = self.options;
        options.extend(self.arguments);
        options
    }
}

/// Whether `mismatch` is about the stand-in at `unknown`, or about something that the stand-in may have made wrong.
fn is_guess(mismatch: &Mismatch, unknown: &str) -> bool {
    let is_about_keys = matches!(mismatch.rule, "unknown-option" | "missing-option");
    match (mismatch.path == unknown, is_within(&mismatch.path, unknown), is_within(unknown, &mismatch.path)) {
        (true, _, _) => mismatch.rule != "unknown-option",
        (false, true, _) => true,
        (false, false, true) => !is_about_keys,
        (false, false, false) => false,
    }
}

fn is_within(path: &str, outer: &str) -> bool {
    outer.is_empty() || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

impl Places {
    /// The place of what is at `path`, or of the longest part of it that has one, or of the call.
    pub(crate) fn key(&self, path: &str) -> Span {
        nearest_place(&self.keys, path).unwrap_or(self.call)
    }

    /// The places of keys together with their values, as far as the text shows both side by side.
    pub(crate) fn whole(&self) -> BTreeMap<String, Span> {
        let whole = |(path, key): (&String, &Span)| {
            let value = self.values.get(path).filter(|it| it.source == key.source && it.end > key.end);
            (path.clone(), Span { end: value.map_or(key.end, |it| it.end), ..*key })
        };
        self.keys.iter().map(whole).collect()
    }

    /// The place of the value at `path`, or of its key.
    pub(crate) fn value(&self, path: &str) -> Span {
        self.values.get(path).copied().unwrap_or_else(|| self.key(path))
    }
}

fn nearest_place(places: &BTreeMap<String, Span>, path: &str) -> Option<Span> {
    let mut path = path;
    loop {
        if let Some(span) = places.get(path) {
            return Some(*span);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

/// What `mismatch` is for people.
pub(crate) fn diagnostic(callee: &Callee, mismatch: &Mismatch, places: &Places) -> Diagnostic {
    let (shown, path) = (&callee.shown, &mismatch.path);
    let (message, span, label) = match mismatch.rule {
        "unknown-option" => (format!("`{shown}` has no option `{path}`"), places.key(path), "unknown option"),
        "missing-option" => (format!("`{shown}`: {}", mismatch.message), places.key(path), "missing here"),
        "known-after-apply" => {
            (format!("`{shown}`: {}", mismatch.message), places.value(path), "known only after apply")
        }
        _ => (format!("`{shown}`: {}", mismatch.message), places.value(path), "here"),
    };
    let found = Diagnostic::error(format!("eval::{}", mismatch.rule), message).at(span, label);
    match &mismatch.help {
        Some(help) => found.help(help),
        None => found,
    }
}
