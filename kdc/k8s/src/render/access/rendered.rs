//! The result of a rendering: tickets and packets, and what each object is told.

use crate::index::facts::ObjectKey;
use crate::policy::kind::PolicyKey;
use crate::policy::rendered::RenderedPolicy;
use crate::problem::Problem;
use crate::render::policy::names;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use kennel_core::access::table::{AccessMode, AccessPeer, AccessTable, ServerKey};
use std::collections::{BTreeMap, BTreeSet};

/// Who may call whom, in both layers, as the objects of the cluster ask for it. Two renderings of the same facts are equal.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// The tickets. [`transition`](crate::render::transition) says which part may be in force now: the KDC never gets this table
    /// directly.
    pub access: AccessTable,
    /// Every policy of ours. Whatever else carries our `managed-by` label is to be deleted.
    pub policies: BTreeMap<PolicyKey, RenderedPolicy>,
    /// The policies that must be in the cluster before a grant counts.
    pub needs: PolicyNeeds,
    /// The outcome of each KerberosAccess.
    pub accesses: BTreeMap<ObjectKey, AccessOutcome>,
    /// The outcome of each KerberosPrincipal of an enrolled namespace, as a server.
    pub servers: BTreeMap<ObjectKey, ServerOutcome>,
    /// The outcome of each enrolled namespace.
    pub namespaces: BTreeMap<String, NamespaceOutcome>,
    /// What the KerberosRealm is told.
    pub realm: RealmOutcome,
    /// The next time at which an object ends (`notAfter`), seconds since the epoch: render again then.
    pub next_expiry: Option<i64>,
}

/// The policies that packets pass by: a grant, a mode or a pod counts once the policies that it needs are in the cluster as they
/// are rendered. A policy that is not rendered is not needed: egress that is open, a realm that manages no policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyNeeds {
    /// Of each server: its ingress policy, its cluster policy and the policy of its namespace.
    pub servers: BTreeMap<ServerKey, BTreeSet<PolicyKey>>,
    /// Of each peer that is an account or a namespace: the egress policies of its pods and the policy of their namespace.
    pub clients: BTreeMap<AccessPeer, BTreeSet<PolicyKey>>,
    /// Of every enrolled pod as a client: what a grant to the whole realm needs, and a server in mode Observe.
    pub everybody: BTreeSet<PolicyKey>,
}

impl PolicyNeeds {
    /// The policies that one peer of a grant of a server needs. Peers outside the cluster need only those of the server.
    pub fn of_peer<'n>(
        &'n self,
        server: &ServerKey,
        peer: &AccessPeer,
        own_realm: &str,
    ) -> impl Iterator<Item = &'n PolicyKey> {
        let everybody = matches!(peer, AccessPeer::Realm(realm) if realm == own_realm).then_some(&self.everybody);
        self.servers.get(server).into_iter().chain(self.clients.get(peer)).chain(everybody).flatten()
    }

    /// The policies that mode Observe of a server needs: everybody's packets pass before everybody's tickets do.
    pub fn of_observing<'n>(&'n self, server: &ServerKey) -> impl Iterator<Item = &'n PolicyKey> {
        self.servers.get(server).into_iter().chain([&self.everybody]).flatten()
    }
}

/// The outcome of a KerberosAccess.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessOutcome {
    /// Number of KerberosPrincipals that it is about.
    pub targets: usize,
    /// Number of peers that it allows: an account, a principal, a namespace or a realm is one.
    pub clients: usize,
    /// The grants that it makes: target and peer.
    pub grants: BTreeSet<(ServerKey, AccessPeer)>,
    /// The policies that it needs.
    pub policies: BTreeSet<PolicyKey>,
    /// The state of its packets beside the problems.
    pub network: NetworkEffect,
    /// Whether `allow` is empty: nobody, by this object.
    pub allows_nobody: bool,
    /// Parts without effect, each with its condition (Accepted, ResolvedRefs or NetworkProgrammed); the first 16, and the whole
    /// object has no effect where a problem of Accepted is among them.
    pub problems: Vec<Problem>,
}

/// What NetworkPolicies do for a KerberosAccess.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NetworkEffect {
    /// They let the packets of its clients pass and no others.
    #[default]
    Programmed,
    /// The realm manages no NetworkPolicies (`spec.network.policies: None`).
    Disabled,
    /// A target is in mode Observe: everybody's packets pass.
    Observing,
}

/// The outcome of a KerberosPrincipal as a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerOutcome {
    /// The mode that is in force for it.
    pub mode: AccessMode,
    /// NetworkPolicies of others that let more into its pods than ours do, by name in its namespace; the first 16.
    pub widened_by: Vec<String>,
    /// Callers without Kerberos that no rule lets in under Enforce, in words; the first 16, and how many more.
    pub outside_callers: Vec<String>,
    /// Its pods in the network of their nodes, which NetworkPolicies do not select.
    pub host_network_pods: usize,
    /// What is wrong with it as a server: the mode is not allowed, pods are outside NetworkPolicies, others widen.
    pub problems: Vec<Problem>,
}

/// The outcome of an enrolled namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamespaceOutcome {
    /// Pods without the label `kennel.dev/service-account`: they were there before the admission policy, and get nothing until
    /// they are restarted.
    pub unlabelled_pods: usize,
    /// Pods whose label is not their account's, by name; the first 16. While there is one, nobody of the namespace gets a grant.
    pub mislabelled_pods: Vec<String>,
    /// The policies that each enrolled pod of the namespace needs before it enrols, whatever its account.
    pub policies: BTreeSet<PolicyKey>,
    /// What is wrong with the namespace.
    pub problems: Vec<Problem>,
}

impl NamespaceOutcome {
    /// Whether its accounts take part: no pod carries the label of another account.
    #[must_use]
    pub fn is_programmed(&self) -> bool {
        self.mislabelled_pods.is_empty()
    }
}

/// What a KerberosRealm is told of access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealmOutcome {
    /// What is wrong: DNS or the API server not found, policies that are present and not evaluated, pods without our label.
    pub problems: Vec<Problem>,
    /// What an offline rendering assumes since no file says it, in words.
    pub assumed: Vec<String>,
}

impl Rendered {
    /// The NetworkPolicies, with `spec`.
    pub fn network_policies(&self) -> impl Iterator<Item = (&PolicyKey, &NetworkPolicySpec)> {
        self.policies.iter().filter_map(|(key, policy)| Some((key, policy.network_spec()?)))
    }

    /// `spec` of a NetworkPolicy.
    #[must_use]
    pub fn network_policy(&self, namespace: &str, name: &str) -> Option<&NetworkPolicySpec> {
        self.policies.get(&PolicyKey::network(namespace, name))?.network_spec()
    }

    /// The policies that must be in the cluster before a pod of an account enrols: those of its namespace, and its own.
    pub fn policies_of_account(&self, namespace: &str, account: &str) -> BTreeSet<&PolicyKey> {
        let own = [
            PolicyKey::network(namespace, names::ingress(account)),
            PolicyKey::network(namespace, names::egress(account)),
            PolicyKey::cluster(names::cluster(namespace, account)),
        ];
        let own = own.into_iter().filter_map(|key| self.policies.get_key_value(&key)).map(|(key, _)| key);
        self.namespaces.get(namespace).into_iter().flat_map(|outcome| &outcome.policies).chain(own).collect()
    }
}
