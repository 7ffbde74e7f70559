//! The index as the core sees it: what enrolment asks, and whether a ticket's pod lives. Requests read it while the
//! watches write it.

use super::table::Change;
use super::{Event, Index, Settled};
use kennel_core::enrolment::{Account, ClusterView, Entitlement, Namespace, Pod};
use kennel_core::pods::{PodRef, PodState, Pods};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// An index that many read. A panic while it is written is no reason to stop: each event is whole.
#[derive(Debug, Clone)]
pub struct SharedIndex(Arc<RwLock<Index>>);

impl SharedIndex {
    /// Shares an index.
    #[must_use]
    pub fn new(index: Index) -> SharedIndex {
        SharedIndex(Arc::new(RwLock::new(index)))
    }

    /// For reading; not across an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in events.
    pub fn apply(&self, events: impl IntoIterator<Item = Event>) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        events.into_iter().for_each(|event| index.apply(event));
    }

    /// When the pods were created that these events tell of for the first time, seconds since the epoch. Those of a listing
    /// are not among them: they may have been there for long.
    #[must_use]
    pub fn new_pods(&self, events: &[Event]) -> Vec<i64> {
        let index = self.read();
        let new = |event: &Event| match event {
            Event::Pod(Change::Put((namespace, name), pod)) => {
                let known = index.tables.pods.get(namespace, name).is_some_and(|known| known.uid == pod.uid);
                (!known && pod.created > 0).then_some(pod.created)
            }
            _ => None,
        };
        events.iter().filter_map(new).collect()
    }

    /// See [`Index::settle`].
    #[must_use]
    pub fn settle(&self) -> Settled {
        self.0.write().unwrap_or_else(PoisonError::into_inner).settle()
    }
}

impl Pods for SharedIndex {
    fn state(&self, pod: &PodRef) -> PodState {
        let index = self.read();
        match index.tables.pods.get(&pod.namespace, &pod.name) {
            Some(found) if found.uid == pod.uid && !found.ended => PodState::Live,
            None if !index.tables.pods.is_listed() => PodState::Unknown,
            _ => PodState::Gone,
        }
    }
}

impl ClusterView for Index {
    fn namespace(&self, name: &str) -> Option<Namespace> {
        self.tables.namespaces.get("", name)?;
        Some(Namespace { enrolled: self.desires.get(name).is_some_and(|desire| desire.enrolled) })
    }

    fn account(&self, namespace: &str, name: &str) -> Option<Account> {
        self.tables.accounts.get(namespace, name).map(|fact| Account { uid: fact.uid.clone() })
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<Pod> {
        let fact = self.tables.pods.get(namespace, name)?;
        Some(Pod { uid: fact.uid.clone(), account: fact.account.clone(), ended: fact.ended })
    }

    fn entitlement(&self, namespace: &str, account: &str, pod: &str) -> Option<Entitlement> {
        let set = self.tables.pods.get(namespace, pod).and_then(|fact| fact.stateful_set.as_deref());
        self.desires.get(namespace)?.entitlement(account, pod, set)
    }
}
