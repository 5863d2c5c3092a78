//! Fuzzing: scripts that nobody would write, and messages that no plugin should send.
//!
//! `cargo test` runs each for [`bounded::SHORT`], always through the same inputs; `make soak` for [`bounded::LONG`].
//! What was found once is kept below `tests/fuzz/kept` and runs first.
//!
//! **Invariant:** no input makes mops panic, hang, or take memory without bound. It is a binary of its own because its
//! bound on memory is one of the whole process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a long run says how far it is")]

mod bounded;
mod corpus;
mod messages;
mod mutate;
mod scripts;
