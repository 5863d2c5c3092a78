//! One test binary for the whole workspace: what no crate can test alone.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod certificates;
mod diagnostics;
mod docs;
mod doors;
mod explain;
mod fmt;
mod help;
mod layers;
mod line;
mod lsp;
mod pebble;
mod recovery;
mod repl;
mod scripts;
mod shop;
mod sites;
mod stdlib;
mod third_party;
mod tidy;
