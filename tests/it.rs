//! One test binary for the whole workspace: what no crate can test alone.

mod layers;
mod tidy;
