//! The policies of clients: which servers their pods reach, each in the client's own namespace. They are written only where
//! Kennel's own policy closes egress already: a first egress policy on an open pod would cut everything else.

use crate::render::access::declaration::ResolvedPeer;
use crate::render::access::realm_facts::{NamespaceFacts, RealmFacts};
use crate::render::policy::names;
use crate::render::policy::parts::{
    Accounts, KeyedPolicy, NAMESPACE_NAME, PolicyDraft, Ports, egress_rule, labelled, pods,
};
use k8s_openapi::api::networking::v1::{NetworkPolicyEgressRule, NetworkPolicyPeer};
use kennel_core::access::table::ServerKey;
use std::collections::BTreeMap;

/// Servers with the ports, by number, that a client reaches.
type Servers = BTreeMap<ServerKey, Ports>;

/// What clients reach.
#[derive(Default)]
pub(crate) struct ClientEgress {
    /// Of accounts: by namespace and name.
    accounts: BTreeMap<(String, String), Servers>,
    /// Of the members of a namespace that do not list whom they call.
    members: BTreeMap<String, Servers>,
    /// Observed servers that accounts with a list of their own reach.
    observed: BTreeMap<(String, String), Vec<ServerKey>>,
}

impl ClientEgress {
    /// Lets a client reach ports of a server, where its owner agrees.
    pub(crate) fn allow(&mut self, client: &ResolvedPeer, server: &ServerKey, ports: &Ports, facts: &RealmFacts<'_>) {
        match client {
            ResolvedPeer::Account(namespace, name) => {
                if facts.account(namespace, name).is_some_and(|of| facts.consents(namespace, of, server)) {
                    self.allow_account(namespace, name, server, ports);
                }
            }
            ResolvedPeer::Namespace(namespace) => self.allow_members(namespace, server, ports, facts),
            ResolvedPeer::Selected(_, names) => {
                for namespace in names {
                    self.allow_members(namespace, server, ports, facts);
                }
            }
            ResolvedPeer::OwnRealm => {
                for (namespace, _) in facts.programmed() {
                    self.allow_members(namespace, server, ports, facts);
                }
            }
            ResolvedPeer::Outside(_) => {}
        }
    }

    fn allow_account(&mut self, namespace: &str, name: &str, server: &ServerKey, ports: &Ports) {
        let servers = self.accounts.entry((namespace.to_owned(), name.to_owned())).or_default();
        servers.entry(server.clone()).or_default().extend(ports.iter().cloned());
    }

    fn allow_members(&mut self, namespace: &str, server: &ServerKey, ports: &Ports, facts: &RealmFacts<'_>) {
        let Some(of) = facts.namespaces.get(namespace) else { return };
        match facts.members(namespace, server) {
            None | Some(Accounts::Only(_)) => {}
            Some(Accounts::All | Accounts::Except(_)) => {
                let servers = self.members.entry(namespace.to_owned()).or_default();
                servers.entry(server.clone()).or_default().extend(ports.iter().cloned());
            }
        }
        for (name, _) in selective(of).filter(|(_, account)| facts.consents(namespace, account, server)) {
            self.allow_account(namespace, name, server, ports);
        }
    }

    /// Lets every enrolled pod whose owner agrees reach the servers in mode Observe: otherwise its packet would die at home, and
    /// nothing would be observed.
    fn allow_observed(&mut self, facts: &RealmFacts<'_>) {
        for (namespace, of) in facts.programmed() {
            for (name, account) in selective(of) {
                let observed = account.calls.iter().flatten().filter(|server| is_observed(server, facts));
                let servers: Vec<ServerKey> = observed.cloned().collect();
                if !servers.is_empty() {
                    self.observed.insert((namespace.to_owned(), name.to_owned()), servers);
                }
            }
        }
    }

