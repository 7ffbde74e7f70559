//! HTTP and HTTPS: sockets, TLS, timeouts, and a limit of connections. A slow connection times out and delays no other.

use crate::error::ListenError;
use crate::limits::{ACCEPT_PAUSE, GRACE};
use crate::sockets::explain;
use crate::stop::stop;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// The client's address, as an extension of each request.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// Connections that may be open at a time.
const CONNECTIONS: usize = 512;
/// Time limit of the TLS handshake, and of the head of each request.
const PROMPT: Duration = Duration::from_secs(5);
/// Time after which a connection closes, whatever its state.
const LIFE: Duration = Duration::from_secs(60);

/// Bound sockets, not served yet.
pub struct HttpListener(Vec<TcpListener>);

/// Sockets that are being served.
pub struct HttpServer {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl HttpListener {
    /// Binds every address.
    ///
    /// # Errors
    /// [`ListenError`] of the first address that cannot be bound.
    pub fn bind(addresses: &[SocketAddr]) -> Result<HttpListener, ListenError> {
        let bind = |address: &SocketAddr| {
            let listener = TcpListener::bind(address).map_err(|error| explain(error, *address, "HTTP"))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        addresses.iter().map(bind).collect::<Result<_, ListenError>>().map(HttpListener)
    }

    /// The addresses, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Serves `router`, over TLS where `tls` is given. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`ListenError::Serve`] where the runtime does not accept a socket.
    pub fn serve(self, router: &Router, tls: Option<Arc<ServerConfig>>) -> Result<HttpServer, ListenError> {
        let acceptor = tls.map(TlsAcceptor::from);
        let (stop, stopped) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let mut tasks = JoinSet::new();
        for listener in self.0 {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let shared = Shared { acceptor: acceptor.clone(), router: router.clone(), permits: permits.clone() };
            tasks.spawn(shared.accept(listener, stopped.clone()));
        }
        Ok(HttpServer { stop, tasks })
    }
}

impl HttpServer {
    /// Accepts nothing new and finishes the requests that have begun, within 5 seconds.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(GRACE, all).await.is_err() {
            tracing::warn!(grace = ?GRACE, "HTTP requests were still running at the end of the grace period");
        }
    }
}

#[derive(Clone)]
struct Shared {
    acceptor: Option<TlsAcceptor>,
    router: Router,
    permits: Arc<Semaphore>,
}

impl Shared {
    async fn accept(self, listener: tokio::net::TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            tokio::select! {
                () = stop(&mut stopped) => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let (shared, stopped) = (self.clone(), stopped.clone());
                        connections.spawn(async move {
                            let _permit = permit;
                            let _ = timeout(LIFE, shared.connection(stream, peer, stopped)).await;
                        });
                    }
                    Err(error) => {
                        tracing::error!(%error, "HTTP connections cannot be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(self, stream: TcpStream, peer: SocketAddr, stopped: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = self.acceptor else { return http(self.router, stream, peer, stopped).await };
        match timeout(PROMPT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => http(self.router, stream, peer, stopped).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }
}

async fn http(
    router: Router,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    mut stopped: watch::Receiver<bool>,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(PeerAddress(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, request.map(Body::new)).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PROMPT).max_buf_size(64 * 1024);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => if let Err(error) = done {
            tracing::debug!(%peer, %error, "an HTTP connection failed");
        },
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(router: Router, request: Request<Body>) -> axum::response::Response {
    use tower::ServiceExt;
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
