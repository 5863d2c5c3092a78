//! What is planned, from what is wanted and what is on record.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod changes;
mod notice;
mod precious;
mod shop;
