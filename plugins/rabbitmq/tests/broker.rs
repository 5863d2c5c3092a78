//! What `rabbitmq` renders, judged by RabbitMQ itself: its configuration schema, and a broker that boots from it.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use mops_plugin::model::{Call, Diagnostic, Text, Value, Website};
use mops_plugin::slot::{Consumer, MagentoEnv, Slot};
use mops_plugin::testing::{call, context, fill, website};
use mops_plugin::{Context, Lowered, Plugin, Slots};
use mops_rabbitmq::Rabbitmq;

fn websites() -> Vec<Website> {
    vec![website("pl", "acme.pl")]
}

fn broker(options: &str) -> Call {
    call(&Rabbitmq, "broker", options).unwrap()
}

fn lower(options: &str) -> Result<Lowered, Vec<Diagnostic>> {
    Rabbitmq.lower(&broker(options), &context(websites()), &Slots::default())
}

fn messages(wrong: Vec<Diagnostic>) -> Vec<String> {
    wrong.into_iter().map(|it| it.message).collect()
}

fn text<'a>(lowered: &'a Lowered, path: &str) -> &'a Text {
    &lowered.files.iter().find(|it| it.path == path).unwrap().text
}

/// A context with a broker and a node's facts.
fn with_broker() -> Context {
    let mut context = context(websites());
    context.site.calls.push(broker("{}"));
    context
}

const FACTS: [(&str, &str); 3] =
    [("address", "127.0.1.4"), ("port.rabbitmq.amqp", "25672"), ("port.epmd.map", "24369")];

#[test]
fn a_broker_listens_on_its_own_address_with_a_user_and_a_host_of_the_site() {
    let lowered = lower("{}").unwrap();
    let conf = fill(text(&lowered, "rabbitmq/rabbitmq.conf"), &FACTS);
    let settings: Vec<&str> = conf.lines().filter(|it| !it.starts_with('#') && !it.is_empty()).collect();
    assert_eq!(
        settings,
        [
            "listeners.tcp.1 = 127.0.1.4:25672",
            "default_vhost = acme",
            "default_user = acme",
            "default_pass = secret-rabbitmq",
            "default_user_tags.administrator = false",
            "default_permissions.configure = .*",
            "default_permissions.read = .*",
            "default_permissions.write = .*",
            "vm_memory_high_watermark.absolute = 536870900",
            "disk_free_limit.absolute = 536870912",
            "heartbeat = 60",
            "consumer_timeout = 1800000",
            "log.console = true",
            "log.console.level = info",
            "log.file = false",
        ]
    );
}

#[test]
fn the_password_is_in_no_command_and_no_environment() {
    let lowered = lower("{}").unwrap();
    for daemon in lowered.daemons.values().flat_map(|it| it.values()) {
        let words = daemon.command.iter().chain(daemon.environment.values());
        assert!(words.flat_map(Text::sources).all(|it| !it.to_string().starts_with("secret")));
    }
}

#[test]
fn magento_learns_where_the_broker_is_and_starts_no_consumers_from_cron() {
    let given = Rabbitmq.contribute(&broker("{}"), &context(websites())).unwrap();
    let shown = |value: &Value| match value {
        Value::Text(text) => fill(text, &FACTS),
        other => format!("{other:?}"),
    };
    let env: Vec<(String, String)> = given
        .iter()
        .map(|it| it.value.parse::<MagentoEnv>().unwrap())
        .map(|it| (it.path, shown(&it.value)))
        .collect();
    let env: Vec<(&str, &str)> = env.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
    assert_eq!(
        env,
        [
            ("queue/amqp/host", "127.0.1.4"),
            ("queue/amqp/port", "25672"),
            ("queue/amqp/user", "acme"),
            ("queue/amqp/password", "secret-rabbitmq"),
            ("queue/amqp/virtualhost", "acme"),
            ("queue/default_connection", "amqp"),
            ("queue/consumers_wait_for_messages", "Int(1)"),
            ("cron_consumers_runner/cron_run", "Bool(false)"),
        ]
    );
}

#[test]
fn a_consumer_goes_to_those_that_magentos_plugin_supervises() {
    let call = call(&Rabbitmq, "consumer", r#"{"name": "async.operations.all", "processes": 2}"#).unwrap();
    let given = Rabbitmq.contribute(&call, &with_broker()).unwrap();
    assert_eq!(given[0].slot, Consumer::NAME);
    let consumer: Consumer = given[0].value.parse().unwrap();
    assert_eq!(
        (consumer.name.as_str(), consumer.processes, consumer.max_messages),
        ("async.operations.all", 2, 1000)
    );
    assert_eq!((consumer.on.as_str(), consumer.stop_within.to_string().as_str()), ("app", "1m"));
    let lowered = Rabbitmq.lower(&call, &with_broker(), &Slots::default()).unwrap();
    assert_eq!(lowered.flows.len(), 1);
}

#[test]
fn every_mistake_of_a_consumer_is_said_at_once() {
    let call = call(&Rabbitmq, "consumer", r#"{"name": "async operations"}"#).unwrap();
    let wrong = Rabbitmq.contribute(&call, &context(websites())).unwrap_err();
    assert_eq!(
        messages(wrong),
        ["\"async operations\" is no name of a consumer", "a consumer needs a broker to take from"]
    );
}

#[test]
fn every_mistake_of_a_broker_is_said_at_once() {
    let wrong = lower(r#"{"vhost": "a b", "user": "guest"}"#).unwrap_err();
    assert_eq!(
        messages(wrong),
        [
            "`vhost` may have letters, digits and `/ . _ -` only",
            "`guest` works from the broker's own node only",
        ]
    );
}

#[test]
fn a_broker_on_two_nodes_is_refused() {
    let mut context = context(websites());
    context.groups[2].count = 2;
    let wrong = Rabbitmq.lower(&broker("{}"), &context, &Slots::default()).unwrap_err();
    assert_eq!(messages(wrong), ["the broker runs on one node, but the role `persistent` has 2"]);
}

#[test]
fn a_broker_without_consumers_is_worth_a_warning() {
    assert_eq!(messages(lower("{}").unwrap().warnings), ["nobody takes messages from this broker"]);
}

#[test]
fn more_memory_than_the_node_has_is_worth_a_warning() {
    let broker = broker(r#"{"memory": "8G"}"#);
    let mut context = with_broker();
    context.site.calls.push(call(&Rabbitmq, "consumer", r#"{"name": "codegeneratorProcessor"}"#).unwrap());
    let lowered = Rabbitmq.lower(&broker, &context, &Slots::default()).unwrap();
    assert_eq!(messages(lowered.warnings), ["`memory` is 8G, more than a node of `persistent` has (4G)"]);
}

#[test]
fn options_are_within_bounds() {
    let refused = |options| call(&Rabbitmq, "broker", options).unwrap_err()[0].message.clone();
    assert_eq!(refused(r#"{"memory": "64M"}"#), "`memory` must be at least 512M, not 64M");
    assert_eq!(refused(r#"{"heartbeat": "1s"}"#), "`heartbeat` must be at least 5s, not 1s");
    assert_eq!(refused(r#"{"memry": "1G"}"#), "there is no option `memry`");
}
