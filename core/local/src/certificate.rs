//! Certificates, and the authority that signs them.
//!
//! **Invariant:** the path of a certificate holds its serial number: a new certificate is a new path, so that what
//! names it changes. Where somebody else renews it, a link in their directory leads to ours until theirs is there, and
//! its path is named instead.
//! **Invariant:** a link that leads to a certificate of theirs is theirs: it is left alone.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use mops_model::Name;
use mops_node::{switch_link, write_private};
use nix::fcntl::{Flock, FlockArg};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use serde::{Deserialize, Serialize};

use crate::{Place, password::random};

/// How long a certificate is good: browsers refuse more than 825 days, even of an authority of one's own (Apple,
/// HT210176).
const DAYS: u32 = 800;
/// How long the authority is good.
const AUTHORITY_DAYS: u32 = 3650;
/// A certificate with less time left is made anew.
const RENEW_DAYS: u32 = 30;
const DAY: u64 = 86_400;

/// A certificate that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issued {
    pub(crate) hosts: Vec<String>,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) ca: PathBuf,
    /// The directory in which somebody else renews it.
    #[serde(default)]
    pub(crate) directory: Option<PathBuf>,
    /// The last second at which it is good, since 1970.
    until: u64,
}

/// The certificate `name`, if there is one that stays good for a while.
pub(crate) fn find(place: &Place, name: &Name, now: u64) -> io::Result<Option<Issued>> {
    let issued: Issued = match fs::read(record(place, name)) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    };
    let is_good = issued.until > now + u64::from(RENEW_DAYS) * DAY;
    let stands = issued.certificate.exists() && issued.key.exists() && issued.ca.exists();
    let stands = stands && issued.directory.as_ref().is_none_or(|it| link(it, name).exists());
    Ok(Some(issued).filter(|_| is_good && stands))
}

/// A certificate for `hosts`: the one that exists when it fits, a new one otherwise. In `directory` somebody else renews
/// it: there a link leads to ours until theirs is there.
pub(crate) fn issue(
    place: &Place,
    name: &Name,
    hosts: &[String],
    directory: Option<&Path>,
    now: u64,
) -> io::Result<Issued> {
    let fits = |it: &Issued| it.hosts == hosts && it.directory.as_deref() == directory;
    if let Some(kept) = find(place, name, now)?.filter(fits) {
        return Ok(kept);
    }
    let (ca, authority) = authority(place, now)?;
    let mut serial = [0; 8];
    random(&mut serial)?;
    serial[0] &= 0x7f;
    let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
    let first =
        hosts.first().ok_or_else(|| io::Error::other(format!("the certificate `{name}` is for no host")))?;
    params.distinguished_name.push(DnType::CommonName, first.as_str());
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    last(&mut params, now, DAYS);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;
    let stem = format!("{name}-{:016x}", u64::from_be_bytes(serial));
    let folder = place.certificates();
    let mut issued = Issued {
        hosts: hosts.to_vec(),
        certificate: folder.join(format!("{stem}.pem")),
        key: folder.join(format!("{stem}.key")),
        ca,
        directory: directory.map(Path::to_owned),
        until: now + u64::from(DAYS) * DAY,
    };
    write_private(&issued.key, key.serialize_pem().as_bytes(), place.account.as_ref())?;
    write_private(&issued.certificate, certificate.pem().as_bytes(), place.account.as_ref())?;
    if let Some(directory) = directory {
        let both = folder.join(format!("{stem}.both"));
        let text = certificate.pem() + &key.serialize_pem();
        write_private(&both, text.as_bytes(), place.account.as_ref())?;
        let link = link(directory, name);
        if !is_theirs(&link, &folder)? {
            switch_link(&link, &both)?;
        }
        (issued.certificate, issued.key) = (link.clone(), link);
    }
    write_private(&record(place, name), &serde_json::to_vec(&issued)?, None)?;
    Ok(issued)
}

/// Where somebody else keeps the certificate `name`.
fn link(directory: &Path, name: &Name) -> PathBuf {
    directory.join(format!("{name}.pem"))
}

/// Whether a certificate that is none of `ours` stands at `link`.
fn is_theirs(link: &Path, ours: &Path) -> io::Result<bool> {
    match fs::read_link(link) {
        Ok(target) => Ok(!target.starts_with(ours) && link.exists()),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(err) => Err(err),
    }
}

/// Removes the certificate `name` and every one it replaced.
pub(crate) fn remove(place: &Place, name: &Name) -> io::Result<()> {
    let folder = match fs::read_dir(place.certificates()) {
        Ok(it) => it,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(err),
    };
    for entry in folder {
        let path = entry?.path();
        let file = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let rest = file.strip_prefix(name.as_str()).unwrap_or_default();
        let serial = rest.strip_prefix('-').and_then(|it| it.rsplit_once('.'));
        let is_serial =
            serial.is_some_and(|(it, _)| it.len() == 16 && it.bytes().all(|it| it.is_ascii_hexdigit()));
        if rest == ".json" || is_serial {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The authority: the path of its certificate, and what signs. It is made once.
fn authority(place: &Place, now: u64) -> io::Result<(PathBuf, Issuer<'static, KeyPair>)> {
    let machine = &place.machine;
    let lock = File::options().create(true).append(true).mode(0o600).open(machine.join("ca.lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, err)| io::Error::from(err))?;
    let (certificate, key) = (place.authority(), machine.join("ca.key"));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "mops, for this machine only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if certificate.exists() {
        let key = KeyPair::from_pem(&fs::read_to_string(key)?).map_err(io::Error::other)?;
        return Ok((certificate, Issuer::new(params, key)));
    }
    last(&mut params, now, AUTHORITY_DAYS);
    let pair = KeyPair::generate().map_err(io::Error::other)?;
    let signed = params.self_signed(&pair).map_err(io::Error::other)?;
    write_private(&key, pair.serialize_pem().as_bytes(), None)?;
    publish(&certificate, &signed.pem())?;
    Ok((certificate, Issuer::new(params, pair)))
}

/// Writes a file that everybody may read, atomically.
fn publish(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644))?;
    fs::rename(new, path)
}

/// Good from a day ago, because clocks differ, for so many days.
fn last(params: &mut CertificateParams, now: u64, days: u32) {
    let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = at(now.saturating_sub(DAY));
    params.not_after = at(now + u64::from(days) * DAY);
}

fn record(place: &Place, name: &Name) -> PathBuf {
    place.certificates().join(format!("{name}.json"))
}
