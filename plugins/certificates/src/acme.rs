//! `certificates::acme`: who is asked, for which hosts, and the daemon that asks.

use std::collections::BTreeMap;

use mops_plugin::{
    Context, Lowered, Slots, Template,
    model::{
        Daemon, Diagnostic, Digest, Directory, Duration, Encoding, Input, Loses, Name, OnChange,
        ProviderName, Ready, ReadyCheck, Reload, Stop, StopSignal, Text,
    },
    slot::{CertificateKeeper, DnsProof},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The name of the daemon, and of its folder in the closure.
pub(crate) const DAEMON: &str = "acme";
/// The directory that the edge nodes share.
const DIRECTORY: &str = "certificates";
/// How many hosts a certificate may have (<https://letsencrypt.org/docs/rate-limits/>).
const MOST_HOSTS: usize = 100;
const CONFIG: Template = Template {
    name: "acme/acme.json",
    text: include_str!("../templates/acme.json"),
    encoding: Encoding::Json,
};

/// Certificates from an ACME directory such as Let's Encrypt: one for each website, for all of its hosts, renewed before
/// it ends.
///
/// The site is up from the first second with a certificate of the machine's own authority, and stays up whatever the
/// directory does: what is refused is tried again after a pause that doubles with each failure, and `mops status` says
/// why. One edge node asks, and all of them serve the same. On this machine an authority of the world is not asked,
/// because it could not look at it; a directory of your own is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Options {
    /// Who is told by the authority when something is wrong.
    email: String,
    /// Who issues: `letsencrypt`; `staging`, Let's Encrypt's place to try things out, whose certificates no browser
    /// trusts; or the `https://` URL of another ACME directory. `letsencrypt` by default. Each keeps its certificates
    /// apart, and what `staging` issues never takes the place of a good one.
    #[serde(default = "directory")]
    directory: String,
    /// Certificates (PEM) of the authority that vouches for the directory itself. Without it, what the system trusts.
    #[schemars(schema_with = "file")]
    #[serde(default)]
    ca: Option<Input>,
    /// How long before its end a certificate is renewed, from 1m to 60d. Without it, when a third of its life is left; up to a
    /// twentieth of its life earlier, so that not all come at once.
    #[schemars(extend("x-min" = "1m", "x-max" = "60d"))]
    renew: Option<Duration>,
    /// How long after a failure it is tried again, from 1s to 12h; each further failure doubles it, up to 12h. 5m by default.
    #[schemars(extend("x-min" = "1s", "x-max" = "12h"))]
    #[serde(default = "retry")]
    retry: Duration,
    /// The keys of certificates that are issued from now on: `ecdsa` (P-256, which everything since 2014 takes), or
    /// `ecdsa-p384`. `ecdsa` by default.
    #[serde(default)]
    key: Key,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
enum Key {
    /// P-256.
    #[default]
    #[serde(rename = "ecdsa")]
    P256,
    /// P-384.
    #[serde(rename = "ecdsa-p384")]
    P384,
}

fn directory() -> String {
    "letsencrypt".to_owned()
}

fn retry() -> Duration {
    Duration::seconds(300)
}

/// Options that fit the site.
pub(crate) struct Checked {
    options: Options,
    authority: Authority,
}

/// Who issues, as the daemon takes it.
#[derive(Serialize)]
struct Authority {
    name: Name,
    directory: String,
    roots: Option<String>,
    trust: &'static str,
    #[serde(skip)]
    reach: Reach,
}

/// From where an authority can look at a host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// From the Internet.
    World,
    /// From the network of whoever named it.
    Own,
}

/// What the template takes.
#[derive(Serialize)]
struct Values<'a> {
    authority: &'a Authority,
    email: &'a str,
    key: Key,
    /// In seconds, or `null`.
    renew: String,
    /// In seconds.
    retry: u64,
    dns: Option<Dns>,
    certificates: Vec<Certificate>,
}

#[derive(Serialize)]
struct Dns {
    run: Vec<Text>,
    /// In seconds.
    wait: u64,
}

#[derive(Serialize)]
struct Certificate {
    name: Name,
    hosts: Vec<String>,
}

