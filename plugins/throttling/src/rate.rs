//! What nginx makes of a rate.
//!
//! nginx knows whole requests a second (`r/s`) and whole requests a minute (`r/m`) and nothing else
//! (<https://nginx.org/en/docs/http/ngx_http_limit_req_module.html#limit_req_zone>).
//!
//! **Invariant:** an [`NginxRate`] is exactly what was asked for, or what a warning said.

use mops_plugin::model::{Duration, Rate};

/// Milliseconds in a minute.
const MINUTE: u64 = 60_000;

/// A rate that nginx can express: whole requests a minute, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NginxRate(u64);

/// nginx cannot express a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inexpressible {
    /// The nearest one below, unless that would let nothing through.
    pub(crate) below: Option<NginxRate>,
    /// The nearest one above.
    pub(crate) above: NginxRate,
}

impl NginxRate {
    /// The rate, if it is a whole number of requests a minute.
    pub(crate) fn of(rate: Rate) -> Result<Self, Inexpressible> {
        let (in_a_minute, per) = (rate.count.saturating_mul(MINUTE), rate.per.as_milliseconds());
        match in_a_minute.is_multiple_of(per) {
            true => Ok(Self(in_a_minute / per)),
            false => {
                let below = in_a_minute / per;
                Err(Inexpressible { below: (below > 0).then_some(Self(below)), above: Self(below + 1) })
            }
        }
    }

    /// The part of one of `nodes` nodes, rounded up.
    pub(crate) fn share(self, nodes: u64) -> Self {
        Self(self.0.div_ceil(nodes))
    }

    /// All of `nodes` nodes together.
    pub(crate) fn times(self, nodes: u64) -> Self {
        Self(self.0.saturating_mul(nodes))
    }

    /// As a count a second where that is whole, and a minute elsewhere.
    pub(crate) fn rate(self) -> Rate {
        match self.0.is_multiple_of(60) {
            true => Rate { count: self.0 / 60, per: Duration::seconds(1) },
            false => Rate { count: self.0, per: Duration::seconds(60) },
        }
    }
}

impl Inexpressible {
    /// What to write instead.
    pub(crate) fn help(self) -> String {
        match self.below {
            Some(below) => format!("write \"{}\" or \"{}\"", below.rate(), self.above.rate()),
            None => format!("the lowest rate is \"{}\"", self.above.rate()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        NginxRate::of(text.parse().unwrap()).map(|it| it.rate().to_string()).map_err(Inexpressible::help)
    }

    #[test]
    fn a_whole_number_a_second_or_a_minute_is_exact() {
        for (asked, exact) in [
            ("10/1m", "10/1m"),
            ("30/1s", "30/1s"),
            ("600/1h", "10/1m"),
            ("1/2s", "30/1m"),
            ("120/2m", "1/1s"),
        ] {
            assert_eq!(of(asked).unwrap(), exact, "{asked}");
        }
    }

    #[test]
    fn what_nginx_cannot_express_is_refused_with_the_nearest() {
        assert_eq!(of("100/1h").unwrap_err(), "write \"1/1m\" or \"2/1m\"");
        assert_eq!(of("1/1h").unwrap_err(), "the lowest rate is \"1/1m\"");
        assert_eq!(of("2/7s").unwrap_err(), "write \"17/1m\" or \"18/1m\"");
    }
}
