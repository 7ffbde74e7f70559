//! Sections `[listen]`, `[kpasswd]`, `[kadmin]`, `[metrics]` and `[limits]`: sockets and their limits.

use crate::config::values::Seconds;
use anyhow::ensure;
use kennel_listen::ListenLimits;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Section `[listen]`, `[kpasswd]` or `[metrics]`: addresses of one listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenSettings {
    /// Local addresses with ports. Each is served over UDP and TCP, or over HTTP (`[metrics]`).
    pub(crate) addresses: Vec<SocketAddr>,
}

/// Section `[kadmin]`: kadmin's protocol.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KadminSettings {
    /// Local addresses with ports, TCP alone.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Time for which an administrator may say nothing between two calls. A stranger has no longer than `tcp_idle`.
    #[serde(default = "default_idle")]
    pub(crate) idle: Seconds,
    /// The access list, in the syntax of MIT's kadm5.acl. Default: none, so that everyone may change his own password alone.
    pub(crate) acl: Option<PathBuf>,
}

/// A quarter of an hour: people type.
pub(crate) fn default_idle() -> Seconds {
    Seconds(900)
}

/// Section `[limits]`: limits of the sockets on which the KDC answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitSettings {
    /// Threads that receive datagrams, per address. Default: one per core.
    pub(crate) udp_threads: usize,
    /// Longest reply that is sent in a datagram, octets.
    pub(crate) udp_reply_limit: usize,
    /// TCP connections that may be open at a time.
    pub(crate) tcp_connections: usize,
    /// Requests that a connection may carry. The connection closes after the last one.
    pub(crate) tcp_requests: u32,
    /// Time that a connection may wait for its next request.
    pub(crate) tcp_idle: Seconds,
    /// Time that a request may take, from its first octet to the last of its reply.
    pub(crate) tcp_exchange: Seconds,
}

impl LimitSettings {
    /// Refuses limits under which nothing could be served.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!((1..=256).contains(&self.udp_threads), "limits.udp_threads: must be 1 to 256");
        ensure!((256..=65_507).contains(&self.udp_reply_limit), "limits.udp_reply_limit: must be 256 to 65507 octets");
        ensure!((1..=65_536).contains(&self.tcp_connections), "limits.tcp_connections: must be 1 to 65536");
        ensure!(self.tcp_requests > 0, "limits.tcp_requests: must be at least 1");
        ensure!(self.tcp_idle.0 > 0, "limits.tcp_idle: must be at least \"1s\"");
        ensure!(self.tcp_exchange.0 > 0, "limits.tcp_exchange: must be at least \"1s\"");
        Ok(())
    }

    /// Converts the settings for the listeners.
    pub(crate) fn build(&self) -> ListenLimits {
        ListenLimits {
            udp_threads: self.udp_threads,
            tcp_connections: self.tcp_connections,
            tcp_requests: self.tcp_requests,
            tcp_idle: self.tcp_idle.duration(),
            tcp_exchange: self.tcp_exchange.duration(),
        }
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings {
            udp_threads: std::thread::available_parallelism().map_or(1, usize::from),
            udp_reply_limit: 1400,
            tcp_connections: 4096,
            tcp_requests: 1000,
            tcp_idle: Seconds(10),
            tcp_exchange: Seconds(30),
        }
    }
}