impl Options {
    /// The options, when they fit the site.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub(crate) fn checked(self, context: &Context) -> Result<Checked, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        if !is_email(&self.email) {
            let message = format!("`email`: {:?} is no address of e-mail", self.email);
            let help = "write one that people read: \"ops@acme.pl\"";
            wrong.push(Diagnostic::error("certificates::email", message).at_option("email").help(help));
        }
        let too_many = certificates(context).filter(|it| it.hosts.len() > MOST_HOSTS);
        wrong.extend(too_many.map(|it| {
            let message = format!(
                "the website `{}` has {} names; a certificate takes {MOST_HOSTS}",
                it.name,
                it.hosts.len()
            );
            Diagnostic::error("certificates::too-many", message)
                .help("declare some of its hosts as a website of their own")
        }));
        match self.authority() {
            Ok(authority) if wrong.is_empty() => Ok(Checked { options: self, authority }),
            Ok(_) => Err(wrong),
            Err(err) => {
                wrong.push(err);
                Err(wrong)
            }
        }
    }

    fn authority(&self) -> Result<Authority, Diagnostic> {
        let roots = match &self.ca {
            None => None,
            Some(file) => Some(pem(file)?),
        };
        let known = |name: &str, directory: &str, trust| Authority {
            name: Name::literal(name),
            directory: directory.to_owned(),
            roots: roots.clone(),
            trust,
            reach: Reach::World,
        };
        match self.directory.as_str() {
            "letsencrypt" => {
                Ok(known("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", "visitors"))
            }
            "staging" => Ok(known(
                "letsencrypt-staging",
                "https://acme-staging-v02.api.letsencrypt.org/directory",
                "nobody",
            )),
            url if is_url(url) => {
                let name = format!("directory-{}", Digest::of(url.as_bytes()).short());
                Ok(Authority { reach: Reach::Own, ..known(&name, url, "visitors") })
            }
            other => Err(Diagnostic::error(
                "certificates::directory",
                format!("`directory`: {other:?} is no ACME directory"),
            )
            .at_option("directory")
            .help("write \"letsencrypt\", \"staging\", or a URL: \"https://acme.example/directory\"")),
        }
    }
}

impl Checked {
    /// What tells the edge where its certificates are; none where nobody is asked.
    pub(crate) fn keeper(&self, context: &Context) -> Option<CertificateKeeper> {
        self.asks(context).then(|| CertificateKeeper { directory: Name::literal(DIRECTORY) })
    }

    /// The daemon, its directory and what it is told.
    ///
    /// # Errors
    /// What is wrong with the hosts, or with who proves whose they are.
    pub(crate) fn lower(&self, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        let mut lowered = Lowered::default();
        if !self.asks(context) {
            lowered.warnings.extend(self.not_asked());
            return Ok(lowered);
        }
        let dns = proof(slots)?;
        let stars: Vec<Diagnostic> = match dns {
            Some(_) => Vec::new(),
            None => stars(context),
        };
        if !stars.is_empty() {
            return Err(stars);
        }
        let values = Values {
            authority: &self.authority,
            email: &self.options.email,
            key: self.options.key,
            renew: self.options.renew.map_or_else(|| "null".to_owned(), |it| it.as_seconds().to_string()),
            retry: self.options.retry.as_seconds(),
            dns,
            certificates: certificates(context).collect(),
        };
        let text = CONFIG.render(values).map_err(|err| vec![err])?;
        lowered.file("edge", "acme/acme.json", text, DAEMON, OnChange::Restart);
        lowered.directory("edge", DIRECTORY, Directory { shared: true, holds_data: true });
        lowered.daemon("edge", DAEMON, daemon());
        lowered.setting("certificates.directory", self.authority.directory.as_str());
        Ok(lowered)
    }

    /// Whether the authority can look at this environment, and there is something to look at.
    fn asks(&self, context: &Context) -> bool {
        let can_look = match (context.environment.provider, self.authority.reach) {
            (ProviderName::Local, Reach::World) => false,
            (ProviderName::Local, Reach::Own) => true,
        };
        can_look && context.group("edge").is_some() && certificates(context).next().is_some()
    }

