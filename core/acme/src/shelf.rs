//! The directory that the edge nodes share.
//!
//! ```text
//! pl.pem                         what is served: a link, at first to a certificate of the provider
//! pl.json                        what was tried
//! challenges/<token>             what is answered over HTTP
//! issued/<authority>/pl.pem      chain and key, 0600
//! issued/<authority>/account     the key that the authority knows us by, 0600
//! lock                           held by the node that does the work
//! ```
//!
//! **Invariant:** what is served is switched by one rename; chain and key stand in one file, so that they always fit.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use mops_model::Name;
use mops_node::{make_folder, switch_link, write_private};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::{Authority, Chain, Trust};

/// What was tried for a certificate: kept, so that a restart neither forgets nor repeats it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Who was asked.
    pub authority: String,
    /// For which hosts.
    pub hosts: Vec<String>,
    /// How often in a row it failed.
    pub failures: u32,
    /// Why it failed last.
    pub problem: Option<String>,
    /// It is not tried again before this second, since 1970.
    pub not_before: u64,
}

/// The directory.
pub(crate) struct Shelf {
    folder: PathBuf,
    issued: PathBuf,
    trust: Trust,
}

impl Shelf {
    /// Opens it for one authority.
    pub(crate) fn open(folder: &Path, authority: &Authority) -> io::Result<Self> {
        let issued = folder.join("issued").join(authority.name.as_str());
        let shelf = Self { folder: folder.to_owned(), issued, trust: authority.trust };
        make_folder(&shelf.issued, None)?;
        make_folder(&shelf.challenges(), None)?;
        Ok(shelf)
    }

    /// Waits until no other node does the work. The lock ends with the process.
    pub(crate) fn lead(&self) -> io::Result<Flock<File>> {
        let file = File::options().create(true).append(true).mode(0o600).open(self.folder.join("lock"))?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, err)| err.into())
    }

    /// What is answered over HTTP.
    pub(crate) fn challenges(&self) -> PathBuf {
        self.folder.join("challenges")
    }

    /// The account at the authority.
    pub(crate) fn account(&self) -> PathBuf {
        self.issued.join("account")
    }

    /// What the authority has issued; none when it has not, or when that cannot be read.
    pub(crate) fn issued(&self, name: &Name) -> io::Result<Option<Chain>> {
        match Chain::read(&self.file(name)) {
            Ok(chain) => Ok(Some(chain)),
            Err(err) if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(err) => Err(err),
        }
    }

    /// Keeps what was issued.
    pub(crate) fn keep(&self, name: &Name, chain_and_key: &str) -> io::Result<()> {
        write_private(&self.file(name), chain_and_key.as_bytes(), None)
    }

    /// Serves what the authority has issued, where that is better than what is served.
    pub(crate) fn serve(&self, name: &Name, now: u64) -> io::Result<()> {
        let Some(issued) = self.issued(name)? else { return Ok(()) };
        let link = self.folder.join(format!("{name}.pem"));
        if issued.until <= now || self.is_worse(&link, now)? {
            return Ok(());
        }
        match fs::read_link(&link) {
            Ok(target) if target == self.file(name) => Ok(()),
            Ok(_) => switch_link(&link, &self.file(name)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => switch_link(&link, &self.file(name)),
            Err(err) => Err(err),
        }
    }

    /// What was tried for a certificate with these hosts at this authority; anything else is no longer of interest.
    pub(crate) fn tries(&self, name: &Name, authority: &Authority, hosts: &[String]) -> io::Result<Tries> {
        let fresh =
            Tries { authority: authority.name.to_string(), hosts: hosts.to_vec(), ..Tries::default() };
        let tries = Tries::beside(&self.folder.join(format!("{name}.pem")))?;
        Ok(tries.filter(|it| it.authority == fresh.authority && it.hosts == fresh.hosts).unwrap_or(fresh))
    }

    /// Puts on record what was tried.
    pub(crate) fn record(&self, name: &Name, tries: &Tries) -> io::Result<()> {
        write_private(&self.folder.join(format!("{name}.json")), &serde_json::to_vec(tries)?, None)
    }

    /// Whether what this authority issues would be a step back from what stands at `link`: only tests trust it, and
    /// another authority's is good there.
    fn is_worse(&self, link: &Path, now: u64) -> io::Result<bool> {
        match self.trust {
            Trust::Visitors => return Ok(false),
            Trust::Nobody => (),
        }
        let target = match fs::read_link(link) {
            Ok(it) => it,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(err) => return Err(err),
        };
        let is_anothers = target.starts_with(self.folder.join("issued")) && !target.starts_with(&self.issued);
        Ok(is_anothers && Chain::read(&target).is_ok_and(|it| it.until > now))
    }

    fn file(&self, name: &Name) -> PathBuf {
        self.issued.join(format!("{name}.pem"))
    }
}

