//! Counts the principals and keys of the store for the metrics. The census follows the store's changes, so that a scrape lists
//! nothing. It keeps only the counted properties of each principal, under a hash of the name: some 50 octets each.

use kennel_audit::{PrincipalKind, StoreCounts};
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::follow::{Follower, follow};
use kennel_store::{PrincipalStore, VersionedRecord};
use kennel_wire::message::Principal;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        follow(&*store, &*self).await;
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

impl Follower for Census {
    const STALE: &'static str = "the principals cannot be counted";

    fn begin(&self, records: Vec<VersionedRecord>) {
        let principals = records.iter().filter_map(|versioned| match &versioned.record {
            Record::Principal(record) => Some((self.hash(&record.principal), Counted::from_record(record))),
            Record::Alias { .. } | Record::Holder(_) | Record::Policy(_) => None,
        });
        *self.lock() = principals.collect();
    }

    fn put(&self, changed: VersionedRecord) {
        match &changed.record {
            Record::Principal(record) => {
                self.lock().insert(self.hash(&record.principal), Counted::from_record(record));
            }
            // The alias may replace a principal of this name.
            Record::Alias { alias, .. } => self.delete(alias),
            Record::Holder(_) | Record::Policy(_) => {}
        }
    }

    fn delete(&self, name: &Principal) {
        self.lock().remove(&self.hash(name));
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
    use std::time::Duration;

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
