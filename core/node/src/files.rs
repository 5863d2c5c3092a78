//! Folders, files and links with the right owner.
//!
//! **Invariant:** what belongs to the daemons' account is open to nobody else.
//! **Invariant:** whoever runs this writes no file by name where the account may write: a link there would lead it astray.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, symlink},
    path::{Component, Path, PathBuf},
};

use crate::Account;

/// Makes `path` and its parents; `path` itself belongs to `account` and is open to nobody else (0700).
pub fn make_folder(path: &Path, account: Option<&Account>) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))?;
    give(path, account)
}

/// Makes `path` and its parents; `account` may look into it and go through it, nobody but whoever runs this may write
/// into it (0750; without an account 0700).
pub fn make_passage(path: &Path, account: Option<&Account>) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    let mode = if account.is_some() { 0o750 } else { 0o700 };
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    chown(path, None, account.map(|it| it.gid))
}

/// Writes a file that only `account` can read (0600), atomically: a reader sees all of it or what was there before.
pub fn write_private(path: &Path, bytes: &[u8], account: Option<&Account>) -> io::Result<()> {
    let new = beside(path);
    write_new(&new, bytes, 0o600, account)?;
    fs::rename(&new, path)
}

/// Writes a new file with this mode.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32, account: Option<&Account>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    give(path, account)
}

/// Makes `link` lead to `target`, atomically, whatever it led to before.
pub fn switch_link(link: &Path, target: &Path) -> io::Result<()> {
    let new = beside(link);
    remove(&new)?;
    symlink(target, &new)?;
    fs::rename(&new, link)
}

/// Removes a file, a link or a folder with everything in it; it may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let gone = match fs::symlink_metadata(path) {
        Ok(it) if it.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(err) => Err(err),
    };
    match gone {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// `path` below `root`.
///
/// # Errors
/// When it would lead out of it.
pub(crate) fn within(root: &Path, path: &str) -> io::Result<PathBuf> {
    let inside =
        !path.is_empty() && Path::new(path).components().all(|it| matches!(it, Component::Normal(_)));
    match inside {
        true => Ok(root.join(path)),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{path}` leads out of its folder"))),
    }
}

/// Gives `path` to the account.
pub(crate) fn give(path: &Path, account: Option<&Account>) -> io::Result<()> {
    match account {
        Some(it) => chown(path, Some(it.uid), Some(it.gid)),
        None => Ok(()),
    }
}

/// The name under which `path` is made before it takes its place.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
