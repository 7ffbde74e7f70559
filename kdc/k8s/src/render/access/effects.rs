//! What the KerberosAccess objects bring about: grants of tickets, and the packets that go with them. A client whose packets could
//! not pass gets no ticket either.

use crate::crd::access::NetworkRule;
use crate::index::facts::ObjectKey;
use crate::labels::LONGEST_LABEL;
use crate::problem::Problem;
use crate::render::access::declaration::{Declaration, ResolvedPeer, ResolvedRule};
use crate::render::access::realm_facts::RealmFacts;
use crate::render::access::server_ports::{by_number, default_ports};
use crate::render::policy::egress::ClientEgress;
use crate::render::policy::ingress::ServerIngress;
use crate::render::policy::parts::{Ports, given_peer, pod_ports};
use kennel_core::access::table::{AccessGrant, AccessPeer, ServerKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What all objects bring about together.
#[derive(Default)]
pub(super) struct Effects {
    /// The grants of each server.
    pub(super) grants: BTreeMap<ServerKey, Vec<Arc<AccessGrant>>>,
    pub(super) ingress: BTreeMap<ServerKey, ServerIngress>,
    pub(super) egress: ClientEgress,
    /// Targets and peers of each object.
    pub(super) pairs: BTreeMap<ObjectKey, BTreeSet<(ServerKey, AccessPeer)>>,
}

/// The packets of a rule at one target.
struct Packets {
    /// Ports of the target's pods.
    ports: Ports,
    /// The same by number, for egress.
    numbers: Ports,
}

impl Effects {
    /// Adds the effect of an object, as far as it has one. What has none becomes a problem of the object.
    pub(super) fn add(&mut self, declaration: &mut Declaration<'_>, facts: &RealmFacts<'_>) {
        if !declaration.is_accepted() {
            return;
        }
        let by: Arc<str> = format!("{}/{}", declaration.key.0, declaration.key.1).into();
        let rules = std::mem::take(&mut declaration.rules);
        for rule in &rules {
            // Targets of one rule share its grant.
            let mut shared: BTreeMap<bool, Option<Arc<AccessGrant>>> = BTreeMap::new();
            for target in declaration.targets.clone() {
                let packets = packets(rule, &target, declaration, facts);
                let grant = shared
                    .entry(packets.is_some())
                    .or_insert_with(|| grant(rule, packets.is_some(), &by, declaration, facts));
                if let Some(grant) = grant {
                    self.add_grant(&target, grant.clone(), declaration.key);
                }
                if let Some(packets) = packets.filter(|_| facts.is_managed) {
                    self.add_packets(&target, rule, &packets, facts);
                }
            }
        }
        declaration.rules = rules;
        for rule in declaration.network_only {
            for target in &declaration.targets {
                self.add_network_only(target, rule);
            }
        }
    }

    fn add_grant(&mut self, target: &ServerKey, grant: Arc<AccessGrant>, by: &ObjectKey) {
        let pairs = self.pairs.entry(by.clone()).or_default();
        pairs.extend(grant.peers.iter().map(|peer| (target.clone(), peer.clone())));
        self.grants.entry(target.clone()).or_default().push(grant);
    }

    fn add_packets(&mut self, target: &ServerKey, rule: &ResolvedRule, packets: &Packets, facts: &RealmFacts<'_>) {
        let ingress = self.ingress.entry(target.clone()).or_default();
        let clients = ingress.clients.entry(packets.ports.clone()).or_default();
        for peer in rule.peers.iter().filter(|peer| !matches!(peer, ResolvedPeer::Outside(_)) && is_selectable(peer)) {
            clients.insert(peer.clone());
            self.egress.allow(peer, target, &packets.numbers, facts);
        }
    }

    fn add_network_only(&mut self, target: &ServerKey, rule: &NetworkRule) {
        let peers: Vec<_> = rule.from.iter().map(given_peer).collect();
        self.ingress.entry(target.clone()).or_default().network_only.push((pod_ports(&rule.ports), peers));
    }
}

/// The packets of a rule at a target; `None` where they could not pass, which is a problem of the object.
fn packets(
    rule: &ResolvedRule,
    target: &ServerKey,
    declaration: &mut Declaration<'_>,
    facts: &RealmFacts<'_>,
) -> Option<Packets> {
    if !facts.is_managed {
        return Some(Packets { ports: Ports::new(), numbers: Ports::new() });
    }
    let account = facts.account(&target.namespace, &target.name)?;
    if !account.has_label {
        declaration.problem(Problem::AccountNameTooLong { account: target.to_string() });
        return None;
    }
    if account.host_network > 0 {
        declaration.problem(Problem::HostNetwork { account: target.to_string() });
    }
    let has_packets = rule.peers.iter().any(|peer| !matches!(peer, ResolvedPeer::Outside(_)));
    let ports = if rule.ports.is_empty() { default_ports(facts, target) } else { rule.ports.clone() };
    if ports.is_empty() {
        if has_packets {
            declaration.problem(Problem::PortsNotFound { target: target.to_string() });
        }
        return None;
    }
    let (numbers, missing) = by_number(facts, target, &ports);
    for port in missing.into_iter().filter(|_| has_packets) {
        declaration.problem(Problem::PortNameNotFound { port: port.to_owned(), target: target.to_string() });
    }
    let can_leave = !facts.closes_egress || !numbers.is_empty();
    can_leave.then_some(Packets { ports, numbers })
}

/// The grant of a rule; without packets, for peers outside the cluster alone.
fn grant(
    rule: &ResolvedRule,
    has_packets: bool,
    by: &Arc<str>,
    declaration: &mut Declaration<'_>,
    facts: &RealmFacts<'_>,
) -> Option<Arc<AccessGrant>> {
    let mut peers: BTreeSet<AccessPeer> = BTreeSet::new();
    for peer in &rule.peers {
        if facts.is_managed && !is_selectable(peer) {
            if let ResolvedPeer::Account(namespace, name) = peer {
                declaration.problem(Problem::AccountNameTooLong { account: format!("{namespace}/{name}") });
            }
        } else if has_packets || matches!(peer, ResolvedPeer::Outside(_)) {
            peers.extend(peer.of_ticket(facts));
        }
    }
    let grant = || AccessGrant {
        by: by.clone(),
        peers: peers.iter().cloned().collect(),
        service_classes: rule.service_classes.clone(),
        not_after: declaration.not_after,
    };
    (!peers.is_empty()).then(|| Arc::new(grant()))
}

/// Whether a policy can select the pods of a peer: the name of an account fits a label.
fn is_selectable(peer: &ResolvedPeer) -> bool {
    !matches!(peer, ResolvedPeer::Account(_, name) if name.len() > LONGEST_LABEL)
}
