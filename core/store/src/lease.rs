//! One run at a time in a site's folder.
//!
//! **Invariant:** the kernel frees a lease when its process ends, however it ends; nobody has to clean up.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::Path,
};

use thiserror::Error;

use crate::StoreError;

/// The right to change a site, held until it is dropped or its process ends.
#[derive(Debug)]
#[must_use = "a lease is given back when it is dropped"]
pub struct Lease {
    // Held for its lock only.
    _file: File,
}

/// The lease is not to be had.
#[derive(Debug, Error)]
pub enum LeaseError {
    /// Another run holds it.
    #[error("another run is at work here: {by}")]
    Held {
        /// What that run said about itself.
        by: String,
    },
    /// The file system said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lease {
    /// Takes the lease of the folder `dir`, or says at once who has it. `who` is what the next one reads, such as
    /// `process 4711, mops script shop.rhai`.
    ///
    /// # Errors
    /// When another run holds it, or the folder cannot be written.
    pub fn acquire(dir: &Path, who: &str) -> Result<Self, LeaseError> {
        let path = dir.join("lease");
        fs::create_dir_all(dir).map_err(StoreError::io("make", dir))?;
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(StoreError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file, who).map_err(StoreError::io("write", &path))?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                file.read_to_string(&mut by).map_err(StoreError::io("read", &path))?;
                Err(LeaseError::Held { by: by.trim_end().to_owned() })
            }
            Err(TryLockError::Error(error)) => Err(StoreError::io("lock", &path)(error).into()),
        }
    }
}

/// Says who holds the lease. Whoever held it before may have died: what it said about itself is overwritten.
fn write_holder(file: &mut File, who: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(format!("{who}\n").as_bytes())
}
