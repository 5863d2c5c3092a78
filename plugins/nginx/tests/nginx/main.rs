//! The rendered configurations in real nginx, with real PHP behind them.
//!
//! Needs Debian's nginx, php8.2-fpm and curl; without them these tests fail and say so.

#![expect(clippy::unwrap_used, reason = "a test says what it expects by failing")]

mod app;
mod config;
mod edge;
mod geo;
mod running;
mod shop;
