//! `rabbitmq::broker`: RabbitMQ on the persistent node.

use std::collections::BTreeMap;

use mops_plugin::model::{
    Call, Daemon, Diagnostic, Directory, Duration, Encoding, FlowEnd, Listen, Loses, Name, OnChange,
    Protocol, Ready, ReadyCheck, Reload, Size, Source, Stop, StopSignal, Text, Value,
};
use mops_plugin::slot::MagentoEnv;
use mops_plugin::{Context, Lowered, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// RabbitMQ for Magento's queues, with one virtual host and one user of its own.
///
/// Host and user are made when the broker starts with an empty data folder; another name later needs an empty one.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Broker {
    /// Memory meant for the broker; publishers wait when it uses half of it. At least 512M, 1G by default.
    #[serde(default = "memory")]
    #[schemars(extend("x-min" = "512M"))]
    memory: Size,
    /// Free space of the disk below which publishers wait. At least 64M, 512M by default.
    #[serde(default = "disk_free")]
    #[schemars(extend("x-min" = "64M"))]
    disk_free: Size,
    /// The virtual host. The site's name by default; `/` is RabbitMQ's own.
    vhost: Option<String>,
    /// The user. The site's name by default.
    user: Option<String>,
    /// How often both sides say that they live. From 5s to 10m, 60s by default (`heartbeat`).
    #[serde(default = "heartbeat")]
    #[schemars(extend("x-min" = "5s", "x-max" = "10m"))]
    heartbeat: Duration,
    /// How long a message may be worked at before it goes back to its queue. At least 1m, 30m by default
    /// (`consumer_timeout`).
    #[serde(default = "consumer_timeout")]
    #[schemars(extend("x-min" = "1m"))]
    consumer_timeout: Duration,
    /// What is logged: this and what is worse. `info` by default.
    #[serde(default)]
    log_level: LogLevel,
}

/// What is logged (`log.console.level`).
#[derive(Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LogLevel {
    /// Everything.
    Debug,
    /// Starts, stops and connections.
    #[default]
    Info,
    /// What may become an error.
    Warning,
    /// Errors.
    Error,
}

/// The secret that is the user's password.
const PASSWORD: &str = "rabbitmq";
/// Debian's programs, called directly: its wrapper in `/usr/sbin` insists on the user `rabbitmq`.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const EPMD: &str = "/usr/bin/epmd";

const CONF: Template = Template {
    name: "rabbitmq/rabbitmq.conf",
    text: include_str!("../templates/rabbitmq.conf"),
    encoding: Encoding::Raw,
};

/// The broker's address, as the application's nodes see it.
const HOST: Template = Template {
    name: "rabbitmq/host",
    text: "{{ each('persistent') }}{{ there('address') }}{{ end() }}",
    encoding: Encoding::Raw,
};
const PORT: Template = Template {
    name: "rabbitmq/port",
    text: "{{ each('persistent') }}{{ there('port.rabbitmq.amqp') }}{{ end() }}",
    encoding: Encoding::Raw,
};

fn memory() -> Size {
    Size::mebibytes(1024)
}

fn disk_free() -> Size {
    Size::mebibytes(512)
}

fn heartbeat() -> Duration {
    Duration::seconds(60)
}

fn consumer_timeout() -> Duration {
    Duration::seconds(30 * 60)
}

impl Broker {
    /// The options of `call`.
    pub(crate) fn of(call: &Call) -> Self {
        call.parse().expect("the call was checked against these options")
    }

    /// What Magento's `env.php` says of it.
    ///
    /// # Errors
    /// When the broker cannot be as it was asked for.
    pub(crate) fn env(&self, context: &Context) -> Result<Vec<MagentoEnv>, Vec<Diagnostic>> {
        self.check(context)?;
        let rendered =
            |template: &Template| template.render(BTreeMap::<&str, &str>::new()).map_err(|it| vec![it]);
        let env = |path: &str, value: Value| MagentoEnv { path: path.to_owned(), value };
        Ok(vec![
            env("queue/amqp/host", rendered(&HOST)?.into()),
            env("queue/amqp/port", rendered(&PORT)?.into()),
            env("queue/amqp/user", self.user(context).into()),
            env("queue/amqp/password", Text::hole(Source::Secret(Name::literal(PASSWORD))).into()),
            env("queue/amqp/virtualhost", self.vhost(context).into()),
            env("queue/default_connection", "amqp".into()),
            // A supervised consumer waits for its next message; only one that cron starts ends when a queue is empty.
            env("queue/consumers_wait_for_messages", 1.into()),
            env("cron_consumers_runner/cron_run", false.into()),
        ])
    }

