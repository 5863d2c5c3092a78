//! The door: how a plugin is called. Bytes go in, bytes come out; no Rust type crosses.
//!
//! Messages are `MessagePack` with named fields, so that a field can be added without breaking who does not know it.
//! A panic behind the door is an answer like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mops_model::{Call, Diagnostic};
use serde::{Deserialize, Serialize};

use crate::{Context, Contribution, Lowered, Manifest, Plugin, Slots};

/// Changes whenever [`Request`] or [`Response`] changes in a way that an older side misreads.
pub const ABI: u32 = 1;

/// What mops asks a plugin.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// See [`Plugin::manifest`].
    Manifest,
    /// See [`Plugin::contribute`].
    Contribute {
        /// The call.
        call: Call,
        /// What is known besides.
        context: Context,
    },
    /// See [`Plugin::lower`].
    Lower {
        /// The call.
        call: Call,
        /// What is known besides.
        context: Context,
        /// What others contributed.
        slots: Slots,
    },
}

/// What a plugin answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    /// See [`Plugin::manifest`].
    Manifest(Box<Manifest>),
    /// See [`Plugin::contribute`].
    Contribute(Result<Vec<Contribution>, Vec<Diagnostic>>),
    /// See [`Plugin::lower`].
    Lower(Result<Box<Lowered>, Vec<Diagnostic>>),
    /// The plugin has a bug; its message.
    Panicked(String),
}

/// Writes a request for [`serve`].
///
/// # Panics
/// Never: requests are plain data.
pub fn encode(request: &Request) -> Vec<u8> {
    rmp_serde::to_vec_named(request).expect("plain data serializes")
}

/// Reads an answer of [`serve`].
///
/// # Errors
/// When it is no answer.
pub fn decode(answer: &[u8]) -> Result<Response, rmp_serde::decode::Error> {
    rmp_serde::from_slice(answer)
}

/// Answers one request with `plugin`.
pub fn serve(plugin: &dyn Plugin, request: &[u8]) -> Vec<u8> {
    let answer = catch_unwind(AssertUnwindSafe(|| match rmp_serde::from_slice(request) {
        Ok(request) => answer(plugin, request),
        Err(err) => Response::Panicked(format!("the request cannot be read: {err}")),
    }));
    let response = answer.unwrap_or_else(|panic| Response::Panicked(message(&*panic)));
    rmp_serde::to_vec_named(&response).expect("plain data serializes")
}

fn answer(plugin: &dyn Plugin, request: Request) -> Response {
    match request {
        Request::Manifest => Response::Manifest(Box::new(plugin.manifest())),
        Request::Contribute { call, context } => Response::Contribute(plugin.contribute(&call, &context)),
        Request::Lower { call, context, slots } => {
            Response::Lower(plugin.lower(&call, &context, &slots).map(Box::new))
        }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message").to_owned()
}
