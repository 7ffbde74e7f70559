//! The permission to write for the cluster, and its end by the clock. A process that was frozen, suspended or cut off from the
//! API server finds out by itself that its time is over, before another process may begin.

use http::Request;
use kennel_wire::message;
use kube::Client;
use kube::client::Body;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// Time after the start of the last successful renewal in which the holder writes. Another process may begin after
/// [`DURATION`](crate::lease::spec::DURATION), which is 5 seconds later: a write that is under way at the end is over by then.
const WRITES: Duration = Duration::from_secs(10);

/// The clocks by which a holder measures its time. Each one alone may end it: the clock since boot stands still while a
/// hypervisor has the machine paused, and the clock of the day may be set back.
#[derive(Debug, Clone, Copy)]
pub struct LeaseClocks {
    /// The clock of the day.
    pub wall: message::Clock,
    /// Time since boot, which includes the time that the machine was suspended (`CLOCK_BOOTTIME`), unlike the `Instant` of std
    /// and tokio.
    pub since_boot: fn() -> Duration,
}

/// A point in time by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Microseconds since the epoch.
    pub(crate) wall: i64,
    pub(crate) boot: Duration,
}

impl LeaseClocks {
    pub(crate) fn now(&self) -> Moment {
        let now = (self.wall)();
        let wall = now.time.0.saturating_mul(1_000_000).saturating_add(now.micros.into());
        Moment { wall, boot: (self.since_boot)() }
    }
}

impl Moment {
    /// Time since `earlier` by the clock that shows more.
    fn since(self, earlier: Moment) -> Duration {
        let wall = Duration::from_micros(u64::try_from(self.wall.saturating_sub(earlier.wall)).unwrap_or(0));
        wall.max(self.boot.saturating_sub(earlier.boot))
    }
}

/// The time of the holder is over: nothing may be written for the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this process does not hold the realm's Lease now, so it writes nothing for the cluster")]
pub struct LeaseEnded;

/// The Lease as its holder has it. Only [`CheckedLease::acquire`](crate::lease::CheckedLease::acquire) makes one.
#[derive(Clone)]
pub struct HeldLease(Arc<Term>);

/// The time in which this process may write, shared by the task that renews the Lease and by all writers.
pub(super) struct Term {
    clocks: LeaseClocks,
    /// Start of the last successful renewal. `None`: the Lease is not held.
    renewed: Mutex<Option<Moment>>,
}

impl Term {
    pub(super) fn new(clocks: LeaseClocks) -> Arc<Term> {
        Arc::new(Term { clocks, renewed: Mutex::new(None) })
    }

    /// Begins or extends the time. `begun`: a moment before the request that renewed the Lease.
    pub(super) fn extend(self: &Arc<Term>, begun: Moment) -> HeldLease {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
        HeldLease(self.clone())
    }

    /// Ends the time at once.
    pub(super) fn end(&self) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn left(&self) -> Result<Duration, LeaseEnded> {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let left = renewed.and_then(|renewed| time_left(renewed, self.clocks.now()));
        left.ok_or(LeaseEnded)
    }
}

fn time_left(renewed: Moment, now: Moment) -> Option<Duration> {
    WRITES.checked_sub(now.since(renewed)).filter(|left| !left.is_zero())
}

impl HeldLease {
    /// Whether this process may write now. Every writer asks right before each write.
    ///
    /// # Errors
    /// [`LeaseEnded`].
    pub fn check(&self) -> Result<(), LeaseEnded> {
        self.0.left().map(|_| ())
    }

    /// Returns a client for the writers. It sends a request that may change something only while the Lease is held, and gives
    /// the request up when the time is over; it fails with [`LeaseEnded`] otherwise.
    pub(crate) fn guard(&self, client: &Client) -> Client {
        let (held, inner) = (self.clone(), client.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (held, inner) = (held.clone(), inner.clone());
            async move {
                if request.method().is_safe() {
                    return inner.send(request).await;
                }
                let ended = || kube::Error::Service(Box::new(LeaseEnded));
                let left = held.0.left().map_err(|_| ended())?;
                timeout(left, inner.send(request)).await.unwrap_or_else(|_| Err(ended()))
            }
        });
        Client::new(service, client.default_namespace())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENEWED: Moment = Moment { wall: 1_000_000_000, boot: Duration::from_secs(500) };

    fn later(wall: i64, boot: u64) -> Moment {
        Moment { wall: RENEWED.wall + wall * 1_000_000, boot: RENEWED.boot + Duration::from_secs(boot) }
    }

    #[test]
    fn a_holder_writes_until_one_of_its_clocks_says_that_the_time_is_over() {
        assert_eq!(time_left(RENEWED, RENEWED), Some(WRITES));
        assert_eq!(time_left(RENEWED, later(9, 9)), Some(Duration::from_secs(1)));
        assert_eq!(time_left(RENEWED, later(10, 10)), None);
        assert_eq!(
            time_left(RENEWED, later(0, 3600)),
            None,
            "the clock of the day was set back, or a suspended machine"
        );
        assert_eq!(time_left(RENEWED, later(3600, 1)), None, "a paused machine, or the clock was set");
        assert_eq!(time_left(RENEWED, later(-3600, 9)), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_time_of_a_holder_ends_before_the_lease_is_free() {
        let duration = Duration::from_secs(crate::lease::spec::DURATION.unsigned_abs().into());
        assert!(WRITES + Duration::from_secs(5) <= duration);
    }

    #[tokio::test]
    async fn nothing_is_sent_after_the_end_but_questions() {
        let term = Term::new(LeaseClocks { wall: message::Timestamp::default, since_boot: Duration::default });
        let held = term.extend(term.clocks.now());
        let sent = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = sent.clone();
        let api_server = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(Body::empty())))
        });
        let client = held.guard(&Client::new(api_server, "default"));
        let ask = |method: &str| client.send(Request::builder().method(method).body(Body::empty()).unwrap());
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            ask(method).await.unwrap();
        }
        term.end();
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            assert!(
                matches!(ask(method).await, Err(kube::Error::Service(error)) if error.is::<LeaseEnded>()),
                "{method}"
            );
        }
        ask("GET").await.unwrap();
        assert_eq!(sent.load(std::sync::atomic::Ordering::Relaxed), 5);
        assert_eq!(held.check(), Err(LeaseEnded));
    }
}
