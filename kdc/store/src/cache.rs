//! Decoded entries with prepared keys, bounded. The hot path asks [`EntryCache::peek`] and touches nothing else.

use crate::{PrincipalStore, StoreError};
use kennel_core::kdc::Found;
use kennel_wire::message::Principal;
use std::sync::Arc;

/// A bounded cache over a store, kept true by the store's watch. Aliases are resolved here.
pub struct EntryCache {
    // filled by the store crate's author
    _store: Arc<dyn PrincipalStore>,
}

impl EntryCache {
    /// A cache of at most `capacity` entries. It must be called inside a tokio runtime: a task follows the store's watch.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(_store: Arc<dyn PrincipalStore>, _capacity: usize) -> Result<Arc<EntryCache>, StoreError> {
        todo!()
    }

    /// What the cache knows of a name: `Some(Some(entry))` a principal (an alias gives its target), `Some(None)` known
    /// not to exist, `None` not known here: ask [`EntryCache::lookup`].
    #[must_use]
    pub fn peek(&self, _name: &Principal) -> Option<Found> {
        todo!()
    }

    /// The entry of a name, from the cache or the store.
    ///
    /// # Errors
    /// The store's.
    pub async fn lookup(&self, _name: &Principal) -> Result<Found, StoreError> {
        todo!()
    }
}
