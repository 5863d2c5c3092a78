//! What a script may say about the cache.

use mops_plugin::model::{Cidr, Duration, Input, Size};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Puts a cache for whole pages between the TLS edge and the application.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CacheOptions {
    /// Memory for what is cached. Without it, half of the node's memory, shared evenly with the other roles on that
    /// node: 2G on a node of 4G that is nothing but an edge. Changing it restarts the cache, which is cold then.
    #[schemars(extend("x-min" = "64M"))]
    pub(crate) memory: Option<Size>,
    /// How long a page is kept beyond its time, to be served when it cannot be fetched anew.
    #[serde(default = "grace")]
    pub(crate) grace: Duration,
    /// How stale a page may be while the application is well: it is served at once and fetched anew behind the
    /// visitor's back.
    #[serde(default = "healthy_grace")]
    pub(crate) healthy_grace: Duration,
    /// What decides whether a node is healthy: Magento's `health_check.php`, or nginx alone (`/mops-ready`), so that a
    /// slow PHP does not take all nodes away.
    #[serde(default)]
    pub(crate) probe: Probe,
    /// How pages are forgotten by their tags: an index of keys, or bans, which cost time at every look-up.
    #[serde(default)]
    pub(crate) purge: Purge,
    /// Whether a page whose tag is purged may be served once more while it is fetched anew: when the purge asks for it
    /// (`X-Magento-Purge-Soft: 1`), always unless it says no (`X-Magento-Purge-Soft: 0`), or never. Only with the
    /// index of keys. A purge of everything is always hard.
    #[serde(default)]
    pub(crate) soft_purge: SoftPurge,
    /// Parameters of the query that only the browser reads and that are taken out of every URL.
    #[serde(default)]
    pub(crate) strip_params: StripParams,
    /// Static files and media: asked of the application's nginx each time, or cached.
    #[serde(default)]
    pub(crate) assets: Assets,
    /// What browsers are told to do with pages: not to keep them, or to keep them a minute and to bring them back at
    /// once on *back* (bfcache).
    #[serde(default)]
    pub(crate) browser_cache: BrowserCache,
    /// Who sees the header `X-Magento-Cache-Debug`.
    #[serde(default)]
    pub(crate) debug: Debugging,
    /// Networks whose clients see `X-Magento-Cache-Debug` and may force a page to be fetched anew (Ctrl-Shift-R). On
    /// this machine, itself.
    #[serde(default)]
    pub(crate) trusted: Vec<Cidr>,
    /// How long the application may take until the first byte of an answer; longer where `php::limit` allows PHP more.
    #[serde(default = "first_byte_timeout")]
    #[schemars(extend("x-min" = "1s"))]
    pub(crate) first_byte_timeout: Duration,
    /// How long a page that is not found is kept at most (404).
    #[serde(default = "not_found_ttl")]
    #[schemars(extend("x-max" = "1h"))]
    pub(crate) not_found_ttl: Duration,
    /// How long a permanent redirect is kept at most (301, 308); and only if it says `s-maxage`.
    #[serde(default = "redirect_ttl")]
    #[schemars(extend("x-max" = "1d"))]
    pub(crate) redirect_ttl: Duration,
    /// Whether `/x/` and `/x` are one page. Only safe where Magento redirects from neither to the other.
    #[serde(default)]
    pub(crate) trailing_slash: TrailingSlash,
    /// Room for headers of the application.
    #[serde(default)]
    pub(crate) headers: Headers,
    /// Themes by the `User-Agent`, as Magento's design exceptions have them; the first that matches decides.
    #[serde(default)]
    pub(crate) design_exceptions: Vec<DesignException>,
    /// Paths that are never cached besides Magento's own: regular expressions of the path within a website.
    #[serde(default)]
    pub(crate) pass_paths: Vec<Pattern>,
    /// Cookies whose owner never gets a cached page.
    #[serde(default)]
    pub(crate) pass_cookies: Vec<String>,
}

/// Takes VCL of your own into the cache's, at a named place.
///
/// `top` stands outside of every subroutine; the others stand inside the subroutine that they name. A mistake is told
/// with the file and the line that it is in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Custom {
    /// The place.
    pub(crate) place: Place,
    /// The file.
    #[schemars(schema_with = "file")]
    pub(crate) source: Input,
}

/// See [`CacheOptions::probe`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Probe {
    #[default]
    Php,
    Nginx,
}

