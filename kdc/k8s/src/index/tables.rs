//! The objects of each kind, and the events that change them.

use crate::crd::access::KerberosAccess;
use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::facts::{
    AccountFact, EndpointsFact, NamespaceFact, ObjectKey, OptionalPolicyFact, OwnFact, PodFact, PolicyFact,
    ServiceFact, StatefulSetFact,
};
use crate::index::pod_shapes::PodShapes;
use crate::index::table::{ObjectChange, ObjectTable};
use crate::policy::kind::{PolicyKey, PolicyKind};
use kube::core::object::HasSpec;
use std::collections::{BTreeMap, BTreeSet};

/// A change of one object, or a step of a listing, of the kind that the variant names. Thousands of events of a busy tenant wait at a
/// time: those of our own objects, which are large, are boxed.
#[expect(missing_docs, reason = "each variant is the kind of its name")]
#[derive(Debug, Clone)]
pub enum ClusterEvent {
    Namespace(ObjectChange<NamespaceFact>),
    Account(ObjectChange<AccountFact>),
    Service(ObjectChange<ServiceFact>),
    Pod(ObjectChange<PodFact>),
    StatefulSet(ObjectChange<StatefulSetFact>),
    Realm(Box<ObjectChange<OwnFact<KerberosRealm>>>),
    Principal(Box<ObjectChange<OwnFact<KerberosPrincipal>>>),
    Access(Box<ObjectChange<OwnFact<KerberosAccess>>>),
    NetworkPolicy(ObjectChange<PolicyFact>),
    /// A policy of ours of a kind that only some clusters serve.
    OptionalPolicy(PolicyKind, ObjectChange<OptionalPolicyFact>),
    /// The EndpointSlices of the Service `default/kubernetes`.
    ApiServer(ObjectChange<EndpointsFact>),
}

#[expect(missing_docs, reason = "each makes the event of its name")]
impl ClusterEvent {
    #[must_use]
    pub fn realm(change: ObjectChange<OwnFact<KerberosRealm>>) -> ClusterEvent {
        ClusterEvent::Realm(Box::new(change))
    }

    #[must_use]
    pub fn principal(change: ObjectChange<OwnFact<KerberosPrincipal>>) -> ClusterEvent {
        ClusterEvent::Principal(Box::new(change))
    }

    #[must_use]
    pub fn access(change: ObjectChange<OwnFact<KerberosAccess>>) -> ClusterEvent {
        ClusterEvent::Access(Box::new(change))
    }
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
    pub(super) accesses: ObjectTable<OwnFact<KerberosAccess>>,
    pub(super) policies: ObjectTable<PolicyFact>,
    /// Policies of ours of the kinds that the cluster serves beside NetworkPolicies.
    pub(super) optional_policies: BTreeMap<PolicyKind, ObjectTable<OptionalPolicyFact>>,
    pub(super) api_server: ObjectTable<EndpointsFact>,
    /// The shapes of the pods that have not ended.
    pub(super) shapes: PodShapes,
}

/// What has to be computed anew after an event.
#[derive(Debug, Default)]
pub(super) struct EventEffect {
    /// Namespaces with objects that changed, accounts apart.
    pub(super) namespaces: BTreeSet<String>,
    /// Namespaces with accounts that changed.
    pub(super) accounts: BTreeSet<String>,
    /// Whether a KerberosRealm changed.
    pub(super) realms: bool,
    /// Namespace and StatefulSet of pods that came, went, or changed their StatefulSet.
    pub(super) set_pods: BTreeSet<(String, String)>,
    /// Whether something but accounts changed that decides tickets or policies.
    pub(super) access: bool,
    /// Policies of ours that changed.
    pub(super) own_policies: BTreeSet<PolicyKey>,
}

impl Tables {
    /// Takes in an event. Of pods, only those of StatefulSets can decide a principal.
    pub(super) fn apply(&mut self, event: ClusterEvent) -> EventEffect {
        let (touched, access) = match event {
            ClusterEvent::Namespace(change) => {
                let names = self.namespaces.apply(change).into_iter().map(|(_, name)| name);
                return EventEffect::of_namespaces(names.collect());
            }
            ClusterEvent::Account(change) => {
                let accounts = self.accounts.apply(change).into_iter().map(|(namespace, _)| namespace);
                return EventEffect { accounts: accounts.collect(), ..EventEffect::default() };
            }
            ClusterEvent::Service(change) => touched(self.services.apply(change)),
            ClusterEvent::StatefulSet(change) => touched(self.stateful_sets.apply(change)),
            ClusterEvent::Principal(change) => {
                let same = declares_the_same(&self.principals, &change);
                (self.principals.apply(*change), !same)
            }
            ClusterEvent::Access(change) => {
                let same = declares_the_same(&self.accesses, &change);
                let access = !self.accesses.apply(*change).is_empty() && !same;
                return EventEffect { access, ..EventEffect::default() };
            }
            ClusterEvent::NetworkPolicy(change) => return self.apply_policies(change),
            ClusterEvent::OptionalPolicy(kind, change) => return self.apply_optional_policies(kind, change),
            ClusterEvent::ApiServer(change) => {
                let access = !self.api_server.apply(change).is_empty();
                return EventEffect { access, ..EventEffect::default() };
            }
            ClusterEvent::Pod(change) => return self.apply_pods(change),
            ClusterEvent::Realm(change) => {
                let access = !declares_the_same(&self.realms, &change);
                let realms = !self.realms.apply(*change).is_empty();
                return EventEffect { realms, access: realms && access, ..EventEffect::default() };
            }
        };
        let namespaces = touched.into_iter().map(|(namespace, _)| namespace).collect::<BTreeSet<_>>();
        let access = access && !namespaces.is_empty();
        EventEffect { namespaces, access, ..EventEffect::default() }
    }

