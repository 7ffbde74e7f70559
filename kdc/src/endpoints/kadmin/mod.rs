//! Port 749, TCP: kadmin's protocol. A record of ONC RPC is a call; RPCSEC_GSS says who calls; the procedure becomes an operation of
//! administration.
//!
//! | module | what |
//! |---|---|
//! | [`sessions`] | the contexts of the clients |

mod sessions;

use crate::clock;
use crate::endpoints::kadmin::sessions::{Owner, Session, Sessions};
use kennel_audit::Audit;
use kennel_controller::Live;
use kennel_core::admin::caller::Caller;
use kennel_core::admin::refusal::AdminRefusal;
use kennel_core::ap_exchange::ApUse;
use kennel_core::entry::Entry;
use kennel_core::gss::acceptor::{AcceptRefusal, ContextClient, InitialToken};
use kennel_core::gss::rpc::{Answering, CallRefusal, RpcSession, denied, not_established};
use kennel_core::kadm5::call::{Kadm5Call, Kadm5Step};
use kennel_core::kadm5::service::admin_service;
use kennel_core::kdc::Kdc;
use kennel_core::refusal::Refusal;
use kennel_listen::{Respond, Response, TransportKind};
use kennel_store::StoreError;
use kennel_store::administration::Administration;
use kennel_store::cache::EntryCache;
use kennel_wire::kadm5::procedure::{PROGRAM, PROGRAM_VERSION};
use kennel_wire::message::{Principal, Timestamp};
use kennel_wire::rpc::call::{Call, Flavor, OpaqueAuth, RPC_VERSION};
use kennel_wire::rpc::gss::{self, GssCredential, GssProcedure, GssService};
use kennel_wire::rpc::reply::{AcceptStatus, AuthStatus, Reply, ReplyBody};
use rand::thread_rng;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The procedure that every program has, which does nothing.
const NULL_PROCEDURE: u32 = 0;

/// The responder of kadmin's protocol.
pub(crate) struct KadminEndpoint {
    live: Arc<Live>,
    cache: Arc<EntryCache>,
    administration: Arc<Administration>,
    audit: Audit,
    sessions: Sessions,
}

impl KadminEndpoint {
    /// `idle`: time for which a client may say nothing between two calls.
    pub(crate) fn new(
        live: Arc<Live>,
        cache: Arc<EntryCache>,
        administration: Arc<Administration>,
        audit: Audit,
        idle: Duration,
    ) -> KadminEndpoint {
        KadminEndpoint { live, cache, administration, audit, sessions: Sessions::new(idle) }
    }

    /// Answers a call. `None` closes the connection: the octets are no call, or one that was seen before.
    async fn answer(&self, message: &[u8], peer: SocketAddr) -> Option<Vec<u8>> {
        let call = Call::decode(message).ok()?;
        if call.rpc_version != RPC_VERSION {
            return Some(Reply { xid: call.xid, body: ReplyBody::VersionMismatch }.encode());
        }
        if call.credential.flavor != Flavor::RPCSEC_GSS {
            return Some(denied(call.xid, AuthStatus::TOO_WEAK));
        }
        let Ok(credential) = GssCredential::decode(call.credential.body) else {
            return Some(denied(call.xid, AuthStatus::BAD_CREDENTIAL));
        };
        // Arguments and results carry passwords and keys.
        if credential.service == GssService::None {
            return Some(denied(call.xid, AuthStatus::TOO_WEAK));
        }
        match credential.procedure {
            GssProcedure::Init if call.procedure == NULL_PROCEDURE => Some(self.establish(&call, peer).await),
            GssProcedure::Data => self.perform(&call, &credential, peer).await,
            GssProcedure::Destroy if call.procedure == NULL_PROCEDURE => self.destroy(&call, &credential),
            // The Kerberos mechanism is complete after one token each way.
            GssProcedure::ContinueInit => Some(denied(call.xid, AuthStatus::REJECTED_CREDENTIAL)),
            GssProcedure::Init | GssProcedure::Destroy => Some(denied(call.xid, AuthStatus::FAILED)),
        }
    }

