//! The store as the controller has it: written only while this process holds the realm's Lease.

use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_k8s::lease::HeldLease;
use kennel_store::{Expect, Listing, PrincipalStore, Revision, StoreError, VersionedRecord, Watch};
use kennel_wire::message::Principal;
use std::sync::Arc;

/// A store behind the permission to write.
pub(crate) struct LeasedStore {
    store: Arc<dyn PrincipalStore>,
    held: HeldLease,
}

impl LeasedStore {
    pub(crate) fn new(store: Arc<dyn PrincipalStore>, held: HeldLease) -> LeasedStore {
        LeasedStore { store, held }
    }

    fn check(&self) -> Result<(), StoreError> {
        self.held.check().map_err(|ended| StoreError::NotWritable { reason: ended.to_string() })
    }
}

#[async_trait]
impl PrincipalStore for LeasedStore {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        self.store.read(name).await
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        self.check()?;
        self.store.put(record, expect).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.check()?;
        self.store.delete(name, expect).await
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
