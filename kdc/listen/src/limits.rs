//! Sizes, numbers and times that listeners enforce.

use std::time::Duration;

/// Longest request, octets: what the gate in front of the decoders takes.
pub(crate) const MAX_REQUEST: usize = 64 * 1024;
/// How long a stop waits for requests that have begun.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Limits of the sockets of one protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenLimits {
    /// Threads that receive datagrams, for each address.
    pub udp_threads: usize,
    /// TCP connections that may be open at a time.
    pub tcp_connections: usize,
    /// How long a connection may wait for its next request.
    pub tcp_idle: Duration,
    /// How long a request may take, from its first octet to the last of its reply.
    pub tcp_exchange: Duration,
}
