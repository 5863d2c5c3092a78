//! What a script may say about PHP.

use mops_plugin::{
    model::{Diagnostic, Duration, Selector, Size, Text, Value},
    slot::{PhpIni, PhpLimit},
};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runs PHP-FPM on the nodes of the role `app`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Fpm {
    /// The version of PHP; without one, what the site's Magento needs (2.4.6: 8.2).
    pub(crate) version: Option<Version>,
    /// The most requests at work at once (`pm.max_children`). Without a number, half of the node's memory (a quarter,
    /// when the node plays other roles too) divided by 128M, 2 at least and 128 at most.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) processes: Option<u32>,
    /// The most memory a request may take (`memory_limit`).
    #[serde(default = "memory_limit")]
    #[schemars(extend("x-min" = "32M"))]
    pub(crate) memory_limit: Size,
    /// The most time a request may take (`max_execution_time`).
    #[serde(default = "max_execution_time")]
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub(crate) max_execution_time: Duration,
    /// The memory for compiled code (`opcache.memory_consumption`).
    #[serde(default = "opcache")]
    #[schemars(extend("x-min" = "64M", "x-max" = "4G"))]
    pub(crate) opcache: Size,
    /// The largest file, and the largest form, that a visitor may send.
    #[serde(default = "upload")]
    #[schemars(extend("x-min" = "1M"))]
    pub(crate) upload: Size,
    /// After how long a request's trace is written to `php-slow.log`.
    #[serde(default = "slow")]
    #[schemars(extend("x-min" = "1s"))]
    pub(crate) slow: Duration,
}

/// A version of PHP, as Debian's packages are named (<https://packages.sury.org/php/> has those that Debian has not).
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Version {
    /// 8.1.
    #[serde(rename = "8.1")]
    Php81,
    /// 8.2.
    #[serde(rename = "8.2")]
    Php82,
    /// 8.3.
    #[serde(rename = "8.3")]
    Php83,
    /// 8.4.
    #[serde(rename = "8.4")]
    Php84,
    /// 8.5.
    #[serde(rename = "8.5")]
    Php85,
}

/// Sets a key of `php.ini`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Ini {
    /// The key, such as `session.save_path`.
    key: String,
    /// Its value: text, a number, or true or false.
    #[schemars(with = "serde_json::Value")]
    value: Value,
}

/// Gives some requests limits of their own.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Limit {
    /// Which requests.
    #[serde(flatten)]
    selector: Selector,
    /// The most memory one may take (`memory_limit`).
    #[schemars(extend("x-min" = "32M"))]
    memory: Option<Size>,
    /// The most time one may take (`max_execution_time`); every hop outside waits at least as long.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    time: Option<Duration>,
}

fn memory_limit() -> Size {
    Size::mebibytes(756)
}

fn max_execution_time() -> Duration {
    Duration::seconds(600)
}

fn opcache() -> Size {
    Size::mebibytes(512)
}

fn upload() -> Size {
    Size::mebibytes(64)
}

fn slow() -> Duration {
    Duration::seconds(5)
}

impl Version {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Php81 => "8.1",
            Self::Php82 => "8.2",
            Self::Php83 => "8.3",
            Self::Php84 => "8.4",
            Self::Php85 => "8.5",
        }
    }
}

impl Ini {
    pub(crate) fn contribute(self) -> Result<PhpIni, Vec<Diagnostic>> {
        let key =
            Regex::new(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$").expect("it is a regular expression");
        let mut wrong = Vec::new();
        if !key.is_match(&self.key) {
            wrong.push(
                Diagnostic::error("php::wrong-key", format!("{:?} is no key of php.ini", self.key))
                    .at_option("key")
                    .help("write one such as \"date.timezone\""),
            );
        }
        let value = match self.value {
            Value::Text(text) => text,
            Value::Int(number) => Text::literal(number.to_string()),
            Value::Bool(true) => Text::literal("1"),
            Value::Bool(false) => Text::literal("0"),
            value @ (Value::Input(_) | Value::List(_) | Value::Record(_)) => {
                wrong.push(
                    Diagnostic::error(
                        "php::wrong-value",
                        format!("php.ini holds plain values, not {}", value.describe()),
                    )
                    .at_option("value")
                    .help("write text, a number, or true or false"),
                );
                return Err(wrong);
            }
        };
        match wrong.is_empty() {
            true => Ok(PhpIni { key: self.key, value }),
            false => Err(wrong),
        }
    }
}

impl Limit {
    pub(crate) fn contribute(self) -> Result<PhpLimit, Vec<Diagnostic>> {
        let Self { selector, memory, time } = self;
        match (memory, time) {
            (None, None) => Err(vec![
                Diagnostic::error("php::no-limit", "this limits nothing")
                    .help("add `memory: \"2G\"` or `time: \"300s\"`"),
            ]),
            (Some(_), _) | (_, Some(_)) => Ok(PhpLimit { selector, memory, time }),
        }
    }
}
