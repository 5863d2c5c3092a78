//! The connection to a directory: HTTP over TLS, with an eye on how long it asks us to stay away.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header::RETRY_AFTER};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the directory last asked us to stay away, in seconds; 0 when it did not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<AtomicU64>);

/// A connection.
pub(crate) struct Connection {
    http: Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>,
    asked: Asked,
    clock: fn() -> u64,
}

impl Asked {
    /// What it asked for, in seconds.
    pub(crate) fn seconds(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|it| *it > 0)
    }
}

impl Connection {
    /// A connection that trusts `roots` (PEM), or what the system trusts. `clock` tells the seconds since 1970.
    ///
    /// # Errors
    /// When `roots` holds no certificate, or the system trusts none.
    pub(crate) fn new(roots: Option<&str>, asked: Asked, clock: fn() -> u64) -> Result<Self, String> {
        let connector = match roots {
            Some(pem) => HttpsConnectorBuilder::new().with_tls_config(trusting(pem)?),
            None => HttpsConnectorBuilder::new()
                .try_with_platform_verifier()
                .map_err(|err| format!("what the system trusts: {err}"))?,
        };
        let connector = connector.https_only().enable_http1().build();
        Ok(Self { http: Client::builder(TokioExecutor::new()).build(connector), asked, clock })
    }
}

impl HttpClient for Connection {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let answer = self.http.request(request);
        let (asked, clock) = (self.asked.clone(), self.clock);
        Box::pin(async move {
            let late =
                || Error::Other(format!("{host} does not answer within {} s", PATIENCE.as_secs()).into());
            let answer = tokio::time::timeout(PATIENCE, answer).await.map_err(|_| late())?;
            let answer = answer.map_err(|err| Error::Other(Box::new(err)))?;
            if answer.status().is_client_error() || answer.status().is_server_error() {
                asked.0.store(retry_after(answer.headers(), clock()).unwrap_or(0), Ordering::Relaxed);
            }
            explained(&host, answer)
        })
    }
}

/// The answer, when it is one that ACME knows: what a proxy in front of the directory says is no problem document.
fn explained<B>(host: &str, answer: Response<B>) -> Result<BytesResponse, Error>
where
    Response<B>: Into<BytesResponse>,
{
    let kind = answer.headers().get(http::header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let status = answer.status();
    let is_failure = status.is_client_error() || status.is_server_error();
    match is_failure && !kind.is_some_and(|it| it.contains("json")) {
        true => Err(Error::Other(format!("{host} answers {status}").into())),
        false => Ok(answer.into()),
    }
}

/// The seconds that an answer asks for: a number, or a time (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: u64) -> Option<u64> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    // What is neither asks for nothing.
    value.parse().ok().or_else(|| {
        let at = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(at.as_secs().saturating_sub(now))
    })
}

fn trusting(pem: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|err| format!("the authority's certificates: {err}"))?;
        roots.add(certificate).map_err(|err| format!("the authority's certificates: {err}"))?;
    }
    if roots.is_empty() {
        return Err("the authority's certificates: there is none".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|err| err.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, 1_000_000_000)
    }

    #[test]
    fn how_long_to_stay_away_is_a_number_or_a_time() {
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Sun, 09 Sep 2001 01:47:40 GMT"), Some(60));
        assert_eq!(asked("Sun, 09 Sep 2001 01:00:00 GMT"), Some(0));
        assert_eq!(asked("soon"), None);
    }

    #[test]
    fn roots_without_a_certificate_are_refused() {
        let refused = Connection::new(Some("nothing"), Asked::default(), || 0).err();
        assert_eq!(refused.as_deref(), Some("the authority's certificates: there is none"));
    }
}
