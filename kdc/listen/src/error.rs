//! Errors of sockets, threads and certificates.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// An error of sockets, threads or certificates. Texts name the remedy where it is not obvious.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program uses the port.
    #[error(
        "{address} ({protocol}) is in use by another program (another kennel-kdc?): stop that one, or choose another port"
    )]
    #[expect(missing_docs, reason = "the error text names every field")]
    InUse { address: SocketAddr, protocol: &'static str },
    /// The process may not bind this port.
    #[error(
        "{address} ({protocol}) is not permitted to this user: choose a port above 1023, or give the program \
         CAP_NET_BIND_SERVICE"
    )]
    #[expect(missing_docs, reason = "the error text names every field")]
    NotPermitted { address: SocketAddr, protocol: &'static str },
    /// The system refuses the address for another reason.
    #[error("{address} ({protocol}) cannot be bound: {error}")]
    #[expect(missing_docs, reason = "the error text names every field")]
    Bind { address: SocketAddr, protocol: &'static str, error: io::Error },
    /// Another process answers at a Unix socket.
    #[error("{path} is the socket of a running program (another kennel-kdc?): stop that one, or choose another path", path = path.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    SocketInUse { path: PathBuf },
    /// A Unix socket cannot be bound.
    #[error("the Unix socket {path} cannot be bound: {error}; choose another path (admin.socket)", path = path.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    Socket { path: PathBuf, error: io::Error },
    /// A bound socket or its thread cannot be started.
    #[error("a bound socket cannot be served: {0}")]
    Serve(#[from] io::Error),
    /// A file of a certificate cannot be read.
    #[error("{path} cannot be read: {error}", path = path.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    Read { path: PathBuf, error: io::Error },
    /// A PEM file lacks its certificate or its private key.
    #[error("{path} does not contain a {what} in PEM", path = path.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    NotPem { path: PathBuf, what: &'static str },
    /// A file whose content everybody may read contains a private key.
    #[error(
        "{path} contains a private key, but everybody may read the CA certificates: name a file that contains certificates \
         alone as the ca (enrolment.certificate.ca); where that key was published before, replace it",
        path = path.display()
    )]
    #[expect(missing_docs, reason = "the error text names every field")]
    PrivateKeyInPublicFile { path: PathBuf },
    /// The file of Kennel's own authority does not hold exactly its certificate.
    #[error("the authority's certificate cannot be read")]
    AuthorityUnreadable,
    /// A certificate and a key do not belong together.
    #[error("{key} is not the key of {certificate}", key = key.display(), certificate = certificate.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    KeyMismatch { key: PathBuf, certificate: PathBuf },
    /// A name that no certificate can be issued for.
    #[error("{0:?} is not a host name or an IP address")]
    HostName(String),
    /// A private key of another kind than this crate generates.
    #[error("not a P-256 key in PKCS#8")]
    NotP256,
    /// The clock shows a year that no certificate can carry.
    #[error("the system's clock shows a year that no certificate can carry: set the clock")]
    Clock,
    /// A certificate cannot be generated.
    #[error("a certificate cannot be generated: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be configured.
    #[error("TLS cannot be configured: {0}")]
    Tls(#[from] rustls::Error),
}
