//! The reference of mops: what a script may call, declare and be told, as data, on a screen's worth of text and as a
//! static site. And pictures of one site: who runs where and talks to whom.
//!
//! **Invariant:** nothing is said here that a manifest, a catalog, a doc comment or the table of codes does not say; what
//! one of these leaves out is a finding of [`Reference::lint`].
//! **Invariant:** pages fetch nothing from another host: they read and search without a server and without a network.

mod codes;
mod diagram;
mod entry;
mod find;
mod layout;
mod library;
mod lint;
mod markdown;
mod picture;
mod reference;
mod site;

pub use codes::{Code, Shown, codes};
pub use diagram::{Conversation, Daemon, Diagram, End, File, Group, Thing};
pub use entry::{Entry, EntryKind, Example, Fact, Item, ItemGroup, Page, PageKind, Reference};
pub use find::Found;
pub use reference::{Command, CommandArgument, World, reference};
pub use site::site;
