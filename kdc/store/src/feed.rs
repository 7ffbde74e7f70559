//! The changes of a store in this process, in order: one bounded ring that all watchers read, each at its own position.
//! A watcher that falls out of the ring receives `Change::Lagged`; no watcher holds memory of its own or slows a writer.

use crate::principal_store::{Change, Revision, Watch};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Changes that are kept for watchers.
pub(crate) const RETAINED: usize = 4096;

/// Publishes the changes of a store. Watchers end when the feed is dropped.
pub(crate) struct Feed {
    ring: Arc<Mutex<Ring>>,
    latest: watch::Sender<Revision>,
    retained: usize,
}

struct Ring {
    changes: VecDeque<(Revision, Change)>,
    /// Changes up to this one are no longer in the ring.
    gone: Revision,
    latest: Revision,
}

enum Next {
    Change(Revision, Change),
    Lagged(Revision),
    Nothing,
}

impl Feed {
    /// Creates the feed of a store that is at `revision`. The feed keeps `retained` changes.
    pub(crate) fn new(revision: Revision, retained: usize) -> Feed {
        let ring = Ring { changes: VecDeque::new(), gone: revision, latest: revision };
        Feed { ring: Arc::new(Mutex::new(ring)), latest: watch::Sender::new(revision), retained }
    }

    /// Publishes the change that made the store be at `revision`; revisions must grow from call to call.
    pub(crate) fn publish(&self, revision: Revision, change: Change) {
        let mut ring = lock(&self.ring);
        ring.changes.push_back((revision, change));
        ring.latest = revision;
        while ring.changes.len() > self.retained {
            if let Some((revision, _)) = ring.changes.pop_front() {
                ring.gone = revision;
            }
        }
        drop(ring);
        self.latest.send_replace(revision);
    }

    /// Goes on at a revision at which everything is another: every watcher lists again.
    pub(crate) fn restart(&self, revision: Revision) {
        let mut ring = lock(&self.ring);
        ring.changes.clear();
        (ring.gone, ring.latest) = (revision, revision);
        drop(ring);
        self.latest.send_replace(revision);
    }

    /// Returns the revision of the latest published change, as it grows.
    pub(crate) fn revisions(&self) -> watch::Receiver<Revision> {
        self.latest.subscribe()
    }

    /// Returns a watcher of the changes after `since`.
    pub(crate) fn watch(&self, since: Revision) -> FeedWatch {
        FeedWatch { ring: self.ring.clone(), latest: self.latest.subscribe(), position: since }
    }
}

/// One watcher.
pub(crate) struct FeedWatch {
    ring: Arc<Mutex<Ring>>,
    latest: watch::Receiver<Revision>,
    position: Revision,
}

#[async_trait]
impl Watch for FeedWatch {
    async fn next(&mut self) -> Option<Change> {
        loop {
            // Marked as seen before the ring is read: a change that is published after the read wakes the wait below.
            self.latest.borrow_and_update();
            let next = lock(&self.ring).after(self.position);
            match next {
                Next::Change(revision, change) => {
                    self.position = revision;
                    return Some(change);
                }
                Next::Lagged(latest) => {
                    self.position = latest;
                    return Some(Change::Lagged);
                }
                Next::Nothing => self.latest.changed().await.ok()?,
            }
        }
    }
}

impl Ring {
    fn after(&self, position: Revision) -> Next {
        // A position ahead of the store comes from another history (a backup was restored), so the watcher must list again.
        if position < self.gone || position > self.latest {
            return Next::Lagged(self.latest);
        }
        let index = self.changes.partition_point(|(revision, _)| *revision <= position);
        match self.changes.get(index) {
            Some((revision, change)) => Next::Change(*revision, change.clone()),
            None => Next::Nothing,
        }
    }
}

/// No code panics while it holds the ring, and a ring is whole after each step: a poisoned lock still guards sound data.
fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use kennel_wire::message::Principal;

    fn publish(feed: &Feed, revision: u64) {
        feed.publish(Revision(revision), deleted(revision));
    }

    fn deleted(revision: u64) -> Change {
        Change::Deleted { name: Principal::krbtgt("A", "B"), revision: Revision(revision) }
    }

    #[tokio::test]
    async fn a_watcher_lists_again_after_a_restart_and_goes_on_from_there() {
        let feed = Feed::new(Revision(3), 10);
        let mut watch = feed.watch(Revision(3));
        publish(&feed, 4);
        feed.restart(Revision(9));
        publish(&feed, 10);
        assert_eq!(watch.next().await, Some(Change::Lagged));
        assert!(watch.next().now_or_never().is_none(), "the listing shows it");
        publish(&feed, 11);
        assert_eq!(watch.next().await, Some(deleted(11)));
    }

    #[tokio::test]
    async fn a_watcher_sees_every_change_after_its_revision_in_order() {
        let feed = Feed::new(Revision(3), 10);
        let mut watch = feed.watch(Revision(4));
        (4..=6).for_each(|revision| publish(&feed, revision));
        assert_eq!(watch.next().await, Some(deleted(5)));
        assert_eq!(watch.next().await, Some(deleted(6)));
        assert_eq!(watch.next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_waiting_watcher_wakes_up() {
        let feed = Feed::new(Revision(0), 10);
        let mut watch = feed.watch(Revision(0));
        let waiting = tokio::spawn(async move { watch.next().await });
        tokio::task::yield_now().await;
        publish(&feed, 1);
        assert_eq!(waiting.await.unwrap(), Some(deleted(1)));
    }

    #[tokio::test]
    async fn a_slow_watcher_is_told_that_it_lost_changes_and_goes_on_from_the_present() {
        let feed = Feed::new(Revision(0), 2);
        let mut watch = feed.watch(Revision(0));
        (1..=3).for_each(|revision| publish(&feed, revision));
        assert_eq!(watch.next().await, Some(Change::Lagged));
        publish(&feed, 4);
        assert_eq!(watch.next().await, Some(deleted(4)));
    }

    #[tokio::test]
    async fn a_revision_that_is_too_old_or_not_reached_yet_is_lagged() {
        let feed = Feed::new(Revision(5), 2);
        assert_eq!(feed.watch(Revision(4)).next().await, Some(Change::Lagged));
        assert_eq!(feed.watch(Revision(6)).next().await, Some(Change::Lagged));
        assert_eq!(feed.watch(Revision(5)).next().now_or_never(), None);
    }

    #[tokio::test]
    async fn a_watcher_gets_what_is_left_and_then_the_end() {
        let feed = Feed::new(Revision(0), 2);
        let mut watch = feed.watch(Revision(0));
        publish(&feed, 1);
        drop(feed);
        assert_eq!(watch.next().await, Some(deleted(1)));
        assert_eq!(watch.next().await, None);
    }
}
