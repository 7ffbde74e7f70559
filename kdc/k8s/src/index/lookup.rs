//! The facts that rendering reads, by kind and namespace.

use crate::crd::access::KerberosAccess;
use crate::crd::principal::KerberosPrincipal;
use crate::index::Index;
use crate::index::facts::{
    AccountLabel, EndpointsFact, ObjectKey, OwnFact, PodShape, PolicyFact, ServiceFact, StatefulSetFact,
};
use crate::policy::kind::{PolicyKey, PolicyKind};
use kennel_core::pods::PodRef;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Index {
    /// All KerberosAccess objects.
    pub fn accesses(&self) -> impl Iterator<Item = (&ObjectKey, &OwnFact<KerberosAccess>)> {
        self.tables.accesses.iter()
    }

    /// A KerberosAccess.
    #[must_use]
    pub fn access_object(&self, namespace: &str, name: &str) -> Option<&OwnFact<KerberosAccess>> {
        self.tables.accesses.get(namespace, name)
    }

    /// The KerberosPrincipals of a namespace, by name.
    pub fn principal_objects<'i>(
        &'i self,
        namespace: &'i str,
    ) -> impl Iterator<Item = (&'i str, &'i OwnFact<KerberosPrincipal>)> {
        self.tables.principals.of_namespace(namespace)
    }

    /// Whether a KerberosPrincipal of the namespace asks for this keytab Secret, or has it.
    #[must_use]
    pub fn names_secret(&self, namespace: &str, name: &str) -> bool {
        let mut objects = self.principal_objects(namespace).map(|(_, fact)| &fact.object);
        objects.any(|object| {
            // One that cannot be read may ask for anything.
            let Ok(object) = object else { return true };
            let has = object.status.as_ref().and_then(|status| status.keytab_secret_ref.as_ref());
            object.spec.keytab_secret() == Some(name) || has.is_some_and(|has| has.name == name)
        })
    }

    /// The labels of a namespace that exists.
    #[must_use]
    pub fn namespace_labels(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.tables.namespaces.get("", name).map(|fact| &fact.labels)
    }

    /// Name of the KerberosRealm that is followed.
    fn followed_name(&self) -> Option<&String> {
        self.followed_realm()?.metadata.name.as_ref()
    }

    /// A Service.
    #[must_use]
    pub fn service(&self, namespace: &str, name: &str) -> Option<&ServiceFact> {
        self.tables.services.get(namespace, name)
    }

    /// The Services of a namespace, by name.
    pub fn services<'i>(&'i self, namespace: &'i str) -> impl Iterator<Item = (&'i str, &'i ServiceFact)> {
        self.tables.services.of_namespace(namespace)
    }

    /// A StatefulSet.
    #[must_use]
    pub fn stateful_set(&self, namespace: &str, name: &str) -> Option<&StatefulSetFact> {
        self.tables.stateful_sets.get(namespace, name)
    }

    /// What the pods of a namespace are like: each shape of pods that have not ended, with their number.
    pub fn pod_shapes(&self, namespace: &str) -> impl Iterator<Item = (&Arc<PodShape>, usize)> {
        self.tables.shapes.of_namespace(namespace)
    }

    /// Names of pods with the label of another account.
    pub fn mislabelled_pods<'i>(&'i self, namespace: &'i str) -> impl Iterator<Item = &'i str> {
        let pods = self.tables.pods.of_namespace(namespace);
        let is_mislabelled = |shape: &PodShape| shape.account_label() == AccountLabel::OfOther;
        pods.filter(move |(_, pod)| !pod.ended && is_mislabelled(&pod.shape)).map(|(name, _)| name)
    }

    /// The pods that take up a new keytab by a rollout and have not ended, each with the UID of its controller.
    pub fn rollout_pods(&self) -> impl Iterator<Item = (PodRef, &str)> {
        self.tables.pods.iter().filter(|(_, pod)| !pod.ended).filter_map(|((namespace, name), pod)| {
            let controller = pod.rollout.as_deref()?;
            let pod = PodRef { namespace: namespace.clone(), name: name.clone(), uid: pod.uid.clone() };
            Some((pod, controller))
        })
    }

    /// Every NetworkPolicy.
    pub fn policies(&self) -> impl Iterator<Item = (&ObjectKey, &PolicyFact)> {
        self.tables.policies.iter()
    }

    /// The NetworkPolicies of a namespace, by name.
    pub fn policies_of<'i>(&'i self, namespace: &'i str) -> impl Iterator<Item = (&'i str, &'i PolicyFact)> {
        self.tables.policies.of_namespace(namespace)
    }

    /// The policies that the KDC of the followed realm made, or one whose KerberosRealm is gone. Empty while no realm is followed:
    /// the network stays as it is when a realm is deleted.
    #[must_use]
    pub fn own_policies(&self) -> BTreeMap<PolicyKey, &PolicyFact> {
        let Some(followed) = self.followed_name() else { return BTreeMap::new() };
        let is_ours = |policy: &PolicyFact| {
            let realm = policy.realm();
            policy.managed && realm.is_none_or(|realm| realm == followed || self.tables.realms.get("", realm).is_none())
        };
        let key = |kind: PolicyKind, (namespace, name): &ObjectKey| PolicyKey {
            kind,
            namespace: namespace.clone(),
            name: name.clone(),
        };
        let network = self.policies().map(|(at, policy)| (PolicyKind::NetworkPolicy, at, policy));
        let optional = self
            .tables
            .optional_policies
            .iter()
            .flat_map(|(kind, table)| table.iter().map(|(at, policy)| (*kind, at, &policy.0)));
        let all = network.chain(optional).filter(|(_, _, policy)| is_ours(policy));
        all.map(|(kind, at, policy)| (key(kind, at), policy)).collect()
    }

    /// Where the API server can be reached: the EndpointSlices of `default/kubernetes`.
    pub fn api_server(&self) -> impl Iterator<Item = &EndpointsFact> {
        self.tables.api_server.iter().map(|(_, fact)| fact)
    }
}
