//! The kinds of policies that Kennel writes, and the key under which a policy of any kind is known.

use kube::api::{ApiResource, GroupVersionKind};
use std::fmt;

/// A kind of policy that Kennel writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// `networking.k8s.io/v1` NetworkPolicy, which every cluster serves.
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2` ClusterNetworkPolicy, of the cluster as a whole.
    ClusterNetworkPolicy,
    /// `projectcalico.org/v3` StagedNetworkPolicy, by which Calico says what it would drop, and drops nothing.
    StagedNetworkPolicy,
}

impl PolicyKind {
    /// The kinds that only some clusters serve.
    pub const OPTIONAL: [PolicyKind; 2] = [PolicyKind::ClusterNetworkPolicy, PolicyKind::StagedNetworkPolicy];

    /// The name of the kind.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PolicyKind::NetworkPolicy => "NetworkPolicy",
            PolicyKind::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            PolicyKind::StagedNetworkPolicy => "StagedNetworkPolicy",
        }
    }

    /// Whether policies of the kind are in a namespace.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, PolicyKind::ClusterNetworkPolicy)
    }

    /// The kind as the API server serves it.
    #[must_use]
    pub fn api_resource(self) -> ApiResource {
        let (group, version, plural) = match self {
            PolicyKind::NetworkPolicy => ("networking.k8s.io", "v1", "networkpolicies"),
            PolicyKind::ClusterNetworkPolicy => ("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies"),
            PolicyKind::StagedNetworkPolicy => ("projectcalico.org", "v3", "stagednetworkpolicies"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, self.name()), plural)
    }
}

/// The key of a policy. Policies sort by their kind first: NetworkPolicies come before those of other kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyKey {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its namespace; empty where the kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl PolicyKey {
    /// The key of a NetworkPolicy.
    #[must_use]
    pub fn network(namespace: impl Into<String>, name: impl Into<String>) -> PolicyKey {
        PolicyKey { kind: PolicyKind::NetworkPolicy, namespace: namespace.into(), name: name.into() }
    }

    /// The key of a ClusterNetworkPolicy.
    #[must_use]
    pub fn cluster(name: impl Into<String>) -> PolicyKey {
        PolicyKey { kind: PolicyKind::ClusterNetworkPolicy, namespace: String::new(), name: name.into() }
    }

    /// The key of a StagedNetworkPolicy.
    #[must_use]
    pub fn staged(namespace: impl Into<String>, name: impl Into<String>) -> PolicyKey {
        PolicyKey { kind: PolicyKind::StagedNetworkPolicy, namespace: namespace.into(), name: name.into() }
    }

    /// The path of the policy below its kind: `shop/web`, without a namespace the name alone.
    #[must_use]
    pub fn path(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

/// `NetworkPolicy shop/web`.
impl fmt::Display for PolicyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_named_by_its_kind_its_namespace_and_its_name() {
        assert_eq!(PolicyKey::network("shop", "web").to_string(), "NetworkPolicy shop/web");
        assert_eq!(PolicyKey::cluster("kennel-shop.web").to_string(), "ClusterNetworkPolicy kennel-shop.web");
        let all = [PolicyKey::cluster("a"), PolicyKey::network("z", "z")];
        assert_eq!(std::collections::BTreeSet::from(all).first().map(|key| key.kind), Some(PolicyKind::NetworkPolicy));
    }

    #[test]
    fn every_kind_that_is_optional_is_named_as_its_resource() {
        for kind in PolicyKind::OPTIONAL {
            let resource = kind.api_resource();
            assert_eq!(resource.kind, kind.name());
            assert!(resource.api_version.ends_with(&resource.version) && resource.plural.ends_with('s'));
        }
    }
}
