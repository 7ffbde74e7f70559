//! How a request walks: bytes in, the core's steps, the cache between them, one audit event, bytes out. UDP and TCP
//! both come through here.

use crate::audit::Audit;
use crate::clock;
use crate::live::Live;
use futures_util::FutureExt;
use kennel_core::event::Event;
use kennel_core::kdc::{Pending, Step};
use kennel_core::outcome::Outcome;
use kennel_core::refusal::Refusal;
use kennel_core::wants::{Found, Wants};
use kennel_store::StoreError;
use kennel_store::cache::EntryCache;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everything that a request needs.
pub(crate) struct Answerer {
    live: Arc<Live>,
    cache: Arc<EntryCache>,
    audit: Audit,
    udp_reply_limit: usize,
}

/// How the reply travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In one datagram: a reply that is too long becomes KRB_ERR_RESPONSE_TOO_BIG.
    Datagram,
    /// In a stream, whatever its length.
    Stream,
}

impl Answerer {
    pub(crate) fn new(live: Arc<Live>, cache: Arc<EntryCache>, audit: Audit, udp_reply_limit: usize) -> Answerer {
        Answerer { live, cache, audit, udp_reply_limit }
    }

    /// Answers; waits for the store where the cache does not know a name. `None` sends nothing.
    pub(crate) async fn answer(&self, request: &[u8], peer: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let outcome = self.decide(request, peer).await;
        self.finish(outcome, transport)
    }

    /// Decides without waiting. `None`: the store has to be waited for, use [`Answerer::answer`]. Nothing has happened
    /// then, since the core has no state that a request could have changed half-way. The event is still to be recorded.
    pub(crate) fn decide_at_once(&self, request: &[u8], peer: SocketAddr, transport: Transport) -> Option<Outcome> {
        let outcome = self.decide(request, peer).now_or_never()?;
        Some(self.fit(outcome, transport))
    }

    /// Records the events of some requests, and empties the list.
    pub(crate) fn record_all(&self, events: &mut Vec<Event>) {
        self.audit.record_all(events);
    }

    /// Answers a frame whose length cannot be served.
    pub(crate) fn refuse_frame(&self, peer: SocketAddr) -> Option<Vec<u8>> {
        self.finish(self.live.kdc().refuse(Refusal::FrameLength, peer, clock::now()), Transport::Stream)
    }

    /// Answers that the store cannot be asked now (too many requests wait for it already).
    pub(crate) fn answer_unavailable(&self, request: &[u8], peer: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        let now = clock::now();
        let outcome = match self.live.kdc().begin(request, peer, now) {
            Step::Done(outcome) => outcome,
            Step::Need(pending) => pending.unavailable(now),
        };
        self.finish(outcome, transport)
    }

    async fn decide(&self, request: &[u8], peer: SocketAddr) -> Outcome {
        let now = clock::now();
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
                    return pending.unavailable(now);
                }
            };
        }
    }

    async fn fetch(&self, wants: &Wants) -> Result<Found, StoreError> {
        let mut found = Found::with_capacity(wants.len());
        for (want, name) in wants.iter() {
            let entry = match self.cache.peek(name) {
                Some(known) => known,
                None => self.cache.lookup(name).await?,
            };
            found.add(want, entry);
        }
        Ok(found)
    }

    /// The event goes out before the reply does: no ticket leaves without its audit line on the way.
    fn finish(&self, outcome: Outcome, transport: Transport) -> Option<Vec<u8>> {
        let outcome = self.fit(outcome, transport);
        self.audit.record(outcome.event);
        outcome.reply
    }

    fn fit(&self, outcome: Outcome, transport: Transport) -> Outcome {
        let now = outcome.event.time;
        match transport {
            Transport::Datagram => outcome.fit_datagram(self.udp_reply_limit, self.live.kdc().realm(), now),
            Transport::Stream => outcome,
        }
    }
}