    /// A policy of ours tells what a write did, or drift; a policy of others may widen.
    fn apply_policies(&mut self, change: ObjectChange<PolicyFact>) -> EventEffect {
        let key = match &change {
            ObjectChange::Put(key, _) | ObjectChange::Gone(key) => Some(key.clone()),
            _ => None,
        };
        let was_ours = key.as_ref().and_then(|(namespace, name)| self.policies.get(namespace, name)).map(|p| p.managed);
        let touched = self.policies.apply(change);
        let is_ours = |(namespace, name): &ObjectKey| self.policies.get(namespace, name).map(|policy| policy.managed);
        let mut effect = EventEffect::default();
        for key in touched {
            let states = [was_ours, is_ours(&key)];
            // After a listing, what was deleted may have been of either kind.
            let unknown = states == [None, None];
            effect.access |= unknown || states.contains(&Some(false));
            if unknown || states.contains(&Some(true)) {
                effect.own_policies.insert(PolicyKey::network(key.0, key.1));
            }
        }
        effect
    }

    /// Only policies of ours are watched of these kinds.
    fn apply_optional_policies(&mut self, kind: PolicyKind, change: ObjectChange<OptionalPolicyFact>) -> EventEffect {
        let touched = self.optional_policies.entry(kind).or_default().apply(change);
        let own_policies = touched.into_iter().map(|(namespace, name)| PolicyKey { kind, namespace, name });
        EventEffect { own_policies: own_policies.collect(), ..EventEffect::default() }
    }

    fn apply_pods(&mut self, change: ObjectChange<PodFact>) -> EventEffect {
        let change = self.shapes.share(change);
        let access = match &change {
            ObjectChange::Put((namespace, name), new) => {
                let old = self.pods.get(namespace, name).filter(|pod| !pod.ended).map(|pod| pod.shape.clone());
                self.shapes.replace(namespace, old, (!new.ended).then(|| new.shape.clone()))
            }
            ObjectChange::Gone((namespace, name)) => {
                let old = self.pods.get(namespace, name).filter(|pod| !pod.ended).map(|pod| pod.shape.clone());
                self.shapes.replace(namespace, old, None)
            }
            ObjectChange::ListingEnds => {
                let set_pods = self.apply_pod_listing(change);
                let access = self.shapes.recount(self.pods.iter().filter(|(_, pod)| !pod.ended));
                return EventEffect { set_pods, access, ..EventEffect::default() };
            }
            ObjectChange::Listing | ObjectChange::Listed(..) => false,
        };
        EventEffect { set_pods: self.apply_set_pods(change), access, ..EventEffect::default() }
    }

    /// Returns namespace and StatefulSet of the pods that came, went, or changed their StatefulSet. Other changes of pods, such as
    /// their end, happen all the time and decide no principal.
    fn apply_set_pods(&mut self, change: ObjectChange<PodFact>) -> BTreeSet<(String, String)> {
        let before = match &change {
            ObjectChange::Put((namespace, name), _) | ObjectChange::Gone((namespace, name)) => {
                self.pods.get(namespace, name).and_then(|pod| pod.stateful_set.clone())
            }
            ObjectChange::Listing | ObjectChange::Listed(..) | ObjectChange::ListingEnds => None,
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
            && self.accesses.is_listed()
            && self.policies.is_listed()
            && self.api_server.is_listed()
    }
}

impl EventEffect {
    fn of_namespaces(namespaces: BTreeSet<String>) -> EventEffect {
        EventEffect { access: !namespaces.is_empty(), namespaces, ..EventEffect::default() }
    }
}

fn touched(keys: BTreeSet<ObjectKey>) -> (BTreeSet<ObjectKey>, bool) {
    let access = !keys.is_empty();
    (keys, access)
}

/// Whether a change leaves the declaration of one of our objects as it was: only its status differs.
fn declares_the_same<K>(table: &ObjectTable<OwnFact<K>>, change: &ObjectChange<OwnFact<K>>) -> bool
where
    K: HasSpec<Spec: PartialEq> + PartialEq,
{
    match change {
        ObjectChange::Put((namespace, name), new) => table.get(namespace, name).is_some_and(|old| old.declares_as(new)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_waits_takes_little_memory_whatever_the_size_of_our_own_objects() {
        assert!(size_of::<OwnFact<KerberosRealm>>() > 1000);
        assert!(size_of::<ClusterEvent>() <= 320, "{}", size_of::<ClusterEvent>());
    }
}
