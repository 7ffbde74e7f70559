//! Ports that NetworkPolicies open.

use crate::crd::schema::without_description;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A port of pods, by number or name, or a range of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.endPort) || (type(self.port) == int && self.endPort >= self.port)").message("endPort ends a range: give port as a number that is not above it"))]
pub struct PodPort {
    /// A port of the pods: its number, or its name in the pod (`ports[].name` of a container).
    #[schemars(schema_with = "number_or_name")]
    pub port: IntOrString,
    /// The last port of a range that begins with `port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub end_port: Option<i32>,
    /// The transport protocol; TCP by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<TransportProtocol>,
}

/// A port by number, or a range of numbers: destinations outside the cluster have no named ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.endPort) || self.endPort >= self.port").message("endPort ends a range: it is not below port"))]
pub struct NumberedPort {
    /// The number.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// The last port of a range that begins with `port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub end_port: Option<i32>,
    /// The transport protocol; TCP by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<TransportProtocol>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = without_description)]
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
    /// The name in Kubernetes objects: `TCP`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TransportProtocol::Tcp => "TCP",
            TransportProtocol::Udp => "UDP",
            TransportProtocol::Sctp => "SCTP",
        }
    }
}

impl PodPort {
    /// The transport protocol, TCP where the object does not say.
    #[must_use]
    pub fn protocol(&self) -> TransportProtocol {
        self.protocol.unwrap_or_default()
    }
}

impl NumberedPort {
    /// The transport protocol, TCP where the object does not say.
    #[must_use]
    pub fn protocol(&self) -> TransportProtocol {
        self.protocol.unwrap_or_default()
    }
}

fn number_or_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "anyOf": [{ "type": "integer" }, { "type": "string" }],
        "minimum": 1,
        "maximum": 65535,
        "maxLength": 15,
        "pattern": "^([a-z0-9]+-)*[a-z0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$"
    })
}