    /// The daemons, their files and who may reach them.
    ///
    /// # Errors
    /// When the broker cannot be as it was asked for.
    pub(crate) fn lower(&self, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
        self.check(context)?;
        let mut lowered = Lowered::default();
        let conf = CONF.render(self.values(context)).map_err(|it| vec![it])?;
        lowered.file("persistent", "rabbitmq/rabbitmq.conf", conf, "rabbitmq", OnChange::Restart);
        let plugins = include_str!("../templates/enabled_plugins").into();
        lowered.file("persistent", "rabbitmq/enabled_plugins", plugins, "rabbitmq", OnChange::Restart);
        let advanced = include_str!("../templates/advanced.config").into();
        lowered.file("persistent", "rabbitmq/advanced.config", advanced, "rabbitmq", OnChange::Restart);
        lowered.program(
            "persistent",
            "rabbitmq/check",
            include_str!("../templates/check").into(),
            "rabbitmq",
        );
        lowered.directory("persistent", "rabbitmq", Directory { shared: false, holds_data: true });
        lowered.daemon("persistent", "epmd", epmd());
        lowered.daemon("persistent", "rabbitmq", self.daemon());
        lowered.package("persistent", EPMD, "erlang-base");
        lowered.package("persistent", SERVER, "rabbitmq-server");
        lowered.flow(FlowEnd::Role(Name::literal("app")), "persistent", "rabbitmq", "amqp");
        lowered.password(PASSWORD, 32);
        lowered.setting("rabbitmq.memory", self.memory.to_string());
        lowered.setting("rabbitmq.vhost", self.vhost(context));
        if context.site.calls("rabbitmq", "consumer").next().is_none() {
            lowered.warnings.push(
                Diagnostic::warning("rabbitmq::no-consumers", "nobody takes messages from this broker")
                    .help("add `rabbitmq::consumer(\"async.operations.all\", #{});` and what else the shop's modules need"),
            );
        }
        lowered.warnings.extend(self.no_room(context));
        Ok(lowered)
    }

    fn no_room(&self, context: &Context) -> Option<Diagnostic> {
        let has = context.group("persistent").map(|it| it.memory).filter(|it| self.memory > *it)?;
        let message = format!("`memory` is {}, more than a node of `persistent` has ({has})", self.memory);
        let help = format!("write role(\"persistent\", #{{ memory: \"{}\" }}) or more", self.memory);
        Some(Diagnostic::warning("rabbitmq::memory", message).at_option("memory").help(help))
    }

    fn vhost(&self, context: &Context) -> String {
        self.vhost.clone().unwrap_or_else(|| context.site.name.to_string())
    }

    fn user(&self, context: &Context) -> String {
        self.user.clone().unwrap_or_else(|| context.site.name.to_string())
    }

    fn check(&self, context: &Context) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        for (option, given) in [("vhost", &self.vhost), ("user", &self.user)] {
            // What rabbitmq.conf takes as one unquoted value.
            let is_word = |it: &str| {
                !it.is_empty()
                    && it.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
            };
            if given.as_deref().is_some_and(|it| !is_word(it)) {
                let message = format!("`{option}` may have letters, digits and `/ . _ -` only");
                wrong.push(Diagnostic::error("rabbitmq::name", message).at_option(option));
            }
        }
        if self.user.as_deref() == Some("guest") {
            wrong.push(
                Diagnostic::error("rabbitmq::guest", "`guest` works from the broker's own node only")
                    .at_option("user")
                    .help("leave `user` out: it is then named like the site"),
            );
        }
        let Some(group) = context.group("persistent") else {
            return Err(vec![Diagnostic::error("rabbitmq::no-role", "no node plays the role `persistent`")]);
        };
        if group.count != 1 {
            let message =
                format!("the broker runs on one node, but the role `persistent` has {}", group.count);
            wrong.push(
                Diagnostic::error("rabbitmq::one-node", message).help(
                    "write role(\"persistent\", #{ min: 1, max: 1 }): mops sets up no cluster of brokers",
                ),
            );
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong),
        }
    }

    fn values(&self, context: &Context) -> Values {
        Values {
            vhost: self.vhost(context),
            user: self.user(context),
            password: PASSWORD,
            watermark: self.memory.percent(50).as_bytes(),
            disk_free: self.disk_free.as_bytes(),
            heartbeat: self.heartbeat.as_seconds(),
            consumer_timeout: self.consumer_timeout.as_milliseconds(),
            log_level: self.log_level,
        }
    }

    fn daemon(&self) -> Daemon {
        Daemon {
            command: vec![SERVER.into()],
            environment: environment(),
            listens: BTreeMap::from([
                (Name::literal("amqp"), tcp(5672)),
                (Name::literal("distribution"), tcp(25672)),
            ]),
            after: vec![Name::literal("epmd")],
            check: Some(vec![
                Text::here("files").then("/rabbitmq/check"),
                Text::here("files").then("/rabbitmq/rabbitmq.conf"),
            ]),
            // The port of AMQP opens last; any other answers before the broker takes messages.
            ready: Ready { check: ReadyCheck::Port(Name::literal("amqp")), within: Duration::seconds(60) },
            reload: Reload::Restart,
            restart_loses: Loses::Requests,
            stop: Stop { signal: StopSignal::Term, within: Duration::seconds(30) },
            memory: Some(self.memory),
        }
    }
}

