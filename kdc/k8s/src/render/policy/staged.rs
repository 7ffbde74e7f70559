//! What Enforce would drop of the packets to accounts in mode Observe, as Calico's StagedNetworkPolicies: Calico judges each flow by them
//! too, shows in its flow logs what they would deny, and drops nothing.
//!
//! Of Calico's kinds, StagedKubernetesNetworkPolicy cannot say it: one of them beside a NetworkPolicy that lets everybody in, as mode
//! Observe has it, denies nothing. These are ordered before all NetworkPolicies, and end in a rule that denies.

use crate::policy::kind::{PolicyKey, PolicyKind};
use crate::policy::rendered::RenderedPolicy;
use crate::render::policy::parts::{KeyedPolicy, own_labels};
use k8s_openapi::api::networking::v1::{NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Most rules of a policy, as the schema allows.
const MOST_RULES: usize = 1024;
/// The tier of NetworkPolicies, which come at 1000 in it.
const TIER: &str = "default";

/// A StagedNetworkPolicy in the making.
pub(crate) struct StagedDraft<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: String,
    /// Name of the KerberosRealm.
    pub(crate) realm: &'a str,
    /// Its place among the policies of the tier, the lowest first.
    pub(crate) order: u16,
    /// The pods that it selects.
    pub(crate) pods: LabelSelector,
    /// What it lets in.
    pub(crate) ingress: &'a [NetworkPolicyIngressRule],
    /// Whether it denies everything else.
    pub(crate) denies: bool,
}

impl StagedDraft<'_> {
    /// The policy under its key; `None` where it would have more rules than Calico takes, or none.
    pub(crate) fn finish(self) -> Option<KeyedPolicy> {
        let mut rules: Vec<Value> = self.ingress.iter().flat_map(allow).collect();
        if self.denies {
            // Calico writes empty objects out: a rule without them would differ from what it answers.
            rules.push(json!({ "action": "Deny", "source": {}, "destination": {} }));
        }
        if rules.is_empty() || rules.len() > MOST_RULES {
            return None;
        }
        let spec = json!({
            "stagedAction": "Set", "tier": TIER, "order": self.order, "types": ["Ingress"],
            "selector": expression(&self.pods), "ingress": rules,
        });
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(own_labels(self.realm)),
            ..ObjectMeta::default()
        };
        let policy = RenderedPolicy::optional(PolicyKind::StagedNetworkPolicy, metadata, spec);
        Some((PolicyKey::staged(self.namespace, self.name), policy))
    }
}

/// The rules that allow what a rule of a NetworkPolicy does: one for each peer and protocol.
fn allow(rule: &NetworkPolicyIngressRule) -> Vec<Value> {
    let mut by_protocol: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for port in rule.ports.iter().flatten() {
        by_protocol.entry(port.protocol.as_deref().unwrap_or("TCP")).or_default().extend(port_of(port));
    }
    let peers = rule.from.iter().flatten().map(source);
    let of_peer = |source: Value| {
        let rule = |(protocol, ports): (&&str, &Vec<Value>)| json!({ "action": "Allow", "protocol": protocol, "source": source, "destination": { "ports": ports } });
        by_protocol.iter().map(rule).collect::<Vec<_>>()
    };
    peers.flat_map(of_peer).collect()
}

fn port_of(port: &NetworkPolicyPort) -> Option<Value> {
    Some(match (port.port.as_ref()?, port.end_port) {
        (IntOrString::Int(first), Some(last)) => json!(format!("{first}:{last}")),
        (IntOrString::Int(number), None) => json!(number),
        (IntOrString::String(name), _) => json!(name),
    })
}

/// A peer. Without namespaces, it is of the policy's own.
fn source(peer: &NetworkPolicyPeer) -> Value {
    if let Some(block) = &peer.ip_block {
        let not: Vec<&String> = block.except.iter().flatten().collect();
        return if not.is_empty() {
            json!({ "nets": [block.cidr] })
        } else {
            json!({ "nets": [block.cidr], "notNets": not })
        };
    }
    let selectors = [("namespaceSelector", &peer.namespace_selector), ("selector", &peer.pod_selector)];
    let given = selectors
        .into_iter()
        .filter_map(|(key, selector)| Some((key.to_owned(), json!(expression(selector.as_ref()?)))));
    Value::Object(given.collect())
}

/// A label selector in Calico's words. Values of labels have no quotes.
fn expression(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key} == '{value}'"));
    let expressions = selector.match_expressions.iter().flatten().map(requirement);
    let all: Vec<String> = labels.chain(expressions).collect();
    if all.is_empty() { "all()".to_owned() } else { all.join(" && ") }
}

fn requirement(LabelSelectorRequirement { key, operator, values }: &LabelSelectorRequirement) -> String {
    let values: Vec<String> = values.iter().flatten().map(|value| format!("'{value}'")).collect();
    let values = values.join(", ");
    match &**operator {
        "In" => format!("{key} in {{{values}}}"),
        "NotIn" => format!("{key} not in {{{values}}}"),
        "Exists" => format!("has({key})"),
        _ => format!("!has({key})"),
    }
}
