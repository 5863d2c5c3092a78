//! What keeps the tree readable.

use std::{
    fs,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

/// The longest source file, in lines; a test may be twice as long.
const LONGEST: usize = 500;

#[test]
fn every_source_file_says_what_it_is() {
    let silent: Vec<_> = sources().into_iter().filter(|it| !read(it).starts_with("//!")).collect();
    assert_eq!(silent, [] as [PathBuf; 0]);
}

#[test]
fn no_source_file_is_too_long() {
    let is_test = |path: &Path| path.components().any(|it| it.as_os_str() == "tests");
    let limit = |path: &Path| if is_test(path) { 2 * LONGEST } else { LONGEST };
    let long: Vec<_> = sources().into_iter().filter(|it| read(it).lines().count() > limit(it)).collect();
    assert_eq!(long, [] as [PathBuf; 0]);
}

#[test]
fn every_crate_stands_in_the_code_map() {
    let readme = read(&root().join("README.md"));
    let unnamed: Vec<String> =
        crates().into_iter().filter(|it| !readme.contains(&format!("`{it}`"))).collect();
    assert_eq!(unnamed, [] as [String; 0]);
}

#[test]
fn every_folder_in_the_code_map_exists() {
    let readme = read(&root().join("README.md"));
    let named = readme.split('`').skip(1).step_by(2);
    let folders = named.filter(|it| ["core/", "plugins/", "scripts/"].iter().any(|top| it.starts_with(top)));
    let gone: Vec<&str> = folders.filter(|it| !it.contains('*') && !root().join(it).exists()).collect();
    assert_eq!(gone, [] as [&str; 0]);
}

#[test]
fn nothing_promises_to_be_written_later() {
    const WORDS: [&str; 4] = ["todo!(", "unimplemented!(", "FIX\u{4d}E", "TO\u{44}O"];
    let promises = |path: &PathBuf| WORDS.iter().any(|it| read(path).contains(it));
    let found: Vec<_> =
        sources().into_iter().filter(|it| !it.ends_with("tidy.rs")).filter(promises).collect();
    assert_eq!(found, [] as [PathBuf; 0]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Every Rust file of ours.
fn sources() -> Vec<PathBuf> {
    let folders = ["bench", "core", "plugins", "tests"].map(|it| root().join(it));
    let files =
        folders.iter().flat_map(|it| WalkDir::new(it).sort_by_file_name()).map(|it| it.unwrap().into_path());
    files.filter(|it| it.extension().is_some_and(|it| it == "rs")).collect()
}

/// Every crate's folder, relative to the root.
fn crates() -> Vec<String> {
    let inside = |top: &str| {
        let entries = fs::read_dir(root().join(top)).unwrap().map(|it| it.unwrap());
        entries.map(|it| format!("{top}/{}", it.file_name().to_string_lossy())).collect::<Vec<_>>()
    };
    let mut crates = [inside("core"), inside("plugins")].concat();
    crates.sort();
    crates
}
