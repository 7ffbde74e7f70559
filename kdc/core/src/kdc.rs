//! The front door: bytes in, a decision, bytes out. No clock, no IO, no randomness of its own.

use crate::access::AccessPolicy;
use crate::entry::Entry;
use crate::event::Event;
use crate::realm::Realm;
use kennel_wire::message::{Principal, Timestamp};
use rand_core::CryptoRngCore;
use std::net::SocketAddr;
use std::sync::Arc;

/// A KDC of one realm.
pub struct Kdc {
    realm: Arc<Realm>,
    access: Arc<dyn AccessPolicy>,
}

/// Where a request stands.
pub enum Step {
    /// It is answered.
    Done(Outcome),
    /// Principals are needed first.
    Need(Box<Pending>),
}

/// A request that waits for principals: ask the store for each of [`Pending::wants`], then [`Pending::resume`].
/// A TGS request asks twice: who the client is stands inside the ticket.
pub struct Pending {
    wants: Vec<Principal>,
}

/// What a store said to one name: the entry (an alias resolved to its target) or nothing.
pub type Found = Option<Arc<Entry>>;

/// The end of a request.
#[derive(Debug)]
pub struct Outcome {
    /// The bytes to send; `None` sends nothing (the request was itself a reply or an error).
    pub reply: Option<Vec<u8>>,
    /// What happened.
    pub event: Event,
}

impl Kdc {
    /// A KDC of `realm` whose service tickets all pass `access`.
    pub fn new(realm: Arc<Realm>, access: Arc<dyn AccessPolicy>) -> Kdc {
        Kdc { realm, access }
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Takes a request in.
    #[must_use]
    pub fn begin(&self, _bytes: &[u8], _peer: SocketAddr, _now: Timestamp) -> Step {
        let _ = &self.access;
        todo!()
    }
}

impl Pending {
    /// The principals that are needed, in order; never empty.
    #[must_use]
    pub fn wants(&self) -> &[Principal] {
        &self.wants
    }

    /// Goes on. `found` answers [`Pending::wants`] one to one (a missing answer counts as not found).
    #[must_use]
    pub fn resume(self: Box<Self>, _found: Vec<Found>, _now: Timestamp, _rng: &mut dyn CryptoRngCore) -> Step {
        todo!()
    }

    /// The store cannot answer now: the client is told KDC_ERR_SVC_UNAVAILABLE and tries another KDC.
    #[must_use]
    pub fn unavailable(self: Box<Self>, _now: Timestamp) -> Outcome {
        todo!()
    }
}

impl Outcome {
    /// The same outcome for a datagram whose reply would be longer than `limit`: the reply becomes
    /// KRB_ERR_RESPONSE_TOO_BIG, and the client comes again over TCP. The event stays.
    #[must_use]
    pub fn fit_datagram(self, _limit: usize, _realm: &Realm, _now: Timestamp) -> Outcome {
        todo!()
    }
}
