//! The one decision that every service ticket passes, whichever path led to it.

use crate::entry::Entry;
use kennel_wire::message::Principal;

/// The path that leads to the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessPath {
    /// AS for a service (or for the ticket-granting service itself).
    As,
    /// TGS from a TGT.
    Tgs,
    /// User-to-user.
    UserToUser,
    /// Renewal of a ticket.
    Renew,
    /// Validation of a postdated ticket.
    Validate,
    /// Forwarded or proxied TGT or ticket.
    Delegate,
    /// A cross-realm TGT.
    Referral,
    /// A TGT for a pod that enrolled.
    Enrolment,
}

/// The question whether a client may have a ticket for a server.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// The client that asks for the ticket (canonical).
    pub client: &'a Principal,
    /// The server of the ticket (canonical).
    pub server: &'a Entry,
    /// The path that the ticket comes by.
    pub path: AccessPath,
}

/// The answer to an [`AccessRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessDecision {
    /// Issue the ticket.
    Allow,
    /// Issue, and say in the event that it would be denied under `Enforce`.
    Observe,
    /// Refuse with KDC_ERR_POLICY.
    Deny,
}

/// Who may have tickets for whom. Synchronous and without IO: an index in memory.
pub trait AccessPolicy: Send + Sync {
    /// Decides whether the client may have the ticket.
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision;
}

/// Everybody may have a ticket for every service: MIT's behaviour, and ours until a realm has access declarations.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

impl AccessPolicy for AllowAll {
    fn decide(&self, _request: &AccessRequest<'_>) -> AccessDecision {
        AccessDecision::Allow
    }
}
