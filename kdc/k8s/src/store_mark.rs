//! The high-water mark of the store's revision in the realm's Lease: an annotation beside the one that names the store. Each renewal of
//! the Lease writes it, and no request costs anything. A start compares it with the store, so that an older copy of the store's volume
//! is noticed although everything in the volume, a mark in a file included, is as old as the copy.
//!
//! The mark lags behind the store by a renewal, and never runs ahead: the store's part is a durable revision. It never falls.

use crate::labels;
use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The mark of one realm, as one process sees it.
#[derive(Default)]
pub struct StoreMark {
    /// The highest mark that the Lease had.
    found: AtomicU64,
    /// The durable revision of the open store.
    store: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
}

impl StoreMark {
    /// The highest mark that was read in the Lease; 0 where there was none.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.found.load(Ordering::Relaxed)
    }

    /// Makes renewals write the revision of the open store. `revision` returns one that is durable. The first call counts.
    pub fn follow(&self, revision: impl Fn() -> u64 + Send + Sync + 'static) {
        let _ = self.store.set(Box::new(revision));
    }

    /// Returns the mark that the open store has not reached: the store is an older copy, which the start did not notice, as the API
    /// server was away.
    #[must_use]
    pub fn beyond_store(&self) -> Option<u64> {
        let revision = self.store.get()?();
        Some(self.found()).filter(|found| *found > revision)
    }

    /// Takes note of the mark of a Lease that was read.
    pub(crate) fn see(&self, lease: &Lease) {
        let Some(text) = lease.annotations().get(labels::STORE_REVISION) else { return };
        match text.parse() {
            Ok(mark) => _ = self.found.fetch_max(mark, Ordering::Relaxed),
            Err(_) => tracing::warn!(
                lease = lease.name_any(),
                annotation = labels::STORE_REVISION,
                text,
                "the mark in the Lease is not a number, and is written anew"
            ),
        }
    }

    /// The annotation for a renewal; `None` as long as there is no store and was no mark.
    pub(crate) fn annotation(&self) -> Option<(String, String)> {
        let revision = self.store.get().map_or(0, |revision| revision());
        let mark = self.found().max(revision);
        (mark > 0).then(|| (labels::STORE_REVISION.to_owned(), mark.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn lease(mark: &str) -> Lease {
        let mut lease = Lease::default();
        lease.annotations_mut().insert(labels::STORE_REVISION.to_owned(), mark.to_owned());
        lease
    }

    fn written(mark: &StoreMark) -> Option<u64> {
        mark.annotation().map(|(_, text)| text.parse().unwrap())
    }

    #[test]
    fn the_mark_is_the_stores_revision_at_the_time_of_the_renewal() {
        let (mark, revision) = (StoreMark::default(), Arc::new(AtomicU64::new(0)));
        assert_eq!(written(&mark), None);
        let of_store = revision.clone();
        mark.follow(move || of_store.load(Ordering::Relaxed));
        assert_eq!(written(&mark), None);
        for now in [1, 7] {
            revision.store(now, Ordering::Relaxed);
            assert_eq!(written(&mark), Some(now));
        }
    }

    #[test]
    fn the_mark_never_falls_and_an_older_store_is_below_it() {
        let mark = StoreMark::default();
        mark.see(&Lease::default());
        assert_eq!(mark.found(), 0);
        mark.see(&lease("9"));
        mark.see(&lease("8"));
        assert_eq!((mark.found(), mark.beyond_store()), (9, None));
        mark.follow(|| 5);
        assert_eq!((written(&mark), mark.beyond_store()), (Some(9), Some(9)));
        let newer = StoreMark::default();
        newer.see(&lease("9"));
        newer.follow(|| 9);
        assert_eq!(newer.beyond_store(), None);
    }

    #[test]
    fn a_mark_that_is_no_number_counts_for_nothing() {
        let mark = StoreMark::default();
        for text in ["", "-1", "many", "99999999999999999999999"] {
            mark.see(&lease(text));
        }
        assert_eq!(mark.found(), 0);
    }
}
