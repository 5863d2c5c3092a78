//! Queue consumers: one daemon for each process.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered,
    model::{
        Daemon, Declared, Diagnostic, Digest, Duration, Loses, Name, Ready, ReadyCheck, Reload, Stop,
        StopSignal, Text,
    },
    slot::Consumer,
};

use crate::lowering::ROLE;

/// Adds the daemons of `consumers` to `lowered`; each restarts when the text of `env` changes.
///
/// # Errors
/// What is wrong with a consumer.
pub(crate) fn lower(
    lowered: &mut Lowered,
    consumers: &[(Consumer, &Declared)],
    php: &str,
    env: &Text,
    context: &Context,
) -> Result<(), Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    // A process reads env.php when it begins: what it knows of it is part of what it is.
    let environment =
        BTreeMap::from([("MOPS_ENV_PHP".to_owned(), Text::literal(Digest::of_json(env).to_string()))]);
    let nodes = context.group(ROLE).map_or(1, |it| it.count);
    for (consumer, declared) in consumers {
        if consumer.on.as_str() != ROLE {
            let message = format!(
                "the consumer `{}` is to run on `{}`, which has no application",
                consumer.name, consumer.on
            );
            wrong.push(
                Diagnostic::error("magento::consumer-role", message)
                    .at(declared.span, "this consumer")
                    .help(format!("run it on `{ROLE}`")),
            );
            continue;
        }
        for number in 1..=consumer.processes {
            let Ok(name) = daemon_name(&consumer.name, number) else {
                let message = format!("no daemon can be named after the consumer {:?}", consumer.name);
                wrong.push(
                    Diagnostic::error("magento::consumer-name", message).at(declared.span, "this consumer"),
                );
                break;
            };
            let daemon = daemon(consumer, number, php, &environment, nodes);
            let twin = lowered.daemons.entry(Name::literal(ROLE)).or_default().insert(name, daemon);
            if twin.is_some() {
                let message = format!("the consumer `{}` is declared twice", consumer.name);
                wrong.push(
                    Diagnostic::error("magento::twice", message).at(declared.span, "the second time here"),
                );
                break;
            }
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong),
    }
}

fn daemon(
    consumer: &Consumer,
    number: u32,
    php: &str,
    environment: &BTreeMap<String, Text>,
    nodes: u32,
) -> Daemon {
    // Magento locks a consumer by its name, and by its number if it has one: only the one process of a site may go
    // without.
    let lock = match (consumer.processes, nodes) {
        (1, 1) => Text::literal("--single-thread"),
        _ => Text::literal("--multi-process=").then(Text::here("index")).then(format!("{number:02}")),
    };
    Daemon {
        command: vec![
            php.into(),
            "-d".into(),
            "memory_limit=2G".into(),
            Text::here("current").then("/trees/release/bin/magento"),
            "queue:consumers:start".into(),
            consumer.name.as_str().into(),
            lock,
            format!("--max-messages={}", consumer.max_messages).into(),
        ],
        environment: environment.clone(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: None,
        ready: Ready { check: ReadyCheck::Running, within: Duration::seconds(10) },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: consumer.stop_within },
        memory: None,
    }
}

/// `async.operations.all`, 2 → `consumer-async-operations-all-2`.
fn daemon_name(consumer: &str, number: u32) -> Result<Name, mops_plugin::model::InvalidName> {
    let words: Vec<String> = consumer
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|it| !it.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    format!("consumer-{}-{number}", words.join("-")).parse()
}
