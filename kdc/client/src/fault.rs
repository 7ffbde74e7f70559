//! Why a reply is refused, a walk across realms ends, or no KDC answers: the reasons inside a
//! [`ClientError`](crate::error::ClientError).

use std::fmt;

/// Why a reply is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyFault {
    /// An AS-REP where a TGS-REP was due, or the reverse, or something else.
    #[error("it is not the message that was due")]
    WrongMessage,
    /// The encrypted part does not open: another password or key, or changed octets.
    #[error("it does not open with this password or key")]
    ReplyKey,
    /// Another nonce: an answer to another request.
    #[error("it answers another request (nonce)")]
    Nonce,
    /// Another client.
    #[error("it is for another client")]
    Client,
    /// Another server than asked for, or another in the ticket than in the encrypted part.
    #[error("it is for another server")]
    Server,
    /// Another start than asked for, or one in the future.
    #[error("the start time is not what was asked for")]
    StartTime,
    /// An end after what was asked for, or before the start.
    #[error("the end time is not what was asked for")]
    EndTime,
    /// Renewable for longer than asked for.
    #[error("the renew-till time is not what was asked for")]
    RenewTill,
    /// Other addresses than asked for.
    #[error("the addresses are not what was asked for")]
    Addresses,
    /// A session key of an enctype that was not asked for.
    #[error("the session key is of an enctype that was not asked for")]
    SessionKey,
    /// RFC 6806, section 11: the KDC saw another request, or does not prove which one it saw.
    #[error("the request was changed on its way (RFC 6806, section 11)")]
    ChangedRequest,
}

/// Most realms that a walk passes, the first one not counted.
pub const MAX_HOPS: usize = 10;

/// Why a walk ends without a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WalkFault {
    /// A referral back to a realm where the walk already was.
    #[error("the realm {0} refers back to one that was already asked")]
    Loop(String),
    /// More than [`MAX_HOPS`] realms.
    #[error("more than {MAX_HOPS} realms on the way")]
    TooLong,
    /// A referral to the realm that issued it, or a ticket that is neither the requested one nor a referral.
    #[error("the realm {0} returned a ticket that does not lead to the server")]
    DeadEnd(String),
}

/// No KDC answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// Each KDC with its protocol, and why it did not answer.
    pub failures: Vec<(String, String)>,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no KDC answered")?;
        for (who, why) in &self.failures {
            write!(f, "; {who}: {why}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TransportError {}
