//! The nouns of mops: everything two or more stages talk about.
//!
//! **Invariant:** no I/O, no clock, no environment, no Rhai, no AWS.
//! **Invariant:** every collection iterates in a fixed order, so equal values have equal digests.

mod bindings;
mod closure;
mod diagnostic;
mod digest;
mod environment;
mod generation;
mod graph;
mod kind;
mod name;
mod nearest;
mod resolve;
mod resource;
mod sample;
mod schema;
mod secrets;
mod selector;
mod site;
mod sound;
mod state;
mod text;
mod tree;
mod unit;
mod value;

pub use bindings::{Bindings, Facts, FillError};
pub use closure::{
    Artifact, Closure, Daemon, Directory, Listen, Loses, OnChange, Protocol, Ready, ReadyCheck, Reload, Stop,
    StopSignal, Tree,
};
pub use diagnostic::{Diagnostic, Label, Severity, SourceId, Span};
pub use digest::{Digest, InvalidDigest};
pub use environment::{Environment, ProviderName};
pub use generation::{Generation, Record};
pub use graph::{Cycle, Graph};
pub use kind::{Field, Kind, Mismatch, Need};
pub use name::{InvalidName, Name};
pub use nearest::nearest;
pub use resolve::Unresolved;
pub use resource::{Address, InvalidAddress, Lifecycle, Origin, Resource};
pub use schema::{Attribute, Catalog, Schema};
pub use secrets::{SecretError, Secrets};
pub use selector::Selector;
pub use site::{
    Call, DaemonDeclaration, Declared, FlowDeclaration, FlowEnd, Move, NodeGroup, OutputDeclaration,
    Provenance, RawResource, Role, RunType, Site, Tier, Website,
};
pub use sound::{Missing, Sound};
pub use state::{Recorded, State};
pub use text::{Each, Encoding, Hole, Part, Source, Text, TextError, Unencodable};
pub use tree::{Entry, Listing};
pub use unit::{Cidr, Duration, Host, InvalidUnit, Rate, Size};
pub use value::{Input, InputKind, Options, Value};
