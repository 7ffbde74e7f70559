//! The event of an enrolment: exactly one for each attempt, whatever its end.

use crate::enrolment::refusal::EnrolmentRefusal;
use crate::event::{Decision, IssuedTicket};
use crate::pods::PodRef;
use crate::refusal::Refusal;
use kennel_wire::message::{Principal, Timestamp};
use std::net::SocketAddr;

/// The event of one attempt.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the name says it")]
pub struct EnrolmentEvent {
    /// Time of the decision.
    pub time: Timestamp,
    /// Source address of the request.
    pub peer: SocketAddr,
    /// The account as the API server names it (`system:serviceaccount:shop:cart`), once the token was reviewed.
    pub account: Option<String>,
    /// The pod that the token is bound to, once the token was reviewed.
    pub pod: Option<PodRef>,
    /// The account's principal, once the pod was admitted.
    pub client: Option<Principal>,
    pub outcome: EnrolmentOutcome,
}

/// How an enrolment ended.
#[derive(Debug, Clone, PartialEq)]
pub enum EnrolmentOutcome {
    /// Credentials went out.
    Granted(GrantedCredentials),
    /// Refused.
    Refused {
        /// The reason.
        refusal: EnrolmentRefusal,
        /// The reason of the KDC, where it issued no ticket.
        ticket: Option<Refusal>,
    },
}

/// The credentials that went out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GrantedCredentials {
    /// The ticket, if there was one.
    pub ticket: Option<IssuedTicket>,
    /// Principals and key versions in the keytab; empty without a keytab.
    pub keytab: Vec<GrantedKeys>,
}

/// A principal of a keytab, and which key versions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedKeys {
    /// The principal, canonical.
    pub principal: Principal,
    /// Key versions in the keytab, newest first.
    pub kvnos: Vec<u32>,
}

impl EnrolmentOutcome {
    /// A stable name for audit lines and metrics labels: that of the [`Decision`] which ends a request in the same way.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            EnrolmentOutcome::Granted(_) => Decision::ISSUED,
            EnrolmentOutcome::Refused { .. } => Decision::REFUSED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enrolment_ends_by_the_names_of_a_request() {
        let refused = EnrolmentOutcome::Refused { refusal: EnrolmentRefusal::PodEnded, ticket: None };
        assert_eq!(EnrolmentOutcome::Granted(GrantedCredentials::default()).name(), "issued");
        assert_eq!(refused.name(), "refused");
    }
}
