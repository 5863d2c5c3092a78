//! What a store cannot do, where, and what to do about it.

use std::{io, path::Path};

use mops_model::Digest;
use thiserror::Error;

/// A store could not keep or give back what it should.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Nothing is kept under a digest that something else names.
    #[error("object {} is missing: it should be at {place}", .digest.short())]
    Missing {
        /// Its digest.
        digest: Digest,
        /// Where it should lie.
        place: String,
    },
    /// What is kept under a digest is something else.
    #[error("object {} is damaged: {place} holds {found} bytes of something else", .digest.short())]
    Damaged {
        /// Its digest.
        digest: Digest,
        /// Where it lies.
        place: String,
        /// How many bytes are there.
        found: usize,
    },
    /// An object is whole and is not what it should be.
    #[error("object {} is no {expected}: {why}", .digest.short())]
    Unreadable {
        /// Its digest.
        digest: Digest,
        /// What it should be.
        expected: &'static str,
        /// What the reader said.
        why: String,
    },
    /// The head is no digest.
    #[error("the head of the history is damaged: {place}")]
    DamagedHead {
        /// Where it lies.
        place: String,
    },
    /// The journal is damaged before its end.
    #[error("the journal of the unfinished run is damaged at byte {at}: {place}")]
    DamagedJournal {
        /// Where it lies.
        place: String,
        /// The first byte that makes no sense.
        at: usize,
    },
    /// The file system said no.
    #[error("cannot {doing} {place}: {source}")]
    Io {
        /// What was tried: a verb.
        doing: &'static str,
        /// With which file or folder.
        place: String,
        /// What it said.
        source: io::Error,
    },
}

/// The head could not be moved.
#[derive(Debug, Error)]
pub enum AdvanceError {
    /// Someone else moved it first.
    #[error("someone else recorded a generation meanwhile")]
    Moved {
        /// Where it is now.
        found: Option<Digest>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A generation could not be published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// Someone else published one first; nothing of this one is part of the history.
    #[error("someone else recorded a generation meanwhile")]
    Moved {
        /// The record that is the head now.
        found: Option<Digest>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreError {
    /// Says what was tried with which file, for `map_err`.
    pub(crate) fn io(doing: &'static str, place: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, place: place.display().to_string(), source }
    }

    /// What to do about it: one line.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing { .. } => {
                "run the command that made it again, or copy it from a backup of the store"
            }
            Self::Damaged { .. } => {
                "remove that file, then run the command that made it again or copy it from a backup of the store"
            }
            Self::Unreadable { .. } => "use the version of mops that wrote it, or a newer one",
            Self::DamagedHead { .. } => {
                "write the digest of the newest record into it, or restore it from a backup"
            }
            Self::DamagedJournal { .. } => {
                "restore it from a backup; or move it away, and compare what exists with what is on record"
            }
            Self::Io { .. } => "look at the space left, the permissions and the health of that disk",
        }
    }
}

impl From<AdvanceError> for PublishError {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Moved { found } => Self::Moved { found },
            AdvanceError::Store(error) => Self::Store(error),
        }
    }
}
