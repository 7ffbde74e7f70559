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
    /// Namespace and StatefulSet of pods that came, went, or changed their StatefulSet.
    pub(super) set_pods: BTreeSet<(String, String)>,
}

impl Tables {
    /// Takes in an event. Of pods, only those of StatefulSets can decide a principal.
    pub(super) fn apply(&mut self, event: ClusterEvent) -> EventEffect {
        let touched = match event {
            ClusterEvent::Namespace(change) => {
                let names = self.namespaces.apply(change).into_iter().map(|(_, name)| name);
                return EventEffect { namespaces: names.collect(), ..EventEffect::default() };
            }
            ClusterEvent::Account(change) => self.accounts.apply(change),
            ClusterEvent::Service(change) => self.services.apply(change),
            ClusterEvent::StatefulSet(change) => self.stateful_sets.apply(change),
            ClusterEvent::Principal(change) => self.principals.apply(change),
            ClusterEvent::Pod(change) => {
                return EventEffect { set_pods: self.apply_pods(change), ..EventEffect::default() };
            }
            ClusterEvent::Realm(change) => {
                let realms = !self.realms.apply(change).is_empty();
                return EventEffect { realms, ..EventEffect::default() };
            }
        };
        let namespaces = |keys: BTreeSet<ObjectKey>| keys.into_iter().map(|(namespace, _)| namespace).collect();
        EventEffect { namespaces: namespaces(touched), ..EventEffect::default() }
    }

    /// Returns namespace and StatefulSet of the pods that came, went, or changed their StatefulSet. Other changes of pods, such as
    /// their end, happen all the time and decide no principal.
    fn apply_pods(&mut self, change: ObjectChange<PodFact>) -> BTreeSet<(String, String)> {
        let before = match &change {
            ObjectChange::Put((namespace, name), _) | ObjectChange::Gone((namespace, name)) => {
                self.pods.get(namespace, name).and_then(|pod| pod.stateful_set.clone())
            }
            ObjectChange::ListingEnds => return self.apply_pod_listing(change),
            ObjectChange::Listing | ObjectChange::Listed(..) => None,
        };
        let touched = self.pods.apply(change);
        let mut sets = BTreeSet::new();
        for (namespace, name) in touched {
            let now = self.pods.get(&namespace, &name).and_then(|pod| pod.stateful_set.as_ref());
            if now != before.as_ref() {
                let both = now.into_iter().chain(&before);
                sets.extend(both.map(|set| (namespace.clone(), set.name.clone())));
            }
        }
        sets
    }

    /// A listing comes at the start and after a broken watch: every StatefulSet whose pods changed in any way is touched.
    fn apply_pod_listing(&mut self, change: ObjectChange<PodFact>) -> BTreeSet<(String, String)> {
        let sets = |pods: &ObjectTable<PodFact>| {
            let of_pod = |((namespace, _), pod): (&ObjectKey, &PodFact)| {
                pod.stateful_set.as_ref().map(|set| (namespace.clone(), set.name.clone()))
            };
            pods.iter().filter_map(of_pod).collect::<BTreeSet<_>>()
        };
        let mut touched = sets(&self.pods);
        self.pods.apply(change);
        touched.append(&mut sets(&self.pods));
        touched
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
