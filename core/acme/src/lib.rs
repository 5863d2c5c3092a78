//! Keeps certificates good: asks an ACME directory for them (RFC 8555) and renews them in time.
//!
//! One daemon runs on each edge node; all of them share a directory, and the one that holds its lock does the work. What
//! it gets is put into the place that a link leads to; the daemons that read the link are reloaded by their nodes.
//!
//! **Invariant:** whatever the directory does, what is served stays: a certificate is replaced by a better one or not at
//! all, and one for tests never takes the place of one that browsers trust.
//! **Invariant:** a try is on record before it begins, so that neither a restart nor a crash asks more often.
//! **Invariant:** keys stand in files of mode 0600 and nowhere else.
#![allow(clippy::disallowed_methods, reason = "certificates are files")]

mod account;
mod chain;
mod config;
mod connection;
mod due;
mod keep;
mod order;
mod proof;
mod shelf;

pub use chain::Chain;
pub use config::{Authority, Config, DnsProgram, KeyType, Trust};
pub use keep::acme_main;
pub use shelf::Tries;
