//! One enrolment over HTTPS: sends the token, receives the credentials. Reads token and CA certificates each time, because
//! the kubelet replaces them.

use crate::cli::{Cli, ServerAddress};
use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use kennel_wire::enrol::{EnrollError, EnrollRequest, EnrollResponse, path};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Longest answer, octets.
const LONGEST: usize = 1024 * 1024;

/// Why there are no credentials.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The KDC refuses this pod, and would refuse the same request again.
    Refused(String),
    /// A later attempt may succeed; with the pause that the KDC asks for, if it asks for one.
    Later(String, Option<Duration>),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Later(format!("{error:#}"), None)
    }
}

pub(crate) async fn enrol(cli: &Cli) -> Result<EnrollResponse, Failure> {
    let limit = Duration::from_secs(cli.timeout.max(1));
    match tokio::time::timeout(limit, exchange(cli)).await {
        Ok(result) => result,
        Err(_) => Err(anyhow!("{} did not answer within {limit:?}", name(&cli.server)).into()),
    }
}

async fn exchange(cli: &Cli) -> Result<EnrollResponse, Failure> {
    let token = token(&cli.token)?;
    let connector = TlsConnector::from(Arc::new(tls(&cli.ca)?));
    let ServerAddress { host, port } = &cli.server;
    let server_name =
        ServerName::try_from(host.clone()).context("the server is neither a DNS name nor an IP address")?;
    let stream = TcpStream::connect((host.as_str(), *port)).await;
    let stream = stream.with_context(|| format!("{} cannot be reached", name(&cli.server)))?;
    let stream = connector.connect(server_name, stream).await;
    let stream =
        stream.with_context(|| format!("{} could not prove itself under {}", name(&cli.server), cli.ca.display()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .context("the HTTP connection cannot be set up")?;
    // The connection ends with the exchange, which reports its failures.
    let connection = tokio::spawn(connection);
    let response =
        sender.send_request(request(&cli.server, &token)?).await.context("the server did not answer the enrolment")?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    connection.abort();
    let body = body.map_err(|error| anyhow!("the answer cannot be read: {error}"))?.to_bytes();
    if head.status == StatusCode::OK {
        let response = serde_json::from_slice(&body).context("the answer is not that of an enrolment")?;
        return Ok(response);
    }
    let after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Err(failure(head.status, &body, after.map(Duration::from_secs)))
}

fn request(server: &ServerAddress, token: &str) -> anyhow::Result<Request<Full<Bytes>>> {
    let agent = concat!("kennel-agent ", env!("CARGO_PKG_VERSION")).to_owned();
    let body = serde_json::to_vec(&EnrollRequest { enctypes: Vec::new(), agent: Some(agent) })?;
    let bearer = Zeroizing::new(format!("Bearer {token}"));
    let mut bearer =
        hyper::header::HeaderValue::from_str(&bearer).context("the token has characters that no token has")?;
    bearer.set_sensitive(true);
    let request = Request::post(path::ENROLL).header(HOST, name(server)).header(CONTENT_TYPE, "application/json");
    Ok(request.header(AUTHORIZATION, bearer).body(Full::new(Bytes::from(body)))?)
}

/// Makes a failure of an answer without success.
fn failure(status: StatusCode, body: &[u8], after: Option<Duration>) -> Failure {
    match serde_json::from_slice::<EnrollError>(body) {
        Ok(EnrollError { reason, message, retryable: false }) => Failure::Refused(format!("{reason}: {message}")),
        Ok(EnrollError { reason, message, retryable: true }) => Failure::Later(format!("{reason}: {message}"), after),
        // Not an answer of the KDC: a proxy in between, or another server.
        Err(_) => Failure::Later(format!("the server answered {status}, but not as the enrolment API does"), after),
    }
}

fn token(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.with_context(|| {
        format!("the token {} cannot be read: mount a projected service account token there", path.display())
    })?;
    let token = Zeroizing::new(text.trim().to_owned());
    anyhow::ensure!(!token.is_empty(), "the token {} is empty", path.display());
    Ok(token)
}

fn tls(ca: &Path) -> anyhow::Result<ClientConfig> {
    let pem = std::fs::read(ca)
        .with_context(|| format!("{} cannot be read: mount ca.crt of the ConfigMap kennel-krb5 there", ca.display()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.ok().with_context(|| format!("{} is not PEM", ca.display()))?;
        roots.add(certificate).with_context(|| format!("{} holds a certificate that cannot be used", ca.display()))?;
    }
    anyhow::ensure!(!roots.is_empty(), "{} holds no certificate", ca.display());
    let provider = Arc::new(rustls_graviola::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn name(server: &ServerAddress) -> String {
    if server.host.contains(':') {
        format!("[{}]:{}", server.host, server.port)
    } else {
        format!("{}:{}", server.host, server.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_good_is_told_from_what_may_come_later() {
        let body = |retryable| format!(r#"{{"reason":"PodEnded","message":"m","retryable":{retryable}}}"#);
        let of = |status, body: &str| failure(status, body.as_bytes(), Some(Duration::from_secs(3)));
        assert!(matches!(of(StatusCode::FORBIDDEN, &body(false)), Failure::Refused(m) if m == "PodEnded: m"));
        let after = Some(Duration::from_secs(3));
        assert!(matches!(of(StatusCode::SERVICE_UNAVAILABLE, &body(true)), Failure::Later(_, a) if a == after));
        for (status, odd) in [(StatusCode::FORBIDDEN, "<html>"), (StatusCode::BAD_GATEWAY, "")] {
            assert!(matches!(of(status, odd), Failure::Later(m, _) if m.contains("not as the enrolment API does")));
        }
    }

    #[test]
    fn a_missing_token_or_trust_says_what_to_mount() {
        let dir = tempfile::tempdir().unwrap();
        let error = format!("{:#}", token(&dir.path().join("token")).unwrap_err());
        assert!(error.contains("projected service account token"), "{error}");
        let error = format!("{:#}", tls(&dir.path().join("ca.crt")).unwrap_err());
        assert!(error.contains("ConfigMap kennel-krb5"), "{error}");
        std::fs::write(dir.path().join("ca.crt"), "no certificate").unwrap();
        assert!(tls(&dir.path().join("ca.crt")).is_err());
    }
}
