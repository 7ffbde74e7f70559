//! KerberosAccess: the clients of a service. This version checks and keeps the objects; they have no effect yet.

use crate::crd::conditions_schema::conditions_schema;
use crate::crd::realm::AccessMode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The clients of a service of this namespace: the one declaration behind tickets and NetworkPolicies.
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
    /// Name of a KerberosPrincipal of this namespace: the service.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("!self.contains('/') && !self.contains('@')").message("server is the name of a KerberosPrincipal of this namespace (web), not a Kerberos name"))]
    pub server: String,
    /// Treatment of clients that no KerberosAccess allows; the realm's `defaultMode` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<AccessMode>,
    /// The clients that may call the service; an empty list allows nobody.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub allow: Vec<AccessRule>,
}

/// Clients, and the parts of the service that they may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRule {
    /// The clients, any of them.
    #[schemars(length(min = 1, max = 64))]
    pub from: Vec<AccessPeer>,
    /// Service classes of the service that the clients get tickets for; all classes by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(s, s.matches('^[A-Za-z][A-Za-z0-9_-]{0,30}$'))").message("a service class, such as HTTP or postgres, without a slash or a host"))]
    pub services: Vec<String>,
    /// Ports of the service's pods that the NetworkPolicy opens; every port by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub ports: Vec<AccessPort>,
}

/// A client: a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessPeer {
    /// Namespace of the account; this one by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')").message("the name of a namespace: lower case letters, digits and dashes"))]
    pub namespace: Option<String>,
    /// Name of the account, without its namespace.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')").message("the name of a service account, without its namespace: lower case letters, digits, dashes and dots"))]
    pub service_account_name: String,
}

/// A port of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessPort {
    /// The number, 1 to 65535.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// The transport protocol; TCP by default.
    #[serde(default)]
    pub protocol: TransportProtocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum TransportProtocol {
    /// RFC 9293.
    #[default]
    #[serde(rename = "TCP")]
    Tcp,
    /// RFC 768.
    #[serde(rename = "UDP")]
    Udp,
    /// RFC 9260.
    #[serde(rename = "SCTP")]
    Sctp,
}

impl TransportProtocol {
    /// The protocol as Kubernetes writes it, TCP where it writes none.
    #[must_use]
    pub fn from_api(name: Option<&str>) -> TransportProtocol {
        match name {
            Some("UDP") => TransportProtocol::Udp,
            Some("SCTP") => TransportProtocol::Sctp,
            _ => TransportProtocol::Tcp,
        }
    }
}

/// The state of a KerberosAccess, as the KDC last saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KerberosAccessStatus {
    /// The generation of the object that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// NetworkPolicies that were made from the object: `NAMESPACE/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub network_policies: Vec<String>,
    /// Number of tickets that mode `Observe` let through and mode `Enforce` would have denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_deny: Option<i64>,
    /// Conditions: Accepted, TicketPolicyActive, NetworkPolicyActive, Drifted, Ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "conditions_schema")]
    pub conditions: Vec<Condition>,
}
