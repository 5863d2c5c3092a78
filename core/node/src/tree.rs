//! Trees of files, laid out once for all nodes of a site.
//!
//! **Invariant:** a tree that stands under its name is complete: it is made beside it and renamed.
//! **Invariant:** nobody writes into a tree; what is writable is a link that leads out of it.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use mops_model::{Entry, Listing};
use nix::fcntl::{Flock, FlockArg};

use crate::{
    Objects,
    files::{remove, within},
    fill::FilledTree,
};

/// Lays `tree` out below `trees`, unless it stands there already, and makes `link` lead to it.
pub(crate) fn lay_out(trees: &Path, tree: &FilledTree, link: &Path, objects: &dyn Objects) -> io::Result<()> {
    let _lock = lock(trees)?;
    let folder = trees.join(tree.digest().to_string());
    if !folder.exists() {
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(trees)?;
        write(new.path(), tree, objects)?;
        // The daemons read it; its folder lets nobody else in.
        fs::set_permissions(new.path(), Permissions::from_mode(0o755))?;
        fs::rename(new.keep(), &folder)?;
    }
    symlink(folder, link)
}

/// Removes the trees that no closure of the nodes below `nodes` uses.
pub fn sweep_trees(trees: &Path, nodes: &Path) -> io::Result<()> {
    let _lock = lock(trees)?;
    let mut used = BTreeSet::new();
    for node in entries(nodes)? {
        for closure in entries(&node.join("closures"))? {
            for link in entries(&closure.join("trees"))? {
                used.insert(fs::read_link(link)?);
            }
        }
    }
    for tree in entries(trees)? {
        if tree.is_dir() && !used.contains(&tree) {
            remove(&tree)?;
        }
    }
    Ok(())
}

fn write(root: &Path, tree: &FilledTree, objects: &dyn Objects) -> io::Result<()> {
    let listing: Listing = serde_json::from_slice(&objects.get(&tree.listing)?)?;
    let covered = |path: &str| {
        let below = |link: &String| {
            path.strip_prefix(link.as_str()).is_some_and(|it| it.starts_with('/') || it.is_empty())
        };
        tree.links.keys().any(below)
    };
    for (path, entry) in listing.0.iter().filter(|(path, _)| !covered(path)) {
        let to = within(root, path)?;
        make_parent(&to)?;
        match entry {
            Entry::File { digest, executable } => {
                let mut file = File::create_new(&to)?;
                file.write_all(&objects.get(digest)?)?;
                file.set_permissions(Permissions::from_mode(if *executable { 0o555 } else { 0o444 }))?;
            }
            Entry::Link { to: target } => symlink(target, &to)?,
        }
    }
    for (path, target) in &tree.links {
        let to = within(root, path)?;
        make_parent(&to)?;
        symlink(target, &to)?;
    }
    Ok(())
}

fn make_parent(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().expect("it is below the tree"))
}

/// What stands in a folder; nothing when there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => found.map(|it| Ok(it?.path())).collect(),
        Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(err) => Err(err),
    }
}

/// Keeps others from laying out or sweeping until it is dropped.
fn lock(trees: &Path) -> io::Result<Flock<File>> {
    let file = File::options().create(true).append(true).open(trees.join(".lock"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, err)| err.into())
}
