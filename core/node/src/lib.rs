//! What runs on a node: verify, switch, reload, roll back.
//!
//! **Invariant:** nothing that runs is touched before every changed daemon's own checker has said yes.
//! **Invariant:** `current` is switched by one atomic rename; when what follows fails, it is switched back and every
//! daemon that was touched serves the old files again.
//! **Invariant:** a daemon whose filled inputs are the same keeps its process.
//! **Invariant:** every daemon is its thread's child: it is told to end when the thread that owns the [`Node`] ends.
#![allow(clippy::disallowed_methods, reason = "a node is files and processes")]

mod activate;
mod change;
mod files;
mod fill;
mod job;
mod layout;
mod node;
mod port;
mod process;
mod program;
mod ready;
mod shim;
mod status;
mod stop;
mod sweep;
mod tree;
mod watch;

pub use activate::{Activated, ActivationError};
pub use files::{make_folder, make_passage, switch_link, write_private};
pub use layout::{Account, Layout, Objects, Shim};
pub use node::Node;
pub use port::{Holder, holder};
pub use shim::{PATH, daemon_main};
pub use status::{DaemonState, DaemonStatus, NodeStatus, Watch};
pub use sweep::sweep;
pub use tree::sweep_trees;
