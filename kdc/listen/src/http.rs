//! HTTP and HTTPS: sockets, TLS, timeouts, and the limit of connections that all listeners have. A connection that waits for its
//! client (in the TLS handshake, for a request or its body, to take a response) may be closed for another one.

use crate::admission::{Admission, Slot};
use crate::error::ListenError;
use crate::limits::GRACE;
use crate::reports::Reports;
use crate::sockets::{bind_each, bind_tcp};
use crate::stop::stop;
use crate::tcp::after_failed_accept;
use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request};
use hyper::body::{Body as HttpBody, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// The client's address, as an extension of each request.
#[derive(Debug, Clone, Copy)]
pub struct PeerAddress(pub SocketAddr);

/// The time at which the connection of a request closes at the latest, as an extension of each request: an answer that goes on has
/// to end before.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionEnd(pub Instant);

/// The connection of a request, as an extension of each request.
#[derive(Clone)]
pub struct ConnectionSlot(Arc<Slot>);

impl ConnectionSlot {
    /// Parks the connection, so that its request may wait for `limit` without a place among the open connections. The connection
    /// closes after the answer. Returns false where too many connections are parked: the request then has to be answered soon.
    #[must_use]
    pub fn park(&self, limit: Duration) -> bool {
        self.0.park(std::time::Instant::now() + limit + WAIT)
    }
}

/// Connections that may be open at a time, a quarter of them from one source.
const CONNECTIONS: usize = 512;
/// Time limit of the TLS handshake, and of the head of each request.
const PROMPT: Duration = Duration::from_secs(5);
/// Time after which a connection closes that waits for its client.
const WAIT: Duration = Duration::from_secs(10);
/// Interval at which a connection compares its wait with [`WAIT`].
const LOOK: Duration = Duration::from_secs(1);
/// Time after which a connection closes, whatever its state.
pub(crate) const LIFE: Duration = Duration::from_secs(60);
/// Interval at which the times of a parked connection are compared: there may be many of them.
const LOOK_AT_PARKED: Duration = Duration::from_secs(5);

/// Bound sockets, not served yet.
pub struct HttpListener(Vec<TcpListener>);

/// Sockets that are being served.
pub struct HttpServer {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl HttpListener {
    /// Binds every address. Leaves out IPv6 addresses where the system has no IPv6, as long as another address is left.
    ///
    /// # Errors
    /// [`ListenError`] of the first address that cannot be bound.
    pub fn bind(addresses: &[SocketAddr]) -> Result<HttpListener, ListenError> {
        bind_each(addresses, "HTTP", bind_tcp).map(HttpListener)
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
        self.serve_with_parking(router, tls, 0)
    }

    /// Serves as [`HttpListener::serve`] does; requests may park up to `parked` connections by their [`ConnectionSlot`].
    ///
    /// # Errors
    /// Those of [`HttpListener::serve`].
    pub fn serve_with_parking(
        self,
        router: &Router,
        tls: Option<Arc<ServerConfig>>,
        parked: usize,
    ) -> Result<HttpServer, ListenError> {
        let (stop, stopped) = watch::channel(false);
        let (admission, refused) = (Admission::with_parking(CONNECTIONS, parked), Arc::new(Reports::default()));
        let mut tasks = JoinSet::new();
        for listener in self.0 {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (tls, router) = (tls.clone(), router.clone());
            let shared = Shared { tls, router, admission: admission.clone(), refused: refused.clone() };
            tasks.spawn(shared.accept(listener, stopped.clone()));
        }
        Ok(HttpServer::new(stop, tasks))
    }

    /// Serves `router` without TLS on a thread and a runtime of its own, so that no other listener delays a response.
    ///
    /// # Errors
    /// [`ListenError::Serve`] where the system refuses a thread, a runtime or a socket.
    pub fn serve_apart(self, router: Router, thread: &str) -> Result<ApartServer, ListenError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let server = {
            let _inside = runtime.enter();
            self.serve(&router, None)?
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let run = move || {
            runtime.block_on(async move {
                let _ = stopped.await;
                server.stop().await;
            });
        };
        std::thread::Builder::new().name(thread.to_owned()).spawn(run)?;
        Ok(ApartServer { _stop: stop })
    }
}

/// A server on a thread of its own. It stops when this value is dropped.
pub struct ApartServer {
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl HttpServer {
    pub(crate) fn new(stop: watch::Sender<bool>, tasks: JoinSet<()>) -> HttpServer {
        HttpServer { stop, tasks }
    }

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
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    admission: Admission,
    refused: Arc<Reports>,
}

impl Shared {
    async fn accept(self, listener: tokio::net::TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop(&mut stopped) => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &stopped, &mut connections),
                    Err(error) => after_failed_accept(&error, &self.admission).await,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    fn admit(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stopped: &watch::Receiver<bool>,
        connections: &mut JoinSet<()>,
    ) {
        let Some(slot) = self.admission.admit(peer.ip()) else {
            if let Some(refused) = self.refused.due() {
                tracing::warn!(%peer, refused, "HTTP connections are refused: every one that this client may have is busy");
            }
            return;
        };
        let (shared, slot, stopped) = (self.clone(), Arc::new(slot), stopped.clone());
        connections.spawn(async move {
            let end = Instant::now() + LIFE;
            tokio::select! {
                () = shared.connection(stream, peer, &slot, stopped, end) => {}
                () = slot.pushed_out() => tracing::debug!(%peer, "closed to make room for another connection"),
                () = lasts_too_long(&slot, end) => tracing::debug!(%peer, "an HTTP connection lasts too long or waits for its client"),
            }
        });
    }

    async fn connection(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: &Arc<Slot>,
        stopped: watch::Receiver<bool>,
        end: Instant,
    ) {
        let origin = Origin { peer: PeerAddress(peer), end: ConnectionEnd(end) };
        let _ = stream.set_nodelay(true);
        let Some(config) = self.tls else { return http(self.router, stream, origin, slot, stopped).await };
        match timeout(PROMPT, handshake(stream, config, slot)).await {
            Ok(Ok(stream)) => http(self.router, stream, origin, slot, stopped).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }
}

/// The TLS handshake. A client that has sent its first message, and then one that has finished, moves to the end of the queue of
/// those that may be closed.
async fn handshake(stream: TcpStream, config: Arc<ServerConfig>, slot: &Slot) -> std::io::Result<TlsStream<TcpStream>> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    slot.wait_anew();
    let stream = hello.into_stream(config).await?;
    slot.wait_anew();
    Ok(stream)
}

/// Completes when the connection has waited for its client for longer than [`WAIT`], or at its end: `end`, or that of its parking.
pub(crate) async fn lasts_too_long(slot: &Slot, end: Instant) {
    loop {
        let parked = slot.parked_until().map(Instant::from_std);
        let left = parked.unwrap_or(end).saturating_duration_since(Instant::now());
        if left.is_zero() || slot.waits_longer_than(WAIT) {
            return;
        }
        sleep(left.min(if parked.is_some() { LOOK_AT_PARKED } else { LOOK })).await;
    }
}

/// The connection of a request.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) peer: PeerAddress,
    pub(crate) end: ConnectionEnd,
}

/// Serves the requests of one connection.
pub(crate) async fn http(
    router: Router,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    origin: Origin,
    slot: &Arc<Slot>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = hyper::service::service_fn(|request: Request<Incoming>| {
        let (router, slot) = (router.clone(), slot.clone());
        async move { Ok::<_, Infallible>(answer(router, request, origin, slot).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PROMPT).max_buf_size(64 * 1024);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => if let Err(error) = done {
            tracing::debug!(peer = %origin.peer.0, %error, "an HTTP connection failed");
        },
        () = stop(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Answers a request. The connection is at work meanwhile, and while the answer goes on, except where it waits for its client: for
/// the body of the request, or until the client takes what there is.
async fn answer(
    router: Router,
    request: Request<Incoming>,
    origin: Origin,
    slot: Arc<Slot>,
) -> axum::response::Response {
    use tower::ServiceExt;
    slot.work();
    let mut request = request.map(|body| Body::new(ObservedBody { body, slot: slot.clone() }));
    request.extensions_mut().insert(origin.peer);
    request.extensions_mut().insert(origin.end);
    request.extensions_mut().insert(ConnectionSlot(slot.clone()));
    let response = router.oneshot(request).await;
    slot.wait();
    let mut response = match response {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if slot.parked_until().is_some() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(|body| Body::new(ObservedAnswer { body, slot }))
}

/// The body of a request. While its octets are missing, the connection waits for its client.
struct ObservedBody {
    body: Incoming,
    slot: Arc<Slot>,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending() {
            self.slot.wait()
        } else {
            self.slot.work()
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. While the server has no further octets yet, the connection does not wait for its client.
struct ObservedAnswer {
    body: Body,
    slot: Arc<Slot>,
}

impl HttpBody for ObservedAnswer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if frame.is_pending() {
            self.slot.work()
        } else {
            self.slot.wait()
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
