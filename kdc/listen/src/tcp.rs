//! TCP: requests framed by their length (RFC 4120, section 7.2.2), several per connection. The idle time limits the wait for the
//! first octet of the next request, the exchange time that from there to the last octet of the reply. A stop closes idle
//! connections and finishes requests that have begun.

use crate::admission::{Admission, Slot};
use crate::limits::{ACCEPT_PAUSE, ListenLimits, MAX_REQUEST};
use crate::respond::{Respond, TransportKind};
use crate::stop::stop;
use kennel_wire::frame::{self, Prefix};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Size of a read, octets: most requests are shorter.
const ROOM: usize = 2048;
/// Time in which a refused client may read the reason before its connection closes.
const LINGER: Duration = Duration::from_secs(1);

/// A TCP listener with its connections.
pub(crate) struct TcpServer<R> {
    listener: TcpListener,
    admission: Admission,
    stopped: watch::Receiver<bool>,
    shared: Arc<Shared<R>>,
}

struct Shared<R> {
    responder: Arc<R>,
    idle: Duration,
    exchange: Duration,
}

struct Connection<R> {
    stream: TcpStream,
    /// The received part of the next request, which is mostly all of it.
    received: Vec<u8>,
    peer: SocketAddr,
    slot: Slot,
    stopped: watch::Receiver<bool>,
    shared: Arc<Shared<R>>,
}

/// The length prefix is zero, above [`MAX_REQUEST`], or has the reserved bit.
struct FrameRefused;

/// The next action after a request.
enum Next {
    Continue,
    Close,
}

impl<R: Respond> TcpServer<R> {
    /// Takes over a bound, nonblocking listener. Must be called inside a tokio runtime.
    pub(crate) fn new(
        listener: std::net::TcpListener,
        responder: Arc<R>,
        admission: Admission,
        limits: &ListenLimits,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<TcpServer<R>> {
        let shared = Shared { responder, idle: limits.tcp_idle, exchange: limits.tcp_exchange };
        Ok(TcpServer { listener: TcpListener::from_std(listener)?, admission, stopped, shared: Arc::new(shared) })
    }

    /// Accepts until the stop, then waits for the connections.
    pub(crate) async fn run(mut self) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop(&mut self.stopped) => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, &mut connections),
                    Err(error) => after_failed_accept(&error).await,
                },
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
        let Some(slot) = self.admission.admit() else {
            tracing::warn!(%peer, "refused: every connection is busy");
            return;
        };
        // Replies are written whole: waiting to fill a segment would only delay them.
        let _ = stream.set_nodelay(true);
        let received = Vec::with_capacity(ROOM);
        let connection =
            Connection { stream, received, peer, slot, stopped: self.stopped.clone(), shared: self.shared.clone() };
        connections.spawn(connection.run());
    }
}

/// Ignores connections that the client aborted. Reports any other error, and pauses.
async fn after_failed_accept(error: &io::Error) {
    let clients_own = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !clients_own {
        tracing::error!(%error, "connections cannot be accepted");
        sleep(ACCEPT_PAUSE).await;
    }
}

impl<R: Respond> Connection<R> {
    async fn run(mut self) {
        while self.has_begun().await {
            let exchange = self.shared.exchange;
            match timeout(exchange, self.exchange()).await {
                Ok(Ok(Next::Continue)) => {}
                Ok(Ok(Next::Close)) => return,
                Ok(Err(error)) => return tracing::debug!(peer = %self.peer, %error, "connection lost"),
                Err(_) => return tracing::debug!(peer = %self.peer, "the exchange took too long"),
            }
        }
    }

    /// Waits for the next request to begin. Returns false where the connection ends first.
    async fn has_begun(&mut self) -> bool {
        if !self.received.is_empty() {
            return true;
        }
        let mut waiting = self.slot.wait();
        tokio::select! {
            // A request that has arrived is answered even at a stop or a timeout.
            biased;
            read = self.stream.read_buf(&mut self.received) => read.is_ok_and(|length| length > 0),
            () = sleep(self.shared.idle) => false,
            () = waiting.pushed_out() => false,
            () = stop(&mut self.stopped) => false,
        }
    }

    async fn exchange(&mut self) -> io::Result<Next> {
        let Some(frame) = self.rest_of_request().await? else { return Ok(Next::Close) };
        let Ok(end) = frame else {
            self.refuse_frame().await?;
            return Ok(Next::Close);
        };
        let request = self.received.get(frame::PREFIX..end).unwrap_or_default();
        match self.shared.responder.respond(request, self.peer, TransportKind::Stream).await {
            Some(reply) => {
                self.received.drain(..end.min(self.received.len()));
                self.stream.write_all(&frame::encode(&reply)).await?;
                Ok(Next::Continue)
            }
            // The responder has no reply to this message, such as one that is not a request.
            None => Ok(Next::Close),
        }
    }

    /// Receives the rest of a request and returns the index of its end. A client that is slow to send counts as one that sends
    /// nothing: at the limit of connections its own may close (`None`). The inner error is a length that cannot be served.
    async fn rest_of_request(&mut self) -> io::Result<Option<Result<usize, FrameRefused>>> {
        if let Some(there) = whole(&self.received) {
            return Ok(Some(there));
        }
        let mut waiting = self.slot.wait();
        tokio::select! {
            request = read_request(&mut self.stream, &mut self.received) => request.map(Some),
            () = waiting.pushed_out() => Ok(None),
        }
    }

    /// Replies that the frame's length cannot be served, then lets the client read the reply before the connection closes.
    async fn refuse_frame(&mut self) -> io::Result<()> {
        if let Some(reply) = self.shared.responder.refuse_frame(self.peer) {
            self.stream.write_all(&frame::encode(&reply)).await?;
        }
        self.stream.shutdown().await?;
        // Closing with unread octets would reset the connection, and the client would lose the reply.
        let mut sink = [0; 4096];
        let _ = timeout(LINGER, async { while self.stream.read(&mut sink).await.is_ok_and(|n| n > 0) {} }).await;
        Ok(())
    }
}

/// Returns the end of the first request once all of it is received.
fn whole(received: &[u8]) -> Option<Result<usize, FrameRefused>> {
    let length = match frame::prefix(*received.first_chunk()?, MAX_REQUEST) {
        Prefix::Length(length) => length,
        Prefix::Reserved | Prefix::OutOfRange => return Some(Err(FrameRefused)),
    };
    let end = frame::PREFIX.saturating_add(length);
    (received.len() >= end).then_some(Ok(end))
}

/// Reads a request. Memory grows with the octets that arrive, not with the announced length.
async fn read_request(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Result<usize, FrameRefused>> {
    loop {
        if let Some(there) = whole(received) {
            return Ok(there);
        }
        received.reserve(ROOM);
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