/// The values of `rabbitmq.conf`.
#[derive(Serialize)]
struct Values {
    vhost: String,
    user: String,
    password: &'static str,
    /// Bytes.
    watermark: u64,
    /// Bytes.
    disk_free: u64,
    /// Seconds.
    heartbeat: u64,
    /// Milliseconds.
    consumer_timeout: u64,
    log_level: LogLevel,
}

/// Erlang's port mapper. One of the site's own, or the broker would leave a daemonised one behind.
fn epmd() -> Daemon {
    let address = vec!["-address".into(), Text::here("address")];
    let port = vec!["-port".into(), Text::here("port.epmd.map")];
    Daemon {
        command: [vec![EPMD.into()], port, address].concat(),
        environment: BTreeMap::new(),
        listens: BTreeMap::from([(Name::literal("map"), tcp(4369))]),
        after: Vec::new(),
        check: None,
        ready: Ready { check: ReadyCheck::Port(Name::literal("map")), within: Duration::seconds(10) },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: Duration::seconds(5) },
        memory: None,
    }
}

fn tcp(port: u16) -> Listen {
    Listen { protocol: Protocol::Tcp, port, public: false }
}

/// Keeps every path and port of the broker within the node's own folders and addresses (rabbitmq-env.conf(5)).
fn environment() -> BTreeMap<String, Text> {
    let data = |path: &str| Text::here("data.rabbitmq").then(path);
    let file = |path: &str| Text::here("current").then("/files/rabbitmq/").then(path);
    let tmp = |path: &str| Text::here("tmp").then(path);
    // Distribution is for the node itself: without this it listens on every address.
    let loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
    let environment = [
        // The cookie of Erlang is made there.
        ("HOME", data("")),
        ("LANG", "C.UTF-8".into()),
        // The name belongs to the data: it stays when the node's address changes.
        ("RABBITMQ_NODENAME", "rabbit@localhost".into()),
        ("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf")),
        ("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins")),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ("RABBITMQ_MNESIA_BASE", data("/mnesia")),
        ("RABBITMQ_MNESIA_DIR", data("/mnesia/rabbit")),
        ("RABBITMQ_FEATURE_FLAGS_FILE", data("/feature_flags")),
        ("RABBITMQ_LOGS", "-".into()),
        ("RABBITMQ_LOG_BASE", Text::here("log")),
        ("RABBITMQ_UPGRADE_LOG", Text::here("log").then("/rabbitmq-upgrade.log")),
        ("RABBITMQ_PID_FILE", Text::here("run").then("/rabbitmq.pid")),
        ("RABBITMQ_PLUGINS_EXPAND_DIR", tmp("/rabbitmq-plugins")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", tmp("/rabbitmq-config")),
        ("RABBITMQ_DIST_PORT", Text::here("port.rabbitmq.distribution")),
        ("ERL_CRASH_DUMP", Text::here("log").then("/rabbitmq-crash.dump")),
        ("ERL_EPMD_PORT", Text::here("port.epmd.map")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback.into()),
        ("RABBITMQ_CTL_ERL_ARGS", loopback.into()),
        // The emulator itself is the process that is supervised, not a shell around it.
        ("RUNNING_UNDER_SYSTEMD", "true".into()),
    ];
    environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
