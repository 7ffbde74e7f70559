//! The ClusterNetworkPolicy of a server in mode Enforce: what the NetworkPolicies of Kennel let in is left to the NetworkPolicies, and
//! packets of every other pod are dropped before anybody's NetworkPolicy is asked. Who may edit NetworkPolicies of a namespace can so
//! take access away, and give none.
//!
//! The kind has no sources but pods: packets from outside of the cluster, and of pods in the network of their nodes, are left to the
//! NetworkPolicies.

use crate::crd::port::TransportProtocol;
use crate::index::facts::{PortRef, protocol};
use crate::labels::SERVICE_ACCOUNT;
use crate::policy::cluster::{
    CLUSTER_POLICY_LIMIT, ClusterIngressRule, ClusterPolicyAction, ClusterPolicyPeer, ClusterPolicyProtocol,
    ClusterPolicySpec, ClusterPolicyTier, DestinationPort, NamespacedPods, PortNumbers,
};
use crate::policy::kind::{PolicyKey, PolicyKind};
use crate::policy::rendered::RenderedPolicy;
use crate::problem::Problem;
use crate::render::policy::names;
use crate::render::policy::parts::{Accounts, KeyedPolicy, NAMESPACE_NAME, account, labelled, own_labels};
use k8s_openapi::api::networking::v1::{NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kennel_core::access::table::ServerKey;
use std::collections::BTreeSet;

/// What a server's policy is made from.
pub(crate) struct ClusterDraft<'a> {
    /// Name of the KerberosRealm.
    pub(crate) realm: &'a str,
    /// Priority of the policy in the Admin tier.
    pub(crate) priority: i32,
    pub(crate) server: &'a ServerKey,
    /// What Kennel's NetworkPolicies let into the server's pods.
    pub(crate) ingress: Vec<&'a NetworkPolicyIngressRule>,
}

impl ClusterDraft<'_> {
    /// The policy under its key.
    ///
    /// # Errors
    /// The rules are more than a policy holds. Several policies could not hold them either: which of two of one priority decides is
    /// not defined.
    pub(crate) fn finish(self) -> Result<KeyedPolicy, Problem> {
        let mut ingress: Vec<ClusterIngressRule> = self.ingress.iter().flat_map(|rule| self.pass(rule)).collect();
        ingress.push(deny());
        if ingress.len() > CLUSTER_POLICY_LIMIT {
            let (account, rules) = (self.server.to_string(), ingress.len().to_string());
            return Err(Problem::ClusterPolicyTooLarge { account, rules });
        }
        let ServerKey { namespace, name } = self.server;
        let subject = pods(labelled(NAMESPACE_NAME, namespace), account(name));
        let spec = ClusterPolicySpec { tier: ClusterPolicyTier::Admin, priority: self.priority, subject, ingress };
        let name = names::cluster(namespace, name);
        let labels = Some(own_labels(self.realm));
        let metadata = ObjectMeta { name: Some(name.clone()), labels, ..ObjectMeta::default() };
        let policy = RenderedPolicy::optional(PolicyKind::ClusterNetworkPolicy, metadata, spec);
        Ok((PolicyKey::cluster(name), policy))
    }

    /// The rules that leave what a rule lets in to the NetworkPolicies: each holds as many peers and ports as it can.
    fn pass(&self, rule: &NetworkPolicyIngressRule) -> Vec<ClusterIngressRule> {
        let from = peers(rule.from.as_deref().unwrap_or_default(), &self.server.namespace);
        let protocols: Vec<_> = rule.ports.iter().flatten().filter_map(to_protocol).collect();
        let mut rules = Vec::new();
        for from in from.chunks(CLUSTER_POLICY_LIMIT) {
            let rule = |protocols: &[ClusterPolicyProtocol]| ClusterIngressRule {
                name: "allowed by a KerberosAccess or by the KerberosRealm".to_owned(),
                action: ClusterPolicyAction::Pass,
                from: from.to_vec(),
                protocols: protocols.to_vec(),
            };
            rules.extend(protocols.chunks(CLUSTER_POLICY_LIMIT).map(rule));
        }
        rules
    }
}

fn deny() -> ClusterIngressRule {
    ClusterIngressRule {
        name: "allowed by no KerberosAccess".to_owned(),
        action: ClusterPolicyAction::Deny,
        from: vec![ClusterPolicyPeer::Namespaces(LabelSelector::default())],
        protocols: Vec::new(),
    }
}

fn pods(namespace_selector: LabelSelector, pod_selector: LabelSelector) -> ClusterPolicyPeer {
    ClusterPolicyPeer::Pods(NamespacedPods { namespace_selector, pod_selector })
}

/// The pods among peers of a NetworkPolicy of `own`; the accounts of one namespace are one peer.
fn peers(of: &[NetworkPolicyPeer], own: &str) -> Vec<ClusterPolicyPeer> {
    let mut others: Vec<ClusterPolicyPeer> = Vec::new();
    let mut accounts: Vec<(LabelSelector, BTreeSet<String>)> = Vec::new();
    for peer in of.iter().filter(|peer| peer.ip_block.is_none()) {
        let namespaces = peer.namespace_selector.clone().unwrap_or_else(|| labelled(NAMESPACE_NAME, own));
        let other = match &peer.pod_selector {
            Some(selector) => match single_account(selector) {
                Some(name) => {
                    match accounts.iter_mut().find(|(of, _)| *of == namespaces) {
                        Some((_, names)) => _ = names.insert(name.clone()),
                        None => accounts.push((namespaces, [name.clone()].into())),
                    }
                    continue;
                }
                None => pods(namespaces, selector.clone()),
            },
            None => ClusterPolicyPeer::Namespaces(namespaces),
        };
        if !others.contains(&other) {
            others.push(other);
        }
    }
    let of_accounts = accounts
        .into_iter()
        .map(|(namespaces, names)| pods(namespaces, Accounts::Only(names.into_iter().collect()).pod_selector()));
    of_accounts.chain(others).collect()
}

/// The account of a selector of one account.
fn single_account(selector: &LabelSelector) -> Option<&String> {
    let labels = selector.match_labels.as_ref()?;
    let is_alone = labels.len() == 1 && selector.match_expressions.as_ref().is_none_or(Vec::is_empty);
    labels.get(SERVICE_ACCOUNT).filter(|_| is_alone)
}

/// A port. A name means the ports of every protocol that have it: the NetworkPolicies tell the protocols apart.
fn to_protocol(port: &NetworkPolicyPort) -> Option<ClusterPolicyProtocol> {
    let numbers = match PortRef::from_api(port.port.as_ref()?)? {
        PortRef::Name(name) => return Some(ClusterPolicyProtocol::DestinationNamedPort(name)),
        PortRef::Number(start) => match port.end_port.and_then(|end| u16::try_from(end).ok()) {
            Some(end) if end > start => PortNumbers::Range { start, end },
            _ => PortNumbers::Number(start),
        },
    };
    let port_of = DestinationPort { destination_port: numbers };
    Some(match protocol(port.protocol.as_deref()) {
        TransportProtocol::Tcp => ClusterPolicyProtocol::Tcp(port_of),
        TransportProtocol::Udp => ClusterPolicyProtocol::Udp(port_of),
        TransportProtocol::Sctp => ClusterPolicyProtocol::Sctp(port_of),
    })
}
