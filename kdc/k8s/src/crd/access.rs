//! KerberosAccess: who may call a service. This version checks and keeps them; they have no effect yet.

use super::realm::Mode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may call a service of this namespace: the one declaration behind tickets and NetworkPolicies.
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
    printcolumn(name = "Server", type_ = "string", json_path = ".spec.server"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Would-Deny", type_ = "integer", json_path = ".status.wouldDeny", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct KerberosAccessSpec {
    /// A KerberosPrincipal of this namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("!self.contains('/') && !self.contains('@')").message("server is the name of a KerberosPrincipal of this namespace (web), not a Kerberos name"))]
    pub server: String,
    /// What happens to others; what the realm says by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Who may call it; nobody where the list is empty.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub allow: Vec<Allow>,
}

/// Some clients, and what they may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allow {
    /// The clients.
    #[schemars(length(min = 1, max = 64))]
    pub from: Vec<Peer>,
    /// Service classes of the server; all of them by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(s, s.matches('^[A-Za-z][A-Za-z0-9_-]{0,30}$'))").message("a service class, such as HTTP or postgres, without a slash or a host"))]
    pub services: Vec<String>,
    /// Ports of the server's pods that the NetworkPolicy opens; every port by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub ports: Vec<Port>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its namespace; this one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')").message("the name of a namespace: lower case letters, digits and dashes"))]
    pub namespace: Option<String>,
    /// Its account.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message("the name of a service account, without its namespace: lower case letters, digits, dashes and dots"))]
    pub service_account_name: String,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Its number.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// TCP by default.
    #[serde(default)]
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// TCP.
    #[default]
    #[serde(rename = "TCP")]
    Tcp,
    /// UDP.
    #[serde(rename = "UDP")]
    Udp,
    /// SCTP.
    #[serde(rename = "SCTP")]
    Sctp,
}

/// What became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosAccessStatus {
    /// The generation that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// NetworkPolicies made from it: `NAMESPACE/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_policies: Vec<String>,
    /// Tickets that were issued in `Observe` mode and would have been denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_deny: Option<i64>,
    /// Accepted, TicketPolicyActive, NetworkPolicyActive, Drifted, Ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "super::conditions_schema")]
    pub conditions: Vec<Condition>,
}
