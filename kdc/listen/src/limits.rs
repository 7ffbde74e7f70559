//! Sizes, numbers and times that listeners enforce.

use std::time::Duration;

/// Longest request, octets: the limit of the gate in front of the decoders.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;
/// Longest datagram, octets. Clients send longer requests over TCP: libkrb5 and Java from some 1,500 octets on.
pub(crate) const MAX_DATAGRAM: usize = 8 * 1024;
/// Octets that the requests of all connections of a listener may occupy beyond the first [`SHORT_REQUEST`] of each.
pub(crate) const BIG_REQUESTS: usize = 16 * 1024 * 1024;
/// Octets of a request that every connection may occupy.
pub(crate) const SHORT_REQUEST: usize = 4 * 1024;
/// One source may have this fraction of the connections of a listener: a quarter.
pub(crate) const SHARE: usize = 4;
/// Time in which a client must take a reply.
pub(crate) const WRITE: Duration = Duration::from_secs(5);
/// Octets of replies that the system keeps for a connection whose client does not read, or somewhat more.
pub(crate) const SEND_BUFFER: usize = 64 * 1024;
/// Time that a stop waits for requests that have begun.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// Pause after an accept that failed for lack of descriptors or memory, since the next one would fail at once.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the sockets of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenLimits {
    /// Threads that receive datagrams, per address.
    pub udp_threads: usize,
    /// TCP connections that may be open at a time. A quarter of them may come from one source: an IPv4 address, or an IPv6
    /// network of 64 bits.
    pub tcp_connections: usize,
    /// Requests that a connection may carry, at least 1. The connection closes after the last one.
    pub tcp_requests: u32,
    /// Time that a connection may wait for its next request.
    pub tcp_idle: Duration,
    /// Time that a request may take, from its first octet to the last of its reply.
    pub tcp_exchange: Duration,
}
