//! Port 88, UDP and TCP: passes each request through the steps of the core, reads principals from the cache between the steps, and
//! records one audit event.

use crate::clock;
use futures_util::FutureExt;
use kennel_audit::Audit;
use kennel_controller::Live;
use kennel_core::event::{Decision, Event};
use kennel_core::kdc::{Pending, Step};
use kennel_core::outcome::Outcome;
use kennel_core::refusal::Refusal;
use kennel_core::wants::{Found, Wants};
use kennel_listen::{Respond, Response, TransportKind};
use kennel_store::StoreError;
use kennel_store::cache::EntryCache;
use kennel_wire::message::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;

/// The responder of AS and TGS requests.
pub(crate) struct KdcEndpoint {
    live: Arc<Live>,
    cache: Arc<EntryCache>,
    audit: Audit,
    /// Longest reply in a datagram, octets.
    udp_reply_limit: usize,
}

impl KdcEndpoint {
    pub(crate) fn new(live: Arc<Live>, cache: Arc<EntryCache>, audit: Audit, udp_reply_limit: usize) -> KdcEndpoint {
        KdcEndpoint { live, cache, audit, udp_reply_limit }
    }

    /// Decides a request that came at `now`.
    async fn decide(&self, request: &[u8], peer: SocketAddr, now: Timestamp) -> Outcome {
        if !self.audit.accepts() {
            // No ticket without its line in the trail.
            return self.refuse(request, peer, Refusal::TrailUnavailable);
        }
        let mut step = self.live.kdc().begin(request, peer, now);
        loop {
            let pending: Box<Pending> = match step {
                Step::Done(outcome) => return outcome,
                Step::Need(pending) => pending,
            };
            step = match self.fetch(pending.wants()).await {
                Ok(found) => pending.resume(found, now, &mut rand::thread_rng()),
                Err(error) => {
                    tracing::error!(%error, "the store did not answer");
                    return pending.refuse(Refusal::StoreUnavailable, now);
                }
            };
        }
    }

    async fn fetch(&self, wants: &Wants) -> Result<Found, StoreError> {
        let mut found = Found::with_capacity(wants.len());
        for (want, name) in wants.iter() {
            let entry = match self.cache.peek(name) {
                Some(entry) => entry,
                None => self.cache.lookup(name).await?,
            };
            found.add(want, entry);
        }
        Ok(found)
    }

    /// Refuses a request that would need the store; decides any other.
    fn refuse(&self, request: &[u8], peer: SocketAddr, refusal: Refusal) -> Outcome {
        let now = clock::now();
        match self.live.kdc().begin(request, peer, now) {
            Step::Done(outcome) => outcome,
            Step::Need(pending) => pending.refuse(refusal, now),
        }
    }

    /// Records the event and returns the reply, so that no ticket leaves without its audit line.
    fn finish(&self, outcome: Outcome) -> Option<Vec<u8>> {
        self.audit.record(outcome.event);
        outcome.reply
    }

    /// Whether a ticket is denied for the only reason that the cluster has not said yet who may have it.
    fn is_premature(&self, outcome: &Outcome) -> bool {
        matches!(outcome.event.outcome, Decision::Refused { denial: Some(_), .. }) && self.live.awaits_access()
    }

    /// Fits the reply to a request of `request` octets into its transport.
    fn fit(&self, outcome: Outcome, request: usize, transport: TransportKind) -> Outcome {
        let now = outcome.event.time;
        match transport {
            TransportKind::Datagram => {
                outcome.fit_datagram(request, self.udp_reply_limit, self.live.kdc().realm(), now)
            }
            TransportKind::Stream => outcome,
        }
    }
}

impl Respond for KdcEndpoint {
    type Event = Event;

