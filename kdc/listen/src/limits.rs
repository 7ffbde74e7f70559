//! Sizes, numbers and times that listeners enforce.

use std::time::Duration;

/// Longest request, octets: the limit of the gate in front of the decoders.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;
/// Time that a stop waits for requests that have begun.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// Pause after an accept that failed for lack of descriptors or memory, since the next one would fail at once.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the sockets of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenLimits {
    /// Threads that receive datagrams, per address.
    pub udp_threads: usize,
    /// TCP connections that may be open at a time.
    pub tcp_connections: usize,
    /// Time that a connection may wait for its next request.
    pub tcp_idle: Duration,
    /// Time that a request may take, from its first octet to the last of its reply.
    pub tcp_exchange: Duration,
}
