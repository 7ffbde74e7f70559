//! What the store holds, counted: principals by who made them, active keys by age. It follows the store's changes, so that a
//! scrape lists nothing. Of each principal only what is counted is kept, under a hash of its name: some 50 octets each.

use crate::clock;
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_store::{Change, PrincipalStore, StoreError, Watch};
use kennel_wire::message::Principal;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// After so long a store that did not answer is asked again.
const RETRY: Duration = Duration::from_secs(10);
const DAY: i64 = 86_400;
/// Ages of keys: below so many seconds, and what that is called.
const AGES: [(i64, &str); 5] =
    [(DAY, "<1d"), (7 * DAY, "1d-7d"), (30 * DAY, "7d-30d"), (90 * DAY, "30d-90d"), (365 * DAY, "90d-365d")];
/// Keys that are older.
const OLDER: &str = ">365d";

/// Whose a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// A ticket-granting service: the realm's own, or one that is shared with another realm.
    Krbtgt,
    /// A service: a name of several components.
    Service,
    /// An account or a user.
    Client,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Krbtgt, Kind::Service, Kind::Client];

    fn of(name: &Principal) -> Kind {
        match name.name.components.as_slice() {
            [first, _, ..] if first == "krbtgt" => Kind::Krbtgt,
            [_, _, ..] => Kind::Service,
            _ => Kind::Client,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Krbtgt => "krbtgt",
            Kind::Service => "service",
            Kind::Client => "client",
        }
    }
}

/// What is kept of a principal.
#[derive(Debug, Clone, Copy)]
struct Counted {
    origin: Origin,
    kind: Kind,
    /// When its active key was made, seconds since the epoch; none where it has no key.
    key: Option<i64>,
}

impl Counted {
    fn of(record: &PrincipalRecord) -> Counted {
        let key = record.keys.active_version().map(|version| version.created.time.0);
        Counted { origin: record.origin, kind: Kind::of(&record.principal), key }
    }
}

/// The principals of a store.
#[derive(Default)]
pub(crate) struct Census {
    hasher: RandomState,
    counted: Mutex<HashMap<u64, Counted>>,
}

