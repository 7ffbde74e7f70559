//! What a listener asks of the one who answers. The KDC answers on port 88; kpasswd and kadmin get the same sockets by
//! implementing this trait.

use std::net::SocketAddr;

/// How a reply travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// In one datagram: the responder must keep the reply within its limit for datagrams.
    Datagram,
    /// In a stream, behind a length prefix; any length.
    Stream,
}

/// An answer that is decided but not recorded yet.
#[derive(Debug)]
pub struct Response<E> {
    /// The message to send back; `None` sends nothing.
    pub reply: Option<Vec<u8>>,
    /// What the responder records about it.
    pub event: E,
}

/// Answers the requests of a listener.
///
/// A responder records what it decided before the reply leaves: [`Respond::respond`], [`Respond::unavailable`] and
/// [`Respond::refuse_frame`] do that themselves, and a listener passes the events of [`Respond::try_respond`] to
/// [`Respond::record`] before it sends the replies.
pub trait Respond: Send + Sync + 'static {
    /// What is recorded about one answer. Listeners carry it and do not look inside.
    type Event: Send;

    /// Answers without waiting. `None`: something has to be waited for, and nothing has happened yet; the listener calls
    /// [`Respond::respond`] on a task of its own.
    fn try_respond(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Response<Self::Event>>;

    /// Records the events of a batch, in order, and empties the list.
    fn record(&self, events: &mut Vec<Self::Event>);

    /// Answers and records, waiting where that is necessary. `None` sends nothing.
    fn respond(
        &self,
        request: &[u8],
        peer: SocketAddr,
        transport: TransportKind,
    ) -> impl Future<Output = Option<Vec<u8>>> + Send;

    /// Answers and records that the server is too busy for this request.
    fn unavailable(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Vec<u8>>;

    /// Answers and records a frame whose length is zero, too long or reserved. The connection closes after the reply.
    fn refuse_frame(&self, peer: SocketAddr) -> Option<Vec<u8>>;
}
