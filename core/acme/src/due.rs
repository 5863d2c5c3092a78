//! When something is done: renewals, and tries after failures.
//!
//! **Invariant:** equal arguments give equal times: what differs between certificates comes from their names, so that
//! those issued together do not all come back together.

use mops_model::Digest;

use crate::Chain;

/// The longest pause after failures, in seconds.
const LONGEST_PAUSE: u64 = 12 * 3600;
/// Which part of a certificate's life the times of renewals are spread over.
const SPREAD: u64 = 20;

/// When a certificate is renewed, in seconds since 1970: `ahead` seconds before its end, or a third of its life; up to a
/// twentieth of its life earlier. However long `ahead` is, a third of its life passes first: it would otherwise be
/// renewed without end.
pub(crate) fn renewal(chain: &Chain, ahead: Option<u64>) -> u64 {
    let life = chain.until.saturating_sub(chain.from);
    let ahead = ahead.unwrap_or(life / 3).min(life - life / 3);
    let seed = format!("{}{}", chain.hosts.join(" "), chain.from);
    chain.until.saturating_sub(ahead + spread(&seed, life / SPREAD))
}

/// How long to wait after so many failures in a row, in seconds: `first`, doubled each time, up to a quarter more by
/// `seed`; never less than the directory asks for.
pub(crate) fn pause(failures: u32, first: u64, asked: Option<u64>, seed: &str) -> u64 {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause = doubled.min(LONGEST_PAUSE);
    let pause = pause + spread(&format!("{seed}{failures}"), pause / 4);
    pause.max(asked.unwrap_or(0))
}

/// A number from 0 to `most` that belongs to `seed`.
fn spread(seed: &str, most: u64) -> u64 {
    let digits = &Digest::of(seed.as_bytes()).to_string()[..15];
    u64::from_str_radix(digits, 16).expect("a digest is hexadecimal") % (most + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    fn days(from: u64, until: u64) -> Chain {
        let hosts = vec!["acme.pl".to_owned()];
        Chain { hosts, issuer: "A".to_owned(), from: from * DAY, until: until * DAY }
    }

    #[test]
    fn a_certificate_is_renewed_when_two_thirds_of_its_life_are_over() {
        let at = renewal(&days(100, 190), None);
        assert!((155 * DAY..=160 * DAY).contains(&at), "{}", at / DAY);
    }

    #[test]
    fn one_that_shall_be_renewed_longer_ahead_than_it_lives_still_lives_a_while() {
        let at = renewal(&days(100, 106), Some(30 * DAY));
        assert!(at > 101 * DAY && at < 103 * DAY, "{}", at / DAY);
    }

    #[test]
    fn certificates_issued_together_are_not_renewed_together() {
        let of = |host: &str| renewal(&Chain { hosts: vec![host.to_owned()], ..days(100, 190) }, None);
        assert_ne!(of("acme.pl"), of("acme.de"));
    }

    #[test]
    fn pauses_double_to_half_a_day() {
        let pauses: Vec<u64> = (1..=10).map(|failures| pause(failures, 300, None, "pl")).collect();
        for (failures, pause) in (0..).zip(&pauses) {
            let least = (300_u64 << failures).min(LONGEST_PAUSE);
            assert!((least..=least + least / 4).contains(pause), "{pauses:?}");
        }
        assert_eq!(pauses[9] / 3600 / 12, 1);
    }

    #[test]
    fn who_asks_for_more_patience_gets_it() {
        assert_eq!(pause(1, 300, Some(7 * DAY), "pl"), 7 * DAY);
        assert!(pause(9, 300, Some(1), "pl") > 300);
    }
}
