//! Peers that NetworkPolicies tell apart by address or label, without a ticket.

use crate::crd::selector::selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Either an address range, or pods by their labels and those of their namespaces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.ipBlock) != (has(self.namespaceSelector) || has(self.podSelector))").message("a peer is either ipBlock, or namespaceSelector and podSelector: make two peers of them"))]
pub struct NetworkPeer {
    /// An address range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// Namespaces by label; that of this object where only podSelector is given. An empty selector is every namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector")]
    pub namespace_selector: Option<LabelSelector>,
    /// Pods by label; all pods of the namespaces by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "selector")]
    pub pod_selector: Option<LabelSelector>,
}

/// An address range without some parts of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct IpBlock {
    /// The range: `10.0.0.0/8`, `fd00::/8`.
    #[schemars(length(max = 43))]
    #[x_kube(validation = Rule::new("isCIDR(self)").message("an address range such as 10.0.0.0/8 or fd00::/8"))]
    pub cidr: String,
    /// Ranges inside it that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 43)), extend("x-kubernetes-list-type" = "set"))]
    #[x_kube(validation = Rule::new("self.all(range, isCIDR(range))").message("address ranges such as 10.1.0.0/16"))]
    pub except: Vec<String>,
}
