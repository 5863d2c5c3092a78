//! Bytes under their digest, one history of generations, the journal of an unfinished run, the lease of a running one.
//!
//! **Invariant:** what is stored under a digest never changes and is verified whenever it is read.
//! **Invariant:** the head is the one thing that moves, by compare-and-swap.
//! **Invariant:** what a method has returned from survives a loss of power.

mod directory;
mod error;
mod frame;
mod history;
mod lease;
mod memory;

pub mod contract;

use mops_model::Digest;

pub use directory::Directory;
pub use error::{AdvanceError, PublishError, StoreError};
pub use history::{Entry, history, latest, publish};
pub use lease::{Lease, LeaseError};
pub use memory::Memory;

/// Keeps bytes under their digest, one head that moves, and the journal of the run that would move it.
///
/// **Law:** see [`contract`]; every backend passes it.
pub trait Store: Send + Sync {
    /// Keeps `bytes`; keeping them again changes nothing.
    fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError>;

    /// The bytes under `digest`, verified.
    fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError>;

    /// Whether something is kept under `digest`; what it is, only [`Store::get`] verifies.
    fn has(&self, digest: &Digest) -> Result<bool, StoreError>;

    /// The record of the newest generation; none before the first.
    fn head(&self) -> Result<Option<Digest>, StoreError>;

    /// Moves the head from `from` to `to`, unless it has moved meanwhile.
    fn advance(&self, from: Option<Digest>, to: Digest) -> Result<(), AdvanceError>;

    /// Adds entries to the journal: after a crash either all of them are there or none.
    fn journal_append(&self, entries: &[Vec<u8>]) -> Result<(), StoreError>;

    /// The entries of the journal, oldest first; a batch that a crash cut off is not among them.
    fn journal_read(&self) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Empties the journal.
    fn journal_clear(&self) -> Result<(), StoreError>;
}
