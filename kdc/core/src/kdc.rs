//! The front door: bytes in, a decision, bytes out. No clock, no IO, no randomness of its own.

use crate::access::{AccessDecision, AccessPath, AccessPolicy, AccessRequest};
use crate::as_exchange::AsRequest;
use crate::context::{Context, krb_error};
use crate::entry::Entry;
use crate::event::{Decision, Event, Exchange};
use crate::pods::{NoCluster, Pods};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::tgs_exchange::{TgsRequest, Verified};
use kennel_wire::message::{ErrorCode, KdcReq, MessageType, Principal, Timestamp};
use rand_core::CryptoRngCore;
use std::net::SocketAddr;
use std::sync::Arc;

/// A KDC of one realm.
pub struct Kdc {
    rules: Arc<Rules>,
}

/// What every request is decided under.
pub(crate) struct Rules {
    pub(crate) realm: Arc<Realm>,
    pub(crate) access: Arc<dyn AccessPolicy>,
    pub(crate) pods: Arc<dyn Pods>,
}

impl Rules {
    /// The access decision; `Ok(true)` where the ticket is issued although `Enforce` would deny it.
    pub(crate) fn decide_access(&self, client: &Principal, server: &Entry, path: AccessPath) -> Result<bool, Refusal> {
        match self.access.decide(&AccessRequest { client, server, path }) {
            AccessDecision::Allow => Ok(false),
            AccessDecision::Observe => Ok(true),
            AccessDecision::Deny => Err(Refusal::AccessDenied),
        }
    }
}

/// Where a request stands.
#[expect(clippy::large_enum_variant, reason = "an outcome moves once, to the shell; a box would cost every request")]
pub enum Step {
    /// It is answered.
    Done(Outcome),
    /// Principals are needed first.
    Need(Box<Pending>),
}

/// A request that waits for principals: ask the store for each of [`Pending::wants`], then [`Pending::resume`].
/// A TGS request asks twice: who the client is stands inside the ticket.
pub struct Pending {
    rules: Arc<Rules>,
    context: Context,
    wants: Vec<Principal>,
    stage: Stage,
}

/// What a request waits with.
#[expect(clippy::large_enum_variant, reason = "lives inside the box of Pending")]
enum Stage {
    As(AsRequest),
    Tgs(TgsRequest),
    TgsVerified(Verified),
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
    /// A KDC of `realm` whose tickets all pass `access`.
    pub fn new(realm: Arc<Realm>, access: Arc<dyn AccessPolicy>) -> Kdc {
        Kdc::in_cluster(realm, access, Arc::new(NoCluster))
    }

    /// A KDC that knows which pods live: tickets that are bound to others are refused.
    pub fn in_cluster(realm: Arc<Realm>, access: Arc<dyn AccessPolicy>, pods: Arc<dyn Pods>) -> Kdc {
        Kdc { rules: Arc::new(Rules { realm, access, pods }) }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.rules.realm
    }

    /// Refuses what the shell could not take in as a request, such as a frame of an impossible length.
    #[must_use]
    pub fn refuse(&self, refusal: Refusal, peer: SocketAddr, now: Timestamp) -> Outcome {
        Context::new(now, peer).refused(refusal.into(), self.realm())
    }

    /// Takes a request in.
    #[must_use]
    pub fn begin(&self, bytes: &[u8], peer: SocketAddr, now: Timestamp) -> Step {
        let mut context = Context::new(now, peer);
        if is_answer(bytes) {
            return Step::Done(context.dropped(Refusal::NotARequest));
        }
        let request = match KdcReq::decode(bytes) {
            Ok(request) => request,
            Err(_) => return Step::Done(context.refused(Refusal::Malformed.into(), self.realm())),
        };
        context.options = request.body.options;
        context.offered.clone_from(&request.body.etypes);
        let begun = match request.message_type {
            MessageType::AsReq => {
                context.exchange = Exchange::As;
                AsRequest::begin(request, bytes, &self.rules, &mut context).map(|(r, w)| (Stage::As(r), w))
            }
            MessageType::TgsReq => {
                context.exchange = Exchange::Tgs;
                TgsRequest::begin(request, bytes, &self.rules, &mut context).map(|(r, w)| (Stage::Tgs(r), w))
            }
        };
        match begun {
            Ok((stage, wants)) => {
                let rules = Arc::clone(&self.rules);
                Step::Need(Box::new(Pending { rules, context, wants, stage }))
            }
            Err(refused) => Step::Done(context.refused(refused, self.realm())),
        }
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
    pub fn resume(self: Box<Self>, found: Vec<Found>, now: Timestamp, rng: &mut dyn CryptoRngCore) -> Step {
        let Pending { rules, mut context, stage, .. } = *self;
        context.now = now;
        let mut found = found.into_iter();
        let finished = match stage {
            Stage::As(request) => request.finish(&mut found, &rules, &mut context, rng),
            Stage::TgsVerified(verified) => verified.finish(&mut found, &rules, &mut context, rng),
            Stage::Tgs(request) => match request.verify(&mut found, &rules, &mut context) {
                Ok((verified, wants)) if wants.is_empty() => verified.finish(&mut found, &rules, &mut context, rng),
                Ok((verified, wants)) => {
                    let stage = Stage::TgsVerified(verified);
                    return Step::Need(Box::new(Pending { rules, context, wants, stage }));
                }
                Err(refused) => Err(refused),
            },
        };
        Step::Done(match finished {
            Ok((reply, issued)) => context.issued(reply, issued),
            Err(refused) => context.refused(refused, &rules.realm),
        })
    }

    /// The store cannot answer now: the client is told KDC_ERR_SVC_UNAVAILABLE and tries another KDC.
    #[must_use]
    pub fn unavailable(self: Box<Self>, now: Timestamp) -> Outcome {
        let Pending { rules, mut context, .. } = *self;
        context.now = now;
        context.refused(Refusal::StoreUnavailable.into(), &rules.realm)
    }
}

impl Outcome {
    /// The same outcome for a datagram whose reply would be longer than `limit`: KRB_ERR_RESPONSE_TOO_BIG goes out
    /// instead, the event says so, and the client comes again over TCP.
    #[must_use]
    pub fn fit_datagram(mut self, limit: usize, realm: &Realm, now: Timestamp) -> Outcome {
        if self.reply.as_ref().is_none_or(|reply| reply.len() <= limit) {
            return self;
        }
        let too_big = |client, server| krb_error(ErrorCode::RESPONSE_TOO_BIG, now, realm, client, server).encode();
        let mut reply = too_big(self.event.client.as_ref(), self.event.server.as_ref());
        if reply.len() > limit {
            // Names as long as that came with the request: without them the answer is short.
            reply = too_big(None, None);
        }
        let refusal = Refusal::ResponseTooBig;
        self.event.outcome = Decision::Refused { refusal, code: refusal.code() };
        self.reply = Some(reply);
        self
    }
}

/// Whether the bytes are a reply or an error: AS-REP, TGS-REP, AP-REP, KRB-ERROR. They are never answered: two servers
/// could otherwise be made to answer each other forever, by one datagram with a forged sender.
fn is_answer(bytes: &[u8]) -> bool {
    const APPLICATION_CONSTRUCTED: u8 = 0x60;
    const ANSWERS: [u8; 4] = [11, 13, 15, 30];
    bytes.first().is_some_and(|tag| ANSWERS.iter().any(|number| *tag == APPLICATION_CONSTRUCTED | number))
}