/// See [`CacheOptions::purge`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purge {
    #[default]
    Xkey,
    Ban,
}

/// See [`CacheOptions::soft_purge`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SoftPurge {
    #[default]
    Asked,
    Always,
    Never,
}

/// See [`CacheOptions::strip_params`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) struct StripParams {
    /// Names besides the usual ones; `*` stands for any characters.
    #[serde(default)]
    pub(crate) add: Vec<String>,
    /// Names among the usual ones that this shop uses for itself.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
}

/// See [`CacheOptions::assets`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Assets {
    #[default]
    Pass,
    Cache,
}

/// See [`CacheOptions::browser_cache`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BrowserCache {
    #[default]
    NoStore,
    Bfcache,
}

/// See [`CacheOptions::debug`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Debugging {
    Never,
    #[default]
    Trusted,
    Always,
}

/// See [`CacheOptions::trailing_slash`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TrailingSlash {
    #[default]
    Keep,
    Ignore,
}

/// See [`CacheOptions::headers`].
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Headers {
    /// The longest header: that of a page's tags (`http_resp_hdr_len`).
    #[serde(default = "tags")]
    #[schemars(extend("x-min" = "8K", "x-max" = "1M"))]
    pub(crate) tags: Size,
    /// All headers of one answer (`http_resp_size`). Without it, `tags` and 32K.
    pub(crate) response: Option<Size>,
    /// What one request to the application may use (`workspace_backend`). Without it, `response` and 160K: room for the
    /// request's own headers and for compressing.
    pub(crate) workspace: Option<Size>,
}

/// One theme of [`CacheOptions::design_exceptions`].
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DesignException {
    /// The `User-Agent`: a regular expression, also as Magento writes it (`/firefox/i`).
    pub(crate) pattern: Pattern,
    /// What sets the theme apart: its name.
    pub(crate) theme: String,
}

/// A regular expression.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "pattern"))]
pub(crate) struct Pattern(pub(crate) String);

/// See [`Custom::place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Place {
    #[serde(rename = "top")]
    Top,
    #[serde(rename = "recv.first")]
    RecvFirst,
    #[serde(rename = "recv.after_normalise")]
    RecvAfterNormalise,
    #[serde(rename = "recv.last")]
    RecvLast,
    #[serde(rename = "hash")]
    Hash,
    #[serde(rename = "backend_fetch")]
    BackendFetch,
    #[serde(rename = "backend_response.first")]
    BackendResponseFirst,
    #[serde(rename = "backend_response.last")]
    BackendResponseLast,
    #[serde(rename = "deliver.first")]
    DeliverFirst,
    #[serde(rename = "deliver.last")]
    DeliverLast,
    #[serde(rename = "synth")]
    Synth,
}

impl Place {
    /// Every place, in the order of the VCL.
    pub(crate) const ALL: [Self; 11] = [
        Self::Top,
        Self::RecvFirst,
        Self::RecvAfterNormalise,
        Self::RecvLast,
        Self::Hash,
        Self::BackendFetch,
        Self::BackendResponseFirst,
        Self::BackendResponseLast,
        Self::DeliverFirst,
        Self::DeliverLast,
        Self::Synth,
    ];

    /// Its name, as scripts write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Top => "top",
            Self::RecvFirst => "recv.first",
            Self::RecvAfterNormalise => "recv.after_normalise",
            Self::RecvLast => "recv.last",
            Self::Hash => "hash",
            Self::BackendFetch => "backend_fetch",
            Self::BackendResponseFirst => "backend_response.first",
            Self::BackendResponseLast => "backend_response.last",
            Self::DeliverFirst => "deliver.first",
            Self::DeliverLast => "deliver.last",
            Self::Synth => "synth",
        }
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self { tags: tags(), response: None, workspace: None }
    }
}

fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "format": "file" })
}

fn grace() -> Duration {
    Duration::seconds(3 * 24 * 60 * 60)
}

fn healthy_grace() -> Duration {
    Duration::seconds(300)
}

fn first_byte_timeout() -> Duration {
    Duration::seconds(600)
}

fn not_found_ttl() -> Duration {
    Duration::seconds(60)
}

fn redirect_ttl() -> Duration {
    Duration::seconds(3 * 60 * 60)
}

fn tags() -> Size {
    Size::bytes(64 << 10)
}
