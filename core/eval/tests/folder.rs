//! A folder of the file system as sources.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test lays out files and stops when it cannot"
)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use mops_eval::{Folder, SourceError, Sources};
use mops_model::{Entry, InputKind};
use tempfile::TempDir;

/// A folder with a shop: `shop/release/index.php`, and `outside.txt` beside it.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("shop/release/bin")).unwrap();
    fs::write(dir.path().join("shop/release/index.php"), "<?php").unwrap();
    fs::write(dir.path().join("shop/note.txt"), "a note").unwrap();
    fs::write(dir.path().join("outside.txt"), "secret").unwrap();
    dir
}

fn cache(dir: &TempDir) -> PathBuf {
    dir.path().join("state/stat.json")
}

fn open(dir: &TempDir) -> Folder {
    Folder::open(&dir.path().join("shop"), &cache(dir)).unwrap()
}

#[test]
fn a_file_carries_its_text_and_a_folder_its_listing() {
    let dir = shop();
    let folder = open(&dir);
    assert_eq!(folder.input("note.txt").unwrap().input.text.as_deref(), Some("a note"));
    let release = folder.input("release").unwrap();
    assert_eq!(release.input.kind, InputKind::Folder);
    let listing = release.listing.unwrap();
    assert_eq!(listing.0.keys().collect::<Vec<_>>(), ["index.php"]);
    assert_eq!(listing.digest(), release.input.digest);
    assert_eq!(folder.bytes("release", "index.php").unwrap(), b"<?php");
    assert_eq!(folder.bytes("note.txt", "").unwrap(), b"a note");
}

#[test]
fn what_is_outside_is_refused_by_path_and_by_link() {
    let dir = shop();
    symlink("../outside.txt", dir.path().join("shop/link.txt")).unwrap();
    let folder = open(&dir);
    assert_eq!(folder.read("../outside.txt"), Err(SourceError::Outside("../outside.txt".to_owned())));
    assert_eq!(folder.read("link.txt"), Err(SourceError::Outside("link.txt".to_owned())));
    assert_eq!(folder.read("nothing.txt"), Err(SourceError::Missing("nothing.txt".to_owned())));
    assert!(folder.bytes("release", "../../outside.txt").is_err());
}

#[test]
fn a_link_within_a_folder_stays_a_link_and_one_that_leaves_it_is_refused() {
    let dir = shop();
    symlink("../index.php", dir.path().join("shop/release/bin/run")).unwrap();
    let listing = open(&dir).input("release").unwrap().listing.unwrap();
    assert_eq!(listing.0["bin/run"], Entry::Link { to: "../index.php".to_owned() });
    symlink("../note.txt", dir.path().join("shop/release/out")).unwrap();
    let err = open(&dir).input("release").unwrap_err();
    assert_eq!(err, SourceError::Outside("release/out".to_owned()));
}

#[test]
fn a_change_of_the_same_length_right_after_a_digest_is_seen() {
    let dir = shop();
    let first = open(&dir);
    let before = first.input("release").unwrap().input.digest;
    first.remember().unwrap();
    fs::write(dir.path().join("shop/release/index.php"), "<?PHP").unwrap();
    assert_ne!(open(&dir).input("release").unwrap().input.digest, before);
}

#[test]
fn a_file_that_has_been_quiet_is_not_read_again_and_its_change_is_seen() {
    let dir = shop();
    let index = dir.path().join("shop/release/index.php");
    // The time of the last change of an inode cannot be set: wait until it is older than the cache trusts.
    std::thread::sleep(Duration::from_millis(2_100));
    let first = open(&dir);
    let before = first.input("release").unwrap().input.digest;
    first.remember().unwrap();
    let remembered = fs::read_to_string(cache(&dir)).unwrap();
    assert!(remembered.contains("release/index.php"), "{remembered}");
    assert_eq!(open(&dir).input("release").unwrap().input.digest, before);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    fs::write(&index, "<?PHP").unwrap();
    fs::File::open(&index).unwrap().set_modified(long_ago).unwrap();
    assert_ne!(open(&dir).input("release").unwrap().input.digest, before);
}

#[test]
fn a_cache_that_cannot_be_understood_is_made_anew() {
    let dir = shop();
    fs::create_dir_all(dir.path().join("state")).unwrap();
    fs::write(cache(&dir), "{ half").unwrap();
    let folder = open(&dir);
    assert!(folder.input("release").is_ok());
    folder.remember().unwrap();
    assert!(fs::read_to_string(cache(&dir)).unwrap().starts_with('{'));
}
