//! One order: names proved, a key made, a chain fetched.

use std::{error::Error as _, fmt, io, time::Duration};

use instant_acme::{
    Account, AuthorizationStatus, Error, Identifier, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

use crate::{KeyType, proof::Proof};

/// How long the authority may take to look at proofs, and to issue.
const POLLS: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_mins(2));

/// Why there is no certificate.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What the authority, or the way to it, has against it.
    Authority(Error),
    /// What is wrong on this side.
    Here(String),
}

/// Orders a certificate for `hosts`. Returns chain and key (PEM), the chain first.
///
/// # Errors
/// Why there is none.
pub(crate) async fn order(
    account: &Account,
    hosts: &[String],
    key: KeyType,
    proof: &mut Proof,
) -> Result<String, Refusal> {
    let names: Vec<Identifier> = hosts.iter().map(|it| Identifier::Dns(it.clone())).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    prove(&mut order, proof).await?;
    let key = match key {
        KeyType::P256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        KeyType::P384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
    };
    let key = key.map_err(|err| Refusal::Here(format!("a key: {err}")))?;
    let request = CertificateParams::new(hosts).and_then(|mut it| {
        it.distinguished_name = DistinguishedName::new();
        it.serialize_request(&key)
    });
    let request = request.map_err(|err| Refusal::Here(format!("the request: {err}")))?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&POLLS).await?;
    Ok(format!("{}\n{}", chain.trim_end(), key.serialize_pem()))
}

/// Whether the authority says that it is about this (RFC 8555, 6.7).
pub(crate) fn is_about(refusal: &Refusal, kind: &str) -> bool {
    match refusal {
        Refusal::Authority(Error::Api(Problem { r#type: Some(it), .. })) => it.ends_with(&format!(":{kind}")),
        Refusal::Authority(_) | Refusal::Here(_) => false,
    }
}

async fn prove(order: &mut Order, proof: &mut Proof) -> Result<(), Refusal> {
    let kind = proof.kind();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending {
            let challenge = authorization.challenge(kind.clone()).ok_or_else(|| not_offered(&kind))?;
            proof.set(&challenge).await?;
        }
    }
    proof.spread().await;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Pending {
            authorization.challenge(kind.clone()).ok_or_else(|| not_offered(&kind))?.set_ready().await?;
        }
    }
    match order.poll_ready(&POLLS).await? {
        OrderStatus::Ready | OrderStatus::Valid => Ok(()),
        OrderStatus::Invalid | OrderStatus::Pending | OrderStatus::Processing => {
            Err(Refusal::Here(unproved(order).await?))
        }
    }
}

/// What the authority found when it looked at the proofs.
async fn unproved(order: &mut Order) -> Result<String, Refusal> {
    let mut found = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let state = authorization.refresh().await?;
        let host = state.identifier().to_string();
        let problems = state.challenges.iter().filter_map(|it| it.error.as_ref());
        found.extend(problems.map(|it| format!("{host}: {}", said(it))));
    }
    match found.is_empty() {
        true => Ok("the order is invalid, and the authority does not say why".to_owned()),
        false => Ok(found.join("; ")),
    }
}

fn not_offered(kind: &impl fmt::Debug) -> Refusal {
    Refusal::Here(format!("the authority does not offer {kind:?}"))
}

/// A problem in the authority's words.
fn said(problem: &Problem) -> String {
    let kind = problem.r#type.as_deref().and_then(|it| it.rsplit(':').next());
    let detail = problem.detail.as_deref().unwrap_or("it does not say why");
    let details = problem.subproblems.iter().filter_map(|it| it.detail.as_deref());
    let words: Vec<&str> = [detail].into_iter().chain(details).collect();
    match kind {
        Some(kind) => format!("{} ({kind})", words.join("; ")),
        None => words.join("; "),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(why) => f.write_str(why),
            Self::Authority(Error::Api(problem)) => f.write_str(&said(problem)),
            Self::Authority(err) => {
                write!(f, "{err}")?;
                let mut cause = err.source();
                while let Some(it) = cause {
                    write!(f, ": {it}")?;
                    cause = it.source();
                }
                Ok(())
            }
        }
    }
}

impl From<Error> for Refusal {
    fn from(err: Error) -> Self {
        Self::Authority(err)
    }
}

impl From<io::Error> for Refusal {
    fn from(err: io::Error) -> Self {
        Self::Here(err.to_string())
    }
}
