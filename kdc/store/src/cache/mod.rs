//! Decoded entries with prepared keys, bounded. The hot path asks [`EntryCache::peek`] and touches nothing else.
//!
//! How the cache stays consistent with the store:
//! - only a lookup inserts entries; a change only removes them (so that a late notice of an old change does no harm);
//! - each shard counts the changes that it receives; a lookup that read the store while a change arrived inserts nothing;
//! - the store's watch delivers all changes; a write through the cache applies its change before it returns.
//!
//! The cache does not keep names that do not exist: a flood of them would need room, and asking the store is cheap
//! (measured with sled: 1.3 microseconds).

mod clock;

#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::principal_store::{Change, Expect, Listing, PrincipalStore, Revision, VersionedRecord, Watch};
use async_trait::async_trait;
use clock::ClockMap;
use kennel_core::entry::Entry;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::task::JoinHandle;

/// Number of parts, each with a lock of its own.
const SHARDS: usize = 16;

/// A bounded cache over a store, kept consistent by the store's watch. The cache resolves aliases. The cache itself is a
/// [`PrincipalStore`]: a write through it shows in the next lookup, a write by others a moment later.
pub struct EntryCache {
    store: Arc<dyn PrincipalStore>,
    shards: Arc<Shards>,
    follower: JoinHandle<()>,
}

impl EntryCache {
    /// Opens a cache of at most `capacity` records (rounded up to a multiple of 16), filled with the store's first ones.
    /// Must be called inside a tokio runtime: a task follows the store's watch.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn open(store: Arc<dyn PrincipalStore>, capacity: usize) -> Result<Arc<EntryCache>, StoreError> {
        let shards = Arc::new(Shards::new(capacity));
        let revision = shards.fill(&*store).await?;
        let watch = store.watch(revision).await?;
        let follower = tokio::spawn(follow(watch, store.clone(), shards.clone()));
        Ok(Arc::new(EntryCache { store, shards, follower }))
    }

    /// Returns what the cache holds for a name: `Some(Some(entry))` for a principal (for an alias, its target),
    /// `Some(None)` for an alias without a usable target, `None` for a name that the cache does not hold: ask
    /// [`EntryCache::lookup`].
    #[must_use]
    pub fn peek(&self, name: &Principal) -> Option<Option<Arc<Entry>>> {
        match self.shards.known(name)? {
            CachedRecord::Principal(entry) => Some(Some(entry)),
            CachedRecord::Nobody => Some(None),
            CachedRecord::Alias(target) if target.realm != name.realm => Some(None),
            CachedRecord::Alias(target) => Some(self.shards.known(&target)?.principal()),
        }
    }

    /// Returns the entry of a name, from the cache or the store. With a store on this machine the future completes without
    /// waiting.
    ///
    /// An alias returns the entry of its target; `None` where the target does not exist, is an alias itself, or is of
    /// another realm.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn lookup(&self, name: &Principal) -> Result<Option<Arc<Entry>>, StoreError> {
        match self.known(name).await? {
            Some(CachedRecord::Alias(target)) if target.realm == name.realm => {
                Ok(self.known(&target).await?.and_then(CachedRecord::principal))
            }
            known => Ok(known.and_then(CachedRecord::principal)),
        }
    }

    /// Loads records until the cache is full, as [`EntryCache::open`] does.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn warm(&self) -> Result<(), StoreError> {
        self.shards.fill(&*self.store).await.map(|_| ())
    }

    /// Forgets all records: others took their place in the store, which the watch shows a moment later.
    pub fn forget_all(&self) {
        self.shards.clear();
    }

    async fn known(&self, name: &Principal) -> Result<Option<CachedRecord>, StoreError> {
        if let Some(known) = self.shards.known(name) {
            return Ok(Some(known));
        }
        let changes = self.shards.changes(name);
        let found = self.store.read(name).await?;
        Ok(found.map(|versioned| self.shards.keep(name, versioned, changes)))
    }
}

#[async_trait]
impl PrincipalStore for EntryCache {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        self.store.read(name).await
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        let outcome = self.store.put(record, expect).await;
        self.shards.forget_unless_newer(record.name(), outcome.as_ref().ok().copied());
        outcome
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        let outcome = self.store.delete(name, expect).await;
        self.shards.forget_unless_newer(name, outcome.as_ref().ok().copied());
        outcome
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        self.store.list().await
    }

    async fn aliases(&self, target: &Principal) -> Result<Vec<Principal>, StoreError> {
        self.store.aliases(target).await
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
        self.store.watch(since).await
    }
}

