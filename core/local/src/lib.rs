//! The provider for this machine: nodes are supervised processes on loopback addresses.
//!
//! **Invariant:** everything that a site has here lies below its [`Place`], or is on the machine's list of addresses
//! and ports; [`destroy`] leaves nothing of it.
//! **Invariant:** one supervisor serves a site; it outlives the program, and nothing that it started outlives it.
//! **Invariant:** a password or a private key is in one file (0600) and in no state, plan or log.
#![allow(clippy::disallowed_methods, reason = "this provider makes files")]

mod catalog;
mod certificate;
mod client;
mod machine;
mod password;
mod place;
mod protocol;
mod provider;
mod serve;
mod site;
mod supervisor;

pub use catalog::catalog;
pub use password::machine_key;
pub use place::{Place, Whose};
pub use provider::Local;
pub use site::{LogFile, SiteStatus, destroy, logs, status};
pub use supervisor::supervise_main;
