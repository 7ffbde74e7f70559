//! Whether packets of one pod reach another, by the **union** of all NetworkPolicies, whoever made them. A pod that no policy selects
//! is open; one that some select is open to what any of them lets through.
//!
//! Pods of an account are those that there are; without any, a pod that carries our label alone. Addresses of pods are not known:
//! an `ipBlock` counts for them only where it is everything.

use crate::crd::port::TransportProtocol;
use crate::index::Index;
use crate::index::facts::{ObjectKey, PodShape, PolicyFact, PortRef};
use crate::index::selector::matches;
use crate::labels::SERVICE_ACCOUNT;
use crate::render::access::rendered::Rendered;
use crate::render::policy::parts::Port;
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The policies that decide, by namespace and name.
pub struct PolicySet<'a> {
    by_namespace: BTreeMap<&'a str, Vec<DecidingPolicy<'a>>>,
}

struct DecidingPolicy<'a> {
    name: &'a str,
    spec: &'a NetworkPolicySpec,
    is_ours: bool,
}

/// A direction of packets, as policies tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of the client's pods.
    Egress,
    /// Into the server's pods.
    Ingress,
}

/// The verdict of the policies of one direction on one port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PacketVerdict {
    /// Whether packets pass.
    pub allowed: bool,
    /// Policies that select the pods in this direction: without one, everything passes.
    pub selecting: BTreeSet<ObjectKey>,
    /// Policies of ours among them that let the packets pass.
    pub by_ours: BTreeSet<ObjectKey>,
    /// Policies of others among them that do: they widen.
    pub by_others: BTreeSet<ObjectKey>,
}

/// A pod as policies see it.
#[derive(Clone)]
pub struct PolicyPod<'a> {
    namespace: &'a str,
    namespace_labels: BTreeMap<String, String>,
    shape: Arc<PodShape>,
}

/// The pods of an account.
#[must_use]
pub fn pods_of<'a>(index: &Index, namespace: &'a str, account: &str) -> Vec<PolicyPod<'a>> {
    let labels = index.namespace_labels(namespace).cloned().unwrap_or_default();
    let pod = |shape: Arc<PodShape>| PolicyPod { namespace, namespace_labels: labels.clone(), shape };
    let known = index.pod_shapes(namespace).filter(|(shape, _)| shape.account == account && !shape.host_network);
    let pods: Vec<PolicyPod<'_>> = known.map(|(shape, _)| pod(shape.clone())).collect();
    if !pods.is_empty() {
        return pods;
    }
    let labels = [(SERVICE_ACCOUNT.to_owned(), account.to_owned())].into();
    vec![pod(Arc::new(PodShape { account: account.to_owned(), labels, ..PodShape::default() }))]
}

