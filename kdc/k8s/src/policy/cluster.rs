//! The shape of a ClusterNetworkPolicy (`policy.networking.k8s.io/v1alpha2`, release v0.2.0 of network-policy-api), as far as
//! Kennel writes one. Rules of the Admin tier come before every NetworkPolicy, and nobody below the cluster's administrator changes
//! them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Serialize;

/// Most rules of a direction, peers of a rule, and protocols of a rule, as the schema allows.
pub const CLUSTER_POLICY_LIMIT: usize = 25;

/// `spec`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterPolicySpec {
    /// The tier.
    pub tier: ClusterPolicyTier,
    /// Priority among the policies of the tier, 0 to 1000: the lowest number decides first.
    pub priority: i32,
    /// The pods that the rules are for.
    pub subject: ClusterPolicyPeer,
    /// The rules on packets that come in: the first that matches decides.
    pub ingress: Vec<ClusterIngressRule>,
}

/// A tier of cluster policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ClusterPolicyTier {
    /// Before all NetworkPolicies.
    Admin,
}

/// Pods; those in the network of their node are never among them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterPolicyPeer {
    /// All pods of namespaces.
    Namespaces(LabelSelector),
    /// Some pods of namespaces.
    Pods(NamespacedPods),
}

/// Some pods of namespaces.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespacedPods {
    /// The namespaces.
    pub namespace_selector: LabelSelector,
    /// The pods in each.
    pub pod_selector: LabelSelector,
}

/// A rule on packets that come in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusterIngressRule {
    /// Shown with the decisions of the rule; at most 100 characters.
    pub name: String,
    /// The effect on packets that match.
    pub action: ClusterPolicyAction,
    /// The sources, any of them.
    pub from: Vec<ClusterPolicyPeer>,
    /// Protocols and ports, any of them; empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<ClusterPolicyProtocol>,
}

/// The effect of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ClusterPolicyAction {
    /// The NetworkPolicies decide.
    Pass,
    /// The packets are dropped.
    Deny,
}

/// A protocol with a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each variant is the protocol of its name")]
pub enum ClusterPolicyProtocol {
    Tcp(DestinationPort),
    Udp(DestinationPort),
    Sctp(DestinationPort),
    /// The port of pods that their containers give this name, of whatever protocol.
    DestinationNamedPort(String),
}

/// A port by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationPort {
    /// The port.
    pub destination_port: PortNumbers,
}

/// One number, or several in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PortNumbers {
    /// One.
    Number(u16),
    /// From the first to the last, which is higher.
    Range {
        /// The first.
        start: u16,
        /// The last.
        end: u16,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_policy_is_written_as_the_published_schema_has_it() {
        let port = |destination_port| DestinationPort { destination_port };
        let spec = ClusterPolicySpec {
            tier: ClusterPolicyTier::Admin,
            priority: 900,
            subject: ClusterPolicyPeer::Pods(NamespacedPods {
                namespace_selector: LabelSelector::default(),
                pod_selector: LabelSelector::default(),
            }),
            ingress: vec![ClusterIngressRule {
                name: "n".into(),
                action: ClusterPolicyAction::Deny,
                from: vec![ClusterPolicyPeer::Namespaces(LabelSelector::default())],
                protocols: vec![
                    ClusterPolicyProtocol::Tcp(port(PortNumbers::Number(80))),
                    ClusterPolicyProtocol::Udp(port(PortNumbers::Range { start: 1, end: 2 })),
                    ClusterPolicyProtocol::DestinationNamedPort("web".into()),
                ],
            }],
        };
        let written = json!({
            "tier": "Admin", "priority": 900,
            "subject": { "pods": { "namespaceSelector": {}, "podSelector": {} } },
            "ingress": [{
                "name": "n", "action": "Deny", "from": [{ "namespaces": {} }],
                "protocols": [
                    { "tcp": { "destinationPort": { "number": 80 } } },
                    { "udp": { "destinationPort": { "range": { "start": 1, "end": 2 } } } },
                    { "destinationNamedPort": "web" },
                ],
            }],
        });
        assert_eq!(serde_json::to_value(spec).unwrap(), written);
    }
}