    async fn establish(&self, call: &Call<'_>, peer: SocketAddr) -> Vec<u8> {
        let Ok(token) = gss::init_token(call.arguments) else {
            return accepted(call.xid, AcceptStatus::GarbageArguments);
        };
        match self.accept(call.xid, token, peer).await {
            Ok(reply) => reply,
            Err(refusal) => {
                tracing::debug!(%peer, reason = Refusal::from(refusal).text(), "no context for a client of kadmin");
                not_established(call.xid, Refusal::from(refusal).code().0.cast_unsigned(), &[])
            }
        }
    }

    async fn accept(&self, xid: u32, token: &[u8], peer: SocketAddr) -> Result<Vec<u8>, AcceptRefusal> {
        let (kdc, now) = (Arc::clone(&self.live.kdc()), clock::now());
        let realm = kdc.realm();
        let token = InitialToken::read(token)?;
        let named = admin_service(&token.server(), &realm.name).and(self.entry(&token.server()).await?);
        // By the name of the record, not of the ticket: the ticket may name an alias of another service.
        let server = named.and_then(|entry| Some((admin_service(&entry.record.principal, &realm.name)?, entry)));
        let (service, server) = server.ok_or(AcceptRefusal::Refused(Refusal::TicketNotForUs))?;
        let at = ApUse { now, peer: Some(peer.ip()), validating: false };
        let established = token.accept(&server, realm, at, &mut thread_rng())?;
        let account = self.check(&established.client, &kdc, now).await.map_err(AcceptRefusal::Refused)?;
        let owner = Owner { account, peer };
        let handle = self.sessions.keep(RpcSession::new(established.context), established.client, service, owner);
        let session = self.sessions.find(&handle, now.time).ok_or(AcceptRefusal::Refused(Refusal::Internal))?;
        let reply = session.rpc().established(xid, &handle, &established.reply);
        Ok(reply)
    }

    async fn perform(&self, call: &Call<'_>, credential: &GssCredential<'_>, peer: SocketAddr) -> Option<Vec<u8>> {
        let now = clock::now();
        let Some(session) = self.sessions.find(credential.handle, now.time) else {
            return Some(denied(call.xid, AuthStatus::GSS_CREDENTIAL_PROBLEM));
        };
        let checked = session.rpc().check_header(call, credential);
        let answering = match checked {
            Ok(answering) => answering,
            Err(refusal) => return refused(call.xid, refusal),
        };
        let opened = session.rpc().open(call.arguments, answering);
        let reply = |status: AcceptStatus<'_>| session.rpc().reply(answering, status, &mut thread_rng());
        let arguments = match opened {
            Ok(arguments) => arguments,
            Err(CallRefusal::Garbage) => return Some(reply(AcceptStatus::GarbageArguments)),
            Err(refusal) => return refused(call.xid, refusal),
        };
        if let Some(status) = unserved(call) {
            return Some(reply(status));
        }
        let kdc = Arc::clone(&self.live.kdc());
        let client = match self.check(&session.client, &kdc, now).await {
            Ok(client) => client,
            Err(_) => {
                self.sessions.end(credential.handle);
                return Some(denied(call.xid, AuthStatus::GSS_CONTEXT_PROBLEM));
            }
        };
        let caller = caller(&session, client, peer);
        self.run(call.procedure, &arguments, (&session, answering), (caller, kdc, now)).await
    }

    /// Performs a procedure.
    async fn run(
        &self,
        procedure: u32,
        arguments: &[u8],
        (session, answering): (&Session, Answering),
        (caller, kdc, now): (Caller, Arc<Kdc>, Timestamp),
    ) -> Option<Vec<u8>> {
        let reply = |status: AcceptStatus<'_>| Some(session.rpc().reply(answering, status, &mut thread_rng()));
        match Kadm5Call::begin(procedure, arguments, session.service, kdc.realm()) {
            Kadm5Step::Answered(results) => reply(AcceptStatus::Success(&results)),
            Kadm5Step::ProcedureUnavailable => reply(AcceptStatus::ProcedureUnavailable),
            Kadm5Step::Garbage => reply(AcceptStatus::GarbageArguments),
            Kadm5Step::Perform(operation, call) => {
                let answer = if self.audit.accepts() {
                    self.administration.perform(&caller, *operation, now).await
                } else {
                    // Nothing is done without its line in the trail.
                    Err(AdminRefusal::StoreUnavailable)
                };
                reply(AcceptStatus::Success(&call.finish(answer, kdc.realm())))
            }
        }
    }

