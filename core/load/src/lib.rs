//! Opens plugin libraries.
//!
//! A [`Library`] is read once, examined without running any of it, and its SHA-256 compared with the [`Lock`]; the bytes
//! that were examined are the bytes that are opened. A library of a third party is opened in a process of its own, a
//! [`Child`]; [`Opened`] opens one in this process, for those that are trusted like the program itself.
//!
//! **Invariant:** nothing of a library runs before its pin has been checked, and its ABI number is read before anything
//! else of it is used.
//! **Invariant:** whatever a library does in a [`Child`], the run gets an answer or an error that names the library,
//! within bounded time and memory.

#![expect(clippy::disallowed_methods, reason = "this crate reads libraries and the lock file")]

mod child;
mod frame;
mod guard;
mod library;
mod lock;
mod open;
mod serve;

pub use child::Child;
pub use guard::Guard;
pub use library::Library;
pub use lock::{Lock, Pin, platform};
pub use open::Opened;
pub use serve::plugin_main;
