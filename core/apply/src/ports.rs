//! What apply needs from the outside, each as narrow as it can be.

use std::{collections::BTreeMap, io, time::Duration};

use async_trait::async_trait;
use mops_model::{Address, Digest, Recorded, Value};
use thiserror::Error;

use crate::Operation;

/// What a resource is made from, with every output of others filled in.
pub type Inputs = BTreeMap<String, Value>;

/// What a resource gave.
pub type Outputs = BTreeMap<String, Value>;

/// Reads, makes, changes and removes real things of the types it knows.
///
/// **Law:** every resource can be found again by its address and inputs alone, so that a run that died between a call
/// and its outcome is finished by the next: `create` of what exists adopts it; `delete` of what is gone succeeds.
#[async_trait]
pub trait Provider: Send + Sync {
    /// What exists of `wanted`, in one batch: each resource with the record of it, if there is one. What does not
    /// exist is left out. What exists and is not usable is left out too, or looks different from what it should be.
    async fn read(
        &self,
        wanted: &BTreeMap<Address, Option<Recorded>>,
    ) -> Result<BTreeMap<Address, Observed>, Refused>;

    /// Makes it; or finds what an earlier run made, with whatever inputs, and makes that look like `inputs`. Returns
    /// when it is usable.
    async fn create(&self, address: &Address, inputs: &Inputs) -> Result<Outputs, Refused>;

    /// Makes what is on record look like `inputs`. Returns when it is usable; when it refuses, what was there still is.
    async fn update(
        &self,
        address: &Address,
        recorded: &Recorded,
        inputs: &Inputs,
    ) -> Result<Outputs, Refused>;

    /// Finds what is on record as `from` under the address `to` from now on; what is found there already stays as it is.
    /// Whoever finds things by names that the world gave them has nothing to do.
    async fn rename(&self, from: &Address, to: &Address, recorded: &Recorded) -> Result<Outputs, Refused>;

    /// Removes it; what is gone already is removed.
    async fn delete(&self, address: &Address, recorded: &Recorded) -> Result<(), Refused>;
}

/// A resource as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it looks like, as the inputs that would make it so.
    pub inputs: Inputs,
    /// What it gives.
    pub outputs: Outputs,
}

/// The provider, or what it drives, said no.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Refused {
    /// What was said: one line.
    pub message: String,
    /// All that was said, such as the complaint of a daemon's checker.
    pub detail: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

/// Bytes under their digest.
pub trait Objects: Send + Sync {
    /// The bytes under `digest`, verified.
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>>;
}

/// The record of what is about to be done and what came of it, on stable storage.
///
/// **Law:** when a method returns, its entry survives a loss of power.
pub trait Journal: Send + Sync {
    /// Adds entries, in this order.
    fn append(&self, entries: &[Vec<u8>]) -> io::Result<()>;
}

/// Who is told how a run goes, for people to see. Calls come in the order of events, from one task.
pub trait Observer: Send + Sync {
    /// Its intent is in the journal; the provider is asked now.
    fn started(&self, address: &Address, operation: Operation);
    /// It is done, and its outcome is in the journal.
    fn finished(&self, address: &Address, operation: Operation);
    /// What it was planned to become turned out to be what it is: nobody was asked.
    fn unchanged(&self, address: &Address);
    /// The provider said no.
    fn failed(&self, address: &Address, operation: Operation, refused: &Refused);
    /// It was not begun: it depends on a failure, or the run was to stop.
    fn skipped(&self, address: &Address);
}

/// An observer that tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Seconds since 1970.
    fn now(&self) -> i64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

impl Refused {
    /// A refusal in one line.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), detail: None, help: None }
    }

    /// Adds all that was said.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Observer for Silent {
    fn started(&self, _: &Address, _: Operation) {}
    fn finished(&self, _: &Address, _: Operation) {}
    fn unchanged(&self, _: &Address) {}
    fn failed(&self, _: &Address, _: Operation, _: &Refused) {}
    fn skipped(&self, _: &Address) {}
}
