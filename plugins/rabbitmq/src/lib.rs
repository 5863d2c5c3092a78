//! The message broker and the consumers that take from it.
//!
//! `broker` lowers to RabbitMQ and to the port mapper of Erlang, which it cannot do without; `consumer` adds one queue
//! consumer to those that Magento's plugin supervises.
//!
//! **Invariant:** nothing outside the node's own folders is read or written; the ports of Erlang are reached from the
//! node itself only, and the AMQP port only by roles with a flow.
//! **Invariant:** the password is in `rabbitmq.conf` and `env.php`, never in an argument or the environment.

mod broker;
mod consumer;

use mops_plugin::model::{Call, Diagnostic};
use mops_plugin::slot::{Consumer, MagentoEnv, Slot};
use mops_plugin::{Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots};

/// The message broker and its consumers.
pub struct Rabbitmq;

mops_plugin::export_plugin!(Rabbitmq);

impl Plugin for Rabbitmq {
    fn manifest(&self) -> Manifest {
        Manifest::new("rabbitmq", "The message broker, and the consumers that take from it")
            .function(Function::new::<broker::Broker>(
                "broker",
                Calls::Once,
                "rabbitmq::broker(#{ memory: \"1G\" });",
            ))
            .function(
                Function::new::<consumer::Supervised>(
                    "consumer",
                    Calls::OncePer("name".to_owned()),
                    "rabbitmq::consumer(\"async.operations.all\", #{ processes: 2 });",
                )
                .arguments(&["name"]),
            )
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "broker" => {
                let env = broker::Broker::of(call).env(context)?;
                Ok(env.iter().map(MagentoEnv::contribution).collect())
            }
            _ => {
                let consumer = consumer::Supervised::of(call).checked(context)?;
                Ok(vec![Consumer::contribution(&consumer)])
            }
        }
    }

    fn lower(&self, call: &Call, context: &Context, _: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "broker" => broker::Broker::of(call).lower(context),
            _ => Ok(consumer::Supervised::of(call).lower()),
        }
    }
}
