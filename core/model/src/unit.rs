//! Values that carry their unit. Each is parsed once, from the text a person writes, and printed in one form.

use std::{fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The text is no value of the wanted unit.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text:?} is not {what}: {hint}")]
pub struct InvalidUnit {
    /// The text.
    pub text: String,
    /// What was wanted, with its article.
    pub what: &'static str,
    /// How to write one.
    pub hint: &'static str,
}

/// An amount of memory or storage, in bytes; written `"512M"`, units `K M G T`, powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

impl Size {
    /// How to write one.
    pub const HINT: &'static str = "write a whole number and a unit, such as \"512M\" or \"4G\"";
    const UNITS: [(&'static str, u32); 4] = [("T", 40), ("G", 30), ("M", 20), ("K", 10)];

    /// So many bytes.
    pub const fn bytes(count: u64) -> Self {
        Self(count)
    }

    /// So many mebibytes.
    pub const fn mebibytes(count: u64) -> Self {
        Self(count << 20)
    }

    /// The number of bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// The number of whole mebibytes.
    pub const fn as_mebibytes(self) -> u64 {
        self.0 >> 20
    }

    /// `percent` of it, rounded down.
    pub const fn percent(self, percent: u64) -> Self {
        Self(self.0 / 100 * percent)
    }
}

impl FromStr for Size {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let wrong = || InvalidUnit { text: text.to_owned(), what: "a size", hint: Self::HINT };
        let (digits, unit) = split_unit(text);
        let unit = unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B')).unwrap_or(unit);
        let shift = match unit.to_ascii_uppercase().as_str() {
            "" if text.ends_with('B') => 0,
            unit => Self::UNITS.iter().find(|(it, _)| *it == unit).ok_or_else(wrong)?.1,
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        count.checked_mul(1 << shift).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |shift: u32| self.0 != 0 && self.0.trailing_zeros() >= shift;
        match Self::UNITS.iter().find(|(_, shift)| whole(*shift)) {
            Some((unit, shift)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// A length of time, in milliseconds; written `"90s"`, units `ms s m h d w`, which may follow one another (`"1h30m"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration(u64);

impl Duration {
    /// How to write one.
    pub const HINT: &'static str = "write a whole number and a unit, such as \"90s\", \"10m\" or \"3d\"";
    const UNITS: [(&'static str, u64); 6] =
        [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

    /// So many seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(count * 1000)
    }

    /// So many milliseconds.
    pub const fn milliseconds(count: u64) -> Self {
        Self(count)
    }

    /// The number of milliseconds.
    pub const fn as_milliseconds(self) -> u64 {
        self.0
    }

    /// The number of whole seconds, rounded up.
    pub const fn as_seconds(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// As the standard library has it.
    pub const fn to_std(self) -> time::Duration {
        time::Duration::from_millis(self.0)
    }
}

impl FromStr for Duration {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let wrong = || InvalidUnit { text: text.to_owned(), what: "a duration", hint: Self::HINT };
        let mut total = 0_u64;
        let mut rest = text;
        while !rest.is_empty() || text.is_empty() {
            let (digits, after) = split_unit(rest);
            let unit = &after[..after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len())];
            let (_, factor) = Self::UNITS.iter().find(|(it, _)| *it == unit).ok_or_else(wrong)?;
            let count: u64 = digits.parse().map_err(|_| wrong())?;
            let part = count.checked_mul(*factor).ok_or_else(wrong)?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            rest = &after[unit.len()..];
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (unit, factor) = Self::UNITS
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .expect("the last factor is 1");
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// So many events in so much time; written `"10/1m"`: ten a minute. The time may leave out its 1: `"10/m"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate {
    /// How many.
    pub count: u64,
    /// In how much time.
    pub per: Duration,
}

impl Rate {
    /// How to write one.
    pub const HINT: &'static str = "write a count and a time, such as \"10/1m\" or \"30/1s\"";
}

impl FromStr for Rate {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let wrong = || InvalidUnit { text: text.to_owned(), what: "a rate", hint: Self::HINT };
        let (count, per) = text.split_once('/').ok_or_else(wrong)?;
        let count: u64 = count.parse().map_err(|_| wrong())?;
        let per: Duration = match per.starts_with(|c: char| c.is_ascii_digit()) {
            true => per.parse(),
            false => format!("1{per}").parse(),
        }
        .map_err(|_| wrong())?;
        match count > 0 && per.0 > 0 {
            true => Ok(Self { count, per }),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

/// A network: `"10.20.0.0/16"`; an address alone is a network of one. Host bits must be zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(ipnet::IpNet);

impl Cidr {
    /// How to write one.
    pub const HINT: &'static str = "write an address and a prefix length, such as \"10.20.0.0/16\"";

    /// Whether `address` lies within.
    pub fn contains(&self, address: &std::net::IpAddr) -> bool {
        self.0.contains(address)
    }

    /// The network's first address, without the prefix length.
    pub fn address(&self) -> std::net::IpAddr {
        self.0.network()
    }

    /// The length of the prefix, in bits.
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }
}

impl FromStr for Cidr {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let wrong = |hint| InvalidUnit { text: text.to_owned(), what: "a network", hint };
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            return Ok(Self(address.into()));
        }
        let net: ipnet::IpNet = text.parse().map_err(|_| wrong(Self::HINT))?;
        match net.trunc() == net {
            true => Ok(Self(net)),
            false => Err(wrong("bits after the prefix must be zero")),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A host name in lower case, without port: `"www.acme.pl"` (RFC 1123, 2.1). `"*.acme.pl"` stands for every name one
/// label deeper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

impl Host {
    /// How to write one.
    pub const HINT: &'static str = "write a name such as \"www.acme.pl\": no scheme, no port, no path";

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Host {
    type Err = InvalidUnit;

    fn from_str(text: &str) -> Result<Self, InvalidUnit> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let name = text.strip_prefix("*.").unwrap_or(text);
        match name.len() <= 253 && name.split('.').all(is_label) {
            true => Ok(Self(text.to_ascii_lowercase())),
            false => Err(InvalidUnit { text: text.to_owned(), what: "a host name", hint: Self::HINT }),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// What every unit shares: it travels as text, and its JSON schema names it in `format`.
macro_rules! travels_as_text {
    ($($unit:ident $format:literal,)+) => {$(
        impl TryFrom<String> for $unit {
            type Error = InvalidUnit;

            fn try_from(text: String) -> Result<Self, InvalidUnit> {
                text.parse()
            }
        }

        impl From<$unit> for String {
            fn from(unit: $unit) -> Self {
                unit.to_string()
            }
        }

        impl JsonSchema for $unit {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $format })
            }
        }
    )+};
}

travels_as_text! {
    Size "size",
    Duration "duration",
    Rate "rate",
    Cidr "cidr",
    Host "host",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_printed_in_its_one_form() {
        let size = |text: &str| text.parse::<Size>().map(|it| it.to_string());
        assert_eq!(size("4G").unwrap(), "4G");
        assert_eq!(size("1024M").unwrap(), "1G");
        assert_eq!(size("512MiB").unwrap(), "512M");
        assert_eq!(size("10B").unwrap(), "10B");
        let time = |text: &str| text.parse::<Duration>().map(|it| it.to_string());
        assert_eq!(time("1h30m").unwrap(), "90m");
        assert_eq!(time("72h").unwrap(), "3d");
        assert_eq!(time("0s").unwrap(), "0s");
        assert_eq!("10/m".parse::<Rate>().unwrap().to_string(), "10/1m");
        assert_eq!("10.0.0.7".parse::<Cidr>().unwrap().to_string(), "10.0.0.7/32");
        assert_eq!("WWW.acme.PL".parse::<Host>().unwrap().to_string(), "www.acme.pl");
    }

    #[test]
    fn what_has_no_unit_or_the_wrong_one_is_refused() {
        for text in ["", "4", "G", "4X", "-4G", "4 G", "99999999999T"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        for text in ["", "5", "s", "5y", "5s3"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        for text in ["", "10", "0/1s", "10/0s", "x/1s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        for text in ["10.0.0.1/16", "10.0.0.0/33", "acme.pl"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
        for text in ["", "https://acme.pl", "acme.pl:80", "acme..pl", "-acme.pl", "a b"] {
            assert!(text.parse::<Host>().is_err(), "{text}");
        }
    }
}
