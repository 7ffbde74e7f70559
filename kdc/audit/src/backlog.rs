//! How far the writer of the trail is behind, and whether tickets may still be issued. Memory is bounded in octets: events of noise
//! stop being queued at a small backlog, and tickets stop being issued at a large one, or where a write does not end in time.

use kennel_core::event::{Decision, Event};
use kennel_wire::message::Principal;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Octets of queued events at which no ticket is issued any more.
const FULL: usize = 16 * 1024 * 1024;
/// Octets of queued events at which noise is counted without being queued.
const FULL_OF_NOISE: usize = 4 * 1024 * 1024;
/// Time limit of a write. While a write takes longer, no ticket is issued.
const DEADLINE: Duration = Duration::from_secs(2);

/// The events that wait for the writer, and its write in progress.
#[derive(Debug)]
pub(crate) struct Backlog {
    epoch: Instant,
    octets: AtomicUsize,
    /// Milliseconds from the epoch to the beginning of the write in progress; [`NO_WRITE`] without one.
    writing_since: AtomicU64,
    /// Events of noise that were not queued.
    unqueued: AtomicU64,
    /// Requests that were refused because the trail was behind.
    refused: AtomicU64,
}

const NO_WRITE: u64 = u64::MAX;

impl Backlog {
    pub(crate) fn new() -> Backlog {
        Backlog {
            epoch: Instant::now(),
            octets: AtomicUsize::new(0),
            writing_since: AtomicU64::new(NO_WRITE),
            unqueued: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Whether tickets may be issued. Costs two loads while nothing is wrong.
    pub(crate) fn accepts(&self) -> bool {
        let since = self.writing_since.load(Ordering::Relaxed);
        self.octets() < FULL && (since == NO_WRITE || self.millis().saturating_sub(since) < millis(DEADLINE))
    }

    /// Whether the writer is so far behind that noise is not queued any more.
    pub(crate) fn is_behind(&self) -> bool {
        self.octets() >= FULL_OF_NOISE || !self.accepts()
    }

    /// Octets of queued events.
    pub(crate) fn octets(&self) -> usize {
        self.octets.load(Ordering::Relaxed)
    }

    /// Counts an event of noise that is not queued.
    pub(crate) fn add_unqueued(&self) {
        self.unqueued.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the number of events of noise that were not queued.
    pub(crate) fn take_unqueued(&self) -> u64 {
        take(&self.unqueued)
    }

    /// Counts a request that was refused because the trail was behind.
    pub(crate) fn add_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the number of requests that were refused because the trail was behind.
    pub(crate) fn take_refused(&self) -> u64 {
        take(&self.refused)
    }

    pub(crate) fn add(&self, octets: usize) {
        self.octets.fetch_add(octets, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, octets: usize) {
        self.octets.fetch_sub(octets, Ordering::Relaxed);
    }

    pub(crate) fn begin_write(&self) {
        self.writing_since.store(self.millis(), Ordering::Relaxed);
    }

    pub(crate) fn end_write(&self) {
        self.writing_since.store(NO_WRITE, Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        millis(self.epoch.elapsed())
    }
}

/// Takes a count. The load spares a write to a shared cache line in the common case.
fn take(count: &AtomicU64) -> u64 {
    if count.load(Ordering::Relaxed) == 0 { 0 } else { count.swap(0, Ordering::Relaxed) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}

/// Octets that an event occupies, with its names and the words of a denial.
pub(crate) fn weight(event: &Event) -> usize {
    let name = |name: &Option<Principal>| name.as_ref().map_or(0, principal);
    let pod = event.pod.as_ref().map_or(0, |pod| pod.namespace.len() + pod.name.len() + pod.uid.len());
    let denial = match &event.outcome {
        Decision::Issued(issued) => issued.would_deny.as_ref(),
        Decision::Refused { denial, .. } => denial.as_ref(),
        Decision::PreauthRequired | Decision::Dropped(_) => None,
    };
    let words = denial.map_or(0, |denial| denial.text.len());
    size_of::<Event>()
        + words
        + name(&event.client)
        + name(&event.server)
        + pod
        + event.offered.len() * size_of::<i32>()
}

fn principal(name: &Principal) -> usize {
    let parts = name.name.components.iter();
    name.realm.len() + parts.map(|part| part.len() + size_of::<String>()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::refused;

    #[test]
    fn a_backlog_of_octets_stops_noise_first_and_then_tickets() {
        let backlog = Backlog::new();
        assert!(backlog.accepts() && !backlog.is_behind());
        backlog.add(FULL_OF_NOISE);
        assert!(backlog.accepts() && backlog.is_behind());
        backlog.add(FULL - FULL_OF_NOISE);
        assert!(!backlog.accepts());
        backlog.remove(1);
        assert!(backlog.accepts());
    }

    #[test]
    fn a_write_that_does_not_end_in_time_stops_tickets_until_it_ends() {
        let mut backlog = Backlog::new();
        backlog.begin_write();
        assert!(backlog.accepts());
        backlog.epoch = Instant::now().checked_sub(DEADLINE).unwrap();
        assert!(!backlog.accepts());
        backlog.end_write();
        assert!(backlog.accepts());
    }

    #[test]
    fn an_event_weighs_what_its_names_weigh() {
        let by = |length: usize| weight(&refused(&"a".repeat(length)));
        assert_eq!(by(1000) - by(10), 990);
    }
}
