//! The plugin `varnish`: what it renders, proved with Varnish's own compiler and with a real Varnish.
//!
//! Most of these tests need Debian's `varnish` and `varnish-modules`, and fail without them.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail like one")]

mod behaviour;
mod compile;
mod lowering;
mod reload;
mod support;
