//! What an AS exchange asks about the logins of a principal with a policy.

use crate::principal::PrincipalRecord;
use kennel_wire::message::Timestamp;
use std::net::IpAddr;

/// Says which principals are locked out, and counts their attempts. An AS exchange asks only about principals with a policy.
pub trait LoginGuard: Send + Sync {
    /// Whether a client may try to log in from an address.
    ///
    /// # Errors
    /// [`LockedOut`].
    fn admit(&self, attempt: &Attempt<'_>) -> Result<(), LockedOut>;

    /// Counts an attempt whose proof was verified. Decides and counts in one step, so that no number of attempts at the same moment
    /// learns more than the policy allows (CVE-2021-20251).
    ///
    /// # Errors
    /// [`LockedOut`], whether or not the proof was good.
    fn settle(&self, attempt: &Attempt<'_>, proof: Proof) -> Result<(), LockedOut>;
}

/// An attempt to log in.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The client.
    pub client: &'a PrincipalRecord,
    /// Where the request came from.
    pub peer: IpAddr,
    /// Time of the decision.
    pub now: Timestamp,
}

/// How a proof ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The client has its key.
    Good,
    /// The client has its key, and the proof is old: it may be somebody else's from earlier, and so resets nothing.
    Old,
    /// The proof was made with another key or password.
    Wrong {
        /// Hash of the proof: a client that got no answer sends the same one again.
        fingerprint: u64,
    },
}

/// The principal is locked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedOut;

/// Locks nobody out.
pub struct NoLockout;

impl LoginGuard for NoLockout {
    fn admit(&self, _: &Attempt<'_>) -> Result<(), LockedOut> {
        Ok(())
    }

    fn settle(&self, _: &Attempt<'_>, _: Proof) -> Result<(), LockedOut> {
        Ok(())
    }
}
