//! The one decision that every service ticket passes, whichever path led to it.
//!
//! | module | what |
//! |---|---|
//! | here | the question and the answer |
//! | [`table`] | who may call whom, as plain values |
//! | `index` | the same as requests ask it: what a client and a server are known as, and their grants |
//! | `names` | the names of the index in flat memory |
//! | `build` | builds the index from the table |
//! | `decide` | the decision on the index |
//! | [`explain`] | why, with every grant that names the client |
//! | [`matrix`] | the index as a whole, server by server, for people |
//! | [`denial`] | why a client may not have a ticket, in words that name what is missing |

mod build;
mod decide;
pub mod denial;
pub mod explain;
mod index;
pub mod matrix;
mod names;
pub mod table;

pub use index::{AccessIndex, ServiceClass};

use crate::access::denial::AccessDenial;
use crate::entry::Entry;
use crate::principal::Origin;
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::Arc;

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
    /// The client that asks for the ticket.
    pub client: AccessClient<'a>,
    /// The server of the ticket (canonical).
    pub server: &'a Entry,
    /// The path that the ticket comes by.
    pub path: AccessPath,
    /// The time of the decision.
    pub now: KerberosTime,
}

/// The client of an [`AccessRequest`].
#[derive(Debug, Clone, Copy)]
pub enum AccessClient<'a> {
    /// A principal of the realm (canonical).
    Own(&'a Entry),
    /// A client of another realm, whose KDC vouches for it.
    Foreign(&'a Principal),
}

impl<'a> AccessClient<'a> {
    /// The client's name.
    #[must_use]
    pub const fn principal(self) -> &'a Principal {
        match self {
            AccessClient::Own(entry) => &entry.record.principal,
            AccessClient::Foreign(principal) => principal,
        }
    }

    /// Who made the client; `None` for one of another realm.
    #[must_use]
    pub const fn origin(self) -> Option<Origin> {
        match self {
            AccessClient::Own(entry) => Some(entry.record.origin),
            AccessClient::Foreign(_) => None,
        }
    }
}

/// The answer to an [`AccessRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessDecision {
    /// Issue the ticket.
    Allow {
        /// The KerberosAccess that allows it, `NAMESPACE/NAME`; `None`: no declaration is needed.
        by: Option<Arc<str>>,
        /// The ticket ends (and can be renewed) no later; `None`: no bound.
        until: Option<KerberosTime>,
    },
    /// Issue, and say in the event that it would be denied under `Enforce`.
    Observe(AccessDenial),
    /// Refuse with KDC_ERR_POLICY.
    Deny(AccessDenial),
}

impl AccessDecision {
    /// Allows without a declaration and without a bound.
    pub const ALLOW: AccessDecision = AccessDecision::Allow { by: None, until: None };
}

/// Who may have tickets for whom. Synchronous and without IO: an index in memory.
pub trait AccessPolicy: Send + Sync {
    /// Decides whether the client may have the ticket.
    fn decide(&self, request: &AccessRequest<'_>) -> AccessDecision;

    /// Returns the index that decides, where one does: it can be explained and listed.
    fn index(&self) -> Option<&AccessIndex> {
        None
    }
}

/// Everybody may have a ticket for every service: MIT's behaviour, for realms without access declarations.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

impl AccessPolicy for AllowAll {
    fn decide(&self, _request: &AccessRequest<'_>) -> AccessDecision {
        AccessDecision::ALLOW
    }
}