impl Drop for EntryCache {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// Removes changed entries for as long as the store is open.
async fn follow(mut watch: Box<dyn Watch>, store: Arc<dyn PrincipalStore>, shards: Arc<Shards>) {
    while let Some(change) = watch.next().await {
        match change {
            Change::Put(versioned) => shards.forget_unless_newer(versioned.record.name(), Some(versioned.revision)),
            Change::Deleted { name, revision } => shards.forget_unless_newer(&name, Some(revision)),
            Change::Lagged => {
                shards.clear();
                if let Err(error) = shards.fill(&*store).await {
                    tracing::warn!(%error, "the entry cache starts empty after it lost changes of the store");
                }
            }
        }
    }
    // No watch keeps the cache consistent any more.
    shards.clear();
}

/// A record in the form that requests use.
#[derive(Clone)]
enum CachedRecord {
    Principal(Arc<Entry>),
    Alias(Principal),
    /// A record that no request finds.
    Nobody,
}

impl CachedRecord {
    fn principal(self) -> Option<Arc<Entry>> {
        match self {
            CachedRecord::Principal(entry) => Some(entry),
            CachedRecord::Alias(_) | CachedRecord::Nobody => None,
        }
    }
}

impl From<Record> for CachedRecord {
    fn from(record: Record) -> Self {
        match record {
            Record::Principal(record) => CachedRecord::Principal(Arc::new(Entry::new(*record))),
            Record::Alias { target, .. } => CachedRecord::Alias(target),
            Record::Holder(_) | Record::Policy(_) => CachedRecord::Nobody,
        }
    }
}

struct Shards {
    shards: Vec<RwLock<Shard>>,
    hasher: RandomState,
}

struct Shard {
    records: ClockMap<(CachedRecord, Revision)>,
    /// Number of changes that the shard received.
    changes: u64,
}

impl Shards {
    fn new(capacity: usize) -> Shards {
        let shard = || RwLock::new(Shard { records: ClockMap::new(capacity.div_ceil(SHARDS)), changes: 0 });
        Shards { shards: (0..SHARDS).map(|_| shard()).collect(), hasher: RandomState::new() }
    }

    fn known(&self, name: &Principal) -> Option<CachedRecord> {
        Some(read(self.shard(name)?).records.get(name)?.0.clone())
    }

    /// Returns the number of changes so far: the argument of [`Shards::keep`] after the store was read.
    fn changes(&self, name: &Principal) -> u64 {
        self.shard(name).map_or(0, |shard| read(shard).changes)
    }

    /// Inserts the record that was read, unless a change arrived since `changes` was counted.
    fn keep(&self, name: &Principal, versioned: VersionedRecord, changes: u64) -> CachedRecord {
        let VersionedRecord { record, revision } = versioned;
        let Some(shard) = self.shard(name) else { return record.into() };
        let mut shard = write(shard);
        if let Some((known, kept)) = shard.records.get(name)
            && *kept == revision
        {
            // Another lookup was faster; its keys may be prepared already.
            return known.clone();
        }
        let known = CachedRecord::from(record);
        if shard.changes == changes {
            shard.records.insert(name, (known.clone(), revision));
        }
        known
    }

    /// Removes a name, unless its record in the cache has that revision or a newer one.
    fn forget_unless_newer(&self, name: &Principal, revision: Option<Revision>) {
        let Some(shard) = self.shard(name) else { return };
        let mut shard = write(shard);
        shard.changes += 1;
        let kept = shard.records.get(name).map(|(_, kept)| *kept);
        if revision.is_none() || kept < revision {
            shard.records.remove(name);
        }
    }

    fn clear(&self) {
        for shard in &self.shards {
            let mut shard = write(shard);
            shard.changes += 1;
            shard.records.clear();
        }
    }

    /// Loads as many records as there is room for; returns their revision.
    async fn fill(&self, store: &dyn PrincipalStore) -> Result<Revision, StoreError> {
        let changes: Vec<u64> = self.shards.iter().map(|shard| read(shard).changes).collect();
        let listing = store.list().await?;
        for versioned in listing.records {
            let name = versioned.record.name().clone();
            let number = self.number(&name);
            let (Some(shard), Some(changes)) = (self.shards.get(number), changes.get(number)) else { continue };
            if !read(shard).records.is_full() {
                self.keep(&name, versioned, *changes);
            }
        }
        Ok(listing.revision)
    }

    fn shard(&self, name: &Principal) -> Option<&RwLock<Shard>> {
        self.shards.get(self.number(name))
    }

    fn number(&self, name: &Principal) -> usize {
        (self.hasher.hash_one(name) % SHARDS as u64) as usize
    }
}

/// No code panics while it holds a shard, so a poisoned lock still guards sound data.
fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
