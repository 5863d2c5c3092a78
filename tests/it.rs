//! One test binary for the whole workspace: what no crate can test alone.

mod diagnostics;
mod doors;
mod explain;
mod help;
mod layers;
mod line;
mod recovery;
mod repl;
mod scripts;
mod shop;
mod stdlib;
mod tidy;
