//! TCP: requests in the frames of their protocol, several per connection. The idle time limits the wait for the
//! first octet of the next request, the exchange time that from there to the last octet of the reply. A connection that waits for
//! its client, to read or to write, may be closed for another one. A stop closes idle connections and finishes requests that have
//! begun.

use crate::admission::{Admission, Slot};
use crate::framing::{FrameRefused, Framing};
use crate::limits::{ACCEPT_PAUSE, ListenLimits, SHORT_REQUEST, WRITE};
use crate::reports::Reports;
use crate::respond::{Respond, TransportKind};
use crate::stop::stop;
use futures_util::FutureExt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};
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
    refused: Reports,
}

struct Shared<R> {
    responder: Arc<R>,
    limits: ListenLimits,
    framing: Framing,
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
        framing: Framing,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<TcpServer<R>> {
        let shared = Arc::new(Shared { responder, limits: *limits, framing });
        let refused = Reports::default();
        Ok(TcpServer { listener: TcpListener::from_std(listener)?, admission, stopped, shared, refused })
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
                    Err(error) => after_failed_accept(&error, &self.admission).await,
                },
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, connections: &mut JoinSet<()>) {
        let Some(slot) = self.admission.admit(peer.ip()) else {
            if let Some(refused) = self.refused.due() {
                tracing::warn!(%peer, refused, "connections are refused: every one that this client may have is busy");
            }
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

/// Ignores connections that the client aborted. Reports any other error, and closes a connection that waits for its client: the
/// error is mostly a lack of descriptors.
pub(crate) async fn after_failed_accept(error: &io::Error, admission: &Admission) {
    let clients_own = matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !clients_own {
        tracing::error!(%error, "connections cannot be accepted");
        admission.make_room();
        sleep(ACCEPT_PAUSE).await;
    }
}

impl<R: Respond> Connection<R> {
    async fn run(mut self) {
        for _ in 0..self.shared.limits.tcp_requests {
            if !self.has_begun().await {
                return;
            }
            let exchange = self.shared.limits.tcp_exchange;
            match timeout(exchange, self.exchange()).await {
                Ok(Ok(Next::Continue)) => {}
                Ok(Ok(Next::Close)) => return,
                Ok(Err(error)) => return tracing::debug!(peer = %self.peer, %error, "connection lost"),
                Err(_) => return tracing::debug!(peer = %self.peer, "the exchange took too long"),
            }
        }
        tracing::debug!(peer = %self.peer, "the connection has carried as many requests as it may");
    }

    /// Waits for the next request to begin. Returns false where the connection ends first.
    async fn has_begun(&mut self) -> bool {
        self.slot.wait();
        if !self.received.is_empty() {
            // Requests that were sent ahead take turns with those of other connections, and the connection may be closed for
            // another one.
            yield_now().await;
            return self.slot.pushed_out().now_or_never().is_none();
        }
        let idle = self.shared.responder.idle(self.peer).unwrap_or(self.shared.limits.tcp_idle);
        tokio::select! {
            // A request that has arrived is answered even at a stop or a timeout.
            biased;
            read = self.stream.read_buf(&mut self.received) => read.is_ok_and(|length| length > 0),
            () = sleep(idle) => false,
            () = self.slot.pushed_out() => false,
            () = stop(&mut self.stopped) => false,
        }
    }

    async fn exchange(&mut self) -> io::Result<Next> {
        let Some(frame) = self.rest_of_request().await? else { return Ok(Next::Close) };
        self.slot.work();
        let Ok(end) = frame else {
            self.refuse_frame().await?;
            return Ok(Next::Close);
        };
        let request = self.shared.framing.request(self.received.get_mut(..end).unwrap_or_default());
        let reply = self.shared.responder.respond(request, self.peer, TransportKind::Stream).await;
        // The responder has no reply to some messages, such as one that is not a request.
        let Some(reply) = reply else { return Ok(Next::Close) };
        self.received.drain(..end.min(self.received.len()));
        self.give_back();
        self.write(&self.shared.framing.encode(&reply)).await
    }

    /// Receives the rest of a request and returns the index of its end. A client that is slow to send counts as one that sends
    /// nothing: at the limit of connections its own may close (`None`). The inner error is a length that cannot be served.
    async fn rest_of_request(&mut self) -> io::Result<Option<Result<usize, FrameRefused>>> {
        if let Some(there) = self.shared.framing.find(&self.received) {
            return Ok(Some(there));
        }
        let Connection { stream, received, slot, shared, .. } = self;
        tokio::select! {
            request = read_request(stream, received, slot, shared.framing) => request.map(Some),
            () = slot.pushed_out() => Ok(None),
        }
    }

    /// Writes a reply. A client that is slow to read may be pushed out, as one that is slow to send.
    async fn write(&mut self, reply: &[u8]) -> io::Result<Next> {
        let Connection { stream, slot, .. } = self;
        slot.wait();
        tokio::select! {
            biased;
            written = stream.write_all(reply) => written.map(|()| Next::Continue),
            () = sleep(WRITE) => Err(io::ErrorKind::TimedOut.into()),
            () = slot.pushed_out() => Ok(Next::Close),
        }
    }

    /// Frees the memory of a long request.
    fn give_back(&mut self) {
        if self.received.capacity() > SHORT_REQUEST {
            self.received.shrink_to(SHORT_REQUEST.max(self.received.len()));
            self.slot.occupy(self.received.len().saturating_sub(SHORT_REQUEST));
        }
    }

    /// Replies that the frame's length cannot be served, then lets the client read the reply before the connection closes.
    async fn refuse_frame(&mut self) -> io::Result<()> {
        if let Some(reply) = self.shared.responder.refuse_frame(self.peer)
            && matches!(self.write(&self.shared.framing.encode(&reply)).await?, Next::Close)
        {
            return Ok(());
        }
        self.stream.shutdown().await?;
        // Closing with unread octets would reset the connection, and the client would lose the reply.
        let mut sink = [0; 4096];
        let linger = timeout(LINGER, async { while self.stream.read(&mut sink).await.is_ok_and(|n| n > 0) {} });
        tokio::select! {
            _ = linger => {}
            () = self.slot.pushed_out() => {}
        }
        Ok(())
    }
}

/// Reads a request. Memory grows with the octets that arrive, not with the announced length, and what a long request occupies
/// counts for all connections.
async fn read_request(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    slot: &Slot,
    framing: Framing,
) -> io::Result<Result<usize, FrameRefused>> {
    loop {
        if let Some(there) = framing.find(received) {
            return Ok(there);
        }
        received.reserve(ROOM);
        if received.capacity() > SHORT_REQUEST {
            slot.occupy(received.capacity());
        }
        if stream.read_buf(received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
