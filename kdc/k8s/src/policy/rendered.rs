//! A policy of any kind, as it is rendered and written.

use crate::policy::kind::{PolicyKey, PolicyKind};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::DynamicObject;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// A policy. Kinds that only some clusters serve are dynamic objects: what somebody wrote into one of ours can always be read,
/// whatever version of the kind the cluster has.
#[derive(Debug, Clone, PartialEq)]
pub enum RenderedPolicy {
    /// A NetworkPolicy.
    Network(NetworkPolicy),
    /// A policy of an optional kind.
    Optional(PolicyKind, DynamicObject),
}

impl RenderedPolicy {
    /// A policy of an optional kind.
    #[must_use]
    pub fn optional(kind: PolicyKind, metadata: ObjectMeta, spec: impl Serialize) -> RenderedPolicy {
        // The types of policies have no map whose keys are not strings, so that each has a JSON form.
        let spec = serde_json::to_value(spec).unwrap_or_default();
        let object = DynamicObject::new("", &kind.api_resource()).data(json!({ "spec": spec }));
        RenderedPolicy::Optional(kind, DynamicObject { metadata, ..object })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> PolicyKind {
        match self {
            RenderedPolicy::Network(_) => PolicyKind::NetworkPolicy,
            RenderedPolicy::Optional(kind, _) => *kind,
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PolicyKey {
        let ObjectMeta { namespace, name, .. } = self.metadata().clone();
        PolicyKey { kind: self.kind(), namespace: namespace.unwrap_or_default(), name: name.unwrap_or_default() }
    }

    /// `metadata`.
    #[must_use]
    pub const fn metadata(&self) -> &ObjectMeta {
        match self {
            RenderedPolicy::Network(policy) => &policy.metadata,
            RenderedPolicy::Optional(_, object) => &object.metadata,
        }
    }

    /// `spec` of a NetworkPolicy.
    #[must_use]
    pub const fn network_spec(&self) -> Option<&NetworkPolicySpec> {
        match self {
            RenderedPolicy::Network(policy) => policy.spec.as_ref(),
            RenderedPolicy::Optional(..) => None,
        }
    }

    /// Whether two policies have the same `spec`.
    #[must_use]
    pub fn has_spec_of(&self, other: &RenderedPolicy) -> bool {
        self.network_spec() == other.network_spec() && self.optional_spec() == other.optional_spec()
    }

    /// `spec` of a policy of an optional kind.
    #[must_use]
    pub fn optional_spec(&self) -> Option<&Value> {
        match self {
            RenderedPolicy::Network(_) => None,
            RenderedPolicy::Optional(_, object) => object.data.get("spec"),
        }
    }
}

impl Serialize for RenderedPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RenderedPolicy::Network(policy) => policy.serialize(serializer),
            RenderedPolicy::Optional(_, object) => object.serialize(serializer),
        }
    }
}
