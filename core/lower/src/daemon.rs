//! Daemons of the script's own.

use std::collections::BTreeMap;

use mops_model::{
    Daemon, DaemonDeclaration, Diagnostic, Duration, Listen, Loses, Name, Protocol, Ready, ReadyCheck,
    Reload, Site, Stop, StopSignal, Text,
};

use crate::{join::Joined, none_wrong};

/// How long a daemon of the script's own may take to become ready, and to stop.
const WITHIN: Duration = Duration::seconds(30);
/// The one place where such a daemon listens.
const LISTEN: &str = "http";

/// Adds the daemons that the script declares.
pub(crate) fn declare(site: &Site, joined: &mut Joined) -> Result<(), Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    for declared in &site.daemons {
        let taken = joined.roles.values().any(|it| it.daemons.contains_key(&declared.name));
        if taken {
            let place = joined.origins.get(declared.name.as_str()).filter(|it| !it.is_empty());
            let by = place.map_or_else(|| "always".to_owned(), |it| format!("for the call at {it}"));
            let message = format!("a plugin runs a daemon `{}` already, {by}", declared.name);
            wrong.push(
                Diagnostic::error("lower::conflict", message)
                    .at(declared.declared.span, "declared again here")
                    .help("give this one another name"),
            );
            continue;
        }
        match daemon(declared) {
            Ok(daemon) => {
                let part = joined.role(&declared.on);
                part.trees.extend(declared.files.as_ref().map(|it| (declared.name.clone(), it.digest)));
                part.daemons.insert(declared.name.clone(), daemon);
            }
            Err(diagnostic) => wrong.push(diagnostic),
        }
    }
    none_wrong(wrong)
}

fn daemon(declared: &DaemonDeclaration) -> Result<Daemon, Diagnostic> {
    let listens: BTreeMap<Name, Listen> = declared
        .port
        .map(|port| (Name::literal(LISTEN), Listen { protocol: Protocol::Http, port, public: false }))
        .into_iter()
        .collect();
    let mut environment = declared.environment.clone();
    if !listens.is_empty() {
        environment.insert("ADDRESS".to_owned(), Text::here("address"));
        environment.insert("PORT".to_owned(), Text::here(format!("port.{}.{LISTEN}", declared.name)));
    }
    Ok(Daemon {
        command: command(declared),
        environment,
        listens,
        after: Vec::new(),
        check: None,
        ready: Ready { check: ready(declared)?, within: WITHIN },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: WITHIN },
        memory: declared.memory,
    })
}

/// A program that begins with `./` is among the daemon's files.
fn command(declared: &DaemonDeclaration) -> Vec<Text> {
    let mut command = declared.run.clone();
    let own = command.first().and_then(Text::as_literal).and_then(|it| it.strip_prefix("./"));
    if let Some(path) = own {
        let path = format!("/trees/{}/{path}", declared.name);
        command[0] = Text::here("current").then(path);
    }
    command
}

fn ready(declared: &DaemonDeclaration) -> Result<ReadyCheck, Diagnostic> {
    let Some(ready) = &declared.ready else { return Ok(ReadyCheck::Running) };
    let path = ready.as_record().and_then(|it| it.get("http")).and_then(mops_model::Value::as_text);
    let at = declared.declared.of("ready");
    match (path, declared.port) {
        (Some(path), Some(_)) => {
            Ok(ReadyCheck::Http { listen: Name::literal(LISTEN), path: path.to_owned() })
        }
        (Some(_), None) => {
            Err(Diagnostic::error("lower::no-port", "`ready` asks a daemon that listens nowhere")
                .at(at, "asked over HTTP")
                .help("add `port:`; the daemon finds it in its environment as PORT, beside ADDRESS"))
        }
        (None, _) => Err(Diagnostic::error("lower::ready", "`ready` must say what to ask")
            .at(at, "nothing to ask")
            .help("write #{ http: \"/up\" }")),
    }
}
