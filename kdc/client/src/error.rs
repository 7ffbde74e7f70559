//! Why an exchange of a client fails.

use crate::fault::{ReplyFault, TransportError, WalkFault};
use kennel_crypto::CryptoError;
use kennel_wire::WireError;
use kennel_wire::message::ErrorCode;
use std::path::PathBuf;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ClientError {
    /// The KDC answered with an error.
    #[error("the KDC says: {code}{}", text.as_deref().map(|t| format!(" ({t})")).unwrap_or_default())]
    Kdc {
        code: ErrorCode,
        /// Text of the KRB-ERROR.
        text: Option<String>,
    },
    /// The KDC's reply fails a check.
    #[error("the reply is refused: {0}")]
    Reply(#[from] ReplyFault),
    /// An AP-REQ or AP-REP is refused; the code is the one that RFC 4120 (section 3.2) names for the reason.
    #[error("the AP message is refused: {0}")]
    Ap(ErrorCode),
    /// The KDC offers no enctype that the client permits and has a key for.
    #[error("the KDC offers no enctype that this client can use")]
    NoCommonEnctype,
    /// A key of an enctype that Kennel does not know.
    #[error("the enctype {0} is not known")]
    UnknownEnctype(i32),
    /// The KDC asks for a password to be turned into a key with fewer iterations than the enctype's default: a forged
    /// offer that makes guessing cheap.
    #[error("the KDC asks for a weak string-to-key ({iterations} iterations)")]
    WeakStringToKey { iterations: u32 },
    /// A keytab holds no key of a principal.
    #[error("the keytab holds no key of {0}")]
    NoKey(String),
    /// The credential is not a ticket-granting ticket.
    #[error("{0} is not a ticket-granting ticket")]
    NotATgt(String),
    /// A walk across realms ended without the ticket.
    #[error("the way to the server's realm is refused: {0}")]
    Walk(#[from] WalkFault),
    /// No KDC of a realm is known.
    #[error("no KDC is known for the realm {0}")]
    UnknownRealm(String),
    /// No KDC answered.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Bytes that cannot be read.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Keys that cannot be used, or octets that they do not open.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// A file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A file whose content is not of the expected format.
    #[error("{}: {source}", path.display())]
    FileFormat { path: PathBuf, source: WireError },
    /// GSS-API or the protocol above it.
    #[error("{0}")]
    Gss(&'static str),
}

impl ClientError {
    /// The error code, where the failure has one (the KDC's, or that of a refused AP message).
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Kdc { code, .. } | ClientError::Ap(code) => Some(*code),
            _ => None,
        }
    }
}
