//! When the only KDC was killed: a login that no KDC answered is a failure at any other time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the beginnings and the ends of outages: odd while the KDC is down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outages(Arc<AtomicU64>);

/// A moment, to be compared with a later one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

impl Outages {
    /// Runs what takes the KDC down and brings it back.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.fetch_add(1, Ordering::SeqCst);
        let done = work();
        self.0.fetch_add(1, Ordering::SeqCst);
        done
    }

    pub(crate) fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }

    /// Whether the KDC was down at some time since.
    pub(crate) fn any_since(&self, Moment(begun): Moment) -> bool {
        begun % 2 == 1 || self.0.load(Ordering::SeqCst) != begun
    }
}
