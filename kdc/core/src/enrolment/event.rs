//! What happened to one enrolment: exactly one event for each attempt, whatever its end.

use crate::enrolment::refusal::EnrolmentRefusal;
use crate::event::Issued;
use crate::pods::PodRef;
use crate::refusal::Refusal;
use kennel_wire::message::{Principal, Timestamp};
use std::net::SocketAddr;

/// What happened to one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct EnrolmentEvent {
    /// When.
    pub time: Timestamp,
    /// From where.
    pub peer: SocketAddr,
    /// The account as the API server names it (`system:serviceaccount:shop:cart`), once the token was reviewed.
    pub account: Option<String>,
    /// The pod that the token is bound to, once the token was reviewed.
    pub pod: Option<PodRef>,
    /// The account's principal, once it was let in.
    pub client: Option<Principal>,
    /// The end of it.
    pub outcome: EnrolmentOutcome,
}

/// How an enrolment ended.
#[derive(Debug, Clone, PartialEq)]
pub enum EnrolmentOutcome {
    /// Credentials went out.
    Granted(Granted),
    /// Refused.
    Refused {
        /// Why.
        refusal: EnrolmentRefusal,
        /// Why there was no ticket, where that is the reason.
        ticket: Option<Refusal>,
    },
}

/// What went out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Granted {
    /// The ticket, if there was one.
    pub ticket: Option<Issued>,
    /// What the keytab holds.
    pub keytab: Vec<KeytabEntry>,
}

/// A principal of a keytab, and which key versions of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeytabEntry {
    /// The principal, canonical.
    pub principal: Principal,
    /// Its versions, newest first.
    pub kvnos: Vec<u32>,
}
