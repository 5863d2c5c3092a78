//! What `magento::app` comes to.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Daemon, Declared, Diagnostic, Directory, Duration, Encoding, Host, Loses, Name, OnChange,
        ProviderName, Ready, ReadyCheck, Reload, RunType, Source, Stop, StopSignal, Text, Value, Website,
    },
    slot::{CacheHost, Consumer, MagentoConfig, MagentoEnv, ReleaseStep},
};
use serde::Serialize;

use crate::{
    application::Application,
    consumer,
    env::{Env, keys},
    options::{App, Cron, Mode},
};

/// The role whose nodes run the application.
pub(crate) const ROLE: &str = "app";

const CRON: Template = Template {
    name: "magento/cron.sh",
    text: include_str!("../templates/cron.sh"),
    encoding: Encoding::Shell,
};
const PREPARE: Template = Template {
    name: "magento/prepare-release.sh",
    text: include_str!("../templates/prepare-release.sh"),
    encoding: Encoding::Shell,
};

/// Magento's caches, all in use: one that `env.php` does not name is off
/// (`Magento\Framework\App\Cache\State::isEnabled`). `target_rule` is Adobe Commerce's, `graphql_query_resolver_result`
/// newer than 2.4.6; a name that Magento does not know means nothing to it.
const CACHE_TYPES: [&str; 16] = [
    "block_html",
    "collections",
    "compiled_config",
    "config",
    "config_integration",
    "config_integration_api",
    "config_webservice",
    "customer_notification",
    "db_ddl",
    "eav",
    "full_page",
    "graphql_query_resolver_result",
    "layout",
    "reflection",
    "target_rule",
    "translate",
];

