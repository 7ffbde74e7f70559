//! What a KerberosRealm says about the network: which NetworkPolicies Kennel keeps, and what they always let through.

use crate::crd::network_peer::NetworkPeer;
use crate::crd::port::{NumberedPort, PodPort};
use crate::crd::schema::without_description;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The NetworkPolicies that Kennel keeps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RealmNetwork {
    /// Whether Kennel writes NetworkPolicies: Managed by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies: Option<PolicyManagement>,
    /// Whether enrolled pods may talk to everybody: DefaultDeny by default. With Open, the servers' policies alone decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<EgressMode>,
    /// Who reaches enrolled pods whatever KerberosAccess objects say, by packets alone: monitoring.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["name"]))]
    pub always_allow: Vec<AlwaysAllow>,
    /// Whom enrolled pods reach whatever KerberosAccess objects say: the API server, databases outside the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map"), extend("x-kubernetes-list-map-keys" = ["name"]))]
    pub always_allow_egress: Vec<AlwaysAllowEgress>,
    /// Adds a ClusterNetworkPolicy of the Admin tier, which NetworkPolicies of namespaces cannot widen. Only where the cluster
    /// serves policy.networking.k8s.io.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_policy: Option<ClusterPolicy>,
    /// Where enrolled pods find DNS.
    #[serde(default, skip_serializing_if = "RealmDns::is_empty")]
    pub dns: RealmDns,
}

/// Whether Kennel writes NetworkPolicies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum PolicyManagement {
    /// Kennel writes them, and mends changes.
    #[default]
    Managed,
    /// Kennel writes none: tickets alone decide.
    None,
}

/// What enrolled pods may talk to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum EgressMode {
    /// The KDC, DNS, the servers that allow them, and alwaysAllowEgress.
    #[default]
    DefaultDeny,
    /// Everybody, as far as Kennel is concerned.
    Open,
}

/// Peers that reach ports of every enrolled pod.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlwaysAllow {
    /// Name of the entry.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The peers, any of them. A peer with podSelector alone means pods of the enrolled pod's own namespace.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub from: Vec<NetworkPeer>,
    /// The ports that are opened; there is no default.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<PodPort>,
}

/// Destinations that every enrolled pod reaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.apiServer) != has(self.to)").message("a destination is exactly one of apiServer and to: make two entries of them"))]
#[x_kube(validation = Rule::new("has(self.to) == has(self.ports)").message("to and ports go together, and apiServer has its own ports: give both, or neither"))]
pub struct AlwaysAllowEgress {
    /// Name of the entry.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The API server, by the addresses and ports of the Service default/kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_server: Option<ApiServerPeer>,
    /// The destinations, any of them. A peer with podSelector alone means pods of the enrolled pod's own namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub to: Vec<NetworkPeer>,
    /// The ports of the destinations, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<NumberedPort>,
}

/// The API server of the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiServerPeer {}

/// A ClusterNetworkPolicy of the Admin tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPolicy {
    /// Its priority among the policies of the tier; the lowest number wins.
    #[schemars(range(min = 0, max = 1000))]
    pub priority: i32,
}

/// Where enrolled pods find DNS.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.discovery) && self.discovery == 'Static') == has(self.static)").message("static goes with discovery: Static, and only with it: give both, or neither"))]
pub struct RealmDns {
    /// Automatic, the default, takes what the cluster has: the kube-dns Service, its pods and ports, and NodeLocal DNS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DnsDiscovery>,
    /// The DNS servers, with discovery Static.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "static")]
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "atomic"))]
    pub servers: Vec<DnsServer>,
}

/// How the DNS servers are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
pub enum DnsDiscovery {
    /// From the Services of the cluster.
    #[default]
    Automatic,
    /// From the list in the object.
    Static,
}

/// DNS servers and their ports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsServer {
    /// The servers, any of them.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub to: Vec<NetworkPeer>,
    /// Their ports, those of the pods where the servers are pods; there is no default.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<NumberedPort>,
}

impl RealmNetwork {
    /// Whether the object says nothing about the network.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == RealmNetwork::default()
    }

    /// Whether Kennel writes NetworkPolicies.
    #[must_use]
    pub fn policies(&self) -> PolicyManagement {
        self.policies.unwrap_or_default()
    }

    /// What enrolled pods may talk to.
    #[must_use]
    pub fn egress(&self) -> EgressMode {
        self.egress.unwrap_or_default()
    }
}

impl RealmDns {
    /// Whether the object says nothing about DNS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == RealmDns::default()
    }

    /// How the DNS servers are found.
    #[must_use]
    pub fn discovery(&self) -> DnsDiscovery {
        self.discovery.unwrap_or_default()
    }
}
