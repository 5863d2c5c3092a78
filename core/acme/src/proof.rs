//! Proving to an authority that names are ours: over HTTP or in the domain name system.
//!
//! **Invariant:** what is set for a proof is cleared after the order, however it ends.

use std::{fs, io, path::PathBuf, time::Duration};

use instant_acme::{ChallengeHandle, ChallengeType};
use mops_node::write_private;
use tokio::process::Command;

use crate::{DnsProgram, order::Refusal};

/// How long the program may take for one record.
const PATIENCE: Duration = Duration::from_mins(2);

/// How names are proved, and what has been set for it.
pub(crate) enum Proof {
    /// Files that the edge serves below `/.well-known/acme-challenge/`.
    Http(PathBuf),
    /// Records that a program sets.
    Dns { program: DnsProgram, set: Vec<(String, String)> },
}

impl Proof {
    pub(crate) fn new(dns: Option<&DnsProgram>, challenges: PathBuf) -> Self {
        match dns {
            Some(program) => Self::Dns { program: program.clone(), set: Vec::new() },
            None => Self::Http(challenges),
        }
    }

    /// What the authority calls it.
    pub(crate) fn kind(&self) -> ChallengeType {
        match self {
            Self::Http(_) => ChallengeType::Http01,
            Self::Dns { .. } => ChallengeType::Dns01,
        }
    }

    /// Sets the answer to a challenge.
    ///
    /// # Errors
    /// When its token is none, or the answer cannot be set.
    pub(crate) async fn set(&mut self, challenge: &ChallengeHandle<'_>) -> Result<(), Refusal> {
        let answer = challenge.key_authorization();
        match self {
            Self::Http(folder) => {
                let file = folder.join(token(&challenge.token)?);
                Ok(write_private(&file, answer.as_str().as_bytes(), None)?)
            }
            Self::Dns { program, set } => {
                let host = challenge.identifier().to_string();
                let record = format!("_acme-challenge.{}", host.trim_start_matches("*."));
                set.push((record.clone(), answer.dns_value()));
                run(program, "set", &record, &answer.dns_value()).await.map_err(Refusal::Here)
            }
        }
    }

    /// Waits until the world sees what is set.
    pub(crate) async fn spread(&self) {
        if let Self::Dns { program, set } = self
            && !set.is_empty()
        {
            tokio::time::sleep(Duration::from_secs(program.wait)).await;
        }
    }

    /// Clears what is set. Returns what could not be cleared.
    pub(crate) async fn clear(&mut self) -> Vec<String> {
        match self {
            Self::Http(folder) => {
                clear_files(folder).err().map(|err| format!("old answers: {err}")).into_iter().collect()
            }
            Self::Dns { program, set } => {
                let mut left = Vec::new();
                for (record, value) in std::mem::take(set) {
                    left.extend(run(program, "clear", &record, &value).await.err());
                }
                left
            }
        }
    }
}

/// The token as the name of a file: what an authority sends must not lead elsewhere (RFC 8555, 8.1: base64url).
fn token(token: &str) -> Result<&str, Refusal> {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    match !token.is_empty() && token.bytes().all(is_letter) {
        true => Ok(token),
        false => Err(Refusal::Here(format!("the token {token:?} is none"))),
    }
}

fn clear_files(folder: &PathBuf) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

async fn run(program: &DnsProgram, verb: &str, record: &str, value: &str) -> Result<(), String> {
    let Some((name, arguments)) = program.run.split_first() else {
        return Err("no program sets records".to_owned());
    };
    let mut command = Command::new(name);
    command.args(arguments).args([verb, record, value]).kill_on_drop(true);
    let ended = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(ended) => ended.map_err(|err| format!("{name}: {err}"))?,
        Err(_) => return Err(format!("{name} {verb} {record} does not end within {} s", PATIENCE.as_secs())),
    };
    match ended.status.success() {
        true => Ok(()),
        false => Err(format!(
            "{name} {verb} {record} ends with {}: {}",
            ended.status,
            String::from_utf8_lossy(&ended.stderr).trim_end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_leads_elsewhere_is_refused() {
        assert_eq!(token("gfj9Xq-Rg85_nM").unwrap(), "gfj9Xq-Rg85_nM");
        for bad in ["", "../account", "a/b", "a.b", "a\0b"] {
            assert!(token(bad).is_err(), "{bad:?}");
        }
    }
}
