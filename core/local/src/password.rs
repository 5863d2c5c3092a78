//! Passwords that mops makes up.
//!
//! **Invariant:** the value stands in one file and is read where it is used.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};

use mops_model::{Digest, Name, SecretError, Secrets};
use mops_node::{make_passage, write_private};

use crate::Place;

/// What passwords are made of: what needs no escape anywhere.
const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The passwords of a site, and the secrets of somebody else for every other name.
pub(crate) struct SiteSecrets {
    pub(crate) place: Place,
    pub(crate) others: Arc<dyn Secrets>,
}

/// The key of whoever runs mops on this machine, under which the versions of secrets are digested; it is made once and
/// kept in a file of 0600.
pub fn machine_key(place: &Place) -> io::Result<[u8; 32]> {
    let path = place.machine.join("key");
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other(format!("{} is damaged", path.display()))),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&place.machine)?;
            let mut key = [0; 32];
            random(&mut key)?;
            // Whoever links first wins; everybody reads what is there then.
            let new = tempfile::NamedTempFile::new_in(&place.machine)?;
            fs::write(new.path(), key)?;
            match new.persist_noclobber(&path) {
                Ok(_) => Ok(key),
                Err(err) if err.error.kind() == io::ErrorKind::AlreadyExists => machine_key(place),
                Err(err) => Err(err.error),
            }
        }
        Err(err) => Err(err),
    }
}

/// Makes up the password `name`, unless it exists with this length. Returns its version.
pub(crate) fn make(place: &Place, name: &Name, length: usize) -> io::Result<Digest> {
    let path = file(place, name);
    let kept = read(place, name)?.filter(|it| it.len() == length);
    if kept.is_none() {
        make_passage(path.parent().expect("it has a folder"), None)?;
        write_private(&path, made_up(length)?.as_bytes(), None)?;
    }
    version(place, name)?.ok_or_else(|| io::Error::other(format!("the password `{name}` is gone")))
}

/// The version of the password `name`; none when it does not exist.
pub(crate) fn version(place: &Place, name: &Name) -> io::Result<Option<Digest>> {
    let Some(value) = read(place, name)? else { return Ok(None) };
    Ok(Some(Digest::keyed(&machine_key(place)?, value.as_bytes())))
}

/// Forgets the password `name`.
pub(crate) fn forget(place: &Place, name: &Name) -> io::Result<()> {
    match fs::remove_file(file(place, name)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The length of the password `name`.
pub(crate) fn length(place: &Place, name: &Name) -> io::Result<Option<usize>> {
    Ok(read(place, name)?.map(|it| it.len()))
}

/// Fills `bytes` with what nobody can guess.
pub(crate) fn random(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

impl Secrets for SiteSecrets {
    fn fetch(&self, name: &Name) -> Result<String, SecretError> {
        match read(&self.place, name) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => self.others.fetch(name),
            Err(err) => Err(SecretError { name: name.clone(), why: err.to_string() }),
        }
    }

    fn version(&self, name: &Name) -> Result<Digest, SecretError> {
        match version(&self.place, name) {
            Ok(Some(version)) => Ok(version),
            Ok(None) => self.others.version(name),
            Err(err) => Err(SecretError { name: name.clone(), why: err.to_string() }),
        }
    }
}

fn read(place: &Place, name: &Name) -> io::Result<Option<String>> {
    match fs::read_to_string(file(place, name)) {
        Ok(value) => Ok(Some(value)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

fn made_up(length: usize) -> io::Result<String> {
    let mut value = String::with_capacity(length);
    while value.len() < length {
        let mut bytes = [0; 64];
        random(&mut bytes)?;
        // What is above the largest multiple of 62 would make some letters likelier than others.
        let even = bytes.iter().filter(|it| **it < 248);
        value.extend(even.map(|it| char::from(LETTERS[usize::from(*it) % 62])).take(length - value.len()));
    }
    Ok(value)
}

fn file(place: &Place, name: &Name) -> PathBuf {
    place.private.join("passwords").join(name.as_str())
}
