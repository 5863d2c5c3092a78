//! Twenty plugin libraries: pins compared, opened, and each has told what it offers.
//!
//! What is part of mops is opened in its own process, a third party's in a guarded one; both ways are measured. The
//! libraries are twenty copies of one, each with bytes and so a pin of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use mops_load::{Child, Library, Opened};
use mops_model::Diagnostic;
use mops_plugin::{Linked, Registry, Transport};
use mops_throttling::Throttling;

use crate::{Outcome, measure::whole, place::Place, report::Report, shop::wrong};

const COUNT: u8 = 20;
const AIM: Duration = Duration::from_millis(30);

/// Measures the three ways.
///
/// # Errors
/// When a library does not open.
pub(crate) fn measure(place: &Place) -> Outcome<Report> {
    let folder = tempfile::tempdir()?;
    let cache = folder.path().join("cache");
    let copies = copies(&place.library("mops_throttling"), folder.path())?;
    let linked = whole(|| {
        let registries = (0..COUNT).map(|_| Registry::new([Linked(&Throttling)]));
        Ok(registries.collect::<Vec<_>>())
    })?;
    let loaded = whole(|| {
        let open = |library: &Library| Opened::open(library, &cache);
        all(&copies, |library| Ok(Box::new(open(library)?)))
    })?;
    let guarded = whole(|| {
        let open = |library: &Library| Child::open(&place.program, library, &cache);
        all(&copies, |library| Ok(Box::new(open(library)?)))
    })?;
    let mut report = Report::default();
    report.row(format!("{COUNT} linked"), linked);
    report.row(format!("{COUNT} loaded"), loaded).against("linked", linked).aim(AIM);
    report.row(format!("{COUNT} guarded"), guarded).against("linked", linked).aim(AIM);
    Ok(report)
}

/// What follows the end of a library is no part of it, but of its SHA-256.
fn copies(library: &Path, folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut bytes = fs::read(library)?;
    let copy = |number: u8| {
        bytes.push(number);
        let path = folder.join(format!("{number}.so"));
        fs::write(&path, &bytes)?;
        Ok(path)
    };
    (0..COUNT).map(copy).collect()
}

/// Opens each library by `open`, and asks it what it offers.
fn all(
    libraries: &[PathBuf],
    open: impl Fn(&Library) -> Result<Box<dyn Transport>, Diagnostic>,
) -> Outcome<Vec<Registry>> {
    let one = |path: &PathBuf| {
        let mut registry = Registry::new([]);
        Library::read("throttling", path)
            .and_then(|library| open(&library))
            .and_then(|transport| registry.add(transport).map(|_| ()))
            .map_err(|err| wrong(&[err]))?;
        Ok(registry)
    };
    libraries.iter().map(one).collect()
}
