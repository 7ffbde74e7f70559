use super::*;
use crate::MemoryStore;
use crate::battery::{name, principal};
use futures_util::FutureExt;
use kennel_core::principal::Origin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

const ROOMY: usize = 10_000;

/// A memory store that counts reads and can hold one answer back.
struct Observed {
    inner: MemoryStore,
    reads: AtomicU64,
    hold: Mutex<Option<Arc<Hold>>>,
}

#[derive(Default)]
struct Hold {
    reached: Notify,
    go_on: Notify,
}

impl Observed {
    fn new() -> Arc<Observed> {
        Arc::new(Observed { inner: MemoryStore::new(), reads: AtomicU64::new(0), hold: Mutex::new(None) })
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl PrincipalStore for Observed {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let found = self.inner.read(name).await;
        let hold = self.hold.lock().unwrap().take();
        if let Some(hold) = hold {
            hold.reached.notify_one();
            hold.go_on.notified().await;
        }
        found
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        self.inner.put(record, expect).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.inner.delete(name, expect).await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        self.inner.list().await
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.inner.watch(since).await
    }
}

fn life(found: &Option<Arc<Entry>>) -> Option<u32> {
    found.as_ref().and_then(|entry| entry.record.max_life)
}

fn alias(alias: &Principal, target: &Principal) -> Record {
    Record::Alias { alias: alias.clone(), target: target.clone(), origin: Origin::Manual }
}

/// Waits until the watch has delivered the writes of others.
async fn until(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.unwrap();
}

#[tokio::test]
async fn it_starts_warm_and_then_leaves_the_store_alone() {
    let store = Observed::new();
    for number in 0..100 {
        store.put(&principal(&name(&[&number.to_string()]), number), Expect::Absent).await.unwrap();
    }
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    for number in 0..100 {
        let name = name(&[&number.to_string()]);
        assert_eq!(life(&cache.peek(&name).unwrap()), Some(number));
        assert_eq!(life(&cache.lookup(&name).await.unwrap()), Some(number));
    }
    assert_eq!(store.reads(), 0);
}

#[tokio::test]
async fn it_is_bounded_however_much_the_store_holds() {
    let store = Observed::new();
    for number in 0..200 {
        store.put(&principal(&name(&[&number.to_string()]), number), Expect::Absent).await.unwrap();
    }
    let cache = EntryCache::open(store.clone(), 32).await.unwrap();
    for number in 0..200 {
        assert_eq!(life(&cache.lookup(&name(&[&number.to_string()])).await.unwrap()), Some(number));
    }
    let kept: usize = cache.shards.shards.iter().map(|shard| read(shard).records.len()).sum();
    assert!((20..=32).contains(&kept), "{kept}");
}

#[tokio::test]
async fn a_name_that_was_looked_up_is_known_then() {
    let store = Observed::new();
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    let web = name(&["web"]);
    cache.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    assert!(cache.peek(&web).is_none());
    let first = cache.lookup(&web).await.unwrap().unwrap();
    let second = cache.peek(&web).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second), "keys are prepared once");
    assert_eq!(store.reads(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_names_takes_no_room() {
    let store = Observed::new();
    let web = name(&["web"]);
    store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let cache = EntryCache::open(store.clone(), 16).await.unwrap();
    for number in 0..1000 {
        assert!(cache.lookup(&name(&["unknown", &number.to_string()])).await.unwrap().is_none());
    }
    assert_eq!(life(&cache.peek(&web).unwrap()), Some(1));
}

#[tokio::test]
async fn a_lookup_in_a_local_store_completes_without_waiting() {
    let store = Arc::new(MemoryStore::new());
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    store.put(&principal(&name(&["web"]), 1), Expect::Absent).await.unwrap();
    assert!(cache.lookup(&name(&["web"])).now_or_never().unwrap().unwrap().is_some());
    assert!(cache.lookup(&name(&["other"])).now_or_never().unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_write_through_the_cache_shows_at_once() {
    let cache = EntryCache::open(Observed::new(), ROOMY).await.unwrap();
    let web = name(&["web"]);
    let mut revision = cache.put(&principal(&web, 0), Expect::Absent).await.unwrap();
    for round in 1..50 {
        assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(round - 1));
        revision = cache.put(&principal(&web, round), Expect::Revision(revision)).await.unwrap();
        assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(round));
    }
    cache.delete(&web, revision).await.unwrap();
    assert!(cache.lookup(&web).await.unwrap().is_none());
}

#[tokio::test]
async fn what_others_write_shows_a_moment_later() {
    let store = Observed::new();
    let web = name(&["web"]);
    let first = store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    let second = store.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    until(async || life(&cache.lookup(&web).await.unwrap()) == Some(2)).await;
    store.delete(&web, second).await.unwrap();
    until(async || cache.lookup(&web).await.unwrap().is_none()).await;
}

#[tokio::test]
async fn the_notice_of_an_own_write_does_not_take_out_what_was_prepared_since() {
    let store = Observed::new();
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    let web = name(&["web"]);
    cache.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let prepared = cache.lookup(&web).await.unwrap().unwrap();
    // The watch is in order: once it has delivered the second write, it has delivered the first.
    let other = name(&["other"]);
    let revision = cache.put(&principal(&other, 1), Expect::Absent).await.unwrap();
    cache.lookup(&other).await.unwrap();
    store.put(&principal(&other, 2), Expect::Revision(revision)).await.unwrap();
    until(async || life(&cache.lookup(&other).await.unwrap()) == Some(2)).await;
    assert!(Arc::ptr_eq(&prepared, &cache.peek(&web).unwrap().unwrap()));
}

#[tokio::test]
async fn a_lookup_that_was_overtaken_by_a_write_leaves_nothing_stale() {
    let store = Observed::new();
    let web = name(&["web"]);
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    let first = cache.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let hold = Arc::new(Hold::default());
    *store.hold.lock().unwrap() = Some(hold.clone());
    let slow = tokio::spawn({
        let (cache, web) = (cache.clone(), web.clone());
        async move { cache.lookup(&web).await.unwrap() }
    });
    hold.reached.notified().await;
    cache.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    hold.go_on.notify_one();
    assert_eq!(life(&slow.await.unwrap()), Some(1), "it began before the write");
    assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(2));
}

#[tokio::test]
async fn an_alias_gives_the_entry_of_its_target() {
    let store = Observed::new();
    let (short, long) = (name(&["HTTP", "web"]), name(&["HTTP", "web.shop"]));
    store.put(&alias(&short, &long), Expect::Absent).await.unwrap();
    let first = store.put(&principal(&long, 1), Expect::Absent).await.unwrap();
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    let target = cache.peek(&long).unwrap().unwrap();
    assert!(Arc::ptr_eq(&target, &cache.peek(&short).unwrap().unwrap()));
    assert!(Arc::ptr_eq(&target, &cache.lookup(&short).await.unwrap().unwrap()));

    let second = cache.put(&principal(&long, 2), Expect::Revision(first)).await.unwrap();
    assert_eq!(life(&cache.lookup(&short).await.unwrap()), Some(2));
    cache.delete(&long, second).await.unwrap();
    assert!(cache.lookup(&short).await.unwrap().is_none());
}

#[tokio::test]
async fn an_alias_of_an_alias_and_an_alias_into_another_realm_lead_nowhere() {
    let store = Observed::new();
    let (first, second, third) = (name(&["1"]), name(&["2"]), name(&["3"]));
    let elsewhere = Principal::new(third.name.clone(), "OTHER");
    let (abroad, itself) = (name(&["abroad"]), name(&["itself"]));
    store.put(&alias(&first, &second), Expect::Absent).await.unwrap();
    store.put(&alias(&second, &third), Expect::Absent).await.unwrap();
    store.put(&principal(&third, 3), Expect::Absent).await.unwrap();
    store.put(&alias(&abroad, &elsewhere), Expect::Absent).await.unwrap();
    store.put(&principal(&elsewhere, 4), Expect::Absent).await.unwrap();
    store.put(&alias(&itself, &itself), Expect::Absent).await.unwrap();
    for capacity in [ROOMY, 0] {
        let cache = EntryCache::open(store.clone(), capacity).await.unwrap();
        for nowhere in [&first, &abroad, &itself] {
            assert!(cache.lookup(nowhere).await.unwrap().is_none(), "{nowhere:?}");
            assert!(!matches!(cache.peek(nowhere), Some(Some(_))), "{nowhere:?}");
        }
        assert_eq!(life(&cache.lookup(&second).await.unwrap()), Some(3));
    }
}

#[tokio::test]
async fn a_name_becomes_an_alias_and_a_principal_again() {
    let cache = EntryCache::open(Observed::new(), ROOMY).await.unwrap();
    let (web, other) = (name(&["web"]), name(&["other"]));
    let first = cache.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    cache.put(&principal(&other, 2), Expect::Absent).await.unwrap();
    assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(1));
    let second = cache.put(&alias(&web, &other), Expect::Revision(first)).await.unwrap();
    assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(2));
    cache.put(&principal(&web, 3), Expect::Revision(second)).await.unwrap();
    assert_eq!(life(&cache.lookup(&web).await.unwrap()), Some(3));
}

