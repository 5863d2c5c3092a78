//! What a script may say about the application.

use mops_plugin::{
    Contribution,
    model::{Diagnostic, Name, Text, Value},
    slot::{MagentoConfig, MagentoEnv, Slot},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Runs Magento on the nodes of the role `app`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct App {
    /// `MAGE_MODE`.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Where Magento's cron runs.
    #[serde(default)]
    pub(crate) cron: Cron,
}

/// `MAGE_MODE` (<https://experienceleague.adobe.com/docs/commerce-operations/configuration-guide/setup/application-modes.html>).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Everything is compiled and deployed beforehand.
    #[default]
    Production,
    /// Errors are shown, and `X-Magento-Debug` is sent.
    Developer,
}

/// Where Magento's cron runs.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cron {
    /// On the first node, every minute.
    #[default]
    FirstNode,
    /// Nowhere.
    Off,
}

/// Sets a key of `app/etc/env.php`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Env {
    /// Where, as keys joined with `/`: `session/redis/max_concurrency`.
    path: String,
    /// Its value: text, a number, true or false, a list, or a map.
    #[schemars(with = "serde_json::Value")]
    value: Value,
}

/// Sets a key of Magento's configuration (`core_config_data`), so that nobody can change it in the admin.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Config {
    /// The path, such as `catalog/search/engine`.
    path: String,
    /// Its value: text, a number, or true or false.
    #[schemars(with = "serde_json::Value")]
    value: Value,
    /// The website it is for; without one, it is the default of all.
    #[schemars(with = "Option<String>", extend("format" = "website"))]
    website: Option<Name>,
}

impl Env {
    pub(crate) fn contribute(self) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        check_path(&self.path)?;
        Ok(vec![MagentoEnv { path: self.path, value: self.value }.contribution()])
    }
}

impl Config {
    pub(crate) fn contribute(self) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        let value = match self.value {
            Value::Text(text) => text,
            Value::Int(number) => Text::literal(number.to_string()),
            Value::Bool(true) => Text::literal("1"),
            Value::Bool(false) => Text::literal("0"),
            value @ (Value::Input(_) | Value::List(_) | Value::Record(_)) => {
                let message = format!("Magento's configuration holds plain values, not {}", value.describe());
                return Err(vec![
                    Diagnostic::error("magento::wrong-value", message)
                        .at_option("value")
                        .help("write text, a number, or true or false"),
                ]);
            }
        };
        check_path(&self.path)?;
        Ok(vec![MagentoConfig { website: self.website, path: self.path, value }.contribution()])
    }
}

fn check_path(path: &str) -> Result<(), Vec<Diagnostic>> {
    match path.split('/').all(|it| !it.is_empty() && !it.contains(char::is_whitespace)) {
        true => Ok(()),
        false => Err(vec![
            Diagnostic::error("magento::wrong-path", format!("{path:?} is no path"))
                .at_option("path")
                .help("write keys joined with `/`, such as \"catalog/search/engine\""),
        ]),
    }
}
