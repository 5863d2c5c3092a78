//! Named places where one service gives something to another.
//!
//! Each slot has a type here, so that both sides agree on its form; a contribution of another form is refused with the
//! place of the call that made it. What a slot does with several contributions is said by the manifest of the plugin
//! that owns it.

use std::collections::BTreeMap;

use mops_model::{Cidr, Declared, Diagnostic, Duration, Host, Name, Rate, Selector, Size, Text, Value};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Something one call gives to a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The slot, such as `edge.throttle`.
    pub slot: String,
    /// What is given: the slot's type as plain data.
    pub value: Value,
    /// The call that gave it; filled in by whoever asked the plugin.
    #[serde(default)]
    pub declared: Declared,
}

/// Every contribution of a run, by slot, in the order of the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots(pub BTreeMap<String, Vec<Contribution>>);

/// A slot and the type of what is contributed to it.
pub trait Slot: Serialize + DeserializeOwned {
    /// The slot's name.
    const NAME: &'static str;

    /// This as a contribution.
    ///
    /// # Panics
    /// Never: slots are plain data.
    fn contribution(&self) -> Contribution {
        Contribution {
            slot: Self::NAME.to_owned(),
            value: Value::of(self).expect("a slot is plain data"),
            declared: Declared::default(),
        }
    }
}

impl Slots {
    /// Adds what the call that stands at `declared` gives.
    pub fn add(&mut self, given: impl IntoIterator<Item = Contribution>, declared: &Declared) {
        for mut contribution in given {
            contribution.declared = declared.clone();
            self.0.entry(contribution.slot.clone()).or_default().push(contribution);
        }
    }

    /// What was contributed to the slot `T`, with the calls that did.
    ///
    /// # Errors
    /// Every contribution that has another form.
    pub fn get<T: Slot>(&self) -> Result<Vec<(T, &Declared)>, Vec<Diagnostic>> {
        let mut given = Vec::new();
        let mut wrong = Vec::new();
        for contribution in self.0.get(T::NAME).into_iter().flatten() {
            match contribution.value.parse() {
                Ok(it) => given.push((it, &contribution.declared)),
                Err(err) => wrong.push(
                    Diagnostic::error(
                        "slot::wrong-form",
                        format!("the slot `{}` takes another form: {err}", T::NAME),
                    )
                    .at(contribution.declared.span, "contributed here"),
                ),
            }
        }
        match wrong.is_empty() {
            true => Ok(given),
            false => Err(wrong),
        }
    }
}

/// Text of the user's own at a named place of a daemon's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snippet {
    /// The place, such as `recv.after_normalise`.
    pub place: String,
    /// What stands there.
    pub text: String,
    /// Where it comes from, for people: the path of the user's file.
    pub origin: String,
}

/// VCL of the user's own; places are those that `varnish::vcl` lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Vcl(pub Snippet);

/// nginx configuration of the user's own; places are those that `nginx::snippet` lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NginxSnippet(pub Snippet);

/// What the TLS edge hands requests to, instead of the application's nginx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The daemon.
    pub daemon: Name,
    /// Where it listens.
    pub listen: Name,
}

/// Who renews the certificates of the TLS edge, instead of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateKeeper {
    /// The shared directory where it keeps them, `<website>.pem` each, and answers to challenges in `challenges`.
    pub directory: Name,
}

/// How a name's owner proves it in the domain name system (ACME's dns-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsProof {
    /// A program and its first arguments; `set` or `clear`, the name of the record and its value follow:
    /// `… set _acme-challenge.acme.pl gfj9Xq…`. It ends with 0 when it is done.
    pub run: Vec<Text>,
    /// How long the world may take to see a record.
    pub wait: Duration,
}

