//! The account at an authority: made once, kept, and made anew where the authority has forgotten it.

use std::{fs, io};

use instant_acme::{Account, AccountCredentials, NewAccount};
use mops_node::write_private;
use serde::{Deserialize, Serialize};

use crate::{
    Config,
    connection::Connection,
    order::{Refusal, is_about},
    shelf::Shelf,
};

/// The account as it is kept. What it holds signs for us: the file is 0600.
#[derive(Serialize, Deserialize)]
struct Kept {
    email: String,
    credentials: AccountCredentials,
}

/// The account: the one that is kept, or a new one.
///
/// # Errors
/// What the authority or the disk has against it.
pub(crate) async fn account(
    shelf: &Shelf,
    config: &Config,
    connect: impl Fn() -> Result<Connection, String>,
) -> Result<Account, Refusal> {
    let connection = || connect().map(Box::new).map_err(Refusal::Here);
    let contact = format!("mailto:{}", config.email);
    let Some(kept) = kept(shelf)? else {
        let wanted =
            NewAccount { contact: &[&contact], terms_of_service_agreed: true, only_return_existing: false };
        let builder = Account::builder_with_http(connection()?);
        let (account, credentials) =
            builder.create(&wanted, config.authority.directory.clone(), None).await?;
        keep(shelf, &Kept { email: config.email.clone(), credentials })?;
        return Ok(account);
    };
    let is_the_same = kept.email == config.email;
    let account = Account::builder_with_http(connection()?).from_credentials(kept.credentials).await?;
    if !is_the_same {
        account.update_contacts(&[&contact]).await?;
        note_email(shelf, &config.email)?;
    }
    Ok(account)
}

/// Forgets the account when the authority says that it does not know it.
///
/// # Errors
/// When the file cannot be removed.
pub(crate) fn forget_if_unknown(shelf: &Shelf, refusal: &Refusal) -> io::Result<()> {
    match is_about(refusal, "accountDoesNotExist") {
        true => fs::remove_file(shelf.account()),
        false => Ok(()),
    }
}

fn kept(shelf: &Shelf) -> io::Result<Option<Kept>> {
    match fs::read(shelf.account()) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

fn note_email(shelf: &Shelf, email: &str) -> io::Result<()> {
    match kept(shelf)? {
        Some(kept) => keep(shelf, &Kept { email: email.to_owned(), ..kept }),
        None => Ok(()),
    }
}

fn keep(shelf: &Shelf, kept: &Kept) -> io::Result<()> {
    write_private(&shelf.account(), &serde_json::to_vec(kept)?, None)
}
