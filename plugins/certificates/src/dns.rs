//! `certificates::dns`: a program of the user's own sets the records that prove whose a host is.

use mops_plugin::{
    Context, Lowered,
    model::{Diagnostic, Duration, Input, Text},
    slot::DnsProof,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::acme::DAEMON;

/// The program within the closure.
const PROGRAM: &str = "acme/dns";

/// Proves whose a host is in the domain name system, with a program of your own. Hosts with a star need it, and sites
/// whose plain HTTP the world cannot reach.
///
/// The program is run as `set NAME VALUE` before the authority looks, and as `clear NAME VALUE` afterwards, for TXT
/// records such as `_acme-challenge.acme.pl`; two of one name may stand beside each other. It ends with 0 when it is
/// done, within two minutes. It runs as the account of the daemons, with `PATH` as its only variable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Options {
    /// The program, such as a shell script that calls your provider's API.
    #[schemars(schema_with = "file")]
    program: Input,
    /// How long the world may take to see a record. From 0s to 5m, 30s by default.
    #[schemars(extend("x-min" = "0s", "x-max" = "5m"))]
    #[serde(default = "wait")]
    wait: Duration,
}

fn wait() -> Duration {
    Duration::seconds(30)
}

impl Options {
    /// What the daemon runs.
    pub(crate) fn proof(&self) -> DnsProof {
        DnsProof { run: vec![Text::here("current").then(format!("/files/{PROGRAM}"))], wait: self.wait }
    }

    /// The program as a file of the edge nodes.
    ///
    /// # Errors
    /// When it is no text, or nobody would run it.
    pub(crate) fn lower(&self, context: &Context) -> Result<Lowered, Vec<Diagnostic>> {
        let mut lowered = Lowered::default();
        if context.site.calls("certificates", "acme").next().is_none() {
            let message = "nobody asks for certificates, so that no record is ever set";
            let help = "add certificates::acme(#{ email: \"ops@acme.pl\" });";
            return Err(vec![Diagnostic::error("certificates::no-acme", message).help(help)]);
        }
        let Some(text) = self.program.text.clone() else {
            let message = format!("`program`: {} is no text of at most 1 MiB", self.program.path);
            let help = "name a script; it may run a program that is installed";
            return Err(vec![
                Diagnostic::error("certificates::program", message).at_option("program").help(help),
            ]);
        };
        lowered.program("edge", PROGRAM, Text::literal(text), DAEMON);
        Ok(lowered)
    }
}

fn file(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "format": "file" })
}
