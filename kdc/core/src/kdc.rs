//! The front door, on top of everything else: bytes in, a decision, bytes out. `now` and `rng` are arguments.

use crate::access::AccessPolicy;
use crate::as_exchange;
use crate::as_exchange::ReceivedAsRequest;
use crate::as_exchange::armored::ArmoredAsRequest;
use crate::as_exchange::request::AsRequest;
use crate::bindings::pod_lives;
use crate::context::{Context, ErrorReply};
use crate::enrolment::pod_ticket::PodTicket;
use crate::entry::Entry;
use crate::event::{Exchange, IssuedTicket};
use crate::lockout::guard::{LoginGuard, NoLockout};
use crate::outcome::Outcome;
use crate::pods::{NoCluster, PodRef, Pods};
use crate::realm::Realm;
use crate::refusal::Refusal;
use crate::rules::Rules;
use crate::tgs_exchange;
use crate::tgs_exchange::presented::PresentedTgsRequest;
use crate::tgs_exchange::received::ReceivedTgsRequest;
use crate::tgs_exchange::verified::VerifiedTgsRequest;
use crate::wants::{Found, Wants};
use kennel_wire::message::{KdcReq, MessageType, Timestamp};
use rand_core::CryptoRngCore;
use std::net::SocketAddr;
use std::sync::Arc;

/// A KDC of one realm.
pub struct Kdc {
    rules: Arc<Rules>,
}

/// The state of a request.
#[expect(clippy::large_enum_variant, reason = "an outcome moves once, to the shell; a box would cost every request")]
pub enum Step {
    /// The request is decided.
    Done(Outcome),
    /// The decision needs principals from the store first.
    Need(Box<Pending>),
}

/// A request that waits for principals: ask the store for each of [`Pending::wants`], then [`Pending::resume`].
/// A TGS request asks twice, because its client is named inside the ticket; an armored request once more, because all that it
/// asks for is inside the armor.
pub struct Pending {
    rules: Arc<Rules>,
    context: Context,
    wants: Wants,
    stage: Stage,
}

/// The step that a waiting request has reached.
enum Stage {
    AsArmored(ArmoredAsRequest),
    As(AsRequest),
    Tgs(ReceivedTgsRequest),
    TgsPresented(PresentedTgsRequest),
    TgsVerified(VerifiedTgsRequest),
}

/// The next of a request.
#[expect(clippy::large_enum_variant, reason = "moves once, to the next step")]
enum Next {
    /// The request goes on, with these principals; with none at once.
    Stage(Stage, Wants),
    /// A ticket was issued.
    Issued(Vec<u8>, IssuedTicket),
}

impl Kdc {
    /// A KDC of `realm` whose tickets all pass `access`.
    pub fn new(realm: Arc<Realm>, access: Arc<dyn AccessPolicy>) -> Kdc {
        Kdc::with_pods(realm, access, Arc::new(NoCluster))
    }

    /// A KDC that asks `pods` which pods live: it refuses tickets that are bound to a pod that is gone.
    pub fn with_pods(realm: Arc<Realm>, access: Arc<dyn AccessPolicy>, pods: Arc<dyn Pods>) -> Kdc {
        Kdc::with_logins(realm, access, pods, Arc::new(NoLockout))
    }

    /// A KDC that also asks `logins` who is locked out, and has it count the attempts to log in.
    pub fn with_logins(
        realm: Arc<Realm>,
        access: Arc<dyn AccessPolicy>,
        pods: Arc<dyn Pods>,
        logins: Arc<dyn LoginGuard>,
    ) -> Kdc {
        Kdc { rules: Arc::new(Rules { realm, access, pods, logins }) }
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        &self.rules.realm
    }

    /// Checks that the pod of a ticket lives, outside of this KDC's own exchanges: the ticket ends with it.
    ///
    /// # Errors
    /// [`Refusal::PodGone`].
    pub fn check_pod(&self, pod: Option<&PodRef>) -> Result<(), Refusal> {
        pod_lives(pod, &self.rules)
    }

    /// Who may have tickets for whom.
    #[must_use]
    pub fn access(&self) -> &dyn AccessPolicy {
        self.rules.access.as_ref()
    }

    /// Refuses what the shell could not take in as a request, such as a frame of an impossible length.
    #[must_use]
    pub fn refuse(&self, refusal: Refusal, peer: SocketAddr, now: Timestamp) -> Outcome {
        Context::new(now, peer).refused(refusal.into(), self.realm())
    }

    /// Refuses a datagram that is too long, of which `begin` is the beginning. What begins as a request gets
    /// KRB_ERR_RESPONSE_TOO_BIG, so that the client repeats its request over TCP; anything else gets no reply.
    #[must_use]
    pub fn refuse_datagram(&self, begin: &[u8], peer: SocketAddr, now: Timestamp) -> Outcome {
        if is_request(begin) {
            self.refuse(Refusal::DatagramLength, peer, now)
        } else {
            Context::new(now, peer).dropped(Refusal::NotARequest)
        }
    }

