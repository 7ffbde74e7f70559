//! The policy of a server: which pods reach its own. It is in the server's namespace and is deleted with its KerberosPrincipal.

use crate::crd::principal::KerberosPrincipal;
use crate::render::access::declaration::{ResolvedPeer, SelectorText};
use crate::render::access::realm_facts::{AccountFacts, RealmFacts};
use crate::render::policy::names;
use crate::render::policy::parts::{
    Accounts, KeyedPolicy, NAMESPACE_NAME, PolicyDraft, Ports, account, both, ingress_rule, labelled, pods,
    without_namespaces,
};
use k8s_openapi::api::networking::v1::{NetworkPolicyIngressRule, NetworkPolicyPeer};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use kennel_core::access::table::ServerKey;
use kube::Resource;
use std::collections::{BTreeMap, BTreeSet};

/// What the KerberosAccess objects of one server let in.
#[derive(Default)]
pub(crate) struct ServerIngress {
    /// Peers with a ticket, by the ports that they reach.
    pub(crate) clients: BTreeMap<Ports, BTreeSet<ResolvedPeer>>,
    /// Peers by packets alone, in the order of the objects.
    pub(crate) network_only: Vec<(Ports, Vec<NetworkPolicyPeer>)>,
}

impl ServerIngress {
    /// The policy of the server; `None` where nobody is let in, which the namespace's policy says already.
    pub(crate) fn policy(
        self,
        server: &ServerKey,
        of: &AccountFacts<'_>,
        facts: &RealmFacts<'_>,
    ) -> Option<KeyedPolicy> {
        let mut rules: Vec<NetworkPolicyIngressRule> = Vec::new();
        for (ports, clients) in &self.clients {
            let mut from: Vec<NetworkPolicyPeer> = Vec::new();
            for peer in clients.iter().flat_map(|client| peers(client, server, facts)) {
                if !from.contains(&peer) {
                    from.push(peer);
                }
            }
            add(&mut rules, from, ports);
        }
        for (ports, from) in self.network_only {
            add(&mut rules, from, &ports);
        }
        let draft = PolicyDraft {
            namespace: &server.namespace,
            name: names::ingress(&server.name),
            realm: facts.object,
            owner: owner(of),
            pods: account(&server.name),
            ingress: Some(rules),
            egress: None,
        };
        draft.ingress.as_ref().is_some_and(|rules| !rules.is_empty()).then(|| draft.finish())
    }
}

/// Adds a rule. One without peers or ports would let in everybody, or everything: it is never made.
fn add(rules: &mut Vec<NetworkPolicyIngressRule>, from: Vec<NetworkPolicyPeer>, ports: &Ports) {
    if from.is_empty() || ports.is_empty() {
        return;
    }
    let rule = ingress_rule(from, ports);
    if !rules.contains(&rule) {
        rules.push(rule);
    }
}

fn owner(of: &AccountFacts<'_>) -> Option<OwnerReference> {
    let (fact, _) = of.object?;
    Some(OwnerReference {
        api_version: KerberosPrincipal::api_version(&()).into_owned(),
        kind: KerberosPrincipal::kind(&()).into_owned(),
        name: fact.meta.name.clone()?,
        uid: fact.meta.uid.clone()?,
        controller: Some(true),
        block_owner_deletion: None,
    })
}

/// The pods of a client that reach a server: those whose owner agrees.
fn peers(client: &ResolvedPeer, server: &ServerKey, facts: &RealmFacts<'_>) -> Vec<NetworkPolicyPeer> {
    match client {
        ResolvedPeer::Account(namespace, name) => {
            let consents = facts.account(namespace, name).is_some_and(|of| facts.consents(namespace, of, server));
            consents.then(|| of_namespace(namespace, account(name), server, facts)).into_iter().collect()
        }
        ResolvedPeer::Namespace(namespace) => members(namespace, server, facts).into_iter().collect(),
        ResolvedPeer::Selected(SelectorText { selector, .. }, names) => {
            let names = names.iter().map(String::as_str);
            of_selector(&both(selector, &facts.selector), names, server, facts)
        }
        ResolvedPeer::OwnRealm => {
            let names = facts.programmed().map(|(name, _)| name);
            of_selector(&facts.selector, names, server, facts)
        }
        // Their packets carry no identity: only networkOnly lets them in.
        ResolvedPeer::Outside(_) => Vec::new(),
    }
}

fn members(namespace: &str, server: &ServerKey, facts: &RealmFacts<'_>) -> Option<NetworkPolicyPeer> {
    let accounts = facts.members(namespace, server)?;
    Some(of_namespace(namespace, accounts.pod_selector(), server, facts))
}

/// Pods of a namespace by name, while the realm's own selector selects it: a pod of a namespace that leaves the realm is not let
/// in, whatever labels it has.
fn of_namespace(
    namespace: &str,
    selector: LabelSelector,
    server: &ServerKey,
    facts: &RealmFacts<'_>,
) -> NetworkPolicyPeer {
    if namespace == server.namespace {
        return pods(None, selector);
    }
    pods(Some(both(&labelled(NAMESPACE_NAME, namespace), &facts.selector)), selector)
}

/// Pods of all namespaces that a selector selects. Namespaces with accounts that do not agree get a peer of their own.
fn of_selector<'n>(
    selector: &LabelSelector,
    names: impl Iterator<Item = &'n str>,
    server: &ServerKey,
    facts: &RealmFacts<'_>,
) -> Vec<NetworkPolicyPeer> {
    let mut other: Vec<(&str, Option<NetworkPolicyPeer>)> = Vec::new();
    let mut whole = 0;
    for name in names {
        match facts.members(name, server) {
            Some(Accounts::All) => whole += 1,
            _ => other.push((name, members(name, server, facts))),
        }
    }
    if facts.consent_required {
        // Of other namespaces, only those agree that are named; a selector would let in whoever comes later.
        let own = members(&server.namespace, server, facts).filter(|_| whole > 0);
        return own.into_iter().chain(other.into_iter().filter_map(|(_, peer)| peer)).collect();
    }
    let selector = without_namespaces(selector, other.iter().map(|(name, _)| *name));
    let all = (whole > 0).then(|| pods(Some(selector), Accounts::All.pod_selector()));
    all.into_iter().chain(other.into_iter().filter_map(|(_, peer)| peer)).collect()
}
