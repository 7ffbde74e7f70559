//! One request over HTTPS, with the pod's token. Reads token and CA certificates each time, because the kubelet replaces them.

use crate::cli::{Cli, ServerAddress};
use anyhow::{Context, anyhow};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::socket::{setsockopt, sockopt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Longest answer, octets.
const LONGEST: usize = 1024 * 1024;
/// Time after which the connection is probed while the answer is missing, seconds, and the number of probes: a KDC whose node has
/// gone says nothing.
const PROBE: u32 = 15;
const PROBES: u32 = 3;

/// The program that asks, for people.
pub(crate) const AGENT: &str = concat!("kennel-agent ", env!("CARGO_PKG_VERSION"));

/// An answer, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Bytes,
}

/// Sends a request and reads its answer: the connection and the request have the time limit of the command line, and the answer may
/// take `patience` longer.
pub(crate) async fn post(cli: &Cli, path: &str, body: &impl Serialize, patience: Duration) -> anyhow::Result<Answer> {
    let limit = Duration::from_secs(cli.timeout.max(1)) + patience;
    match tokio::time::timeout(limit, exchange(cli, path, body)).await {
        Ok(answer) => answer,
        Err(_) => Err(anyhow!("{} did not answer within {limit:?}", name(&cli.server))),
    }
}

async fn exchange(cli: &Cli, path: &str, body: &impl Serialize) -> anyhow::Result<Answer> {
    let request = request(&cli.server, path, &token(&cli.token)?, body)?;
    let connector = TlsConnector::from(Arc::new(tls(&cli.ca)?));
    let ServerAddress { host, port } = &cli.server;
    let server_name =
        ServerName::try_from(host.clone()).context("the server is neither a DNS name nor an IP address")?;
    let stream = TcpStream::connect((host.as_str(), *port)).await;
    let stream = stream.with_context(|| format!("{} cannot be reached", name(&cli.server)))?;
    keep_alive(&stream);
    let stream = connector.connect(server_name, stream).await;
    let stream =
        stream.with_context(|| format!("{} could not prove itself under {}", name(&cli.server), cli.ca.display()))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .context("the HTTP connection cannot be set up")?;
    // The connection ends with the exchange, which reports its failures.
    let connection = AbortOnDrop(tokio::spawn(connection));
    let response = sender.send_request(request).await.context("the server did not answer the request")?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST).collect().await;
    drop(connection);
    let body = body.map_err(|error| anyhow!("the answer cannot be read: {error}"))?.to_bytes();
    let after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Answer { status: head.status, retry_after: after.map(Duration::from_secs), body })
}

/// A task that ends with this value: also where the exchange is given up.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Has the system notice a server that is gone. Where the system does not want to, the time limit does.
fn keep_alive(stream: &TcpStream) {
    let _ = setsockopt(stream, sockopt::KeepAlive, &true);
    let _ = setsockopt(stream, sockopt::TcpKeepIdle, &PROBE);
    let _ = setsockopt(stream, sockopt::TcpKeepInterval, &PROBE);
    let _ = setsockopt(stream, sockopt::TcpKeepCount, &PROBES);
}

fn request(
    server: &ServerAddress,
    path: &str,
    token: &str,
    body: &impl Serialize,
) -> anyhow::Result<Request<Full<Bytes>>> {
    let body = serde_json::to_vec(body)?;
    let bearer = Zeroizing::new(format!("Bearer {token}"));
    let mut bearer =
        hyper::header::HeaderValue::from_str(&bearer).context("the token has characters that no token has")?;
    bearer.set_sensitive(true);
    let request = Request::post(path).header(HOST, name(server)).header(CONTENT_TYPE, "application/json");
    Ok(request.header(AUTHORIZATION, bearer).body(Full::new(Bytes::from(body)))?)
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
