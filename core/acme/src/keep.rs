//! The daemon: looks which certificates are due, asks for them, and waits.

use std::{
    convert::Infallible,
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

use mops_model::Name;

use crate::{
    Chain, Config,
    account::{account, forget_if_unknown},
    connection::{Asked, Connection},
    due,
    order::{Refusal, order},
    proof::Proof,
    shelf::{Shelf, Tries},
};

/// How long one order may take, proofs in the domain name system included.
const PATIENCE: Duration = Duration::from_mins(10);
/// The longest sleep: clocks are set, machines sleep.
const LONGEST_SLEEP: u64 = 60;

/// Keeps the certificates that the file `config` names good, in the directory `folder`. `clock` tells the seconds since
/// 1970. Returns only when it cannot go on; then the reason stands on standard error.
pub fn acme_main(config: &Path, folder: &Path, clock: fn() -> u64) -> ExitCode {
    let Err(err) = run(config, folder, clock);
    say(&err.to_string());
    ExitCode::FAILURE
}

fn run(config: &Path, folder: &Path, clock: fn() -> u64) -> io::Result<Infallible> {
    let config: Config = serde_json::from_slice(&fs::read(config)?)?;
    let shelf = Shelf::open(folder, &config.authority)?;
    let _lead = shelf.lead()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Keeper { config, shelf, clock }.keep())
}

struct Keeper {
    config: Config,
    shelf: Shelf,
    clock: fn() -> u64,
}

impl Keeper {
    async fn keep(&self) -> io::Result<Infallible> {
        loop {
            let mut next = (self.clock)() + LONGEST_SLEEP;
            for (name, hosts) in &self.config.certificates {
                if self.due(name, hosts)? <= (self.clock)() {
                    self.renew(name, hosts).await?;
                }
                self.shelf.serve(name, (self.clock)())?;
                next = next.min(self.due(name, hosts)?);
            }
            let pause = next.saturating_sub((self.clock)()).max(1);
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
    }

    /// When a certificate is next asked for, in seconds since 1970.
    fn due(&self, name: &Name, hosts: &[String]) -> io::Result<u64> {
        let tries = self.shelf.tries(name, &self.config.authority, hosts)?;
        let kept = self.shelf.issued(name)?.filter(|it| it.is_for(hosts));
        let wanted = kept.map_or(0, |it| due::renewal(&it, self.config.renew));
        Ok(wanted.max(tries.not_before))
    }

    /// Asks for a certificate once.
    async fn renew(&self, name: &Name, hosts: &[String]) -> io::Result<()> {
        let before = self.shelf.tries(name, &self.config.authority, hosts)?;
        let failures = before.failures.saturating_add(1);
        let again = |asked: Option<u64>| {
            (self.clock)().saturating_add(due::pause(failures, self.config.retry, asked, name.as_str()))
        };
        let begun = Tries { failures, problem: None, not_before: again(None), ..before.clone() };
        self.shelf.record(name, &begun)?;
        let asked = Asked::default();
        match self.ask(hosts, &asked).await {
            Ok((text, chain)) => {
                self.shelf.keep(name, &text)?;
                say(&format!(
                    "{name}: {} for {}, until {}",
                    chain.issuer,
                    hosts.join(", "),
                    date(chain.until)
                ));
                self.shelf.record(name, &Tries { failures: 0, problem: None, not_before: 0, ..before })
            }
            Err(refusal) => {
                let not_before = again(asked.seconds());
                say(&format!("{name}: {refusal}; next try {}", date(not_before)));
                forget_if_unknown(&self.shelf, &refusal)?;
                self.shelf.record(name, &Tries { problem: Some(refusal.to_string()), not_before, ..begun })
            }
        }
    }

    /// A chain with its key, and what it says of itself.
    async fn ask(&self, hosts: &[String], asked: &Asked) -> Result<(String, Chain), Refusal> {
        let authority = &self.config.authority;
        let connect = || Connection::new(authority.roots.as_deref(), asked.clone(), self.clock);
        let mut proof = Proof::new(self.config.dns.as_ref(), self.shelf.challenges());
        let ordering = async {
            let account = account(&self.shelf, &self.config, connect).await?;
            order(&account, hosts, self.config.key, &mut proof).await
        };
        let late = || Refusal::Here(format!("nothing was issued within {} min", PATIENCE.as_secs() / 60));
        let ordered = tokio::time::timeout(PATIENCE, ordering).await.unwrap_or_else(|_| Err(late()));
        for left in proof.clear().await {
            say(&left);
        }
        let text = ordered?;
        let chain = Chain::parse(text.as_bytes()).map_err(Refusal::Here)?;
        match chain.is_for(hosts) && chain.until > (self.clock)() {
            true => Ok((text, chain)),
            false => Err(Refusal::Here(format!(
                "what was issued is for {} until {}, and of no use",
                chain.hosts.join(", "),
                date(chain.until)
            ))),
        }
    }
}

/// A second since 1970 for people.
fn date(seconds: u64) -> String {
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(at) if seconds < 253_402_300_800 => httpdate::fmt_http_date(at),
        Some(_) | None => "never".to_owned(),
    }
}

/// Says something to whoever reads the daemon's log.
fn say(what: &str) {
    // Without a log there is nobody to tell.
    writeln!(io::stderr(), "mops: {what}").unwrap_or_default();
}