    /// The policies of all clients.
    pub(crate) fn policies(mut self, facts: &RealmFacts<'_>) -> Vec<KeyedPolicy> {
        self.allow_observed(facts);
        let mut policies = Vec::new();
        for (namespace, of) in facts.programmed() {
            let servers = self.members.remove(namespace).unwrap_or_default();
            let mut rules = rules(namespace, &servers);
            rules.extend(observed_rules(namespace, facts));
            if rules.is_empty() {
                continue;
            }
            let selective: Vec<String> = selective(of).map(|(name, _)| name.to_owned()).collect();
            let accounts = if selective.is_empty() { Accounts::All } else { Accounts::Except(selective) };
            policies.push(draft(namespace, names::MEMBERS.to_owned(), rules, facts, accounts));
        }
        let mut observed = std::mem::take(&mut self.observed);
        let owners: std::collections::BTreeSet<_> = self.accounts.keys().chain(observed.keys()).cloned().collect();
        for key in owners {
            let servers = self.accounts.remove(&key).unwrap_or_default();
            let mut rules = rules(&key.0, &servers);
            let named = observed.remove(&key).unwrap_or_default();
            rules.extend(named.iter().map(|server| {
                egress_rule(
                    vec![peer(&key.0, &server.namespace, Accounts::Only(vec![server.name.clone()]))],
                    &Ports::new(),
                )
            }));
            policies.push(draft(&key.0, names::egress(&key.1), rules, facts, Accounts::Only(vec![key.1.clone()])));
        }
        policies
    }
}

/// The accounts of a namespace that list whom they call.
fn selective<'f, 'a>(
    of: &'f NamespaceFacts<'a>,
) -> impl Iterator<Item = (&'a str, &'f crate::render::access::realm_facts::AccountFacts<'a>)> {
    of.accounts
        .iter()
        .filter(|(_, account)| account.calls.is_some() && account.has_label)
        .map(|(name, account)| (*name, account))
}

fn is_observed(server: &ServerKey, facts: &RealmFacts<'_>) -> bool {
    let of = facts.namespaces.get(&*server.namespace).filter(|of| of.is_programmed());
    of.and_then(NamespaceFacts::observed).is_some_and(|observed| observed.contains(&server.name))
}

/// The way to everything in mode Observe, for members of a namespace. Every port: nothing is denied there.
fn observed_rules(namespace: &str, facts: &RealmFacts<'_>) -> Vec<NetworkPolicyEgressRule> {
    let open = facts.programmed().filter(|(name, _)| !facts.consent_required || *name == namespace);
    let to = open.filter_map(|(name, of)| Some(peer(namespace, name, of.observed()?)));
    let to: Vec<NetworkPolicyPeer> = to.collect();
    if to.is_empty() { Vec::new() } else { vec![egress_rule(to, &Ports::new())] }
}

/// One rule for the servers of a namespace with the same ports.
fn rules(namespace: &str, servers: &Servers) -> Vec<NetworkPolicyEgressRule> {
    let mut alike: BTreeMap<(&str, &Ports), Vec<String>> = BTreeMap::new();
    for (server, ports) in servers.iter().filter(|(_, ports)| !ports.is_empty()) {
        alike.entry((&server.namespace, ports)).or_default().push(server.name.clone());
    }
    let rule = |((of, ports), names)| egress_rule(vec![peer(namespace, of, Accounts::Only(names))], ports);
    alike.into_iter().map(rule).collect()
}

/// Pods of accounts of a namespace, as seen from another.
fn peer(from: &str, namespace: &str, accounts: Accounts) -> NetworkPolicyPeer {
    let namespaces = (from != namespace).then(|| labelled(NAMESPACE_NAME, namespace));
    pods(namespaces, accounts.pod_selector())
}

fn draft(
    namespace: &str,
    name: String,
    rules: Vec<NetworkPolicyEgressRule>,
    facts: &RealmFacts<'_>,
    accounts: Accounts,
) -> KeyedPolicy {
    let pods = accounts.pod_selector();
    let realm = facts.object;
    PolicyDraft { namespace, name, realm, owner: None, pods, ingress: None, egress: Some(rules) }.finish()
}
