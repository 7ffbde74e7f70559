//! TCP: requests framed by their length (RFC 4120, section 7.2.2), several on a connection. A connection waits for the
//! first octet of its next request at most the idle time; from there to the last octet of the reply at most the exchange
//! time. Idle connections are closed at a stop, requests that have begun are finished.

use crate::admission::{Admission, Slot};
use crate::limits::{ListenLimits, MAX_REQUEST};
use crate::respond::{Respond, TransportKind};
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

/// Pause after an accept that failed for want of descriptors or memory: it would fail again at once.
const BACK_OFF: Duration = Duration::from_millis(100);
/// Octets that are read at a time: most requests are shorter.
const ROOM: usize = 2048;
/// How long a client that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);

/// One listener.
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
    /// The received part of the next request: mostly all of it, at once.
    received: Vec<u8>,
    peer: SocketAddr,
    slot: Slot,
    stopped: watch::Receiver<bool>,
    shared: Arc<Shared<R>>,
}

/// A length that cannot be served: zero, too long, or with the reserved bit.
struct FrameRefused;

/// What to do after a request.
enum Next {
    /// Read another one.
    Continue,
    /// Close.
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

/// Ready at the stop.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error: the sender has gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// A connection that the client gave up is its own matter; anything else is ours.
async fn after_failed_accept(error: &io::Error) {
    let clients_own = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !clients_own {
        tracing::error!(%error, "accepting connections fails");
        sleep(BACK_OFF).await;
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

    /// Waits for the next request to begin; false: it is over.
    async fn has_begun(&mut self) -> bool {
        if !self.received.is_empty() {
            return true;
        }
        let mut waiting = self.slot.wait();
        tokio::select! {
            // First: a request that has arrived is answered, whatever else is true by now.
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
            // Nothing to say: the peer does not speak as a client.
            None => Ok(Next::Close),
        }
    }

    /// Receives the request that has begun; gives where it ends. A client that is slow to send it waits like one that
    /// sends nothing: it may be pushed out (`None`). Inner error: the length cannot be served.
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

    /// Says that the frame's length cannot be served, then lets the client read it before the connection goes.
    async fn refuse_frame(&mut self) -> io::Result<()> {
        if let Some(reply) = self.shared.responder.refuse_frame(self.peer) {
            self.stream.write_all(&frame::encode(&reply)).await?;
        }
        self.stream.shutdown().await?;
        // Closing with unread octets would reset the connection, and the reply with it.
        let mut sink = [0; 4096];
        let _ = timeout(LINGER, async { while self.stream.read(&mut sink).await.is_ok_and(|n| n > 0) {} }).await;
        Ok(())
    }
}

/// Where the request at the beginning ends, once all of it is there.
fn whole(received: &[u8]) -> Option<Result<usize, FrameRefused>> {
    let length = match frame::prefix(*received.first_chunk()?, MAX_REQUEST) {
        Prefix::Length(length) => length,
        Prefix::Reserved | Prefix::OutOfRange => return Some(Err(FrameRefused)),
    };
    let end = frame::PREFIX.saturating_add(length);
    (received.len() >= end).then_some(Ok(end))
}

/// Memory grows with what arrives, not with what the length promises.
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
