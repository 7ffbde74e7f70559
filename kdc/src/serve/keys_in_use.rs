//! The master keys that the open store has now: two during a re-wrap. Whoever wraps something outside the store asks each time.

use kennel_store::{MasterKeys, SledStore};
use std::sync::Arc;

/// Returns the master keys of the open store.
#[derive(Clone)]
pub(crate) struct KeysInUse(Arc<dyn Fn() -> Arc<MasterKeys> + Send + Sync>);

impl KeysInUse {
    /// Those of a store.
    pub(crate) fn of(store: Arc<SledStore>) -> KeysInUse {
        KeysInUse(Arc::new(move || store.master_keys()))
    }

    /// Always the same.
    #[cfg(test)]
    pub(crate) fn fixed(keys: MasterKeys) -> KeysInUse {
        let keys = Arc::new(keys);
        KeysInUse(Arc::new(move || keys.clone()))
    }

    /// The keys as they are now.
    pub(crate) fn get(&self) -> Arc<MasterKeys> {
        (self.0)()
    }
}