/// What others gave.
struct Given<'a> {
    env: Vec<(MagentoEnv, &'a Declared)>,
    config: Vec<(MagentoConfig, &'a Declared)>,
    caches: Vec<(CacheHost, &'a Declared)>,
    consumers: Vec<(Consumer, &'a Declared)>,
    steps: Vec<(ReleaseStep, &'a Declared)>,
}

/// What the call comes to.
pub(crate) fn lower(options: &App, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
    let (given, application) = match (Given::of(slots), Application::of(&context.site)) {
        (Ok(given), Ok(application)) => (given, application),
        (given, application) => {
            let both = [given.err(), application.err()];
            return Err(both.into_iter().flatten().flatten().collect());
        }
    };
    let env = env(options, &application, context, &given)?;
    let php = format!("php{}", application.php(context));
    let mut lowered = Lowered::default();
    consumer::lower(&mut lowered, &given.consumers, &php, &env, context)?;

    // Workers keep what they compiled of it: a reload makes them read it again.
    lowered.file(ROLE, "magento/env.php", env, "php", OnChange::Reload);
    if !given.steps.is_empty() {
        let steps = Steps { steps: given.steps.iter().map(|(it, _)| it).collect() };
        let text = PREPARE.render(steps).map_err(|it| vec![it])?;
        lowered.program(ROLE, "magento/prepare-release.sh", text, "php");
    }
    lay_out_release(&mut lowered, &application, context);
    match (options.cron, &application.release) {
        (Cron::FirstNode, Some(_)) => cron(&mut lowered, &php).map_err(|it| vec![it])?,
        (Cron::FirstNode, None) | (Cron::Off, _) => (),
    }
    lowered.package(ROLE, &php, &format!("{php}-cli"));
    lowered.password("magento-crypt-key", 32);
    lowered.password("magento-graphql-salt", 32);
    lowered.setting("magento.version", application.version.as_str());
    lowered.setting("magento.admin_path", application.admin_path.as_str());
    Ok(lowered)
}

impl<'a> Given<'a> {
    fn of(slots: &'a Slots) -> Result<Self, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let mut take = |them: Vec<Diagnostic>| wrong.extend(them);
        let env = slots.get().map_err(&mut take);
        let config = slots.get().map_err(&mut take);
        let caches = slots.get().map_err(&mut take);
        let consumers = slots.get().map_err(&mut take);
        let steps = slots.get().map_err(&mut take);
        match (env, config, caches, consumers, steps) {
            (Ok(env), Ok(config), Ok(caches), Ok(consumers), Ok(steps)) => {
                Ok(Self { env, config, caches, consumers, steps })
            }
            _ => Err(wrong),
        }
    }
}

#[derive(Serialize)]
struct Steps<'a> {
    steps: Vec<&'a ReleaseStep>,
}

/// What Magento writes lies outside the release, the same for every node; `env.php` is that of the closure in use.
fn lay_out_release(lowered: &mut Lowered, application: &Application, context: &Context) {
    for name in ["media", "var"] {
        lowered.directory(ROLE, name, Directory { shared: true, holds_data: true });
    }
    let Some(release) = &application.release else {
        let message =
            format!("the site `{}` has no release: its nodes have no pages to serve", context.site.name);
        lowered.warnings.push(
            Diagnostic::warning("magento::no-release", message)
                .at(context.site.declared.span, "this site")
                .help("add magento: #{ release: path(\"release\") }"),
        );
        return;
    };
    lowered.setting("magento.release", Value::Input(release.clone()));
    lowered.release_links.insert(
        Name::literal(ROLE),
        BTreeMap::from([
            ("app/etc/env.php".to_owned(), Text::here("current").then("/files/magento/env.php")),
            ("pub/media".to_owned(), Text::here("data.media")),
            ("var".to_owned(), Text::here("data.var")),
        ]),
    );
}

fn cron(lowered: &mut Lowered, php: &str) -> Result<(), Diagnostic> {
    #[derive(Serialize)]
    struct Values<'a> {
        php: &'a str,
    }
    lowered.file(ROLE, "magento/cron.sh", CRON.render(Values { php })?, "cron", OnChange::Restart);
    let daemon = Daemon {
        command: vec!["sh".into(), Text::here("current").then("/files/magento/cron.sh")],
        environment: BTreeMap::new(),
        listens: BTreeMap::new(),
        after: Vec::new(),
        check: Some(vec!["sh".into(), "-n".into(), Text::here("files").then("/magento/cron.sh")]),
        ready: Ready { check: ReadyCheck::Running, within: Duration::seconds(10) },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        // A run is waited for; what takes longer than this is a stuck job.
        stop: Stop { signal: StopSignal::Term, within: Duration::seconds(60) },
        memory: None,
    };
    lowered.daemon(ROLE, "cron", daemon);
    Ok(())
}

/// `env.php`: defaults, then what the script and other services gave.
fn env(
    options: &App,
    application: &Application,
    context: &Context,
    given: &Given,
) -> Result<Text, Vec<Diagnostic>> {
    let mut env = Env::default();
    let secret = |name| Text::hole(Source::Secret(Name::literal(name)));
    let mode = match options.mode {
        Mode::Production => "production",
        Mode::Developer => "developer",
    };
    env.presume("MAGE_MODE", mode);
    env.presume("backend/frontName", application.admin_path.as_str());
    env.presume("cache/allow_parallel_generation", false);
    for cache_type in CACHE_TYPES {
        env.presume(&format!("cache_types/{cache_type}"), 1);
    }
    // Equal on all nodes, or each would give GraphQL answers a cache id of its own.
    env.presume("cache/graphql/id_salt", secret("magento-graphql-salt"));
    env.presume("crypt/key", secret("magento-crypt-key"));
    env.presume("directories/document_root_is_pub", true);
    // Its presence is how Magento knows that it is installed.
    env.presume("install/date", "Thu, 01 Jan 1970 00:00:00 +0000");
    env.presume("lock/provider", "db");
    env.presume("resource/default_setup/connection", "default");
    env.presume("session/save", "files");
    env.presume("x-frame-options", "SAMEORIGIN");
    // Consumers are supervised: cron starts none, and they wait for messages.
    env.presume("cron_consumers_runner/cron_run", false);
    env.presume("queue/consumers_wait_for_messages", 1);
    for website in &context.site.websites {
        website_config(&mut env, website, context);
    }
    if !given.caches.is_empty() {
        env.presume_elements("http_cache_hosts", given.caches.iter().map(|(it, _)| cache_host(it)).collect());
        // 2 is Varnish (Magento\PageCache\Model\Config::VARNISH).
        env.presume("system/default/system/full_page_cache/caching_application", "2");
    }

    let mut wrong = Vec::new();
    for (MagentoEnv { path, value }, declared) in &given.env {
        wrong.extend(env.give(keys(path), value.clone(), declared).err().into_iter().flatten());
    }
    for (config, declared) in &given.config {
        let scope = config.website.as_ref().and_then(|it| context.site.website(it.as_str())).map(scope);
        let path = format!("{}/{}", scope.as_deref().unwrap_or("system/default"), config.path);
        wrong.extend(
            env.give(keys(&path), Value::Text(config.value.clone()), declared).err().into_iter().flatten(),
        );
    }
    match wrong.is_empty() {
        true => env.render().map_err(|it| vec![it]),
        false => Err(wrong),
    }
}

/// What the table of websites says to Magento.
fn website_config(env: &mut Env, website: &Website, context: &Context) {
    let scope = scope(website);
    // A wildcard is no name that a browser could be sent to.
    if let Some(host) = website.hosts.iter().find(|it| !it.as_str().starts_with("*.")) {
        for key in ["secure", "unsecure"] {
            base_url(env, &format!("{scope}/web/{key}/base_url"), host, website, context);
        }
    }
    if let Some(locale) = &website.locale {
        env.presume(&format!("{scope}/general/locale/code"), locale.as_str());
    }
    if let Some(currency) = &website.currency {
        env.presume(&format!("{scope}/currency/options/default"), currency.as_str());
    }
}

/// Where browsers reach `website`. On this machine that is `<host>.localhost` at the port that the edge was given, of the
/// first of its nodes.
fn base_url(env: &mut Env, path: &str, host: &Host, website: &Website, context: &Context) {
    match context.environment.provider {
        ProviderName::Local => {
            let url = Text::literal(format!("https://{host}.localhost:"))
                .then(Text::there("port.edge-nginx.https"))
                .then(format!("{}/", website.path));
            env.presume_of_first(path, Name::literal("edge"), url);
        }
    }
}

/// Where the configuration of `website` stands.
fn scope(website: &Website) -> String {
    let kind = match website.run_type {
        RunType::Website => "websites",
        RunType::Store => "stores",
    };
    format!("system/{kind}/{}", website.run_code)
}

/// One element of `http_cache_hosts` for each node of the cache.
fn cache_host(cache: &CacheHost) -> Text {
    let port = format!("port.{}.{}", cache.daemon, cache.listen);
    let element = Text::literal("        ['host' => '")
        .then(Text::there("address"))
        .then("', 'port' => '")
        .then(Text::there(port))
        .then("'],\n");
    Text::each(cache.role.clone(), element)
}
