//! One file for each command, or for a few that share their way.

pub(crate) mod certificates;
pub(crate) mod destroy;
pub(crate) mod docs;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod generations;
pub(crate) mod graph;
pub(crate) mod logs;
pub(crate) mod lsp;
pub(crate) mod plugin;
pub(crate) mod repl;
pub(crate) mod rollback;
pub(crate) mod script;
pub(crate) mod status;
pub(crate) mod why;
