//! Applying, in a world that lives in memory, refuses on request and can die between any two events.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod cloud;
mod converge;
mod schedule;
