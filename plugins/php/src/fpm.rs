//! PHP-FPM: its files and its daemon.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Daemon, Declared, Diagnostic, Duration, Encoding, Loses, OnChange, ProviderName, Ready, ReadyCheck,
        Reload, Size, Stop, StopSignal, Text, Value,
    },
    slot::{PhpIni, PhpLimit, PhpVersion},
};
use serde::Serialize;

use crate::options::Fpm;

const ROLE: &str = "app";
const DAEMON: &str = "php";
/// What Debian 12 has, for a site without an application.
const DEBIAN: &str = "8.2";
/// What a worker takes on the mean, by which the number of workers is found; 80 to 200 MB with Magento.
const WORKER: Size = Size::mebibytes(128);

const CONF: Template = Template {
    name: "php/php-fpm.conf",
    text: include_str!("../templates/php-fpm.conf"),
    encoding: Encoding::Ini,
};
const INI: Template =
    Template { name: "php/php.ini", text: include_str!("../templates/php.ini"), encoding: Encoding::Ini };
const CHECK: Template =
    Template { name: "php/check.sh", text: include_str!("../templates/check.sh"), encoding: Encoding::Shell };

/// What the templates read; sizes in the form that PHP reads, times in seconds.
#[derive(Serialize)]
struct Values {
    program: String,
    version: String,
    manager: &'static str,
    processes: u64,
    terminate_after: u64,
    slow_after: u64,
    memory_limit: String,
    max_execution_time: u64,
    upload_limit: String,
    /// Mebibytes.
    opcache: u64,
    keys: Vec<(String, Text)>,
    extensions: &'static str,
}

/// What `php::fpm` comes to.
pub(crate) fn lower(options: &Fpm, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
    let mut wrong = Vec::new();
    let mut take = |them: Vec<Diagnostic>| wrong.extend(them);
    let keys = slots.get::<PhpIni>().and_then(merge).map_err(&mut take);
    let limits = slots.get::<PhpLimit>().map_err(&mut take);
    let versions = slots.get::<PhpVersion>().map_err(&mut take);
    let (Ok(keys), Ok(limits), Ok(versions)) = (keys, limits, versions) else { return Err(wrong) };

    let version = match (options.version, versions.first()) {
        (Some(chosen), _) => chosen.as_str().to_owned(),
        (None, Some((needed, _))) => needed.version.clone(),
        (None, None) => DEBIAN.to_owned(),
    };
    let longest = limits.iter().filter_map(|(it, _)| it.time).fold(options.max_execution_time, Duration::max);
    let uses_redis =
        keys.iter().any(|(key, value)| key == "session.save_handler" && value.as_literal() == Some("redis"));
    let values = Values {
        program: format!("php-fpm{version}"),
        version,
        manager: match context.environment.provider {
            // A laptop has better things to do than to keep idle workers.
            ProviderName::Local => "ondemand",
        },
        processes: options.processes.map_or_else(|| processes(context), u64::from),
        // The hops outside give up first, so that a person sees their page and not a cut connection.
        terminate_after: longest.as_seconds() + 10,
        slow_after: options.slow.as_seconds(),
        memory_limit: options.memory_limit.to_string(),
        max_execution_time: options.max_execution_time.as_seconds(),
        upload_limit: options.upload.to_string(),
        opcache: options.opcache.as_mebibytes(),
        keys,
        extensions: if uses_redis { "redis" } else { "" },
    };
    render(&values)
}

fn render(values: &Values) -> Result<Lowered, Vec<Diagnostic>> {
    let mut lowered = Lowered::default();
    let mut wrong = Vec::new();
    let files = [
        ("php/php-fpm.conf", CONF, OnChange::Reload),
        ("php/php.ini", INI, OnChange::Reload),
        ("php/check.sh", CHECK, OnChange::None),
    ];
    for (path, template, on_change) in files {
        match template.render(values) {
            Ok(text) => lowered.file(ROLE, path, text, DAEMON, on_change),
            Err(err) => wrong.push(err),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    lowered.daemon(ROLE, DAEMON, daemon(&values.program));
    lowered.package(ROLE, &values.program, &format!("php{}-fpm", values.version));
    lowered.setting("php.version", values.version.as_str());
    lowered.setting("php.processes", i64::try_from(values.processes).unwrap_or(i64::MAX));
    lowered.setting("php.memory_limit", Value::text(values.memory_limit.as_str()));
    lowered.setting("php.post_max_size", Value::text(values.upload_limit.as_str()));
    lowered.setting("php.request_terminate_timeout", Value::text(format!("{}s", values.terminate_after)));
    Ok(lowered)
}

fn daemon(program: &str) -> Daemon {
    let current = |path: &str| Text::here("current").then(format!("/files/php/{path}"));
    let check = vec!["sh".into(), Text::here("files").then("/php/check.sh"), Text::here("files")];
    Daemon {
        // A reload runs this command line again: it must mean the files in use, then as now.
        command: vec![
            program.into(),
            "-F".into(),
            "-y".into(),
            current("php-fpm.conf"),
            "-c".into(),
            current("php.ini"),
        ],
        environment: BTreeMap::new(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: Some(check),
        ready: Ready {
            check: ReadyCheck::Socket(Text::here("run").then("/php.sock")),
            within: Duration::seconds(20),
        },
        reload: Reload::Signal("USR2".to_owned()),
        restart_loses: Loses::Requests,
        stop: Stop { signal: StopSignal::Quit, within: Duration::seconds(20) },
        memory: None,
    }
}

/// How many workers fit into the part of the node's memory that is theirs.
fn processes(context: &Context) -> u64 {
    let Some(group) = context.group(ROLE) else { return 2 };
    let part = if group.roles.len() > 1 { 25 } else { 50 };
    (group.memory.as_bytes() / WORKER.as_bytes() * part / 100).clamp(2, 128)
}

/// The keys in the order of their names; two calls that give one key two values are a mistake of both.
fn merge(given: Vec<(PhpIni, &Declared)>) -> Result<Vec<(String, Text)>, Vec<Diagnostic>> {
    let mut keys: BTreeMap<String, (Text, &Declared)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (PhpIni { key, value }, declared) in given {
        match keys.get(&key) {
            Some((other, first)) if *other != value => wrong.push(
                Diagnostic::error(
                    "php::conflict",
                    format!("`{key}` has two values: ‹{other}› and ‹{value}›"),
                )
                .at(declared.span, "one here")
                .at(first.span, format!("the other here ({})", first.place))
                .help("keep one of them"),
            ),
            Some(_) => (),
            None => drop(keys.insert(key, (value, declared))),
        }
    }
    match wrong.is_empty() {
        true => Ok(keys.into_iter().map(|(key, (value, _))| (key, value)).collect()),
        false => Err(wrong),
    }
}
