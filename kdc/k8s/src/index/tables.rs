//! The objects of each kind, and the events that change them.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::facts::{AccountFact, NamespaceFact, ObjectKey, OwnFact, PodFact, ServiceFact, StatefulSetFact};
use crate::index::table::{ObjectChange, ObjectTable};
use std::collections::BTreeSet;

/// A change of one object, or a step of a listing, of the kind that the variant names.
#[expect(missing_docs, reason = "each variant is the kind of its name")]
#[derive(Debug, Clone)]
pub enum ClusterEvent {
    Namespace(ObjectChange<NamespaceFact>),
    Account(ObjectChange<AccountFact>),
    Service(ObjectChange<ServiceFact>),
    Pod(ObjectChange<PodFact>),
    StatefulSet(ObjectChange<StatefulSetFact>),
    Realm(ObjectChange<OwnFact<KerberosRealm>>),
    Principal(ObjectChange<OwnFact<KerberosPrincipal>>),
}

/// The objects of each kind.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) namespaces: ObjectTable<NamespaceFact>,
    pub(super) accounts: ObjectTable<AccountFact>,
    pub(super) services: ObjectTable<ServiceFact>,
    pub(super) pods: ObjectTable<PodFact>,
    pub(super) stateful_sets: ObjectTable<StatefulSetFact>,
    pub(super) realms: ObjectTable<OwnFact<KerberosRealm>>,
    pub(super) principals: ObjectTable<OwnFact<KerberosPrincipal>>,
}

/// What has to be computed anew after an event.
#[derive(Debug, Default)]
pub(super) struct EventEffect {
    /// Namespaces with objects that changed.
    pub(super) namespaces: BTreeSet<String>,
    /// Whether a KerberosRealm changed.
    pub(super) realms: bool,
}

impl Tables {
    /// Takes in an event. Pods touch nothing: they decide no principal.
    pub(super) fn apply(&mut self, event: ClusterEvent) -> EventEffect {
        let touched = match event {
            ClusterEvent::Namespace(change) => {
                let names = self.namespaces.apply(change).into_iter().map(|(_, name)| name);
                return EventEffect { namespaces: names.collect(), realms: false };
            }
            ClusterEvent::Account(change) => self.accounts.apply(change),
            ClusterEvent::Service(change) => self.services.apply(change),
            ClusterEvent::StatefulSet(change) => self.stateful_sets.apply(change),
            ClusterEvent::Principal(change) => self.principals.apply(change),
            ClusterEvent::Pod(change) => {
                self.pods.apply(change);
                BTreeSet::new()
            }
            ClusterEvent::Realm(change) => {
                let realms = !self.realms.apply(change).is_empty();
                return EventEffect { realms, ..EventEffect::default() };
            }
        };
        let namespaces = |keys: BTreeSet<ObjectKey>| keys.into_iter().map(|(namespace, _)| namespace).collect();
        EventEffect { namespaces: namespaces(touched), realms: false }
    }

    /// Whether every kind was listed since the start. Before that, an object that is missing may only be unknown.
    pub(super) fn are_listed(&self) -> bool {
        self.namespaces.is_listed()
            && self.accounts.is_listed()
            && self.services.is_listed()
            && self.pods.is_listed()
            && self.stateful_sets.is_listed()
            && self.realms.is_listed()
            && self.principals.is_listed()
    }
}
