//! KerberosAccess: who may call services of its namespace. Objects for one service add up, in no order, and nothing denies.

use crate::crd::network_peer::NetworkPeer;
use crate::crd::peer::{AccessPeer, TargetRef};
use crate::crd::port::PodPort;
use crate::crd::schema::{conditions_schema, time_schema};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may call services of this namespace: the one declaration behind tickets and NetworkPolicies. Several objects for one
/// service add up; none takes away what another allows.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kennel.dev",
    version = "v1alpha1",
    kind = "KerberosAccess",
    plural = "kerberosaccesses",
    shortname = "kaccess",
    category = "kennel",
    namespaced,
    status = "KerberosAccessStatus",
    derive = "PartialEq",
    doc = "Who may call services of this namespace: the one declaration behind tickets and NetworkPolicies. Several for one service add up.",
    printcolumn(name = "Target", type_ = "string", json_path = ".spec.targetRefs[0].name"),
    printcolumn(name = "Targets", type_ = "integer", json_path = ".status.targets", priority = "1"),
    printcolumn(name = "Clients", type_ = "integer", json_path = ".status.clients"),
    printcolumn(name = "Until", type_ = "string", json_path = ".spec.notAfter", priority = "1"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct KerberosAccessSpec {
    /// What may be called: KerberosPrincipals of this namespace.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub target_refs: Vec<TargetRef>,
    /// Who gets tickets for the targets, and whose pods reach them. An empty list is nobody, by this object.
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub allow: Vec<AccessRule>,
    /// Who reaches ports of the targets without a ticket that tells who it is: scrapers, load balancers, people outside the
    /// cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub network_only: Vec<NetworkRule>,
    /// Time at which the object loses its effect. No ticket that it allows ends later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "time_schema")]
    pub not_after: Option<Time>,
}

impl KerberosAccessSpec {
    /// Time at which the object loses its effect, seconds since the epoch.
    #[must_use]
    pub fn not_after_seconds(&self) -> Option<i64> {
        self.not_after.as_ref().map(|time| time.0.as_second())
    }
}

/// Clients, and the parts of the targets that they may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRule {
    /// The clients, any of them.
    #[schemars(length(min = 1, max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub from: Vec<AccessPeer>,
    /// Service classes of the targets that the clients get tickets for; all classes by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(min = 1, max = 16),
        inner(length(max = 31), regex(pattern = r"^[A-Za-z][A-Za-z0-9_-]{0,30}$")),
        extend("x-kubernetes-list-type" = "set")
    )]
    pub service_classes: Vec<String>,
    /// Ports of the targets' pods that are opened; the ports of their Services by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<PodPort>,
}

/// Peers that addresses or labels tell apart, and the ports that they reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkRule {
    /// The peers, any of them.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub from: Vec<NetworkPeer>,
    /// The ports that are opened; there is no default.
    #[schemars(length(min = 1, max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub ports: Vec<PodPort>,
}

/// The state of a KerberosAccess, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosAccessStatus {
    /// The generation of the object that this status describes; -1 before the KDC has seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Number of KerberosPrincipals that the object is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<i32>,
    /// Number of peers that the object allows, each of which may be many clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<i32>,
    /// NetworkPolicies that the object needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_policies: Option<NetworkPolicyCounts>,
    /// Conditions: Accepted, ResolvedRefs, TicketsProgrammed, NetworkProgrammed, Ready; Contended and Stalled where they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}

/// Numbers of NetworkPolicies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicyCounts {
    /// Those that the object asks for.
    pub wanted: i32,
    /// Those of them that the cluster has.
    pub applied: i32,
}
