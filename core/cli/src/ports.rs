//! The ports of apply, on what this program has: the store, the screen.

use std::{io, sync::Arc};

use mops_apply::{Journal, Objects, Observer, Operation, Refused};
use mops_model::{Address, Digest};
use mops_store::{Directory, Store};

use crate::show::progress::Progress;

/// The store as apply and providers see it.
pub(crate) struct Stored(pub(crate) Arc<Directory>);

impl Objects for Stored {
    fn get(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        self.0.get(digest).map_err(io::Error::other)
    }
}

impl Journal for Stored {
    fn append(&self, entries: &[Vec<u8>]) -> io::Result<()> {
        self.0.journal_append(entries).map_err(io::Error::other)
    }
}

impl Observer for Progress {
    fn started(&self, address: &Address, operation: Operation) {
        let verb = match operation {
            Operation::Create => "making",
            Operation::Update => "changing",
            Operation::Delete => "removing",
        };
        self.begin(address, verb);
    }

    fn finished(&self, address: &Address, _: Operation) {
        self.end(address);
    }

    fn unchanged(&self, address: &Address) {
        self.end(address);
    }

    fn failed(&self, address: &Address, _: Operation, _: &Refused) {
        self.end(address);
    }

    fn skipped(&self, _: &Address) {}
}
