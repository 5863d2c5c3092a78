//! [`Plan`](mops_plan) in, [`State`](mops_model::State) out: carries out changes through a [`Provider`].
//!
//! **Invariant:** before any call that changes the world its intent is in the journal; after it, its outcome.

mod ports;

pub use ports::{Clock, Inputs, Journal, Objects, Observed, Outputs, Provider, Refused};
