//! The certificates of a site, as `mops status` shows them.

use std::{collections::BTreeMap, path::Path};

use mops_acme::{Chain, Tries};
use mops_model::{Generation, Name, Value};
use serde::Serialize;

use super::generations::when;
use crate::show::{RED, YELLOW, styled};

const DAY: u64 = 86_400;
/// With less left a certificate should have been renewed long ago.
const SOON: u64 = 14 * DAY;

/// How a certificate is.
#[derive(Serialize)]
pub(crate) struct Certificate {
    /// What is served; none when it cannot be read.
    served: Option<Chain>,
    /// Whether it ends soon, or has ended, or cannot be read.
    urgent: bool,
    /// Why it is not, or not any more, the authority's: what was tried and when it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<Tries>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

/// The certificates that a generation made, as they are at `now`, in seconds since 1970.
pub(crate) fn certificates(generation: &Generation, now: u64) -> BTreeMap<Name, Certificate> {
    let made = generation.state.resources.iter().filter(|(address, _)| address.kind == "local.certificate");
    let paths = made.filter_map(|(address, it)| {
        let path = it.outputs.get("certificate").and_then(Value::as_text)?;
        Some((address.name.clone(), path))
    });
    paths.map(|(name, path)| (name, Certificate::look(Path::new(path), now))).collect()
}

impl Certificate {
    fn look(path: &Path, now: u64) -> Self {
        let read = Tries::beside(path).and_then(|tries| Ok((tries, Chain::read(path)?)));
        match read {
            Ok((tries, served)) => {
                let tries = tries.filter(|it| it.failures > 0);
                Self { urgent: is_urgent(&served, now), served: Some(served), tries, unreadable: None }
            }
            Err(err) => Self {
                served: None,
                urgent: true,
                tries: None,
                unreadable: Some(format!("{}: {err}", path.display())),
            },
        }
    }

    /// Whether somebody should look at it.
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// A line of a status, and one below it for each thing that went wrong.
    pub(crate) fn lines(&self, name: &Name, now: u64) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(served) = &self.served {
            let until = until(served, now);
            let until = if self.urgent { styled(RED, until) } else { until };
            lines.push(format!("  {name:<18} {until}  {}: {}", served.issuer, served.hosts.join(", ")));
        }
        if let Some(why) = &self.unreadable {
            lines.push(format!("  {name:<18} {}", styled(RED, why)));
        }
        lines.extend(self.tries.as_ref().map(|it| format!("      {}", styled(YELLOW, tried(it)))));
        lines
    }
}

/// Whether less is left than a renewal in time leaves: 14 days, or a quarter of a life that is shorter than that.
fn is_urgent(chain: &Chain, now: u64) -> bool {
    let life = chain.until.saturating_sub(chain.from);
    chain.until.saturating_sub(now) < SOON.min(life / 4)
}

fn until(chain: &Chain, now: u64) -> String {
    match chain.until.checked_sub(now) {
        Some(left) if left >= 2 * DAY => format!("{} days left", left / DAY),
        Some(left) if left >= 7200 => format!("{} hours left", left / 3600),
        Some(left) => format!("{} minutes left", left / 60),
        None => "has ended".to_owned(),
    }
}

fn tried(tries: &Tries) -> String {
    let again = when(i64::try_from(tries.not_before).unwrap_or(i64::MAX));
    match &tries.problem {
        Some(problem) => {
            let times =
                if tries.failures == 1 { "once".to_owned() } else { format!("{} times", tries.failures) };
            format!("a new one was refused {times}, and is asked for again at {again}: {problem}")
        }
        None => {
            format!("a new one is being asked for; if that was cut off, it is asked for again at {again}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(life: u64) -> Chain {
        Chain { hosts: vec!["acme.pl".to_owned()], issuer: "A".to_owned(), from: 0, until: life }
    }

    #[test]
    fn a_certificate_is_urgent_when_its_renewal_is_long_overdue() {
        assert!(!is_urgent(&chain(90 * DAY), 75 * DAY));
        assert!(is_urgent(&chain(90 * DAY), 77 * DAY));
        assert!(!is_urgent(&chain(6 * DAY), 4 * DAY), "it lives for six days only");
        assert!(is_urgent(&chain(6 * DAY), 5 * DAY));
        assert!(is_urgent(&chain(90 * DAY), 91 * DAY));
    }

    #[test]
    fn what_is_left_is_told_in_the_largest_unit() {
        let left = |it| until(&chain(100 * DAY), it);
        assert_eq!(left(10 * DAY), "90 days left");
        assert_eq!(left(99 * DAY), "24 hours left");
        assert_eq!(left(100 * DAY - 90), "1 minutes left");
        assert_eq!(left(101 * DAY), "has ended");
    }
}