impl Census {
    /// Counts, and follows the store until it is closed.
    pub(crate) async fn follow(self: Arc<Self>, store: Arc<dyn PrincipalStore>) {
        loop {
            match self.count(&*store).await {
                Ok(mut watch) => {
                    if self.take(&mut *watch).await.is_none() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the principals cannot be counted; it is tried again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn count(&self, store: &dyn PrincipalStore) -> Result<Box<dyn Watch>, StoreError> {
        let listing = store.list().await?;
        let principals = listing.records.iter().filter_map(|versioned| match &versioned.record {
            Record::Principal(record) => Some((self.hash(&record.principal), Counted::of(record))),
            Record::Alias { .. } => None,
        });
        *self.lock() = principals.collect();
        store.watch(listing.revision).await
    }

    /// `None`: the store is closed; otherwise changes were lost.
    async fn take(&self, watch: &mut dyn Watch) -> Option<()> {
        loop {
            match watch.next().await? {
                Change::Put(versioned) => match &versioned.record {
                    Record::Principal(record) => {
                        self.lock().insert(self.hash(&record.principal), Counted::of(record));
                    }
                    // An alias in the place of a principal of this name.
                    Record::Alias { alias, .. } => _ = self.lock().remove(&self.hash(alias)),
                },
                Change::Deleted { name, .. } => _ = self.lock().remove(&self.hash(&name)),
                Change::Lagged => return Some(()),
            }
        }
    }

    /// Sets what is shown.
    pub(crate) fn show(&self, held: &Held) {
        let now = clock::now().time.0;
        let mut shown = Shown::default();
        for counted in self.lock().values() {
            shown.add(*counted, now);
        }
        held.set(&shown);
    }

    fn hash(&self, name: &Principal) -> u64 {
        self.hasher.hash_one(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Shown {
    principals: HashMap<Origin, i64>,
    keys: HashMap<(Kind, &'static str), i64>,
    oldest: HashMap<Kind, i64>,
}

impl Shown {
    fn add(&mut self, counted: Counted, now: i64) {
        *self.principals.entry(counted.origin).or_default() += 1;
        let Some(made) = counted.key else { return };
        let age = now.saturating_sub(made);
        let name = AGES.iter().find(|(limit, _)| age < *limit).map_or(OLDER, |(_, name)| *name);
        *self.keys.entry((counted.kind, name)).or_default() += 1;
        let oldest = self.oldest.entry(counted.kind).or_insert(made);
        *oldest = made.min(*oldest);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OriginLabels {
    origin: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    principal: &'static str,
    age: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    principal: &'static str,
}

/// The gauges.
#[derive(Debug, Default)]
pub(crate) struct Held {
    principals: Family<OriginLabels, Gauge>,
    keys: Family<KeyLabels, Gauge>,
    oldest: Family<KindLabels, Gauge>,
}

impl Held {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("principals", "Principals in the store by who made them", self.principals.clone());
        registry.register(
            "keys",
            "Keys that tickets are issued under, by whose they are and by age",
            self.keys.clone(),
        );
        let help = "When the oldest key was made that tickets are issued under; 0 where there is none";
        registry.register("oldest_key_timestamp_seconds", help, self.oldest.clone());
    }

    fn set(&self, shown: &Shown) {
        for (origin, name) in [(Origin::Kubernetes, "kubernetes"), (Origin::Manual, "manual")] {
            let number = shown.principals.get(&origin).copied().unwrap_or(0);
            self.principals.get_or_create(&OriginLabels { origin: name }).set(number);
        }
        for kind in Kind::ALL {
            let principal = kind.name();
            for age in AGES.map(|(_, age)| age).into_iter().chain([OLDER]) {
                let number = shown.keys.get(&(kind, age)).copied().unwrap_or(0);
                self.keys.get_or_create(&KeyLabels { principal, age }).set(number);
            }
            let oldest = shown.oldest.get(&kind).copied().unwrap_or(0);
            self.oldest.get_or_create(&KindLabels { principal }).set(oldest);
        }
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

    fn record(name: &str, origin: Origin, days: Option<i64>) -> Record {
        let time = KerberosTime(clock::now().time.0 - days.unwrap_or(0) * DAY);
        let now = Timestamp { time, micros: 0 };
        let keys = days.map(|_| KeySet::random(&[Enctype::Aes256CtsHmacSha384], 1, now, &mut OsRng));
        let name = Principal::parse(name, "R").unwrap();
        Record::Principal(Box::new(PrincipalRecord::new(name, origin, keys.unwrap_or_default(), now, "test")))
    }

    async fn eventually(census: &Census, held: &Held, so: impl Fn(&Held) -> bool) {
        for _ in 0..500 {
            census.show(held);
            if so(held) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{held:?}");
    }

    fn keys(held: &Held, principal: &'static str, age: &'static str) -> i64 {
        held.keys.get_or_create(&KeyLabels { principal, age }).get()
    }

    fn principals(held: &Held, origin: &'static str) -> i64 {
        held.principals.get_or_create(&OriginLabels { origin }).get()
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
        let (census, held) = (Arc::new(Census::default()), Held::default());
        let follower = tokio::spawn(census.clone().follow(store.clone()));
        eventually(&census, &held, |held| principals(held, "kubernetes") == 2).await;
        assert_eq!(principals(&held, "manual"), 1);
        assert_eq!((keys(&held, "krbtgt", "30d-90d"), keys(&held, "krbtgt", "<1d")), (1, 0));
        assert_eq!((keys(&held, "service", "<1d"), keys(&held, "client", "<1d")), (1, 0), "cart has no key");

        let web = Principal::parse("HTTP/web.shop", "R").unwrap();
        let revision = store.read(&web).await.unwrap().unwrap().revision;
        let older = record("HTTP/web.shop", Origin::Kubernetes, Some(400));
        let revision = store.put(&older, Expect::Revision(revision)).await.unwrap();
        eventually(&census, &held, |held| keys(held, "service", ">365d") == 1).await;
        let oldest = held.oldest.get_or_create(&KindLabels { principal: "service" }).get();
        assert!((399..=401).contains(&((clock::now().time.0 - oldest) / DAY)));

        store.delete(&web, revision).await.unwrap();
        eventually(&census, &held, |held| principals(held, "kubernetes") == 1).await;
        assert_eq!(keys(&held, "service", ">365d"), 0);
        follower.abort();
    }

    #[test]
    fn keys_of_the_future_are_new_and_those_of_the_distant_past_old() {
        let mut shown = Shown::default();
        for made in [i64::MIN, 0, i64::MAX] {
            shown.add(Counted { origin: Origin::Manual, kind: Kind::Client, key: Some(made) }, 1_800_000_000);
        }
        assert_eq!(shown.keys, [((Kind::Client, OLDER), 2), ((Kind::Client, "<1d"), 1)].into());
    }
}
