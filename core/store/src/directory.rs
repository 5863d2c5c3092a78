//! A store in a folder.
//!
//! ```text
//! objects/ab/cdef…   the object whose digest is abcdef…, read-only
//! head               the digest of the newest record, and a line break
//! head.lock          held while the head moves
//! journal            batches of entries; empty or absent when nothing is unfinished
//! ```
//!
//! **Invariant:** a file appears under its name whole and on stable storage, or not at all: it is written beside its
//! place, synchronised, renamed, and its folder synchronised.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use mops_model::Digest;
use tempfile::NamedTempFile;

use crate::{AdvanceError, Store, StoreError, frame};

/// Objects are never written again.
const OBJECT_MODE: u32 = 0o444;
/// The head is replaced by its owner only.
const HEAD_MODE: u32 = 0o644;

/// A store in a folder. One process at a time writes its journal, which the lease sees to.
#[derive(Debug)]
pub struct Directory {
    root: PathBuf,
    // Where the journal's last whole batch ends; none until the journal was first written to.
    journal_end: Mutex<Option<u64>>,
}

impl Directory {
    /// Opens the store in `root`, and makes it if there is none.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        let objects = root.join("objects");
        make_folder(&objects).map_err(StoreError::io("make", &objects))?;
        Ok(Self { root, journal_end: Mutex::new(None) })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the object under `digest` lies, or would.
    pub fn place(&self, digest: &Digest) -> PathBuf {
        let digits = digest.to_string();
        let (folder, name) = digits.split_at(2);
        self.root.join("objects").join(folder).join(name)
    }

    fn head_path(&self) -> PathBuf {
        self.root.join("head")
    }

    fn journal_path(&self) -> PathBuf {
        self.root.join("journal")
    }

    fn frames(&self) -> Result<frame::Frames, StoreError> {
        let path = self.journal_path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        let damaged =
            |at: frame::DamagedAt| StoreError::DamagedJournal { place: path.display().to_string(), at: at.0 };
        frame::decode(&bytes).map_err(damaged)
    }
}

impl Store for Directory {
    fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let place = self.place(&digest);
        // A file of another length was damaged from outside; it is written anew.
        let is_kept = fs::metadata(&place).is_ok_and(|it| it.len() == bytes.len() as u64);
        if !is_kept {
            let folder = place.parent().expect("an object lies in a folder");
            make_folder(folder).map_err(StoreError::io("make", folder))?;
            replace(&place, bytes, OBJECT_MODE).map_err(StoreError::io("write", &place))?;
        }
        Ok(digest)
    }

    fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.place(digest);
        let place = path.display().to_string();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(StoreError::Missing { digest: *digest, place });
            }
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        match Digest::of(&bytes) == *digest {
            true => Ok(bytes),
            false => Err(StoreError::Damaged { digest: *digest, place, found: bytes.len() }),
        }
    }

    fn has(&self, digest: &Digest) -> Result<bool, StoreError> {
        let place = self.place(digest);
        place.try_exists().map_err(StoreError::io("look for", &place))
    }

    fn head(&self) -> Result<Option<Digest>, StoreError> {
        let path = self.head_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("read", &path)(error)),
        };
        let damaged = |_| StoreError::DamagedHead { place: path.display().to_string() };
        text.trim_end().parse().map(Some).map_err(damaged)
    }

    fn advance(&self, from: Option<Digest>, to: Digest) -> Result<(), AdvanceError> {
        let lock_path = self.root.join("head.lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(StoreError::io("open", &lock_path))?;
        lock.lock().map_err(StoreError::io("lock", &lock_path))?;
        let found = self.head()?;
        if found != from {
            return Err(AdvanceError::Moved { found });
        }
        let path = self.head_path();
        replace(&path, format!("{to}\n").as_bytes(), HEAD_MODE).map_err(StoreError::io("write", &path))?;
        Ok(())
    }

    fn journal_append(&self, entries: &[Vec<u8>]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut known_end = self.journal_end.lock().unwrap_or_else(PoisonError::into_inner);
        let end = match *known_end {
            Some(end) => end,
            None => self.frames()?.end as u64,
        };
        // Until this batch is whole, nothing is known of what lies behind the end.
        *known_end = None;
        let path = self.journal_path();
        let batch = frame::encode(entries);
        append_at(&path, end, &batch).map_err(StoreError::io("write", &path))?;
        *known_end = Some(end + batch.len() as u64);
        Ok(())
    }

    fn journal_read(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.frames()?.entries)
    }

    fn journal_clear(&self) -> Result<(), StoreError> {
        let mut known_end = self.journal_end.lock().unwrap_or_else(PoisonError::into_inner);
        *known_end = None;
        let path = self.journal_path();
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            removed => removed,
        };
        removed.and_then(|()| sync_folder(&self.root)).map_err(StoreError::io("remove", &path))
    }
}

/// Puts a file in its place, whole and on stable storage.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().expect("a file lies in a folder");
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Writes `bytes` at `end` and drops what lay behind it, on stable storage.
fn append_at(path: &Path, end: u64, bytes: &[u8]) -> io::Result<()> {
    let is_new = !path.try_exists()?;
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    file.set_len(end)?;
    io::Seek::seek(&mut file, io::SeekFrom::Start(end))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    match is_new {
        true => sync_folder(path.parent().expect("a file lies in a folder")),
        false => Ok(()),
    }
}

/// Makes a folder and what is missing above it, on stable storage.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.try_exists()? {
        return Ok(());
    }
    // The parent of a name alone is the folder one is in.
    let parent = folder.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => sync_folder(parent),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
