//! The decisions about the servers of each namespace, for the admin API: the last ones in [`feed`](crate::feed), and who asked for
//! whom in [`pairs`](crate::pairs). The thread that writes the trail fills both, so that no request waits for them.

use crate::feed::{Feed, FeedSlice};
use crate::metrics::Metrics;
use crate::noise::NoiseKey;
use crate::pairs::{Pairs, PairsOfNamespace, PairsSnapshot};
use crate::scope::DecisionScope;
use kennel_core::access::table::ServerKey;
use kennel_core::event::{Decision, Event, Exchange};
use kennel_core::refusal::Refusal;
use kennel_wire::admin::DecisionOutcome;
use kennel_wire::message::{Principal, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which service accounts principals belong to. Asked in the thread of the trail, once for each event.
pub trait AccountDirectory: Send + Sync {
    /// The account that a server belongs to, by the server's canonical name.
    fn of_server(&self, server: &Principal) -> Option<ServerKey>;

    /// The account whose own principal this is.
    fn of_client(&self, client: &Principal) -> Option<ServerKey>;
}

/// The decisions of a process.
pub struct DecisionLog {
    directory: Arc<dyn AccountDirectory>,
    metrics: Arc<Metrics>,
    feed: Mutex<Feed>,
    pairs: Mutex<Pairs>,
    news: Mutex<News>,
}

/// Hears the number of decisions so far after each batch, `None` once the log is closed. Returns whether it wants to hear more. Called
/// in the thread of the trail: it must not wait.
pub type DecisionListener = Box<dyn FnMut(Option<u64>) -> bool + Send>;

/// What listeners hear.
struct News {
    /// Number of decisions so far; `None` once the log is closed.
    newest: Option<u64>,
    listeners: Vec<DecisionListener>,
}

impl News {
    /// Nothing is newer than the end of the log.
    fn publish(&mut self, newest: Option<u64>) {
        if self.newest.is_some() {
            self.newest = newest;
            self.listeners.retain_mut(|listener| listener(newest));
        }
    }
}

impl DecisionLog {
    /// An empty log. `pairs`: those of an earlier process, and since when they are recorded.
    #[must_use]
    pub fn new(directory: Arc<dyn AccountDirectory>, metrics: Arc<Metrics>, pairs: PairsSnapshot) -> DecisionLog {
        let (feed, pairs) = (Mutex::new(Feed::default()), Mutex::new(Pairs::restore(pairs)));
        let news = Mutex::new(News { newest: Some(0), listeners: Vec::new() });
        DecisionLog { directory, metrics, feed, pairs, news }
    }

    /// Takes in the events of a batch, in order.
    pub(crate) fn take(&self, events: Vec<Event>) {
        let decisions: Vec<_> = events.into_iter().filter_map(|event| self.placed(event)).collect();
        if decisions.is_empty() {
            return;
        }
        let newest = {
            let (mut feed, mut pairs) = (lock(&self.feed), lock(&self.pairs));
            for PlacedDecision { event, server, outcome, is_proven } in decisions {
                if is_proven {
                    let namespace = server.as_ref().map_or("", |server| &server.namespace);
                    feed.counts(namespace, &self.metrics).inc(outcome);
                }
                if let (Some(server), Some(client), true) = (&server, &event.client, is_proven) {
                    self.metrics.pairs_lost.inc_by(pairs.count(server, &event, client, outcome));
                }
                feed.push(event, server.filter(|_| is_proven), outcome);
            }
            feed.newest()
        };
        lock(&self.news).publish(Some(newest));
    }

    /// A decision, and the account of its server. Noise and the first half of an AS exchange are no decisions.
    fn placed(&self, event: Event) -> Option<PlacedDecision> {
        let outcome = outcome(&event.outcome)?;
        if NoiseKey::of_request(&event).is_some() {
            return None;
        }
        // Whoever fails in an AS exchange may be anybody: the client is only a name in the request.
        let is_denied = matches!(event.outcome, Decision::Refused { refusal: Refusal::AccessDenied, .. });
        let is_issued = matches!(event.outcome, Decision::Issued(_));
        let is_proven = event.client.is_some() && (event.exchange == Exchange::Tgs || is_issued || is_denied);
        let server = event.server.as_ref().and_then(|server| self.directory.of_server(server));
        Some(PlacedDecision { event, server, outcome, is_proven })
    }

    /// The account whose own principal this is.
    #[must_use]
    pub fn client_account(&self, client: &Principal) -> Option<ServerKey> {
        self.directory.of_client(client)
    }

    /// Returns retained decisions after a position, the oldest first, at most so many.
    #[must_use]
    pub fn read(&self, scope: &DecisionScope, after: u64, most: usize) -> FeedSlice {
        lock(&self.feed).read(scope, after, most)
    }

    /// Returns the position after which at most so many retained decisions follow.
    #[must_use]
    pub fn begin(&self, scope: &DecisionScope, most: usize) -> u64 {
        lock(&self.feed).begin(scope, most)
    }

    /// Lets a listener hear the number of decisions now, and after each batch.
    pub fn follow(&self, mut listener: DecisionListener) {
        let mut news = lock(&self.news);
        if listener(news.newest) {
            news.listeners.push(listener);
        }
    }

    /// Ends what follows the log. Decisions are recorded all the same.
    pub fn close(&self) {
        lock(&self.news).publish(None);
    }

    /// Returns who asked for the servers of a scope.
    #[must_use]
    pub fn pairs(&self, scope: &DecisionScope) -> PairsOfNamespace {
        lock(&self.pairs).list(scope)
    }

    /// Returns all pairs, to be kept beyond the end of the process; `None` where nothing changed since `version`.
    #[must_use]
    pub fn snapshot_of_pairs(&self, version: u64) -> Option<(u64, PairsSnapshot)> {
        lock(&self.pairs).snapshot(version)
    }
}

/// A decision, and where it belongs.
struct PlacedDecision {
    event: Event,
    server: Option<ServerKey>,
    outcome: DecisionOutcome,
    /// Whether the client has proved who it is.
    is_proven: bool,
}

/// How a request ended, as the admin API says it; `None` where nothing was decided.
fn outcome(decision: &Decision) -> Option<DecisionOutcome> {
    match decision {
        Decision::Issued(issued) if issued.would_deny.is_some() => Some(DecisionOutcome::WouldDeny),
        Decision::Issued(_) => Some(DecisionOutcome::Allowed),
        Decision::Refused { refusal: Refusal::AccessDenied, .. } => Some(DecisionOutcome::Denied),
        Decision::Refused { .. } => Some(DecisionOutcome::Refused),
        Decision::PreauthRequired | Decision::Dropped(_) => None,
    }
}

/// A panic of another thread is no reason to stop: each change is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the beginning of a recording of pairs that starts now.
#[must_use]
pub fn new_recording(now: Timestamp) -> PairsSnapshot {
    PairsSnapshot { since: now.time.0, ..PairsSnapshot::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{clock, issued, refused};
    use kennel_core::access::denial::{AccessDenial, DenialReason};
    use kennel_core::event::IssuedTicket;

    /// Services of two components belong to the account `web` of namespace `shop`.
    struct Shop;

    impl AccountDirectory for Shop {
        fn of_server(&self, server: &Principal) -> Option<ServerKey> {
            (server.name.components.len() == 2 && server.name.krbtgt_realm().is_none())
                .then(|| ServerKey::new("shop", "web"))
        }

        fn of_client(&self, _client: &Principal) -> Option<ServerKey> {
            None
        }
    }

    fn log() -> (DecisionLog, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::new());
        (DecisionLog::new(Arc::new(Shop), metrics.clone(), new_recording(clock())), metrics)
    }

    fn web(event: Event) -> Event {
        Event { server: Principal::parse("HTTP/web.shop.svc", "R").ok(), ..event }
    }

    fn denied(exchange: Exchange, refusal: Refusal) -> Event {
        let outcome = Decision::refused(refusal);
        web(Event { exchange, outcome, ..refused("cart.shop") })
    }

    fn would_deny() -> Event {
        let event = web(issued());
        let Decision::Issued(ticket) = event.outcome else { panic!("{event:?}") };
        let denial = AccessDenial { reason: DenialReason::NoAccess, text: "no KerberosAccess".into() };
        Event { outcome: Decision::Issued(IssuedTicket { would_deny: Some(denial), ..ticket }), ..event }
    }

    fn outcomes(log: &DecisionLog, scope: &DecisionScope) -> Vec<DecisionOutcome> {
        log.read(scope, 0, 100).entries.iter().map(|(_, entry)| entry.outcome).collect()
    }

    #[test]
    fn a_decision_is_in_the_feed_the_pairs_and_the_metrics_of_its_namespace() {
        use DecisionOutcome::{Allowed, Denied, WouldDeny};
        let (log, metrics) = log();
        log.take(vec![web(issued()), would_deny(), denied(Exchange::Tgs, Refusal::AccessDenied), issued()]);
        let shop = DecisionScope::Namespace("shop".into());
        assert_eq!(outcomes(&log, &shop), [Allowed, WouldDeny, Denied]);
        assert_eq!(outcomes(&log, &DecisionScope::All), [Allowed, WouldDeny, Denied, Allowed], "one for a TGT");
        let pairs = log.pairs(&shop).pairs;
        let tallies: Vec<_> = pairs.iter().map(|pair| (&*pair.client, pair.tally.counts)).collect();
        assert_eq!(tallies, [("alice@R", [1, 1, 0, 0]), ("cart.shop@R", [0, 0, 1, 0])]);
        let line = r#"kennel_namespace_decisions_total{server_namespace="shop",outcome="would-deny"} 1"#;
        assert!(metrics.text().contains(line), "{}", metrics.text());
    }

    #[test]
    fn who_has_not_proved_a_name_is_in_no_feed_of_a_namespace_and_in_no_pair() {
        let (log, _) = log();
        log.take(vec![denied(Exchange::As, Refusal::PreauthFailed), denied(Exchange::As, Refusal::ClientUnknown)]);
        let shop = DecisionScope::Namespace("shop".into());
        assert!(outcomes(&log, &shop).is_empty() && log.pairs(&shop).pairs.is_empty());
        assert_eq!(outcomes(&log, &DecisionScope::All), [DecisionOutcome::Refused], "the unknown name is noise");
        log.take(vec![denied(Exchange::As, Refusal::AccessDenied)]);
        assert_eq!(outcomes(&log, &shop), [DecisionOutcome::Denied], "that comes after the proof");
    }

    #[test]
    fn a_reader_is_woken_by_a_decision_and_by_the_end() {
        let (log, _) = log();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        log.follow(Box::new(move |newest| {
            lock(&hears).push(newest);
            true
        }));
        log.take(vec![denied(Exchange::As, Refusal::ClientUnknown)]);
        assert_eq!(*lock(&heard), [Some(0)], "noise is no decision");
        log.take(vec![web(issued())]);
        log.close();
        log.take(vec![web(issued())]);
        assert_eq!(*lock(&heard), [Some(0), Some(1), None]);
    }

    #[test]
    fn a_reader_that_is_gone_hears_nothing_more() {
        let (log, _) = log();
        let heard = Arc::new(Mutex::new(0));
        let hears = heard.clone();
        log.follow(Box::new(move |_| {
            *lock(&hears) += 1;
            *lock(&hears) < 2
        }));
        (0..3).for_each(|_| log.take(vec![web(issued())]));
        assert_eq!(*lock(&heard), 2);
    }
}
