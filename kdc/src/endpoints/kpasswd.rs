//! Port 464, UDP and TCP: changes of passwords (RFC 3244). A request is verified by the core, and the change is an operation of
//! administration, as any other.

use crate::clock;
use futures_util::FutureExt;
use kennel_audit::Audit;
use kennel_controller::Live;
use kennel_core::admin::caller::{AdminService, Caller};
use kennel_core::admin::operation::{KeyChange, Operation};
use kennel_core::entry::Entry;
use kennel_core::kpasswd::answer::{PasswordAnswer, answer, in_datagram};
use kennel_core::kpasswd::event::{PasswordEvent, PasswordOutcome, PasswordRefusal};
use kennel_core::kpasswd::request::{AuthenticPasswordRequest, RefusedPasswordRequest};
use kennel_core::lockout::guard::{Attempt, LockedOut, LoginGuard, Proof};
use kennel_core::refusal::Refusal;
use kennel_listen::{Respond, Response, TransportKind};
use kennel_store::administration::Administration;
use kennel_store::cache::EntryCache;
use kennel_wire::kpasswd::PasswordResult;
use kennel_wire::message::{Principal, Timestamp};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore};

/// Parts of the principals, each of whose changes come one after another.
const LANES: usize = 256;

/// The responder of requests to change passwords.
pub(crate) struct PasswordEndpoint {
    live: Arc<Live>,
    cache: Arc<EntryCache>,
    administration: Arc<Administration>,
    logins: Arc<dyn LoginGuard>,
    audit: Audit,
    /// Longest reply in a datagram, octets.
    udp_reply_limit: usize,
    lanes: Lanes,
}

/// How a request ended, and what it is answered with.
struct Decided {
    outcome: PasswordOutcome,
    client: Option<Principal>,
    target: Option<Principal>,
    answer: Option<PasswordAnswer>,
}

impl PasswordEndpoint {
    pub(crate) fn new(
        live: Arc<Live>,
        cache: Arc<EntryCache>,
        administration: Arc<Administration>,
        logins: Arc<dyn LoginGuard>,
        audit: Audit,
        udp_reply_limit: usize,
    ) -> PasswordEndpoint {
        PasswordEndpoint { live, cache, administration, logins, audit, udp_reply_limit, lanes: Lanes::new() }
    }

    /// Verifies a request, with the service of the realm.
    async fn verify(&self, request: &[u8], now: Timestamp) -> Result<AuthenticPasswordRequest, RefusedPasswordRequest> {
        let kdc = self.live.kdc();
        let service = self.entry(&AdminService::ChangePassword.principal(&kdc.realm().name)).await?;
        AuthenticPasswordRequest::verify(request, service.as_deref(), kdc.realm(), now)
    }

    async fn entry(&self, name: &Principal) -> Result<Option<Arc<Entry>>, PasswordRefusal> {
        self.cache.lookup(name).await.map_err(|error| {
            tracing::error!(%error, "the store did not answer");
            PasswordRefusal::Unproven(Refusal::StoreUnavailable)
        })
    }

    async fn decide(&self, request: &[u8], peer: SocketAddr, now: Timestamp) -> Decided {
        match self.verify(request, now).await {
            Ok(request) => self.change(Arc::new(request), peer, now).await,
            Err(refused) => refused.into(),
        }
    }

    async fn change(&self, request: Arc<AuthenticPasswordRequest>, peer: SocketAddr, now: Timestamp) -> Decided {
        let outcome = match self.admit_and_change(&request, peer, now).await {
            Ok(outcome) => outcome,
            Err(refusal) => PasswordOutcome::Refused(refusal),
        };
        let (client, target) = (Some(request.client.clone()), request.target.clone());
        // Whoever derived keys for the request is done with it.
        let answer = Arc::into_inner(request).map(|request| request.answer);
        Decided { outcome, client, target, answer }
    }

