//! Where the values of a call came from, and whom the standard library calls for.
//!
//! **Invariant:** a mistake in what a script hands to the standard library is told where the script says it.

use std::collections::BTreeMap;

use mops_model::{Options, Provenance, Span, Value};

use crate::{
    given::{Given, Places},
    library,
    marks::Mark,
    run::State,
};

impl State {
    /// Completes `places` by where the values were written; a call in the standard library stands where the script
    /// asked for it.
    pub(crate) fn trace(&mut self, places: &mut Places, given: &Given) {
        let is_in_library = library::holds(&self.texts, places.call.source);
        self.said_at(places.call);
        if let Some(said) = self.last_said.filter(|_| is_in_library) {
            places.call = said;
        }
        for (path, mark) in &given.marks {
            let Some(span) = self.marks.get(*mark).and_then(|it| it.span) else { continue };
            if path.is_empty() && !is_in_library {
                continue;
            }
            let is_said = |it: &Span| !library::holds(&self.texts, it.source);
            if !places.keys.get(path).is_some_and(is_said) {
                places.keys.insert(path.clone(), span);
                places.values.insert(path.clone(), span);
            }
        }
    }

    /// Where each value of a call came from, by path: the last one counts, those before it were replaced.
    pub(crate) fn origins(&self, places: &Places, given: &Given) -> BTreeMap<String, Vec<Provenance>> {
        let mut leaves = BTreeMap::new();
        for (key, value) in given.arguments.iter().chain(&given.options) {
            leaf(key.clone(), value, &mut leaves);
        }
        let origin = |(path, value): (String, &Value)| {
            let mark = mark_of(given, &path);
            let mut origins = self.history(mark, value.clone());
            if origins.is_empty() {
                let place = self.texts.place(places.key(&path));
                origins.push(Provenance { place, value: value.clone() });
            }
            (path, origins)
        };
        leaves.into_iter().map(origin).collect()
    }

    /// `value`, written at `mark`, after what it replaced.
    fn history(&self, mark: Mark, value: Value) -> Vec<Provenance> {
        let mut origins = Vec::new();
        let (mut value, mut mark) = (value, mark);
        while let Some(made) = self.marks.get(mark) {
            origins.push(Provenance { place: made.place.clone(), value });
            let Some(replaced) = &made.replaced else { break };
            (value, mark) = replaced.clone();
        }
        origins.reverse();
        origins
    }
}

/// The mark of the value at `path`, or of the list that it stands in.
fn mark_of(given: &Given, path: &str) -> Mark {
    let mut path = path;
    loop {
        if let Some(mark) = given.marks.get(path) {
            return *mark;
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => return 0,
        }
    }
}

/// Every value that is no map with something in it, by its path.
pub(crate) fn leaves(options: &Options) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (key, value) in options {
        leaf(key.clone(), value, &mut found);
    }
    found
}

fn leaf<'a>(path: String, value: &'a Value, found: &mut BTreeMap<String, &'a Value>) {
    match value.as_record() {
        Some(record) if !record.is_empty() => {
            for (key, value) in record {
                leaf(format!("{path}.{key}"), value, found);
            }
        }
        Some(_) | None => {
            found.insert(path, value);
        }
    }
}
