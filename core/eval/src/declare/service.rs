//! Services of plugins, and daemons of the script's own.

use std::collections::BTreeMap;

use mops_model::{Call, DaemonDeclaration, Value};
use mops_plugin::Calls;

use super::RENAME;
use crate::{
    handle::Handle,
    plugins,
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
    let function = call.callee.function.name.clone();
    if !call.is_whole {
        state.declared.missing.calls.insert((plugin, function));
    } else if is_new {
        state.declared.calls.push(Call {
            plugin,
            function,
            options: call.options.clone(),
            declared: call.declared.clone(),
        });
    }
    Handle::Service(shown)
}

pub(super) fn plugin(state: &mut State, call: &Checked<'_>) -> Handle {
    let (Some(path), span) = (call.text("path"), call.places.value("path")) else { return Handle::Broken };
    if plugins::is_found(&state.texts, span, path) {
        return Handle::Service(format!("plugin {path}"));
    }
    let message =
        "`plugin` takes a plain text, in the script itself: it is read before the script runs".to_owned();
    let help =
        "write plugin(\"./plugins/libacme.so\"), or name it in mops.toml: [plugins] acme = { path = \"…\" }";
    state.wrong("eval::plugin", message, span, "here", help)
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
    let parsed = call.parse(BTreeMap::from([("declared".to_owned(), declared)]));
    // Where its values come from is no part of what is handed on as data.
    let declaration = DaemonDeclaration { declared: call.declared.clone(), ..parsed };
    state.declared.daemons.push(declaration);
    Handle::Daemon(name)
}
