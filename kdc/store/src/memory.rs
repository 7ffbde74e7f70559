//! A store in memory, for tests and throw-away realms. The store keeps every promise but the one that needs a disk.

use crate::error::StoreError;
use crate::feed::{Feed, RETAINED};
use crate::key::key_of;
use crate::principal_store::{Change, Expect, Listing, PrincipalStore, Revision, VersionedRecord, Watch};
use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Principals in memory.
pub struct MemoryStore {
    state: Mutex<State>,
    feed: Feed,
}

struct State {
    records: BTreeMap<Vec<u8>, VersionedRecord>,
    revision: Revision,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> MemoryStore {
        let state = State { records: BTreeMap::new(), revision: Revision(0) };
        MemoryStore { state: Mutex::new(state), feed: Feed::new(Revision(0), RETAINED) }
    }

    /// Each change is one assignment under the lock, so a poisoned lock still guards sound data.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        MemoryStore::new()
    }
}

#[async_trait]
impl PrincipalStore for MemoryStore {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        let Ok(key) = key_of(name) else { return Ok(None) };
        Ok(self.state().records.get(&key).cloned())
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        let key = key_of(record.name())?;
        let mut state = self.state();
        expect.check(state.records.get(&key).map(|found| found.revision))?;
        let revision = state.revision.next();
        let versioned = VersionedRecord { record: record.clone(), revision };
        state.records.insert(key, versioned.clone());
        state.revision = revision;
        // Still under the lock: changes are published in the order of their revisions.
        self.feed.publish(revision, Change::Put(versioned));
        Ok(revision)
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        let key = key_of(name)?;
        let mut state = self.state();
        Expect::Revision(expect).check(state.records.get(&key).map(|found| found.revision))?;
        let revision = state.revision.next();
        state.records.remove(&key);
        state.revision = revision;
        self.feed.publish(revision, Change::Deleted { name: name.clone(), revision });
        Ok(revision)
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let state = self.state();
        Ok(Listing { records: state.records.values().cloned().collect(), revision: state.revision })
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
        Ok(Box::new(self.feed.watch(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::battery::Backend;
    use std::sync::Arc;

    /// The store itself stands for its disk: opening the store again returns the same one.
    struct Memory(Arc<MemoryStore>);

    impl Backend for Memory {
        fn new() -> Self {
            Memory(Arc::new(MemoryStore::new()))
        }

        async fn open(&self) -> Arc<dyn PrincipalStore> {
            self.0.clone()
        }
    }

    crate::battery!(Memory);
}