impl Tries {
    /// What was tried for the certificate at `path`; none when nothing was.
    ///
    /// # Errors
    /// When what was written cannot be read.
    pub fn beside(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path.with_extension("json")) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(err) => Err(err),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn authority(name: &str, trust: Trust) -> Authority {
        Authority { name: Name::literal(name), directory: String::new(), roots: None, trust }
    }

    /// A certificate for `host` that is good in the years before `until`.
    fn chain(host: &str, until: i32) -> String {
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().pem() + &key.serialize_pem()
    }

    /// A directory where the provider's certificate is served.
    fn shared() -> (TempDir, Name) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bootstrap"), chain("acme.pl", 2030)).unwrap();
        switch_link(&folder.path().join("pl.pem"), Path::new("bootstrap")).unwrap();
        (folder, Name::literal("pl"))
    }

    fn served(folder: &TempDir) -> String {
        let target = fs::read_link(folder.path().join("pl.pem")).unwrap();
        target.strip_prefix(folder.path().join("issued")).unwrap_or(&target).display().to_string()
    }

    #[test]
    fn what_is_issued_takes_the_place_of_the_providers() {
        let (folder, name) = shared();
        let shelf = Shelf::open(folder.path(), &authority("real", Trust::Visitors)).unwrap();
        shelf.serve(&name, NOW).unwrap();
        assert_eq!(served(&folder), "bootstrap");
        shelf.keep(&name, &chain("acme.pl", 2030)).unwrap();
        shelf.serve(&name, NOW).unwrap();
        assert_eq!(served(&folder), "real/pl.pem");
    }

    #[test]
    fn one_for_tests_never_takes_the_place_of_a_good_one_and_gives_way_to_it() {
        let (folder, name) = shared();
        let tests = Shelf::open(folder.path(), &authority("tests", Trust::Nobody)).unwrap();
        tests.keep(&name, &chain("acme.pl", 2030)).unwrap();
        tests.serve(&name, NOW).unwrap();
        assert_eq!(served(&folder), "tests/pl.pem", "better than the provider's");
        let real = Shelf::open(folder.path(), &authority("real", Trust::Visitors)).unwrap();
        real.keep(&name, &chain("acme.pl", 2030)).unwrap();
        real.serve(&name, NOW).unwrap();
        tests.serve(&name, NOW).unwrap();
        assert_eq!(served(&folder), "real/pl.pem");
    }

    #[test]
    fn one_that_has_ended_is_not_served() {
        let (folder, name) = shared();
        let shelf = Shelf::open(folder.path(), &authority("real", Trust::Visitors)).unwrap();
        shelf.keep(&name, &chain("acme.pl", 2020)).unwrap();
        shelf.serve(&name, NOW).unwrap();
        assert_eq!(served(&folder), "bootstrap");
    }

    #[test]
    fn tries_for_other_hosts_or_another_authority_do_not_count() {
        let (folder, name) = shared();
        let (real, hosts) = (authority("real", Trust::Visitors), ["acme.pl".to_owned()]);
        let shelf = Shelf::open(folder.path(), &real).unwrap();
        let failed = Tries { failures: 3, not_before: NOW, ..shelf.tries(&name, &real, &hosts).unwrap() };
        shelf.record(&name, &failed).unwrap();
        assert_eq!(shelf.tries(&name, &real, &hosts).unwrap(), failed);
        let others = ["acme.pl".to_owned(), "www.acme.pl".to_owned()];
        assert_eq!(shelf.tries(&name, &real, &others).unwrap().failures, 0);
        assert_eq!(shelf.tries(&name, &authority("other", Trust::Visitors), &hosts).unwrap().failures, 0);
    }
}
