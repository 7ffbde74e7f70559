//! Sockets and TLS. Listeners handle frames, not Kerberos messages: a responder implements [`Respond`], so that every protocol
//! of the KDC shares UDP, TCP, admission and TLS, and tests of the listeners need no KDC.
//!
//! | module | what |
//! |---|---|
//! | [`respond`] | the trait of responders, which answer requests |
//! | [`limits`] | sizes, numbers and times that listeners enforce |
//! | [`sockets`] | binding UDP and TCP on one port; start and stop |
//! | [`udp`] | one thread and one socket of the same port for each core |
//! | [`datagram`] | a datagram and the local address that it arrived at |
//! | [`tcp`] | connections: requests one after the other, timeouts |
//! | [`framing`] | how messages are framed in a stream |
//! | [`admission`] | the limits of connections, in all and for each source, and which one closes at a limit |
//! | [`http`] | HTTP and HTTPS: sockets and limits around an axum router |
//! | [`local`] | HTTP over a Unix socket, for this machine's administrator |
//! | [`reports`] | bounds the log lines about what strangers can repeat |
//! | [`stop`] | the stop of a listener, as its tasks wait for it |
//! | [`tls`] | serving certificates: issued by our own authority, or read from the operator's files |
//! | [`error`] | errors of sockets, threads and certificates |

mod admission;
mod datagram;
mod error;
mod framing;
mod http;
mod limits;
mod local;
mod reports;
mod respond;
mod sockets;
mod stop;
mod tcp;
mod tls;
mod udp;

#[cfg(test)]
mod tests;

pub use error::ListenError;
pub use framing::Framing;
pub use http::{ApartServer, ConnectionEnd, ConnectionSlot, HttpListener, HttpServer, PeerAddress};
pub use limits::ListenLimits;
pub use local::LocalListener;
pub use respond::{Respond, Response, TransportKind};
pub use sockets::{BoundSockets, RunningSockets};
pub use tls::authorities::Authorities;
pub use tls::authority::Authority;
pub use tls::files::CertificateFiles;
pub use tls::roll_over::{Lives, RollOverStep, Standby, Validity};
pub use tls::{Tls, provider};
