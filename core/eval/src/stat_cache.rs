//! Digests of files that have not changed, remembered by what the file system says of them, like git's index.
//!
//! **Invariant:** a digest is taken from here only when size, times, inode and mode are those it was made under.
//! **Invariant:** a file that was written shortly before its digest was made is not remembered: it may be written again
//! within the same tick of the file system's clock.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use mops_model::Digest;
use serde::{Deserialize, Serialize};

/// The beginning of a run that can keep no cache: no file is older.
const NEVER: i128 = i128::MIN;

/// How much older than the start of this run a file must be, in nanoseconds: 2 s, the coarsest clock of a file system in
/// use (FAT).
const SLACK: i128 = 2_000_000_000;
/// Changes when what is remembered changes.
const FORMAT: u32 = 1;

/// Digests by path.
pub(crate) struct StatCache {
    file: PathBuf,
    /// A file of this run, next to the cache's; it tells the file system's time and then becomes the cache.
    fresh: PathBuf,
    started: i128,
    known: BTreeMap<String, Remembered>,
    seen: Mutex<BTreeMap<String, Remembered>>,
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat {
    size: u64,
    inode: u64,
    mode: u32,
    /// When its content changed, in nanoseconds.
    modified: i128,
    /// When anything about it changed, in nanoseconds.
    changed: i128,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    stat: Stat,
    digest: Digest,
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    format: u32,
    files: BTreeMap<String, Remembered>,
}

impl Stat {
    pub(crate) fn of(it: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: it.size(),
            inode: it.ino(),
            mode: it.mode(),
            modified: nanoseconds(it.mtime(), it.mtime_nsec()),
            changed: nanoseconds(it.ctime(), it.ctime_nsec()),
        }
    }
}

impl StatCache {
    /// Opens the cache at `file`. One that cannot be understood is as good as none: it is made anew.
    pub(crate) fn open(file: &Path) -> io::Result<Self> {
        let fresh = file.with_extension(format!("{}.new", std::process::id()));
        let started = match begun(&fresh) {
            Ok(started) => started,
            Err(err) if is_read_only(&err) => NEVER,
            Err(err) => return Err(err),
        };
        let known = match File::open(file) {
            Ok(it) => match serde_json::from_reader::<_, Stored>(io::BufReader::new(it)) {
                Ok(stored) if stored.format == FORMAT => stored.files,
                Ok(_) | Err(_) => BTreeMap::new(),
            },
            Err(err) if err.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(err) => return Err(err),
        };
        Ok(Self { file: file.to_owned(), fresh, started, known, seen: Mutex::default() })
    }

    /// The digest of the file at `path`, if it is as it was.
    pub(crate) fn get(&self, path: &str, stat: Stat) -> Option<Digest> {
        let remembered = self.known.get(path).filter(|it| it.stat == stat)?.clone();
        let digest = remembered.digest;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), remembered);
        Some(digest)
    }

    /// Remembers the digest of a file whose `stat` was taken before it was read.
    pub(crate) fn put(&self, path: &str, stat: Stat, digest: Digest) {
        if stat.modified.max(stat.changed) + SLACK < self.started {
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(path.to_owned(), Remembered { stat, digest });
        }
    }

    /// Writes what was seen in this run, and forgets the rest: written aside, synced, then renamed.
    pub(crate) fn save(&self) -> io::Result<()> {
        if self.started == NEVER {
            return Ok(());
        }
        let files = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut fresh = File::create(&self.fresh)?;
        fresh.write_all(&serde_json::to_vec(&Stored { format: FORMAT, files })?)?;
        fresh.sync_all()?;
        fs::rename(&self.fresh, &self.file)
    }
}

/// When this run began, by the clock of the file system that the cache is on.
fn begun(fresh: &Path) -> io::Result<i128> {
    if let Some(folder) = fresh.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(Stat::of(&File::create(fresh)?.metadata()?).modified)
}

/// Who may only read does without a cache.
fn is_read_only(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

impl Drop for StatCache {
    fn drop(&mut self) {
        // After a save it is gone; one that stays behind takes a few bytes.
        let _is_gone = fs::remove_file(&self.fresh).is_ok();
    }
}