    fn not_asked(&self) -> Option<Diagnostic> {
        (self.authority.reach == Reach::World).then(|| {
            let message = "Let's Encrypt cannot look at this machine: its hosts have certificates of the machine's own authority";
            Diagnostic::warning("certificates::not-asked", message)
                .help("nothing is to be done; name the `directory` of an authority of your own to try it out here")
        })
    }
}

/// One certificate for each website that a host belongs to.
fn certificates(context: &Context) -> impl Iterator<Item = Certificate> {
    let owns = |website: &&mops_plugin::model::Website| {
        website.hosts.iter().any(|host| context.owner(host) == Some(*website))
    };
    let websites = context.site.websites.iter().filter(owns);
    websites.map(|it| Certificate { name: it.name.clone(), hosts: context.hosts(it) })
}

/// Hosts with a star, which nobody can prove over HTTP (RFC 8555, 8.3).
fn stars(context: &Context) -> Vec<Diagnostic> {
    let websites = context.site.websites.iter();
    let stars = websites.flat_map(|website| website.hosts.iter().map(move |host| (website, host)));
    stars
        .filter(|(_, host)| host.as_str().starts_with("*."))
        .map(|(website, host)| {
            let message = format!("`{host}` stands for many hosts, which nobody can prove over HTTP");
            Diagnostic::error("certificates::star", message)
                .at(website.declared.of("hosts"), "of this website")
                .help("prove it in the domain name system: certificates::dns(#{ program: path(\"dns.sh\") })")
        })
        .collect()
}

/// Who proves whose a host is in the domain name system.
fn proof(slots: &Slots) -> Result<Option<Dns>, Vec<Diagnostic>> {
    let mut given = slots.get::<DnsProof>()?.into_iter();
    let first = given.next().map(|(it, _)| Dns { run: it.run, wait: it.wait.as_seconds() });
    let others: Vec<Diagnostic> = given
        .map(|(_, declared)| {
            Diagnostic::error("certificates::two-proofs", "two services set the records of one order")
                .at(declared.span, "this is the second")
                .help("keep one of them")
        })
        .collect();
    match others.is_empty() {
        true => Ok(first),
        false => Err(others),
    }
}

fn daemon() -> Daemon {
    let config = Text::here("current").then("/files/acme/acme.json");
    let folder = Text::here(format!("data.{DIRECTORY}"));
    Daemon {
        command: vec![Text::here("mops"), "__acme".into(), config, folder],
        environment: BTreeMap::new(),
        listens: BTreeMap::new(),
        // An authority looks as soon as it is asked: by then the edge must answer.
        after: vec![Name::literal("edge-nginx")],
        check: None,
        ready: Ready { check: ReadyCheck::Running, within: Duration::seconds(10) },
        reload: Reload::Restart,
        restart_loses: Loses::Nothing,
        stop: Stop { signal: StopSignal::Term, within: Duration::seconds(5) },
        memory: None,
    }
}

/// The text of a file of certificates.
fn pem(file: &Input) -> Result<String, Diagnostic> {
    match &file.text {
        Some(text) if text.contains("-----BEGIN CERTIFICATE-----") => Ok(text.clone()),
        Some(_) | None => {
            let message = format!("`ca`: there is no certificate in {}", file.path);
            Err(Diagnostic::error("certificates::ca", message)
                .at_option("ca")
                .help("name a file in PEM, with a line -----BEGIN CERTIFICATE-----"))
        }
    }
}

fn is_email(text: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || ".-_+".contains(it);
    text.split_once('@').is_some_and(|(who, host)| {
        !who.is_empty() && who.chars().all(is_letter) && host.parse::<mops_plugin::model::Host>().is_ok()
    })
}

/// Whether it is a URL over TLS, of letters that need no quotes.
fn is_url(text: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || ".-_~:/?=&%[]".contains(it);
    text.strip_prefix("https://").is_some_and(|it| !it.is_empty() && it.chars().all(is_letter))
}

fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "format": "file" })
}
