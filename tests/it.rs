//! One test binary for the whole workspace: what no crate can test alone.

mod diagnostics;
mod explain;
mod doors;
mod help;
mod layers;
mod line;
mod recovery;
mod scripts;
mod shop;
mod tidy;
