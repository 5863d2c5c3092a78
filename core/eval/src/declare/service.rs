//! Services of plugins, and daemons of the script's own.

use std::collections::BTreeMap;

use mops_model::{Call, Value};
use mops_plugin::Calls;

use super::RENAME;
use crate::{
    handle::Handle,
    run::{Checked, State},
};

pub(super) fn service(state: &mut State, call: &Checked<'_>) -> Handle {
    let (Some(plugin), shown) = (call.callee.plugin.clone(), call.callee.shown.clone()) else {
        return Handle::Broken;
    };
    let is_new = match &call.callee.function.calls {
        Calls::Any => true,
        Calls::Once | Calls::Implied => {
            let twice = format!("`{shown}` is called twice");
            state.claim("call", &shown, call.places.call, &twice, "keep one of them, with all its options")
        }
        Calls::OncePer(key) => match call.options.get(key).filter(|_| call.is_whole) {
            None => true,
            Some(value) => {
                let value = shown_value(value);
                let twice = format!("`{shown}` is called twice with the {key} {value}");
                let help = format!("keep one of them, or give one another {key}");
                state.claim("call", &format!("{shown} {value}"), call.places.key(key), &twice, &help)
            }
        },
    };
    if is_new && call.is_whole {
        let function = call.callee.function.name.clone();
        state.declared.calls.push(Call {
            plugin,
            function,
            options: call.options.clone(),
            declared: call.declared.clone(),
        });
    }
    Handle::Service(shown)
}

fn shown_value(value: &Value) -> String {
    match value.as_text() {
        Some(text) => format!("{text:?}"),
        None => serde_json::to_string(value).expect("plain data serializes"),
    }
}

pub(super) fn daemon(state: &mut State, call: &Checked<'_>) -> Handle {
    let Some(name) = call.name() else { return Handle::Broken };
    let twice = format!("the daemon `{name}` is declared twice");
    let is_new = state.claim("daemon", name.as_str(), call.name_place(), &twice, RENAME);
    if !is_new || !call.is_whole {
        return Handle::Daemon(name);
    }
    if call.options.get("run") == Some(&Value::List(Vec::new())) {
        let message = "`daemon`: `run` names no program".to_owned();
        state.wrong(
            "eval::wrong-value",
            message,
            call.places.key("run"),
            "here",
            "write the program first, such as [\"./feed\"]",
        );
    }
    if call.options.contains_key("ready") && !call.options.contains_key("port") {
        let message = "`daemon`: `ready` asks over HTTP, and there is no `port`".to_owned();
        state.wrong(
            "eval::missing-option",
            message,
            call.places.key("ready"),
            "here",
            "add `port:` with the port it listens on",
        );
    }
    let declared = Value::of(&call.declared).expect("a declaration is plain data");
    let declaration = call.parse(BTreeMap::from([("declared".to_owned(), declared)]));
    state.declared.daemons.push(declaration);
    Handle::Daemon(name)
}
