//! What the daemon is told: the file that the plugin renders.

use std::collections::BTreeMap;

use mops_model::Name;
use serde::Deserialize;

/// What the daemon is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who issues.
    pub authority: Authority,
    /// Who is told when something is wrong with the account.
    pub email: String,
    /// What keys are made.
    pub key: KeyType,
    /// How long before its end a certificate is renewed, in seconds; none: a third of its life.
    pub renew: Option<u64>,
    /// How long after the first failure it is tried again, in seconds; each further failure doubles it.
    pub retry: u64,
    /// How names are proved in the domain name system; none: over HTTP.
    pub dns: Option<DnsProgram>,
    /// The hosts of each certificate, the canonical one first.
    pub certificates: BTreeMap<Name, Vec<String>>,
}

/// Who issues.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// What its folder is called: each has one of its own.
    pub name: Name,
    /// The URL of its directory.
    pub directory: String,
    /// Certificates (PEM) that vouch for the directory itself; none: the system's.
    pub roots: Option<String>,
    /// Who trusts what it issues.
    pub trust: Trust,
}

/// Who trusts what an authority issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Those whom the site is for.
    Visitors,
    /// Nobody: it is there for trying things out.
    Nobody,
}

/// What keys are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum KeyType {
    /// ECDSA on P-256.
    #[serde(rename = "ecdsa")]
    P256,
    /// ECDSA on P-384.
    #[serde(rename = "ecdsa-p384")]
    P384,
}

/// A program that sets and clears records in the domain name system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DnsProgram {
    /// The program and its first arguments; `set` or `clear`, the record's name and its value follow.
    pub run: Vec<String>,
    /// How long the world may take to see a record, in seconds.
    pub wait: u64,
}