impl<'a> PolicySet<'a> {
    /// Our policies as rendered, and those of others as the index has them.
    #[must_use]
    pub fn as_rendered(index: &'a Index, rendered: &'a Rendered) -> PolicySet<'a> {
        let mut set = PolicySet { by_namespace: BTreeMap::new() };
        for (key, spec) in rendered.network_policies() {
            set.add(&key.namespace, &key.name, spec, true);
        }
        set.add_of_index(index, |policy| !policy.managed);
        set
    }

    /// All policies as the index has them.
    #[must_use]
    pub fn as_applied(index: &'a Index) -> PolicySet<'a> {
        let mut set = PolicySet { by_namespace: BTreeMap::new() };
        set.add_of_index(index, |_| true);
        set
    }

    fn add_of_index(&mut self, index: &'a Index, counts: impl Fn(&PolicyFact) -> bool) {
        for ((namespace, name), policy) in index.policies().filter(|(_, policy)| counts(policy)) {
            if let Some(spec) = policy.network_spec() {
                self.add(namespace, name, spec, policy.managed);
            }
        }
    }

    fn add(&mut self, namespace: &'a str, name: &'a str, spec: &'a NetworkPolicySpec, is_ours: bool) {
        self.by_namespace.entry(namespace).or_default().push(DecidingPolicy { name, spec, is_ours });
    }

    /// Judges packets from any of the clients' pods to any of the server's, in one direction: they pass where they pass for every
    /// pod.
    #[must_use]
    pub fn judge(
        &self,
        direction: Direction,
        clients: &[PolicyPod<'_>],
        servers: &[PolicyPod<'_>],
        port: &Port,
    ) -> PacketVerdict {
        let mut all = PacketVerdict { allowed: true, ..PacketVerdict::default() };
        for client in clients {
            for server in servers {
                let verdict = self.judge_pods(direction, client, server, port);
                all.allowed &= verdict.allowed;
                all.selecting.extend(verdict.selecting);
                all.by_ours.extend(verdict.by_ours);
                all.by_others.extend(verdict.by_others);
            }
        }
        all
    }

    fn judge_pods(
        &self,
        direction: Direction,
        client: &PolicyPod<'_>,
        server: &PolicyPod<'_>,
        port: &Port,
    ) -> PacketVerdict {
        let (own, peer) = match direction {
            Direction::Egress => (client, server),
            Direction::Ingress => (server, client),
        };
        let mut verdict = PacketVerdict::default();
        for policy in self.by_namespace.get(own.namespace).into_iter().flatten() {
            if !selects(policy.spec, &own.shape, direction) {
                continue;
            }
            let key = (own.namespace.to_owned(), policy.name.to_owned());
            if lets_through(policy.spec, direction, own, peer, server, port) {
                let by = if policy.is_ours { &mut verdict.by_ours } else { &mut verdict.by_others };
                by.insert(key.clone());
                verdict.allowed = true;
            }
            verdict.selecting.insert(key);
        }
        verdict.allowed |= verdict.selecting.is_empty();
        verdict
    }
}

/// Whether a policy selects a pod in a direction. Without `policyTypes`, a policy is about ingress, and about egress where it has
/// rules for it.
fn selects(spec: &NetworkPolicySpec, pod: &PodShape, direction: Direction) -> bool {
    let has = |name: &str| spec.policy_types.as_ref().map(|types| types.iter().any(|of| of == name));
    let is_about = match direction {
        Direction::Ingress => has("Ingress").unwrap_or(true),
        Direction::Egress => has("Egress").unwrap_or(spec.egress.is_some()),
    };
    is_about && spec.pod_selector.as_ref().is_none_or(|selector| matches(selector, &pod.labels))
}

fn lets_through(
    spec: &NetworkPolicySpec,
    direction: Direction,
    own: &PolicyPod<'_>,
    peer: &PolicyPod<'_>,
    server: &PolicyPod<'_>,
    port: &Port,
) -> bool {
    let fits = |peers: &Option<Vec<NetworkPolicyPeer>>, ports: &Option<Vec<NetworkPolicyPort>>| {
        let peers = peers.as_deref().unwrap_or_default();
        let ports = ports.as_deref().unwrap_or_default();
        (peers.is_empty() || peers.iter().any(|of| is_peer(of, own.namespace, peer)))
            && (ports.is_empty() || ports.iter().any(|of| is_port(of, port, &server.shape)))
    };
    match direction {
        Direction::Ingress => spec.ingress.iter().flatten().any(|rule| fits(&rule.from, &rule.ports)),
        Direction::Egress => spec.egress.iter().flatten().any(|rule| fits(&rule.to, &rule.ports)),
    }
}

fn is_peer(peer: &NetworkPolicyPeer, own: &str, pod: &PolicyPod<'_>) -> bool {
    if let Some(block) = &peer.ip_block {
        let is_everything = matches!(&*block.cidr, "0.0.0.0/0" | "::/0");
        return is_everything && block.except.as_ref().is_none_or(Vec::is_empty);
    }
    let namespace = match &peer.namespace_selector {
        Some(selector) => matches(selector, &pod.namespace_labels),
        None => own == pod.namespace,
    };
    namespace && peer.pod_selector.as_ref().is_none_or(|selector| matches(selector, &pod.shape.labels))
}

/// Whether the port of a rule covers a port of the server's pods. A name is what its containers call it.
fn is_port(rule: &NetworkPolicyPort, port: &Port, server: &PodShape) -> bool {
    if rule.protocol.as_deref().unwrap_or("TCP") != port.protocol.name() {
        return false;
    }
    let numbers = numbers(port, server);
    match &rule.port {
        None => true,
        Some(IntOrString::Int(first)) => {
            let last = rule.end_port.unwrap_or(*first);
            let covers = |number: &u16| (*first..=last).contains(&i32::from(*number));
            !numbers.is_empty() && numbers.iter().all(covers)
        }
        Some(IntOrString::String(name)) => {
            let named = named(name, port.protocol, server);
            port.port == PortRef::Name(name.clone())
                || (!numbers.is_empty() && numbers.iter().all(|number| named.contains(number)))
        }
    }
}

/// The numbers of a port; of a range, its ends.
fn numbers(port: &Port, server: &PodShape) -> BTreeSet<u16> {
    match &port.port {
        PortRef::Number(number) => std::iter::once(*number).chain(port.end).collect(),
        PortRef::Name(name) => named(name, port.protocol, server),
    }
}

fn named(name: &str, protocol: TransportProtocol, server: &PodShape) -> BTreeSet<u16> {
    let ports = server.ports.iter().filter(|(of, _, with)| of == name && *with == protocol);
    ports.map(|(_, number, _)| *number).collect()
}