    fn destroy(&self, call: &Call<'_>, credential: &GssCredential<'_>) -> Option<Vec<u8>> {
        let Some(session) = self.sessions.find(credential.handle, clock::now().time) else {
            return Some(denied(call.xid, AuthStatus::GSS_CREDENTIAL_PROBLEM));
        };
        let mut rpc = session.rpc();
        match rpc.check_header(call, credential) {
            Ok(answering) => {
                self.sessions.end(credential.handle);
                Some(rpc.farewell(answering))
            }
            Err(refusal) => refused(call.xid, refusal),
        }
    }

    /// Checks the client of a context, now. Returns its canonical name.
    async fn check(&self, client: &ContextClient, kdc: &Kdc, now: Timestamp) -> Result<Principal, Refusal> {
        kdc.check_pod(client.pod.as_ref())?;
        let found = self.entry(&client.name).await.map_err(Refusal::from)?;
        client.check_account(found.as_deref(), kdc.realm(), now.time)
    }

    async fn entry(&self, name: &Principal) -> Result<Option<Arc<Entry>>, AcceptRefusal> {
        self.cache.lookup(name).await.map_err(unavailable)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn unavailable(error: StoreError) -> AcceptRefusal {
    tracing::error!(%error, "the store did not answer");
    AcceptRefusal::Refused(Refusal::StoreUnavailable)
}

fn caller(session: &Session, client: Principal, peer: SocketAddr) -> Caller {
    Caller::Principal { client, service: session.service, initial: session.client.initial, peer: peer.ip() }
}

/// The reply to a call of a program or procedure that needs no arguments; `None` where the call goes on.
fn unserved(call: &Call<'_>) -> Option<AcceptStatus<'static>> {
    if call.program != PROGRAM {
        Some(AcceptStatus::ProgramUnavailable)
    } else if call.version != PROGRAM_VERSION {
        Some(AcceptStatus::ProgramMismatch { low: PROGRAM_VERSION, high: PROGRAM_VERSION })
    } else if call.procedure == NULL_PROCEDURE {
        Some(AcceptStatus::Success(&[]))
    } else {
        None
    }
}

/// The reply to a call that is not performed. `None`: nobody waits for a reply to a call that was seen before.
fn refused(xid: u32, refusal: CallRefusal) -> Option<Vec<u8>> {
    match refusal {
        CallRefusal::Repeated => None,
        CallRefusal::Denied(status) => Some(denied(xid, status)),
        CallRefusal::Garbage => Some(accepted(xid, AcceptStatus::GarbageArguments)),
    }
}

fn accepted(xid: u32, status: AcceptStatus<'_>) -> Vec<u8> {
    let verifier = OpaqueAuth { flavor: Flavor::NONE, body: &[] };
    Reply { xid, body: ReplyBody::Accepted { verifier, status } }.encode()
}

impl Respond for KadminEndpoint {
    type Event = ();

    /// The protocol has no datagrams.
    fn try_respond(&self, _request: &[u8], _peer: SocketAddr, _transport: TransportKind) -> Option<Response<()>> {
        None
    }

    fn record(&self, events: &mut Vec<()>) {
        events.clear();
    }

    async fn respond(&self, request: &[u8], peer: SocketAddr, _transport: TransportKind) -> Option<Vec<u8>> {
        self.answer(request, peer).await
    }

    fn unavailable(&self, _request: &[u8], _peer: SocketAddr, _transport: TransportKind) -> Option<Vec<u8>> {
        None
    }

    fn refuse_datagram(&self, _begin: &[u8], _peer: SocketAddr) -> Response<()> {
        Response { reply: None, event: () }
    }

    /// No reply: its number is in the message that cannot be read.
    fn refuse_frame(&self, _peer: SocketAddr) -> Option<Vec<u8>> {
        None
    }

    /// People type into `kadmin` for longer than a stranger may wait, and it does not connect again.
    fn idle(&self, peer: SocketAddr) -> Option<Duration> {
        self.sessions.knows(peer).then(|| self.sessions.idle())
    }
}
