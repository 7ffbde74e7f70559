//! What the programming of accesses is told of the index.

use kennel_k8s::index::IndexChanges;
use kennel_k8s::policy::kind::PolicyKey;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// The changes that wait to be taken in.
#[derive(Default)]
pub(crate) struct AccessInbox {
    changes: Mutex<AccessChanges>,
    wake: Notify,
}

/// Changes of the index since the last look.
#[derive(Debug, Default)]
pub(crate) struct AccessChanges {
    /// Whether accesses are to be rendered anew.
    pub(crate) render: bool,
    /// Policies of ours that the watch has reported.
    pub(crate) policies: BTreeSet<PolicyKey>,
}

impl AccessInbox {
    /// Takes note of what the index has changed.
    pub(crate) fn note(&self, changes: &IndexChanges) {
        if changes.access || !changes.policies.is_empty() {
            self.add(|waiting| {
                waiting.render |= changes.access;
                waiting.policies.extend(changes.policies.iter().cloned());
            });
        }
    }

    fn add(&self, change: impl FnOnce(&mut AccessChanges)) {
        change(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// Completes when something waits.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Takes all changes out.
    pub(crate) fn take(&self) -> AccessChanges {
        std::mem::take(&mut self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
