//! Resources declared raw, and their new addresses.

use mops_model::{Address, Move, Options, RawResource, Schema, Value, nearest};

use super::RENAME;
use crate::{
    given,
    handle::Handle,
    run::{Checked, Run, State},
};

pub(super) fn resource(run: &Run, state: &mut State, call: &Checked<'_>) -> Handle {
    let (Some(kind), Some(name)) = (call.text("type"), call.name()) else { return Handle::Broken };
    let Some(schema) = run.catalog.get(kind) else {
        let help = match nearest(kind, run.catalog.schemas().map(|it| it.kind.as_str())) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "`mops docs` lists the types of every provider".to_owned(),
        };
        let message = format!("there is no resource type {kind:?}");
        return state.wrong(
            "eval::unknown-resource",
            message,
            call.places.key("type"),
            "unknown type",
            &help,
        );
    };
    let address = Address::new(kind, name);
    let twice = format!("the resource `{address}` is declared twice");
    let is_new = state.claim("resource", &address.to_string(), call.name_place(), &twice, RENAME);
    let mut inputs =
        call.options.get("inputs").and_then(Value::as_record).cloned().unwrap_or_else(Options::new);
    let protect = inputs.remove("protect");
    let needs = needs(state, call, inputs.remove("needs"));
    let is_right = check(state, call, schema, &inputs);
    let protect = match protect {
        None => false,
        Some(Value::Bool(it)) => it,
        Some(_) => {
            let span = call.places.key("inputs.protect");
            state.wrong(
                "eval::wrong-type",
                "`resource`: `protect` must be true or false".to_owned(),
                span,
                "here",
                "write true or false",
            );
            false
        }
    };
    if is_new && is_right && call.is_whole {
        let declared = call.declared.clone();
        state.declared.resources.push(RawResource {
            address: address.clone(),
            inputs,
            needs,
            protect,
            declared,
        });
    }
    Handle::Resource(address)
}

/// Checks the inputs against the type.
fn check(state: &mut State, call: &Checked<'_>, schema: &Schema, inputs: &Options) -> bool {
    if !call.is_whole {
        return false;
    }
    let wrong = schema.check(inputs);
    for mismatch in &wrong {
        let mut found = given::diagnostic(call.callee, mismatch, &call.places);
        let path = match mismatch.path.as_str() {
            "" => "inputs".to_owned(),
            path => format!("inputs.{path}"),
        };
        if let Some(label) = found.labels.first_mut() {
            label.span = call.places.key(&path);
        }
        found.message = found.message.replacen("`resource`", &format!("`{}`", schema.kind), 1);
        state.findings.push(found);
    }
    wrong.is_empty()
}

fn needs(state: &mut State, call: &Checked<'_>, given: Option<Value>) -> Vec<Address> {
    let given = match given {
        None => return Vec::new(),
        Some(Value::List(values)) => values,
        Some(value) => vec![value],
    };
    let mut needs = Vec::new();
    for it in &given {
        match it.as_text().and_then(|it| it.parse().ok()) {
            Some(address) => needs.push(address),
            None => {
                let span = call.places.key("inputs.needs");
                let message = "`resource`: `needs` names resources".to_owned();
                state.wrong(
                    "eval::wrong-type",
                    message,
                    span,
                    "here",
                    "give it what `resource` returns, or an address such as \"local.port.spare\"",
                );
            }
        }
    }
    needs
}

pub(super) fn moved(state: &mut State, call: &Checked<'_>) -> Handle {
    let mut address = |key: &str| {
        let text = call.text(key)?;
        let found = text.parse::<Address>();
        if let Err(err) = &found {
            let message = format!("`moved`: {:?} is no address of a resource", err.0);
            let help = "write its type and its name, as the plan shows them, such as \"local.port.spare\"";
            state.wrong("eval::wrong-value", message, call.places.key(key), "here", help);
        }
        found.ok()
    };
    if let (Some(from), Some(to)) = (address("from"), address("to")) {
        state.declared.moves.push(Move { from, to });
    }
    Handle::Service("moved".to_owned())
}
