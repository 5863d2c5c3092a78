//! The door: how a plugin is called. Bytes go in, bytes come out; no Rust type crosses.
//!
//! Messages are `MessagePack` with named fields, so that a field can be added without breaking who does not know it.
//! A panic behind the door is an answer like any other.
//!
//! **Invariant:** whoever made bytes frees them: a request is lent for one call, an answer goes back through
//! [`Door::free`].

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use mops_model::{Call, Diagnostic};
use serde::{Deserialize, Serialize};

use crate::{Context, Contribution, Encoded, Lowered, Manifest, Plugin, Slots, encoded::Last};

/// Changes whenever [`Door`], [`Request`] or [`Response`] changes in a way that an older side misreads.
pub const ABI: u32 = 2;

/// What the name of every door's symbol begins with; the name of the crate follows, so that the doors of many crates
/// can be linked into one program.
pub const SYMBOL: &str = "mops_door_";

/// The deepest nesting of a message: a dozen levels are usual.
const DEPTH: usize = 200;

/// What a plugin library exports, once. [`export_plugin!`](crate::export_plugin) makes it.
#[repr(C)]
pub struct Door {
    /// The [`ABI`] it was built for. It is read before anything else, and stays first whatever changes.
    pub abi: u32,
    /// Answers one request; the answer is given back to `free`.
    pub call: extern "C" fn(Bytes) -> Bytes,
    /// Frees one answer.
    pub free: extern "C" fn(Bytes),
}

/// A run of bytes on its way through a door.
#[repr(C)]
pub struct Bytes {
    data: *mut u8,
    len: usize,
}

/// What mops asks a plugin.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request<'a> {
    /// See [`Plugin::manifest`].
    Manifest,
    /// See [`Plugin::contribute`].
    Contribute {
        /// The call.
        call: Cow<'a, Call>,
        /// What is known besides.
        #[serde(borrow)]
        context: Encoded<'a, Context>,
    },
    /// See [`Plugin::lower`].
    Lower {
        /// The call.
        call: Cow<'a, Call>,
        /// What is known besides.
        #[serde(borrow)]
        context: Encoded<'a, Context>,
        /// What others contributed.
        #[serde(borrow)]
        slots: Encoded<'a, Slots>,
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
pub fn encode(request: &Request<'_>) -> Vec<u8> {
    rmp_serde::to_vec_named(request).expect("plain data serializes")
}

/// Reads an answer of [`serve`].
///
/// # Errors
/// When it is no answer.
pub fn decode(answer: &[u8]) -> Result<Response, rmp_serde::decode::Error> {
    read(answer)
}

/// The answer of a plugin that has a bug, for whoever finds one between the door and mops.
///
/// # Panics
/// Never: answers are plain data.
pub fn bug(why: &str) -> Vec<u8> {
    rmp_serde::to_vec_named(&Response::Panicked(why.to_owned())).expect("plain data serializes")
}

/// Answers one request with `plugin`.
pub fn serve(plugin: &dyn Plugin, request: &[u8]) -> Vec<u8> {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let answer = read(request).and_then(|request| answer(plugin, &request));
        answer.unwrap_or_else(|err| Response::Panicked(format!("the request cannot be read: {err}")))
    }));
    let response = answer.unwrap_or_else(|panic| Response::Panicked(message(&*panic)));
    rmp_serde::to_vec_named(&response).expect("plain data serializes")
}

/// Answers one request that came through a [`Door`].
#[doc(hidden)]
pub fn call(plugin: &dyn Plugin, request: &Bytes) -> Bytes {
    Bytes::owned(serve(plugin, request.as_slice()))
}

/// Frees an answer of [`call`].
#[doc(hidden)]
pub extern "C" fn free(answer: Bytes) {
    #[expect(unsafe_code, reason = "gives back what `Bytes::owned` leaked")]
    // SAFETY: mops hands each answer back once and unchanged, to the library that made it with `Bytes::owned`.
    drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(answer.data, answer.len)) });
}

impl Bytes {
    /// Lends `bytes` for one call: the other side reads them and keeps nothing.
    pub fn lent(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr().cast_mut(), len: bytes.len() }
    }

    fn owned(bytes: Vec<u8>) -> Self {
        let bytes = Box::leak(bytes.into_boxed_slice());
        Self { data: bytes.as_mut_ptr(), len: bytes.len() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes, for as long as who made them keeps them.
    pub fn as_slice(&self) -> &[u8] {
        if self.data.is_null() || self.is_empty() {
            return &[];
        }
        #[expect(unsafe_code, reason = "reads bytes that came through a door")]
        // SAFETY: `lent` and `owned` are the only ways to make them on this side and both point at live bytes; the other
        // side promises the same with its ABI number, and a library that is not trusted is opened in a process of its own.
        unsafe {
            slice::from_raw_parts(self.data, self.len)
        }
    }
}

/// Exports a plugin, so that its crate can be loaded as a library as well as linked. Written once, beside the plugin:
/// `mops_plugin::export_plugin!(Acme);`
///
/// The crate denies `unsafe_code` at most: `forbid` would refuse the symbol that this exports.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:expr) => {
        const _: () = {
            assert!(cfg!(panic = "unwind"), "a plugin is built with panic = \"unwind\"");

            static PLUGIN: &dyn $crate::Plugin = &$plugin;

            extern "C" fn call(request: $crate::door::Bytes) -> $crate::door::Bytes {
                $crate::door::call(PLUGIN, &request)
            }

            #[allow(unsafe_code, reason = "the name holds the crate's, so that no other symbol has it")]
            // SAFETY: no other crate of a program has this crate's name, and so no other symbol this one's.
            #[unsafe(export_name = concat!("mops_door_", env!("CARGO_CRATE_NAME")))]
            static DOOR: $crate::door::Door =
                $crate::door::Door { abi: $crate::door::ABI, call, free: $crate::door::free };
        };
    };
}

/// Reads a message; one that is nested more deeply than any would take the stack.
pub(crate) fn read<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Result<T, rmp_serde::decode::Error> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(message);
    deserializer.set_max_depth(DEPTH);
    T::deserialize(&mut deserializer)
}

thread_local! {
    /// The calls of a run come one after another, and all are told the same.
    static CONTEXT: Last<Context> = const { Last::none() };
    static SLOTS: Last<Slots> = const { Last::none() };
}

fn answer(plugin: &dyn Plugin, request: &Request<'_>) -> Result<Response, rmp_serde::decode::Error> {
    Ok(match request {
        Request::Manifest => Response::Manifest(Box::new(plugin.manifest())),
        Request::Contribute { call, context } => {
            Response::Contribute(plugin.contribute(call, &*context.decoded(&CONTEXT)?))
        }
        Request::Lower { call, context, slots } => {
            let (context, slots) = (context.decoded(&CONTEXT)?, slots.decoded(&SLOTS)?);
            Response::Lower(plugin.lower(call, &context, &slots).map(Box::new))
        }
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message").to_owned()
}
