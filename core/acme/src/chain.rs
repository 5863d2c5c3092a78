//! A certificate as it is served: the first of its chain.

use std::{fs, io, path::Path};

use serde::Serialize;
use x509_parser::{extensions::GeneralName, pem::Pem, prelude::X509Certificate};

/// What a served certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// The hosts it is for, in the order of the alphabet.
    pub hosts: Vec<String>,
    /// Who signed it.
    pub issuer: String,
    /// The first second at which it is good, since 1970.
    pub from: u64,
    /// The last second at which it is good, since 1970.
    pub until: u64,
}

impl Chain {
    /// Reads the first certificate of the file at `path` (PEM).
    ///
    /// # Errors
    /// When there is none.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read(path)?;
        Self::parse(&text).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))
    }

    /// Reads the first certificate of a text (PEM).
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let blocks = Pem::iter_from_buffer(text).filter_map(Result::ok);
        let first = blocks.into_iter().find(|it| it.label == "CERTIFICATE");
        let first = first.ok_or("there is no certificate in it")?;
        let certificate = first.parse_x509().map_err(|err| format!("its certificate: {err}"))?;
        let second = |at: i64| u64::try_from(at).map_err(|_| "it ended before 1970".to_owned());
        Ok(Self {
            hosts: hosts(&certificate)?,
            issuer: name(&certificate),
            from: second(certificate.validity().not_before.timestamp())?,
            until: second(certificate.validity().not_after.timestamp())?,
        })
    }

    /// Whether it is for exactly these hosts.
    pub(crate) fn is_for(&self, hosts: &[String]) -> bool {
        let mut hosts: Vec<String> = hosts.iter().map(|it| it.to_ascii_lowercase()).collect();
        hosts.sort();
        hosts.dedup();
        self.hosts == hosts
    }
}

fn hosts(certificate: &X509Certificate<'_>) -> Result<Vec<String>, String> {
    let names = certificate.subject_alternative_name().map_err(|err| format!("its names: {err}"))?;
    let names = names.iter().flat_map(|it| &it.value.general_names);
    let mut hosts: Vec<String> = names
        .filter_map(
            |it| if let GeneralName::DNSName(host) = it { Some(host.to_ascii_lowercase()) } else { None },
        )
        .collect();
    hosts.sort();
    hosts.dedup();
    Ok(hosts)
}

/// The issuer as people know it: organisation and common name where it has both.
fn name(certificate: &X509Certificate<'_>) -> String {
    let issuer = certificate.issuer();
    let organisation = issuer.iter_organization().find_map(|it| it.as_str().ok());
    let common = issuer.iter_common_name().find_map(|it| it.as_str().ok());
    let words: Vec<&str> = organisation.into_iter().chain(common).collect();
    match words.is_empty() {
        true => issuer.to_string(),
        false => words.join(" "),
    }
}