    /// The core has no state that a request could change half-way, so this method drops a decision that waits for the store,
    /// and [`Respond::respond`] makes it anew.
    fn try_respond(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Response<Event>> {
        let outcome = self.decide(request, peer, clock::now()).now_or_never()?;
        if self.is_premature(&outcome) {
            return None;
        }
        let Outcome { reply, event } = self.fit(outcome, request.len(), transport);
        Some(Response { reply, event })
    }

    fn record(&self, events: &mut Vec<Event>) {
        self.audit.record_all(events);
    }

    async fn respond(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Vec<u8>> {
        // A request that waits here is as old as it was when it came.
        let now = clock::now();
        let mut outcome = self.decide(request, peer, now).await;
        if self.is_premature(&outcome) {
            self.live.access_known().await;
            outcome = self.decide(request, peer, now).await;
        }
        self.finish(self.fit(outcome, request.len(), transport))
    }

    /// Too many requests wait for the store: KDC_ERR_SVC_UNAVAILABLE.
    fn unavailable(&self, request: &[u8], peer: SocketAddr, transport: TransportKind) -> Option<Vec<u8>> {
        let outcome = self.refuse(request, peer, Refusal::StoreUnavailable);
        self.finish(self.fit(outcome, request.len(), transport))
    }

    /// KRB_ERR_RESPONSE_TOO_BIG, so that the client sends its request over TCP.
    fn refuse_datagram(&self, begin: &[u8], peer: SocketAddr) -> Response<Event> {
        let Outcome { reply, event } = self.live.kdc().refuse_datagram(begin, peer, clock::now());
        Response { reply, event }
    }

    /// KRB_ERR_FIELD_TOOLONG (RFC 4120, section 7.2.2).
    fn refuse_frame(&self, peer: SocketAddr) -> Option<Vec<u8>> {
        self.finish(self.live.kdc().refuse(Refusal::FrameLength, peer, clock::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::audit::AuditSettings;
    use kennel_audit::{Metrics, SinkTarget};
    use kennel_core::access::AllowAll;
    use kennel_core::pods::NoCluster;
    use kennel_core::realm::Realm;
    use kennel_store::MemoryStore;
    use kennel_wire::message::{ErrorCode, KrbError};

    /// Not a Kerberos message. The KDC replies with a KRB-ERROR.
    const GARBAGE: &[u8] = b"\x30\x03not";
    /// The outermost octets of an AS-REP. The KDC does not answer replies.
    const REPLY: &[u8] = b"\x6b\x02\x30\x00";

    async fn endpoint(dir: &tempfile::TempDir) -> (KdcEndpoint, kennel_audit::AuditWriter) {
        let settings =
            AuditSettings { sink: SinkTarget::File(dir.path().join("audit.log")), ..AuditSettings::default() };
        let (audit, writer) = Audit::start(&settings.build(), Arc::new(Metrics::new()), None, clock::now).unwrap();
        let cache = EntryCache::open(Arc::new(MemoryStore::new()), 16).await.unwrap();
        let live = Arc::new(Live::new(Realm::new("R"), Arc::new(AllowAll), Arc::new(NoCluster)));
        (KdcEndpoint::new(live, cache, audit, 1400), writer)
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 4711))
    }

    #[tokio::test]
    async fn garbage_gets_an_error_a_reply_gets_nothing_and_each_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let (endpoint, writer) = endpoint(&dir).await;
        let answer = endpoint.respond(GARBAGE, peer(), TransportKind::Stream).await.unwrap();
        assert_eq!(KrbError::decode(&answer).unwrap().error_code, ErrorCode::GENERIC);
        assert!(endpoint.respond(REPLY, peer(), TransportKind::Stream).await.is_none());
        let mut events: Vec<Event> = [GARBAGE, REPLY]
            .map(|request| endpoint.try_respond(request, peer(), TransportKind::Datagram).unwrap().event)
            .into();
        endpoint.record(&mut events);
        assert!(events.is_empty());
        writer.stop();
        let lines = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
        assert_eq!(lines.lines().count(), 4, "{lines}");
    }

    #[tokio::test]
    async fn a_frame_that_cannot_be_served_is_answered_field_toolong_and_recorded() {
        let dir = tempfile::tempdir().unwrap();
        let (endpoint, writer) = endpoint(&dir).await;
        let error = KrbError::decode(&endpoint.refuse_frame(peer()).unwrap()).unwrap();
        assert_eq!((error.error_code, error.realm.as_str()), (ErrorCode::FIELD_TOOLONG, "R"));
        writer.stop();
        assert!(std::fs::read_to_string(dir.path().join("audit.log")).unwrap().contains("FrameLength"));
    }
}
