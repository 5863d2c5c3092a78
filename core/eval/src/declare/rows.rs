//! Tables in files beside the script.

use mops_model::{Input, Value};
use rhai::{Dynamic, Map};

use super::value::from_value;
use crate::{
    handle::Handle,
    marks::Made,
    run::{Checked, State},
};

/// `csv(path("websites.csv"))`: a list of maps, by the columns that the first line names.
pub(super) fn csv(state: &mut State, call: &Checked<'_>) -> Dynamic {
    let Some((input, text)) = text(state, call) else { return Dynamic::from(Handle::Broken) };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = match reader.headers() {
        Ok(columns) => columns.clone(),
        Err(err) => return broken(state, call, &input, &err),
    };
    let mut rows = rhai::Array::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(err) => return broken(state, call, &input, &err),
        };
        let line = record.position().map_or(0, csv::Position::line);
        let place = format!("{}:{line}", input.path);
        let mark = state.marks.add(Made { place, span: None, replaced: None });
        let entry = |(column, it): (&str, &str)| {
            let mut value = Dynamic::from(it.to_owned());
            value.set_tag(mark);
            (column.into(), value)
        };
        let mut row = Dynamic::from_map(columns.iter().zip(&record).map(entry).collect::<Map>());
        row.set_tag(mark);
        rows.push(row);
    }
    rows.into()
}

/// `json(path("websites.json"))`: what the file holds, but for `null`, which is left out.
pub(super) fn json(state: &mut State, call: &Checked<'_>) -> Dynamic {
    let Some((input, text)) = text(state, call) else { return Dynamic::from(Handle::Broken) };
    let parsed = serde_json::from_str::<serde_json::Value>(&text).and_then(|it| Value::of(&it));
    let value = match parsed {
        Ok(value) => value,
        Err(err) => return broken(state, call, &input, &err),
    };
    let mark = state.marks.add(Made { place: input.path, span: None, replaced: None });
    marked(from_value(&value), mark)
}

/// `value` and everything in it, with `mark`.
fn marked(mut value: Dynamic, mark: crate::marks::Mark) -> Dynamic {
    if value.is_array() {
        let items = value.cast::<rhai::Array>().into_iter().map(|it| marked(it, mark));
        value = Dynamic::from_array(items.collect());
    } else if value.is_map() {
        let items = value.cast::<Map>().into_iter().map(|(key, it)| (key, marked(it, mark)));
        value = Dynamic::from_map(items.collect());
    }
    value.set_tag(mark);
    value
}

fn text(state: &mut State, call: &Checked<'_>) -> Option<(Input, String)> {
    let Some(Value::Input(input)) = call.options.get("file").filter(|_| call.is_whole) else { return None };
    if let Some(text) = &input.text {
        return Some((input.clone(), text.clone()));
    }
    let message = format!("`{}`: `{}` is no text of at most 1 MiB", call.callee.shown, input.path);
    let help = "save it as UTF-8; split a larger one";
    state.wrong("eval::wrong-value", message, call.places.value("file"), "here", help);
    None
}

fn broken(state: &mut State, call: &Checked<'_>, input: &Input, why: &dyn std::fmt::Display) -> Dynamic {
    let message = format!("`{}` cannot be read: {why}", input.path);
    let help = "mend the file: every line has as many cells as the first, and text is UTF-8";
    let help = if call.callee.shown == "csv" { help } else { "mend the file" };
    Dynamic::from(state.wrong("eval::wrong-value", message, call.places.value("file"), "here", help))
}
