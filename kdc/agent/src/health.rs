//! `/livez` and `/readyz`, on a port or a unix socket: the agent is ready while its credentials have not ended.

use crate::cli::Endpoint;
use crate::clock::now;
use crate::credentials::CredentialTimes;
use anyhow::Context;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Longest time of a probe.
const PROMPT: Duration = Duration::from_secs(5);

/// State of the agent.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    held: Option<CredentialTimes>,
    why: Option<String>,
}

impl Health {
    pub(crate) fn held(&self, held: CredentialTimes) {
        *self.lock() = State { held: Some(held), why: None };
    }

    pub(crate) fn failed(&self, why: String) {
        self.lock().why = Some(why);
    }

    /// Checks that there are credentials at this time; the error says why there are none.
    fn ready(&self, now: i64) -> Result<(), String> {
        let state = self.lock();
        let why = || state.why.clone().unwrap_or_else(|| "enrolment is under way".to_owned());
        match state.held {
            None => Err(why()),
            Some(CredentialTimes { until: Some(until), .. }) if until <= now => {
                Err(format!("the ticket has ended: {}", why()))
            }
            Some(_) => Ok(()),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds the endpoint and answers probes in the background.
pub(crate) async fn serve(endpoint: &Endpoint, health: Arc<Health>) -> anyhow::Result<()> {
    match endpoint {
        Endpoint::Tcp(address) => {
            let listener = TcpListener::bind(address).await.with_context(|| format!("{address} cannot be bound"))?;
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer(stream, health.clone()));
                }
            });
        }
        Endpoint::Unix(path) => {
            // An earlier agent may have left its socket behind.
            let _ = std::fs::remove_file(path);
            let listener = UnixListener::bind(path).with_context(|| format!("{} cannot be bound", path.display()))?;
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(answer(stream, health.clone()));
                }
            });
        }
    }
    Ok(())
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, health: Arc<Health>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (status, text) = match (request.uri().path(), health.ready(now())) {
            ("/livez", _) | ("/readyz", Ok(())) => (StatusCode::OK, "ok".to_owned()),
            ("/readyz", Err(why)) => (StatusCode::SERVICE_UNAVAILABLE, why),
            _ => (StatusCode::NOT_FOUND, "not found: this endpoint has /livez and /readyz".to_owned()),
        };
        let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
        *response.status_mut() = status;
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PROMPT).keep_alive(false);
    let _ = tokio::time::timeout(PROMPT * 2, http.serve_connection(TokioIo::new(stream), service)).await;
}

/// Asks the running agent; exit code 0: the agent is ready.
pub(crate) async fn ask(endpoint: Option<&Endpoint>) -> anyhow::Result<ExitCode> {
    let endpoint = endpoint.context("give --health, with the value that the running agent has")?;
    let asked = match endpoint {
        Endpoint::Tcp(address) => request(TcpStream::connect(address).await?).await,
        Endpoint::Unix(path) => request(UnixStream::connect(path).await?).await,
    };
    let (status, text) = asked?;
    println!("{}", text.trim_end());
    Ok(if status == StatusCode::OK { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn request(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> anyhow::Result<(StatusCode, String)> {
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::get("/readyz").header("host", "agent").body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        anyhow::Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::time::timeout(PROMPT, exchange).await.context("the agent does not answer")?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_who_holds_what_has_not_ended() {
        let health = Health::default();
        assert_eq!(health.ready(0), Err("enrolment is under way".into()));
        health.failed("the KDC is away".into());
        assert_eq!(health.ready(0), Err("the KDC is away".into()));
        health.held(CredentialTimes { until: Some(100), refetch_before: 50 });
        assert_eq!(health.ready(99), Ok(()));
        health.failed("the KDC is away".into());
        assert_eq!(health.ready(99), Ok(()), "what is there is good");
        assert_eq!(health.ready(100), Err("the ticket has ended: the KDC is away".into()));
        health.held(CredentialTimes { until: None, refetch_before: 50 });
        assert_eq!(health.ready(i64::MAX), Ok(()), "keys do not end");
    }

    #[tokio::test]
    async fn a_probe_asks_over_a_unix_socket_and_over_tcp() {
        let dir = tempfile::tempdir().unwrap();
        let health = Arc::new(Health::default());
        let socket = Endpoint::Unix(dir.path().join("health"));
        serve(&socket, health.clone()).await.unwrap();
        let asked = |endpoint: Endpoint| async move { ask(Some(&endpoint)).await.unwrap() == ExitCode::SUCCESS };
        assert!(!asked(socket.clone()).await);
        health.held(CredentialTimes { until: None, refetch_before: 50 });
        assert!(asked(socket).await);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let tcp = Endpoint::Tcp(format!("127.0.0.1:{port}"));
        serve(&tcp, health).await.unwrap();
        assert!(asked(tcp).await);
    }
}
