//! A folder of the file system as sources.
//!
//! **Invariant:** nothing outside the folder is read, wherever symbolic links lead.
//! **Invariant:** a folder's listing depends on names, content and the executable bit of its files, and on nothing else.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};

use mops_model::{Digest, Entry, Input, InputKind, Listing};

use crate::{
    InputFound, SourceError, Sources,
    sources::{folder_of, join},
    stat_cache::{Stat, StatCache},
};

/// The longest text of a file that an [`Input`] carries: 1 MiB.
const LONGEST_TEXT: u64 = 1 << 20;

/// A folder of the file system. Digests of files are remembered between runs, so that a release of 100,000 files costs
/// a look at each file and not its content.
pub struct Folder {
    root: PathBuf,
    cache: StatCache,
}

/// A file of a tree that has to be read.
struct Unread {
    path: String,
    within: String,
    executable: bool,
    stat: Stat,
}

impl Folder {
    /// The folder at `root`; digests are remembered in the file `cache`, which is made when it is not there.
    ///
    /// # Errors
    /// When there is no such folder, or the cache cannot be written.
    pub fn open(root: &Path, cache: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()?, cache: StatCache::open(cache)? })
    }

    /// Remembers the digests of this run for the next one.
    ///
    /// # Errors
    /// When the cache cannot be written; then the next run reads every file.
    pub fn remember(&self) -> io::Result<()> {
        self.cache.save()
    }

    /// The bytes of the file `entry` of the folder that an [`Input`] calls `path`; with an empty `entry`, of the file
    /// `path` itself. Whoever stores them compares them with the digest: the file may have changed since.
    ///
    /// # Errors
    /// When it cannot be read, or is outside the root.
    pub fn bytes(&self, path: &str, entry: &str) -> io::Result<Vec<u8>> {
        let joined = join(path, entry).map_err(io::Error::other)?;
        let file = self.resolve(&joined).map_err(io::Error::other)?;
        read(&file)
    }

    /// Where `path` is, once links are followed.
    fn resolve(&self, path: &str) -> Result<PathBuf, SourceError> {
        let real = self.root.join(path).canonicalize().map_err(|err| refused(path, &err))?;
        match real.starts_with(&self.root) {
            true => Ok(real),
            false => Err(SourceError::Outside(path.to_owned())),
        }
    }

    fn file(path: &str, real: &Path) -> Result<InputFound, SourceError> {
        let bytes = read(real).map_err(|err| refused(path, &err))?;
        let digest = Digest::of(&bytes);
        let is_short = bytes.len() as u64 <= LONGEST_TEXT;
        let text = is_short.then(|| String::from_utf8(bytes).ok()).flatten();
        Ok(InputFound {
            input: Input { path: path.to_owned(), digest, kind: InputKind::File, text },
            listing: None,
        })
    }

    fn folder(&self, path: &str, real: &Path) -> Result<InputFound, SourceError> {
        let mut listing = Listing::default();
        let mut unread = Vec::new();
        self.walk(path, real, "", &mut listing, &mut unread)?;
        for (it, digest) in digests(&unread, real)? {
            self.cache.put(&it.path, it.stat, digest);
            listing.0.insert(it.within.clone(), Entry::File { digest, executable: it.executable });
        }
        let input =
            Input { path: path.to_owned(), digest: listing.digest(), kind: InputKind::Folder, text: None };
        Ok(InputFound { input, listing: Some(listing) })
    }

    /// Lists what is below `within`, a folder of the tree at `tree`; files whose digest is not known are left to read.
    fn walk(
        &self,
        path: &str,
        tree: &Path,
        within: &str,
        listing: &mut Listing,
        unread: &mut Vec<Unread>,
    ) -> Result<(), SourceError> {
        let here = tree.join(within);
        for entry in fs::read_dir(&here).map_err(|err| refused(path, &err))? {
            let entry = entry.map_err(|err| refused(path, &err))?;
            let name = entry.file_name().into_string().map_err(|name| SourceError::Unreadable {
                path: format!("{path}/{within}"),
                why: format!("{} is no UTF-8 name", name.display()),
            })?;
            let within = if within.is_empty() { name } else { format!("{within}/{name}") };
            let path_here = format!("{path}/{within}");
            let metadata = entry.metadata().map_err(|err| refused(&path_here, &err))?;
            match metadata.file_type() {
                kind if kind.is_dir() => self.walk(path, tree, &within, listing, unread)?,
                kind if kind.is_symlink() => {
                    let to = link(tree, &within, &path_here)?;
                    listing.0.insert(within, Entry::Link { to });
                }
                kind if kind.is_file() => {
                    let stat = Stat::of(&metadata);
                    let executable = metadata.permissions().mode() & 0o111 != 0;
                    match self.cache.get(&path_here, stat) {
                        Some(digest) => {
                            listing.0.insert(within, Entry::File { digest, executable });
                        }
                        None => unread.push(Unread { path: path_here, within, executable, stat }),
                    }
                }
                _ => {
                    let why = "it is no file, no folder and no link".to_owned();
                    return Err(SourceError::Unreadable { path: path_here, why });
                }
            }
        }
        Ok(())
    }
}

impl Sources for Folder {
    fn read(&self, path: &str) -> Result<String, SourceError> {
        let real = self.resolve(path)?;
        let bytes = read(&real).map_err(|err| refused(path, &err))?;
        String::from_utf8(bytes).map_err(|_| SourceError::NotText(path.to_owned()))
    }

    fn input(&self, path: &str) -> Result<InputFound, SourceError> {
        let real = self.resolve(path)?;
        match real.is_dir() {
            true => self.folder(path, &real),
            false => Self::file(path, &real),
        }
    }
}

/// Where the link `within` of the tree leads, as it stands there; a link that leads out of the tree is refused.
fn link(tree: &Path, within: &str, shown: &str) -> Result<String, SourceError> {
    let outside = || SourceError::Outside(shown.to_owned());
    let real = tree.join(within);
    let to = fs::read_link(&real).map_err(|err| refused(shown, &err))?;
    let to = to.to_str().ok_or_else(outside)?.to_owned();
    join(folder_of(within), &to).map_err(|_| outside())?;
    match real.canonicalize() {
        Ok(end) if !end.starts_with(tree) => Err(outside()),
        // A link to nothing stays one: what it names may come to be on a node.
        Ok(_) | Err(_) => Ok(to),
    }
}

/// The digest of each file, read by as many threads as there are processors.
fn digests<'a>(unread: &'a [Unread], tree: &Path) -> Result<Vec<(&'a Unread, Digest)>, SourceError> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let digest = |it: &'a Unread| {
        let bytes = read(&tree.join(&it.within)).map_err(|err| refused(&it.path, &err))?;
        Ok((it, Digest::of(&bytes)))
    };
    thread::scope(|scope| {
        let chunks = unread.chunks(unread.len().div_ceil(threads).max(1));
        let running: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(digest).collect::<Vec<_>>())).collect();
        running
            .into_iter()
            .flat_map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

#[expect(clippy::disallowed_methods, reason = "this is the port through which an evaluation reads files")]
fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

fn refused(path: &str, err: &io::Error) -> SourceError {
    match err.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.to_owned()),
        _ => SourceError::Unreadable { path: path.to_owned(), why: err.to_string() },
    }
}
