//! The contract between mops and a plugin, and the kit to write one.
//!
//! A plugin knows one kind of service. Its [`Manifest`] says what a script may call; [`Plugin::contribute`] says what
//! one call gives to other services through named slots; [`Plugin::lower`] says what it comes to: files, daemons,
//! flows, settings. A plugin is a pure function of plain data: no files, no network, no clock.
//!
//! **Invariant:** only bytes cross the [`door`]: MessagePack with named fields. A linked plugin goes through the same
//! bytes and the same guard against panics as a loaded one, so that a script cannot tell them apart.

pub mod door;
mod encoded;
mod lowered;
mod manifest;
mod options;
mod registry;
pub mod slot;
mod template;
pub mod testing;
mod transport;
mod verify;

use mops_model::{Call, Diagnostic, Environment, Host, NodeGroup, ProviderName, Site, Website};
use serde::{Deserialize, Serialize};

pub use encoded::Encoded;
pub use lowered::{Certificate, File, Flow, Generated, GeneratedKind, Lowered};
pub use manifest::{Calls, Function, Manifest, SlotDescription};
pub use mops_model as model;
pub use options::fields_of;
pub use registry::Registry;
pub use schemars;
pub use serde;
pub use slot::{Contribution, Slots};
pub use template::Template;
pub use transport::{Linked, Transport};

/// Knows one kind of service.
pub trait Plugin: Sync {
    /// What this plugin offers to scripts.
    fn manifest(&self) -> Manifest;

    /// What `call` gives to other services. Sees the site only, never another contribution.
    ///
    /// # Errors
    /// What is wrong with the call.
    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>>;

    /// What `call` comes to, given what others contributed to the slots of this plugin. Equal arguments give equal
    /// results.
    ///
    /// # Errors
    /// What is wrong with the call or with a contribution.
    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>>;
}

/// What a plugin may know besides its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Everything the script declared.
    pub site: Site,
    /// The node groups that its roles come to.
    pub groups: Vec<NodeGroup>,
    /// Where it goes.
    pub environment: Environment,
}

impl Context {
    /// Every name that `website` answers to here, the canonical one first. On this machine `<host>.localhost` is one
    /// too, because browsers take it to 127.0.0.1.
    pub fn hosts(&self, website: &Website) -> Vec<String> {
        let declared = website.hosts.iter().map(|it| it.as_str().to_owned());
        let local = website.hosts.iter().map(|it| format!("{it}.localhost"));
        match self.environment.provider {
            ProviderName::Local => declared.chain(local).collect(),
        }
    }

    /// The website that a host belongs to as a whole, and in whose certificate it stands: the one without a path prefix,
    /// else the first that names it.
    pub fn owner(&self, host: &Host) -> Option<&Website> {
        let naming = || self.site.websites.iter().filter(|it| it.hosts.contains(host));
        naming().find(|it| it.path.trim_end_matches('/').is_empty()).or_else(|| naming().next())
    }

    /// The group whose nodes play `role`.
    pub fn group(&self, role: &str) -> Option<&NodeGroup> {
        self.groups.iter().find(|it| it.roles.iter().any(|name| name.as_str() == role))
    }
}
