//! Generations, newest first.
//!
//! The head names a [`Record`]; the record names its [`Generation`]; the generation names the record it replaced.

use mops_model::{Digest, Generation, Record};
use serde::de::DeserializeOwned;

use crate::{PublishError, Store, StoreError};

/// One generation as it stands in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The digest of its record: what the head was when it was the newest.
    pub digest: Digest,
    /// When, by whom and with what it was made.
    pub record: Record,
    /// What it is.
    pub generation: Generation,
}

/// Makes `generation` the newest one, provided that its parent still is. `at` is in seconds since 1970 (UTC), `by` is
/// `user@host`, `command` what the person typed.
///
/// # Errors
/// When another one was published meanwhile, or the store fails.
pub fn publish(
    store: &dyn Store,
    generation: &Generation,
    at: i64,
    by: &str,
    command: &str,
) -> Result<(Digest, Record), PublishError> {
    let kept = store.put(&serde_json::to_vec(generation).expect("plain data serializes"))?;
    let record = Record { generation: kept, at, by: by.to_owned(), command: command.to_owned() };
    let digest = store.put(&serde_json::to_vec(&record).expect("plain data serializes"))?;
    store.advance(generation.parent, digest)?;
    Ok((digest, record))
}

/// Every generation, newest first.
///
/// # Errors
/// When one of them cannot be read.
pub fn history(store: &dyn Store) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut next = store.head()?;
    while let Some(digest) = next {
        let entry = entry(store, digest)?;
        next = entry.generation.parent;
        entries.push(entry);
    }
    Ok(entries)
}

/// The newest generation; none before the first.
///
/// # Errors
/// When it cannot be read.
pub fn latest(store: &dyn Store) -> Result<Option<Entry>, StoreError> {
    store.head()?.map(|digest| entry(store, digest)).transpose()
}

fn entry(store: &dyn Store, digest: Digest) -> Result<Entry, StoreError> {
    let record: Record = read(store, digest, "record of a generation")?;
    let generation = read(store, record.generation, "generation")?;
    Ok(Entry { digest, record, generation })
}

fn read<T: DeserializeOwned>(
    store: &dyn Store,
    digest: Digest,
    expected: &'static str,
) -> Result<T, StoreError> {
    let unreadable =
        |error: serde_json::Error| StoreError::Unreadable { digest, expected, why: error.to_string() };
    serde_json::from_slice(&store.get(&digest)?).map_err(unreadable)
}