    async fn admit_and_change(
        &self,
        request: &Arc<AuthenticPasswordRequest>,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Result<PasswordOutcome, PasswordRefusal> {
        if !self.audit.accepts() {
            return Err(PasswordRefusal::Unproven(Refusal::TrailUnavailable));
        }
        let _turn = self.lanes.turn(request.whose()).await;
        if self.is_repeated(request, peer, now).await? {
            return Ok(PasswordOutcome::Repeated);
        }
        let client = self.entry(&request.client).await?;
        let client = client.as_deref().map(|entry| &entry.record);
        request.check_client(client, self.live.kdc().realm(), now)?;
        let operation = Operation::ChangePassword {
            name: request.whose().clone(),
            password: request.password.clone(),
            rules: KeyChange::default(),
        };
        // The event of the request is that of the operation too.
        match self.administration.perform_unrecorded(&caller(request, peer), operation, now).await {
            Ok(_) => Ok(PasswordOutcome::Changed),
            Err(refusal) => Err(PasswordRefusal::Admin(refusal)),
        }
    }

    /// Whether the request has been fulfilled already: its answer was lost on the way, or another replica was asked first. Whoever has
    /// a ticket from before the change could try passwords this way, so that a wrong one counts as a failed attempt to log in.
    async fn is_repeated(
        &self,
        request: &Arc<AuthenticPasswordRequest>,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Result<bool, PasswordRefusal> {
        let Some(target) = self.entry(request.whose()).await? else { return Ok(false) };
        if !request.may_be_repeated(&target.record, self.live.kdc().realm(), now) {
            return Ok(false);
        }
        let attempt = Attempt { client: &target.record, peer: peer.ip(), now };
        let locked_out = |LockedOut| PasswordRefusal::Unproven(Refusal::ClientLockedOut);
        self.logins.admit(&attempt).map_err(locked_out)?;
        let (request, record) = (request.clone(), target.clone());
        let derived = tokio::task::spawn_blocking(move || match request.is_in_force(&record.record) {
            true => Ok(()),
            false => Err(request.fingerprint()),
        });
        match derived.await.map_err(|_| PasswordRefusal::Unproven(Refusal::Internal))? {
            Ok(()) => Ok(true),
            Err(fingerprint) => {
                self.logins.settle(&attempt, Proof::Wrong { fingerprint }).map_err(locked_out)?;
                Ok(false)
            }
        }
    }

    fn refuse(&self, request: &[u8], refusal: PasswordRefusal, now: Timestamp) -> Decided {
        match self.verify(request, now).now_or_never() {
            Some(Ok(AuthenticPasswordRequest { client, target, answer, .. })) => Decided {
                outcome: PasswordOutcome::Refused(refusal),
                client: Some(client),
                target,
                answer: Some(answer),
            },
            Some(Err(refused)) => refused.into(),
            None => RefusedPasswordRequest::from(refusal).into(),
        }
    }

    fn respond_with(
        &self,
        decided: Decided,
        request: usize,
        peer: SocketAddr,
        now: Timestamp,
        by: TransportKind,
    ) -> Response<PasswordEvent> {
        let Decided { outcome, client, target, answer: to } = decided;
        let kdc = self.live.kdc();
        let reply = answer(&outcome, to.as_ref(), kdc.realm(), now, &mut rand::thread_rng());
        let reply = match by {
            TransportKind::Datagram => in_datagram(reply, &outcome, request, self.udp_reply_limit),
            TransportKind::Stream => reply,
        };
        Response { reply, event: PasswordEvent { time: now, peer, client, target, outcome } }
    }

    /// Records the event, then returns the reply.
    fn finish(&self, Response { reply, event }: Response<PasswordEvent>) -> Option<Vec<u8>> {
        self.audit.record_password(event);
        reply
    }
}

/// Everyone changes his own password by the ticket that he has; another one's by the rights of an administrator.
fn caller(request: &AuthenticPasswordRequest, peer: SocketAddr) -> Caller {
    let service = if request.target.is_none() { AdminService::ChangePassword } else { AdminService::Admin };
    Caller::Principal { client: request.client.clone(), service, initial: request.initial, peer: peer.ip() }
}

impl From<RefusedPasswordRequest> for Decided {
    fn from(refused: RefusedPasswordRequest) -> Decided {
        let RefusedPasswordRequest { refusal, proven } = refused;
        let (client, answer) = proven.map(|proven| (proven.client, proven.answer)).unzip();
        Decided { outcome: PasswordOutcome::Refused(refusal), client, target: None, answer }
    }
}

impl Respond for PasswordEndpoint {
    type Event = PasswordEvent;

    /// Refuses what proves nobody. A change waits for the store, and for keys to be derived.
    fn try_respond(&self, request: &[u8], peer: SocketAddr, by: TransportKind) -> Option<Response<PasswordEvent>> {
        let now = clock::now();
        let refused = self.verify(request, now).now_or_never()?.err()?;
        Some(self.respond_with(refused.into(), request.len(), peer, now, by))
    }

    fn record(&self, events: &mut Vec<PasswordEvent>) {
        events.drain(..).for_each(|event| self.audit.record_password(event));
    }

    async fn respond(&self, request: &[u8], peer: SocketAddr, by: TransportKind) -> Option<Vec<u8>> {
        let now = clock::now();
        let decided = self.decide(request, peer, now).await;
        self.finish(self.respond_with(decided, request.len(), peer, now, by))
    }

    fn unavailable(&self, request: &[u8], peer: SocketAddr, by: TransportKind) -> Option<Vec<u8>> {
        let now = clock::now();
        let decided = self.refuse(request, PasswordRefusal::Busy, now);
        self.finish(self.respond_with(decided, request.len(), peer, now, by))
    }

    /// No answer: no request is that long, and its sender may be forged.
    fn refuse_datagram(&self, begin: &[u8], peer: SocketAddr) -> Response<PasswordEvent> {
        self.respond_with(unreadable(), begin.len(), peer, clock::now(), TransportKind::Datagram)
    }

    fn refuse_frame(&self, peer: SocketAddr) -> Option<Vec<u8>> {
        self.finish(self.respond_with(unreadable(), 0, peer, clock::now(), TransportKind::Stream))
    }
}

fn unreadable() -> Decided {
    RefusedPasswordRequest::from(PasswordRefusal::Unreadable(PasswordResult::Malformed)).into()
}

/// Lets the changes of one principal come one after another, and no more at a time than the machine has processors for: deriving keys
/// takes them some milliseconds each.
struct Lanes {
    lanes: Vec<Mutex<()>>,
    hasher: RandomState,
    processors: Semaphore,
}

impl Lanes {
    fn new() -> Lanes {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Lanes {
            lanes: (0..LANES).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
            processors: Semaphore::new(processors.div_ceil(2)),
        }
    }

    /// The turn of a change. Whoever sends many requests waits in his own lane, where he delays hardly anybody else.
    async fn turn(&self, name: &Principal) -> Turn<'_> {
        let number = (self.hasher.hash_one(name) % LANES as u64) as usize;
        let lane = match self.lanes.get(number) {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        Turn { _processor: self.processors.acquire().await.ok(), _lane: lane }
    }
}

/// A turn, until it is dropped.
struct Turn<'a> {
    _processor: Option<tokio::sync::SemaphorePermit<'a>>,
    _lane: Option<tokio::sync::MutexGuard<'a, ()>>,
}
