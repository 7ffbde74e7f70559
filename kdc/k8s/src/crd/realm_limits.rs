//! What a namespace or an object may ask for at most.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most that one namespace or object may ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealmLimits {
    /// Most principals of one namespace: accounts, and the services of KerberosPrincipals (each class on each host or alias).
    /// 1000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub principals_per_namespace: Option<i32>,
    /// Most services of one KerberosPrincipal: each class on each host or alias. 256 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub principals_per_object: Option<i32>,
    /// Most peers that the KerberosAccess objects of one server allow together. 512 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub clients_per_target: Option<i32>,
    /// Most NetworkPolicies that one KerberosAccess makes, in all namespaces. 256 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5000))]
    pub network_policies_per_access: Option<i32>,
}

impl RealmLimits {
    /// Whether the object sets no limit of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == RealmLimits::default()
    }

    /// Most principals of one namespace.
    #[must_use]
    pub fn principals_per_namespace(&self) -> usize {
        limit(self.principals_per_namespace, 1000)
    }

    /// Most services of one KerberosPrincipal.
    #[must_use]
    pub fn principals_per_object(&self) -> usize {
        limit(self.principals_per_object, 256)
    }

    /// Most peers of one server.
    #[must_use]
    pub fn clients_per_target(&self) -> usize {
        limit(self.clients_per_target, 512)
    }

    /// Most NetworkPolicies of one KerberosAccess.
    #[must_use]
    pub fn network_policies_per_access(&self) -> usize {
        limit(self.network_policies_per_access, 256)
    }
}

fn limit(given: Option<i32>, default: usize) -> usize {
    given.and_then(|given| usize::try_from(given).ok()).unwrap_or(default)
}