#[tokio::test]
async fn a_cache_that_lost_changes_is_emptied_and_filled_again() {
    let store = Observed::new();
    let web = name(&["web"]);
    let mut revision = store.put(&principal(&web, 0), Expect::Absent).await.unwrap();
    let cache = EntryCache::open(store.clone(), ROOMY).await.unwrap();
    // On one thread the follower cannot run between these: it falls out of the feed.
    for round in 1..=5000 {
        revision = store.put(&principal(&web, round), Expect::Revision(revision)).await.unwrap();
    }
    until(async || cache.peek(&web).is_some_and(|found| life(&found) == Some(5000))).await;
    assert_eq!(store.reads(), 0, "filled from a listing");
}

#[tokio::test]
async fn a_cache_whose_store_is_closed_forgets_all() {
    struct Closed;

    #[async_trait]
    impl Watch for Closed {
        async fn next(&mut self) -> Option<Change> {
            None
        }
    }

    let store = Observed::new();
    store.put(&principal(&name(&["web"]), 1), Expect::Absent).await.unwrap();
    let shards = Arc::new(Shards::new(ROOMY));
    shards.fill(&*store).await.unwrap();
    assert!(shards.known(&name(&["web"])).is_some());
    follow(Box::new(Closed), store, shards.clone()).await;
    assert!(shards.known(&name(&["web"])).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_see_an_older_record_than_the_last_acknowledged_one() {
    let cache = EntryCache::open(Observed::new(), ROOMY).await.unwrap();
    let web = name(&["web"]);
    let mut revision = cache.put(&principal(&web, 0), Expect::Absent).await.unwrap();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (cache, web, acknowledged) = (cache.clone(), web.clone(), acknowledged.clone());
            tokio::spawn(async move {
                while acknowledged.load(Ordering::SeqCst) < 2000 {
                    let least = acknowledged.load(Ordering::SeqCst);
                    let seen = life(&cache.lookup(&web).await.unwrap()).unwrap();
                    assert!(u64::from(seen) >= least, "{seen} after {least}");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 1..=2000 {
        revision = cache.put(&principal(&web, round), Expect::Revision(revision)).await.unwrap();
        acknowledged.store(u64::from(round), Ordering::SeqCst);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}
