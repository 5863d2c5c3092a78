//! What the application learns about its Redis servers.

use mops_plugin::{
    Context, Contribution,
    model::{Name, Source, Text, Value},
    slot::{MagentoEnv, PhpIni, Slot},
};

use crate::server::ROLE;

/// Magento's cache frontends, in the form of `Cm_Cache_Backend_Redis`.
pub(crate) fn cache(context: &Context) -> Vec<Contribution> {
    let prefix: String =
        context.site.name.as_str().chars().filter(char::is_ascii_alphanumeric).take(3).collect();
    let frontend = |name: &str, database: &str, compress: &str| {
        let base = format!("cache/frontend/{name}");
        let option = |key: &str, value: Value| env(&format!("{base}/backend_options/{key}"), value);
        vec![
            env(&format!("{base}/backend"), r"Magento\Framework\Cache\Backend\Redis"),
            // Three characters and an underscore, as Magento's own set-up writes it.
            env(&format!("{base}/id_prefix"), format!("{prefix}_")),
            option("server", address().into()),
            option("port", port("redis-cache").into()),
            option("password", password("redis-cache").into()),
            option("database", database.into()),
            option("compress_data", compress.into()),
            // A worker keeps one connection for its life: 5 to 15 % less time on a page.
            option("persistent", name.into()),
            option("read_timeout", "10".into()),
            option("connect_retries", "2".into()),
        ]
    };
    // Full pages are compressed by Magento itself.
    [frontend("default", "0", "1"), frontend("page_cache", "1", "0")].concat()
}

/// Magento's sessions, and those of plain PHP.
pub(crate) fn sessions() -> Vec<Contribution> {
    let option = |key: &str, value: Value| env(&format!("session/redis/{key}"), value);
    let ini = |key: &str, value: Text| PhpIni { key: key.to_owned(), value }.contribution();
    vec![
        env("session/save", "redis"),
        option("host", address().into()),
        option("port", port("redis-sessions").into()),
        option("password", password("redis-sessions").into()),
        option("database", "0".into()),
        option("timeout", "2.5".into()),
        option("compression_threshold", "2048".into()),
        option("compression_library", "gzip".into()),
        option("log_level", "4".into()),
        // Requests of one session that may wait for each other; Magento's own 6 is too few for pages with many blocks.
        option("max_concurrency", "20".into()),
        option("break_after_frontend", "5".into()),
        option("break_after_adminhtml", "30".into()),
        option("first_lifetime", "600".into()),
        option("bot_first_lifetime", "60".into()),
        option("bot_lifetime", "7200".into()),
        option("disable_locking", "0".into()),
        option("min_lifetime", "60".into()),
        option("max_lifetime", "2592000".into()),
        ini("session.save_handler", "redis".into()),
        ini(
            "session.save_path",
            Text::literal("tcp://")
                .then(address())
                .then(":")
                .then(port("redis-sessions"))
                .then("?auth=")
                .then(password("redis-sessions")),
        ),
        // Two requests of one session do not write over each other; one waits for the other for 5 s at most.
        ini("redis.session.locking_enabled", "1".into()),
        ini("redis.session.lock_expire", "30".into()),
        ini("redis.session.lock_wait_time", "10000".into()),
        ini("redis.session.lock_retries", "500".into()),
    ]
}

fn env(path: &str, value: impl Into<Value>) -> Contribution {
    MagentoEnv { path: path.to_owned(), value: value.into() }.contribution()
}

/// The address of the role's node: the role has one.
fn address() -> Text {
    Text::each(Name::literal(ROLE), Text::there("address"))
}

fn port(daemon: &str) -> Text {
    Text::each(Name::literal(ROLE), Text::there(format!("port.{daemon}.redis")))
}

fn password(daemon: &str) -> Text {
    Text::hole(Source::Secret(Name::literal(daemon)))
}
