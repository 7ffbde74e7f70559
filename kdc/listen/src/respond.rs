//! The trait of responders, which answer the requests that listeners receive. The KDC is the responder of port 88; kpasswd and
//! kadmin use the same sockets by implementing this trait.

use std::net::SocketAddr;
use std::time::Duration;

/// How a reply reaches its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// In one datagram: the responder keeps the reply within its limit for datagrams, which depends on the request: senders can be
    /// forged, so that a long reply to a short request would multiply an attacker's traffic.
    Datagram,
    /// In a stream, behind a length prefix, at any length.
    Stream,
}

/// An answer that is decided but not recorded yet.
#[derive(Debug)]
pub struct Response<E> {
    /// The message to send back; `None` sends nothing.
    pub reply: Option<Vec<u8>>,
    /// The responder's record of this answer.
    pub event: E,
}

/// Answers the requests of a listener.
///
/// A responder records each decision before its reply leaves: [`Respond::respond`], [`Respond::unavailable`] and
/// [`Respond::refuse_frame`] record it themselves, and a listener passes the events of [`Respond::try_respond`] to
/// [`Respond::record`] before it sends the replies.
pub trait Respond: Send + Sync + 'static {
    /// The record of one answer, opaque to listeners.
    type Event: Send;

    /// Answers without waiting. Returns `None`, without any effect, where an answer has to wait: the listener then calls
    /// [`Respond::respond`] on a task of its own.
    fn try_respond(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Response<Self::Event>>;

    /// Records the events of a batch, in order, and empties the list.
    fn record(&self, events: &mut Vec<Self::Event>);

    /// Answers and records, and waits where necessary. `None` sends nothing.
    fn respond(
        &self,
        request: &[u8],
        peer: SocketAddr,
        transport: TransportKind,
    ) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// Answers and records that the server is too busy for this request.
    fn unavailable(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Vec<u8>>;

    /// Answers a datagram that is longer than 8 KiB, of which `begin` is the beginning.
    fn refuse_datagram(&self, begin: &[u8], peer: SocketAddr) -> Response<Self::Event>;

    /// Answers and records a frame whose length is zero, too long or reserved. The connection closes after the reply.
    fn refuse_frame(&self, peer: SocketAddr) -> Option<Vec<u8>>;

    /// Time that a connection of this peer may wait for its next request; `None`: the limit of the listener.
    fn idle(&self, _peer: SocketAddr) -> Option<Duration> {
        None
    }
}