/// A limit on how often requests may come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// Its name.
    pub name: Name,
    /// Which requests it means.
    pub selector: Selector,
    /// How often one client may.
    pub rate: Rate,
    /// How many may come at once beyond the rate.
    pub burst: u64,
    /// Networks that it does not count.
    pub exempt: Vec<Cidr>,
    /// Whether it is looked at even when an earlier limit has matched.
    pub always: bool,
}

/// PHP's limits for some requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhpLimit {
    /// Which requests it means.
    pub selector: Selector,
    /// `memory_limit`.
    #[serde(default)]
    pub memory: Option<Size>,
    /// `max_execution_time`; every hop outside waits at least as long.
    #[serde(default)]
    pub time: Option<Duration>,
}

/// The version of PHP that the application needs, unless the script names another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhpVersion {
    /// Major and minor, as Debian's package names have it: `8.2`.
    pub version: String,
}

/// A key of `php.ini`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhpIni {
    /// The key, such as `session.save_path`.
    pub key: String,
    /// Its value.
    pub value: Text,
}

/// A key of Magento's `app/etc/env.php`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MagentoEnv {
    /// Where, as keys joined with `/`: `cache/frontend/default/backend`.
    pub path: String,
    /// Its value.
    pub value: Value,
}

/// A key of Magento's configuration (`core_config_data`), written to the `system` part of `env.php`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MagentoConfig {
    /// The website or store view; without one, the default of all.
    #[serde(default)]
    pub website: Option<Name>,
    /// The path, such as `catalog/search/engine`.
    pub path: String,
    /// Its value.
    pub value: Text,
}

/// A cache in front of the application that must be told what to forget (`http_cache_hosts`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheHost {
    /// The role whose nodes run it.
    pub role: Name,
    /// Where it takes `PURGE`.
    pub daemon: Name,
    /// The place where that daemon listens.
    pub listen: Name,
}

/// A queue consumer to supervise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// Magento's name of the consumer.
    pub name: String,
    /// How many processes.
    pub processes: u32,
    /// How many messages one process takes before it is replaced.
    pub max_messages: u32,
    /// The role whose nodes run it.
    pub on: Name,
    /// How long it may take to finish its message when it is stopped.
    pub stop_within: Duration,
}

/// Redirects by the visitor's country or language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeoRedirect {
    /// `home`: only the front page; `deep`: every page; `geofence`: every page, with no way to stay.
    pub mode: String,
    /// Country → the website for it.
    pub countries: BTreeMap<String, Name>,
    /// Language → the website for it, when the country does not decide.
    pub languages: BTreeMap<String, Name>,
    /// The file that tells the country of an address, beside the script.
    #[serde(default)]
    pub database: Option<String>,
    /// Requests that are never redirected: a regular expression of their paths.
    pub never: String,
    /// The cookie that remembers a choice.
    pub cookie: String,
}

/// Where media and static files are served from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaHost {
    /// The host that browsers fetch media from.
    pub host: Host,
}

/// A step that makes a release ready: run once per release, before it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStep {
    /// Its name.
    pub name: Name,
    /// Program and arguments, run in the release.
    pub run: Vec<Text>,
    /// Files that must exist afterwards, as patterns of the shell.
    pub makes: Vec<String>,
}

macro_rules! slots {
    ($($slot:ident $name:literal,)+) => {$(
        impl Slot for $slot {
            const NAME: &'static str = $name;
        }
    )+};
}

slots! {
    Vcl "varnish.vcl",
    NginxSnippet "nginx.snippet",
    Upstream "edge.upstream",
    CertificateKeeper "edge.certificates",
    DnsProof "certificates.dns",
    Throttle "edge.throttle",
    GeoRedirect "edge.geo",
    PhpLimit "php.limit",
    PhpVersion "php.version",
    PhpIni "php.ini",
    MagentoEnv "magento.env",
    MagentoConfig "magento.config",
    CacheHost "magento.cache-host",
    Consumer "magento.consumer",
    MediaHost "magento.media",
    ReleaseStep "magento.release-step",
}
