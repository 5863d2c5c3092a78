//! Certificates of the TLS edge from an authority that everybody trusts.
//!
//! `certificates::acme` puts a daemon on each edge node that asks an ACME directory for one certificate for each
//! website and renews it in time. The edge serves what the machine's own authority has issued until the first one is
//! there, and whatever happens afterwards.
//!
//! **Invariant:** on this machine no authority of the world is asked: it could not look at it, and would count the try.
//! **Invariant:** what is issued for tests is kept apart from what is issued for customers.

mod acme;
mod dns;

use mops_plugin::{
    Calls, Context, Contribution, Function, Lowered, Manifest, Plugin, Slots,
    model::{Call, Diagnostic},
    slot::Slot,
};

/// The plugin `certificates`.
pub struct Certificates;

mops_plugin::export_plugin!(Certificates);

impl Plugin for Certificates {
    fn manifest(&self) -> Manifest {
        Manifest::new("certificates", "Certificates that browsers trust, renewed in time.")
            .function(Function::new::<acme::Options>(
                "acme",
                Calls::Once,
                "certificates::acme(#{ email: \"ops@acme.pl\" });",
            ))
            .function(Function::new::<dns::Options>(
                "dns",
                Calls::Once,
                "certificates::dns(#{ program: path(\"dns/record.sh\"), wait: \"1m\" });",
            ))
            .slot(
                "certificates.dns",
                "Who sets the records that prove whose a host is (ACME's dns-01), instead of an answer over HTTP; at \
                 most one.",
            )
    }

    fn contribute(&self, call: &Call, context: &Context) -> Result<Vec<Contribution>, Vec<Diagnostic>> {
        match call.function.as_str() {
            "acme" => {
                let options = parse::<acme::Options>(call).checked(context)?;
                Ok(options.keeper(context).map(|it| it.contribution()).into_iter().collect())
            }
            "dns" => Ok(vec![parse::<dns::Options>(call).proof().contribution()]),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }

    fn lower(&self, call: &Call, context: &Context, slots: &Slots) -> Result<Lowered, Vec<Diagnostic>> {
        match call.function.as_str() {
            "acme" => parse::<acme::Options>(call).checked(context)?.lower(context, slots),
            "dns" => parse::<dns::Options>(call).lower(context),
            other => unreachable!("the manifest has no function `{other}`"),
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(call: &Call) -> T {
    call.parse().expect("options were checked against the manifest")
}