    /// Receives a request.
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
        context.asks(&request.body);
        let begun = match request.message_type {
            MessageType::AsReq => {
                context.exchange = Exchange::As;
                as_exchange::begin(request, bytes, &self.rules, &mut context).map(|(received, wants)| match received {
                    ReceivedAsRequest::Open(request) => (Stage::As(request), wants),
                    ReceivedAsRequest::Armored(armored) => (Stage::AsArmored(armored), wants),
                })
            }
            MessageType::TgsReq => {
                context.exchange = Exchange::Tgs;
                tgs_exchange::begin(request, bytes, &self.rules, &mut context).map(|(r, w)| (Stage::Tgs(r), w))
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

    /// Issues a ticket-granting ticket to a pod of `client`. `krbtgt` is the realm's own ticket-granting service;
    /// `offered` are the enctypes that the pod's libraries know, best first (empty: whatever the realm permits). The
    /// ticket is forwardable and not renewable: the pod enrols again. Every ticket that is derived from it is bound to the
    /// pod.
    ///
    /// # Errors
    /// What an AS exchange would refuse, and [`Refusal::PodGone`].
    pub fn issue_to_pod(
        &self,
        client: &Entry,
        krbtgt: &Entry,
        pod: &PodRef,
        offered: &[i32],
        now: Timestamp,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<PodTicket, Refusal> {
        PodTicket::issue(&self.rules, client, krbtgt, pod, offered, now, rng)
    }
}

impl Pending {
    /// The principals that the request needs; never empty.
    #[must_use]
    pub fn wants(&self) -> &Wants {
        &self.wants
    }

    /// Continues with what the store has of [`Pending::wants`].
    #[must_use]
    pub fn resume(self: Box<Self>, mut found: Found, now: Timestamp, rng: &mut dyn CryptoRngCore) -> Step {
        let Pending { rules, mut context, mut stage, .. } = *self;
        context.now = now;
        loop {
            match stage.advance(&mut found, &rules, &mut context, rng) {
                Ok(Next::Stage(next, wants)) if wants.is_empty() => stage = next,
                Ok(Next::Stage(stage, wants)) => return Step::Need(Box::new(Pending { rules, context, wants, stage })),
                Ok(Next::Issued(reply, issued)) => return Step::Done(context.issued(reply, issued)),
                Err(refused) => return Step::Done(context.refused_in_armor(refused, &rules.realm, rng)),
            }
        }
    }

    /// Refuses because a part of the KDC is not available now, mostly with KDC_ERR_SVC_UNAVAILABLE: the client tries another
    /// KDC.
    #[must_use]
    pub fn refuse(self: Box<Self>, refusal: Refusal, now: Timestamp) -> Outcome {
        let Pending { rules, mut context, .. } = *self;
        context.now = now;
        context.refused(refusal.into(), &rules.realm)
    }
}

impl Stage {
    /// Takes the next step of the exchange.
    fn advance(
        self,
        found: &mut Found,
        rules: &Rules,
        context: &mut Context,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Next, ErrorReply> {
        let issued = |(reply, issued)| Next::Issued(reply, issued);
        match self {
            Stage::AsArmored(armored) => {
                as_exchange::open(armored, found, rules, context).map(|(r, w)| Next::Stage(Stage::As(r), w))
            }
            Stage::As(request) => as_exchange::finish(request, found, rules, context, rng).map(issued),
            Stage::Tgs(received) => tgs_exchange::present(received, found, rules, context)
                .map(|(presented, wants)| Next::Stage(Stage::TgsPresented(presented), wants)),
            Stage::TgsPresented(presented) => tgs_exchange::verify(presented, found, rules, context)
                .map(|(verified, wants)| Next::Stage(Stage::TgsVerified(verified), wants)),
            Stage::TgsVerified(verified) => tgs_exchange::finish(verified, found, rules, context, rng).map(issued),
        }
    }
}

/// Whether the bytes begin as an AS-REQ or a TGS-REQ.
fn is_request(bytes: &[u8]) -> bool {
    const REQUESTS: [u8; 2] = [10, 12];
    has_application_tag(bytes, &REQUESTS)
}

/// Whether the bytes are a reply or an error: AS-REP, TGS-REP, AP-REP, KRB-ERROR. They are never answered: two servers
/// could otherwise be made to answer each other forever, by one datagram with a forged sender.
fn is_answer(bytes: &[u8]) -> bool {
    const ANSWERS: [u8; 4] = [11, 13, 15, 30];
    has_application_tag(bytes, &ANSWERS)
}

fn has_application_tag(bytes: &[u8], numbers: &[u8]) -> bool {
    const APPLICATION_CONSTRUCTED: u8 = 0x60;
    bytes.first().is_some_and(|tag| numbers.iter().any(|number| *tag == APPLICATION_CONSTRUCTED | number))
}
