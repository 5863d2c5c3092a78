//! A store that is gone with its process, for tests and rehearsals.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mops_model::Digest;

use crate::{AdvanceError, Store, StoreError};

/// A store that is gone with its process.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<Digest, Vec<u8>>,
    head: Option<Digest>,
    journal: Vec<Vec<u8>>,
}

impl Memory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Memory {
    fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        self.kept().objects.insert(digest, bytes.to_owned());
        Ok(digest)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let missing = || StoreError::Missing { digest: *digest, place: "memory".to_owned() };
        self.kept().objects.get(digest).cloned().ok_or_else(missing)
    }

    fn has(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(self.kept().objects.contains_key(digest))
    }

    fn head(&self) -> Result<Option<Digest>, StoreError> {
        Ok(self.kept().head)
    }

    fn advance(&self, from: Option<Digest>, to: Digest) -> Result<(), AdvanceError> {
        let mut kept = self.kept();
        if kept.head != from {
            return Err(AdvanceError::Moved { found: kept.head });
        }
        kept.head = Some(to);
        Ok(())
    }

    fn journal_append(&self, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        self.kept().journal.extend_from_slice(entries);
        Ok(())
    }

    fn journal_read(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.kept().journal.clone())
    }

    fn journal_clear(&self) -> Result<(), StoreError> {
        self.kept().journal.clear();
        Ok(())
    }
}
