//! Counts the principals and keys of the store for the metrics. The census follows the store's changes, so that a scrape lists
//! nothing. It keeps only the counted properties of each principal, under a hash of the name: some 50 octets each.

use kennel_audit::{PrincipalKind, StoreCounts};
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::{Change, PrincipalStore, StoreError, Watch};
use kennel_wire::message::Principal;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Pause before a store that did not answer is read again.
const RETRY: Duration = Duration::from_secs(10);

/// The properties of a principal that are counted.
#[derive(Debug, Clone, Copy)]
struct Counted {
    origin: Origin,
    kind: PrincipalKind,
    /// Creation time of the active key, seconds since the epoch; `None` where the principal has no key.
    created: Option<i64>,
}

impl Counted {
    fn from_record(record: &PrincipalRecord) -> Counted {
        let created = record.keys.active_version().map(|version| version.created.time.0);
        Counted { origin: record.origin, kind: PrincipalKind::from_name(&record.principal), created }
    }
}

/// The counted principals of a store.
#[derive(Default)]
pub struct Census {
    hasher: RandomState,
    counted: Mutex<HashMap<u64, Counted>>,
}

impl Census {
    /// Counts the principals, and follows the store until it is closed.
    pub async fn follow(self: Arc<Self>, store: Arc<dyn PrincipalStore>) {
        loop {
            match self.count(&*store).await {
                Ok(mut watch) => {
                    if self.take(&mut *watch).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the principals cannot be counted: trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn count(&self, store: &dyn PrincipalStore) -> Result<Box<dyn Watch>, StoreError> {
        let listing = store.list().await?;
        let principals = listing.records.iter().filter_map(|versioned| match &versioned.record {
            Record::Principal(record) => Some((self.hash(&record.principal), Counted::from_record(record))),
            Record::Alias { .. } | Record::Holder(_) | Record::Policy(_) => None,
        });
        *self.lock() = principals.collect();
        store.watch(listing.revision).await
    }

    /// Applies changes. Returns `None` once the store is closed, `Some` where changes were lost and the store must be counted anew.
    async fn take(&self, watch: &mut dyn Watch) -> Option<()> {
        loop {
            match watch.next().await? {
                Change::Put(versioned) => match &versioned.record {
                    Record::Principal(record) => {
                        self.lock().insert(self.hash(&record.principal), Counted::from_record(record));
                    }
                    // The alias may replace a principal of this name.
                    Record::Alias { alias, .. } => _ = self.lock().remove(&self.hash(alias)),
                    Record::Holder(_) | Record::Policy(_) => {}
                },
                Change::Deleted { name, .. } => _ = self.lock().remove(&self.hash(&name)),
                Change::Lagged => return Some(()),
            }
        }
    }

    /// Returns the counts. `now`: seconds since the epoch.
    #[must_use]
    pub fn counts(&self, now: i64) -> StoreCounts {
        let mut counts = StoreCounts::default();
        for Counted { origin, kind, created } in self.lock().values() {
            counts.add(*origin, *kind, *created, now);
        }
        counts
    }

    fn hash(&self, name: &Principal) -> u64 {
        self.hasher.hash_one(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_core::key_set::KeySet;
    use kennel_crypto::Enctype;
    use kennel_store::{Expect, MemoryStore};
    use kennel_wire::message::{KerberosTime, Timestamp};
    use rand::rngs::OsRng;

    const DAY: i64 = 86_400;

    fn now() -> i64 {
        crate::testing::clock().time.0
    }

    fn record(name: &str, origin: Origin, days: Option<i64>) -> Record {
        let time = KerberosTime(now() - days.unwrap_or(0) * DAY);
        let now = Timestamp { time, micros: 0 };
        let keys = days.map(|_| KeySet::random(&[Enctype::Aes256CtsHmacSha384], 1, now, &mut OsRng));
        let name = Principal::parse(name, "R").unwrap();
        Record::Principal(Box::new(PrincipalRecord::new(name, origin, keys.unwrap_or_default(), now, "test")))
    }

    async fn eventually(census: &Census, so: impl Fn(&StoreCounts) -> bool) -> StoreCounts {
        for _ in 0..500 {
            let counts = census.counts(now());
            if so(&counts) {
                return counts;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", census.counts(now()));
    }

    #[tokio::test]
    async fn keys_are_counted_by_age_and_changes_are_followed() {
        let store = Arc::new(MemoryStore::new());
        for record in [
            record("krbtgt/R", Origin::Manual, Some(40)),
            record("HTTP/web.shop", Origin::Kubernetes, Some(0)),
            record("cart.shop", Origin::Kubernetes, None),
        ] {
            store.put(&record, Expect::Absent).await.unwrap();
        }
        let census = Arc::new(Census::default());
        let follower = tokio::spawn(census.clone().follow(store.clone()));
        let counts = eventually(&census, |counts| counts.principals(Origin::Kubernetes) == 2).await;
        assert_eq!(counts.principals(Origin::Manual), 1);
        let krbtgt = ["30d-90d", "<1d"].map(|age| counts.keys(PrincipalKind::Krbtgt, age));
        assert_eq!(krbtgt, [1, 0]);
        let new = [PrincipalKind::Service, PrincipalKind::Client].map(|kind| counts.keys(kind, "<1d"));
        assert_eq!(new, [1, 0], "cart has no key");

        let web = Principal::parse("HTTP/web.shop", "R").unwrap();
        let revision = store.read(&web).await.unwrap().unwrap().revision;
        let older = record("HTTP/web.shop", Origin::Kubernetes, Some(400));
        let revision = store.put(&older, Expect::Revision(revision)).await.unwrap();
        let counts = eventually(&census, |counts| counts.keys(PrincipalKind::Service, ">365d") == 1).await;
        assert_eq!((now() - counts.oldest(PrincipalKind::Service)) / DAY, 400);

        store.delete(&web, revision).await.unwrap();
        let counts = eventually(&census, |counts| counts.principals(Origin::Kubernetes) == 1).await;
        assert_eq!(counts.keys(PrincipalKind::Service, ">365d"), 0);
        follower.abort();
    }
}
