//! The policy of an enrolled namespace: its enrolled pods, those with our label, get nothing but what is always allowed. Pods
//! without the label are left alone. With it goes the policy of the accounts in mode Observe, which everybody reaches.

use crate::crd::port::TransportProtocol;
use crate::index::facts::PortRef;
use crate::index::surroundings::ServedKind;
use crate::labels::KDC_POD;
use crate::problem::Problem;
use crate::render::access::realm_facts::{NamespaceFacts, RealmFacts};
use crate::render::policy::dns::DnsRules;
use crate::render::policy::names;
use crate::render::policy::parts::{
    Accounts, KeyedPolicy, NAMESPACE_NAME, PolicyDraft, Port, Ports, address, egress_rule, given_peer, ingress_rule,
    labelled, numbered_ports, pod_ports, pods,
};
use k8s_openapi::api::networking::v1::{NetworkPolicyEgressRule, NetworkPolicyIngressRule};

/// What the policies of all namespaces share.
pub(crate) struct AlwaysAllowed {
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Option<Vec<NetworkPolicyEgressRule>>,
    /// What is not found.
    pub(crate) problems: Vec<Problem>,
    /// What is assumed, in words.
    pub(crate) assumed: Vec<String>,
}

impl AlwaysAllowed {
    /// What every enrolled pod may do: DNS, the KDC, and what the realm lists.
    pub(crate) fn new(facts: &RealmFacts<'_>) -> AlwaysAllowed {
        let network = &facts.realm.spec.network;
        let rules = network.always_allow.iter().filter(|entry| !entry.from.is_empty() && !entry.ports.is_empty());
        let ingress =
            rules.map(|entry| ingress_rule(entry.from.iter().map(given_peer).collect(), &pod_ports(&entry.ports)));
        let mut all =
            AlwaysAllowed { ingress: ingress.collect(), egress: None, problems: Vec::new(), assumed: Vec::new() };
        if facts.closes_egress {
            let dns = DnsRules::find(facts);
            all.problems.extend(dns.problem);
            all.assumed.extend(dns.assumed);
            let mut egress = dns.rules;
            egress.extend(to_kdc(facts));
            egress.extend(all.listed_egress(facts));
            all.egress = Some(egress);
        }
        all
    }

    fn listed_egress(&mut self, facts: &RealmFacts<'_>) -> Vec<NetworkPolicyEgressRule> {
        let mut rules = Vec::new();
        for entry in &facts.realm.spec.network.always_allow_egress {
            if entry.api_server.is_some() {
                match to_api_server(facts) {
                    Some(rule) => {
                        rules.push(rule);
                        let is_cilium = facts.index.surroundings().kinds.contains(&ServedKind::CiliumNetworkPolicy);
                        let problem = || Problem::ApiServerByAddress { entry: entry.name.clone() };
                        self.problems.extend(is_cilium.then(problem));
                    }
                    None => self.problems.push(Problem::ApiServerNotFound { entry: entry.name.clone() }),
                }
            }
            if !entry.to.is_empty() {
                rules.push(egress_rule(entry.to.iter().map(given_peer).collect(), &numbered_ports(&entry.ports)));
            }
        }
        rules
    }

    /// The policy of a namespace.
    pub(crate) fn policy(&self, namespace: &str, facts: &RealmFacts<'_>) -> KeyedPolicy {
        let draft = PolicyDraft {
            namespace,
            name: names::NAMESPACE.to_owned(),
            realm: facts.object,
            owner: None,
            pods: Accounts::All.pod_selector(),
            ingress: Some(self.ingress.clone()),
            egress: self.egress.clone(),
        };
        draft.finish()
    }
}

/// The policy that lets everybody reach the accounts of a namespace that are in mode Observe; `None` where none is.
pub(crate) fn observed(namespace: &str, of: &NamespaceFacts<'_>, facts: &RealmFacts<'_>) -> Option<KeyedPolicy> {
    let accounts = of.observed()?;
    let draft = PolicyDraft {
        namespace,
        name: names::OBSERVED.to_owned(),
        realm: facts.object,
        owner: None,
        pods: accounts.pod_selector(),
        ingress: Some(vec![ingress_rule(Vec::new(), &Ports::new())]),
        egress: None,
    };
    Some(draft.finish())
}

/// The way to the pods of the KDC. Where the KDC is no pod of the cluster, its address is to be listed in alwaysAllowEgress.
fn to_kdc(facts: &RealmFacts<'_>) -> Option<NetworkPolicyEgressRule> {
    let kdc = facts.index.surroundings().kdc.as_ref()?;
    let namespace = labelled(NAMESPACE_NAME, &kdc.namespace);
    let ports = kdc.ports.iter().map(|(port, protocol)| Port::single(*protocol, PortRef::Number(*port)));
    Some(egress_rule(vec![pods(Some(namespace), labelled(KDC_POD.key, KDC_POD.value))], &ports.collect()))
}

/// The way to the API server, by the addresses behind its Service: a policy sees a packet after the Service has translated it.
fn to_api_server(facts: &RealmFacts<'_>) -> Option<NetworkPolicyEgressRule> {
    let addresses: std::collections::BTreeSet<&str> =
        facts.index.api_server().flat_map(|fact| fact.addresses.iter().map(String::as_str)).collect();
    let ports: Ports = facts
        .index
        .api_server()
        .flat_map(|fact| fact.ports.iter())
        .map(|port| Port::single(TransportProtocol::Tcp, PortRef::Number(*port)))
        .collect();
    let found = !addresses.is_empty() && !ports.is_empty();
    found.then(|| egress_rule(addresses.into_iter().map(address).collect(), &ports))
}
