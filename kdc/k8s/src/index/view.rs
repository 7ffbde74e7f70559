//! The index as the core sees it: the facts that enrolment needs, and whether the pod of a ticket lives. Requests read the
//! index while the watches write it.

use crate::crd::realm::KerberosRealm;
use crate::crd::realm_network::PolicyManagement;
use crate::index::facts::{AccountLabel, SetReference};
use crate::index::surroundings::Surroundings;
use crate::index::table::ObjectChange;
use crate::index::tables::ClusterEvent;
use crate::index::{Index, IndexChanges};
use kennel_core::enrolment::{Account, ClusterView, Entitlement, Namespace, Pod};
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_wire::message::{KerberosTime, Principal};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::Duration;

/// Pause of a writer while readers have the index.
const PAUSE: Duration = Duration::from_micros(100);

/// An index with many readers. A panic during a write is no reason to stop, since each event is whole.
#[derive(Debug, Clone)]
pub struct SharedIndex(Arc<RwLock<Index>>);

impl SharedIndex {
    /// Shares an index.
    #[must_use]
    pub fn new(index: Index) -> SharedIndex {
        SharedIndex(Arc::new(RwLock::new(index)))
    }

    /// Locks the index for reading; the guard must not live across an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in events, and computes what follows from them once every kind was listed (see [`Index::settle`]; `None` before).
    /// No reader sees the one without the other: a pod that is known has what it is entitled to.
    #[must_use]
    pub fn update(&self, events: impl IntoIterator<Item = ClusterEvent>) -> Option<IndexChanges> {
        let mut index = self.write();
        events.into_iter().for_each(|event| index.apply(event));
        index.is_synced().then(|| index.settle())
    }

    /// Takes in what no object tells. Returns what changed, as [`SharedIndex::update`] does.
    #[must_use]
    pub fn set_surroundings(&self, surroundings: Surroundings) -> Option<IndexChanges> {
        let mut index = self.write();
        index.set_surroundings(surroundings);
        index.is_synced().then(|| index.settle())
    }

    /// Takes in records of the store that the controller made once, each with its namespace: see [`Index::record_exists`].
    pub fn records_exist<'r>(&self, records: impl IntoIterator<Item = (&'r Principal, Option<&'r str>)>) {
        let mut index = self.write();
        records.into_iter().for_each(|(name, namespace)| index.record_exists(name, namespace));
    }

    /// Takes in when a record is deleted: see [`Index::record_ends`].
    pub fn record_ends(&self, name: &Principal, end: KerberosTime) {
        self.write().record_ends(name, end);
    }

    /// Takes in that a record is deleted: see [`Index::record_deleted`].
    pub fn record_deleted(&self, name: &Principal) {
        self.write().record_deleted(name);
    }

    /// Locks the index for writing. A writer that waits in the lock's own queue would make every request wait behind it, for as long
    /// as one reader takes: the rendering of accesses may take a second.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Index> {
        loop {
            match self.0.try_write() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(error)) => return error.into_inner(),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// The state of a pod that holds keys: one that is being deleted still runs, and is live until it has ended.
    #[must_use]
    pub fn holder_state(&self, pod: &PodRef) -> PodState {
        let index = self.read();
        match index.tables.pods.get(&pod.namespace, &pod.name) {
            Some(found) if found.uid == pod.uid && !found.finished => PodState::Live,
            None if !index.tables.pods.is_listed() => PodState::Unknown,
            _ => PodState::Gone,
        }
    }

    /// Returns when the pods were created that these events mention for the first time, seconds since the epoch. Pods of a
    /// listing do not count, since they may be old.
    #[must_use]
    pub fn new_pods(&self, events: &[ClusterEvent]) -> Vec<i64> {
        let index = self.read();
        let new = |event: &ClusterEvent| match event {
            ClusterEvent::Pod(ObjectChange::Put((namespace, name), pod)) => {
                let known = index.tables.pods.get(namespace, name).is_some_and(|known| known.uid == pod.uid);
                (!known && pod.created > 0).then_some(pod.created)
            }
            _ => None,
        };
        events.iter().filter_map(new).collect()
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

impl Index {
    /// The account (namespace and name) that a principal belongs to: its own, or the service of a KerberosPrincipal.
    #[must_use]
    pub fn account_of(&self, principal: &Principal) -> Option<(String, String)> {
        let namespace = self.wanted_by(principal)?;
        let owner = &self.desired(principal)?.owner;
        let name = match &owner.object {
            None => principal.name.components.first()?.strip_suffix(namespace)?.strip_suffix('.')?.to_owned(),
            // A KerberosPrincipal has the name of its account.
            Some(uid) => {
                let mut objects = self.tables.principals.of_namespace(namespace);
                objects.find(|(_, fact)| fact.meta.uid.as_ref() == Some(uid))?.0.to_owned()
            }
        };
        Some((namespace.to_owned(), name))
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
        let is_managed = |realm: &KerberosRealm| realm.spec.network.policies() == PolicyManagement::Managed;
        let needs_label = self.followed_realm().is_some_and(is_managed);
        Some(Pod {
            uid: fact.uid.clone(),
            account: fact.shape.account.clone(),
            ended: fact.ended,
            selected: !needs_label || fact.shape.account_label() == AccountLabel::Right,
        })
    }

    fn entitlement(&self, namespace: &str, account: &str, pod: &str) -> Option<Entitlement> {
        let reference = self.tables.pods.get(namespace, pod).and_then(|fact| fact.stateful_set.as_ref());
        // Whoever makes a pod writes its owner references: one that names another StatefulSet of this name owns nothing.
        let exists = |set: &&SetReference| {
            self.tables.stateful_sets.get(namespace, &set.name).is_some_and(|fact| fact.uid == set.uid)
        };
        let set = reference.filter(exists).map(|set| &*set.name);
        self.desires.get(namespace)?.entitlement(account, pod, set)
    }
}
