//! `rabbitmq::consumer`: one queue consumer, kept running.

use mops_plugin::model::{Call, Diagnostic, Duration, FlowEnd, Name};
use mops_plugin::slot::Consumer;
use mops_plugin::{Context, Lowered};
use schemars::JsonSchema;
use serde::Deserialize;

/// One queue consumer, kept running and stopped between two messages.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Supervised {
    /// Magento's name of the consumer, as `bin/magento queue:consumers:list` shows it: `async.operations.all`.
    name: String,
    /// How many processes, on each node of the role. From 1 to 64, 1 by default.
    #[serde(default = "processes")]
    #[schemars(range(min = 1, max = 64))]
    processes: u32,
    /// How many messages a process takes before a fresh one replaces it (`--max-messages`). 1000 by default.
    #[serde(default = "max_messages")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_messages: u32,
    /// The role whose nodes run it. `app` by default.
    #[serde(default = "app")]
    #[schemars(with = "String", extend("format" = "role"))]
    on: Name,
    /// How long it may take to finish its message when it is stopped; after that it is killed. 60s by default.
    #[serde(default = "stop_within")]
    #[schemars(extend("x-min" = "5s", "x-max" = "1h"))]
    stop_within: Duration,
}

fn processes() -> u32 {
    1
}

fn max_messages() -> u32 {
    1000
}

fn app() -> Name {
    Name::literal("app")
}

fn stop_within() -> Duration {
    Duration::seconds(60)
}

impl Supervised {
    /// The options of `call`.
    pub(crate) fn of(call: &Call) -> Self {
        call.parse().expect("the call was checked against these options")
    }

    /// What Magento's plugin supervises.
    ///
    /// # Errors
    /// When the name is none that Magento takes, or there is no broker to take from.
    pub(crate) fn checked(self, context: &Context) -> Result<Consumer, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let is_letter = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-');
        if self.name.is_empty() || self.name.starts_with('-') || !self.name.chars().all(is_letter) {
            let message = format!("{:?} is no name of a consumer", self.name);
            wrong.push(
                Diagnostic::error("rabbitmq::consumer-name", message).at_option("name").help(
                    "write it as `bin/magento queue:consumers:list` shows it: \"async.operations.all\"",
                ),
            );
        }
        if context.site.calls("rabbitmq", "broker").next().is_none() {
            wrong.push(
                Diagnostic::error("rabbitmq::no-broker", "a consumer needs a broker to take from")
                    .help("add `rabbitmq::broker(#{});`"),
            );
        }
        let Self { name, processes, max_messages, on, stop_within } = self;
        match wrong.is_empty() {
            true => Ok(Consumer { name, processes, max_messages, on, stop_within }),
            false => Err(wrong),
        }
    }

    /// Lets its nodes reach the broker.
    pub(crate) fn lower(self) -> Lowered {
        let mut lowered = Lowered::default();
        lowered.flow(FlowEnd::Role(self.on), "persistent", "rabbitmq", "amqp");
        lowered
    }
}
