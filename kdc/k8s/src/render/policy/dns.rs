//! Where enrolled pods find DNS: from what the cluster has. Without DNS nothing works, and a guess that is wrong looks right until
//! the first look-up: what is not found is not opened, and the realm says so.

use crate::crd::port::TransportProtocol;
use crate::crd::realm_network::DnsDiscovery;
use crate::index::facts::{PortRef, ServiceFact};
use crate::problem::Problem;
use crate::render::access::realm_facts::RealmFacts;
use crate::render::policy::parts::{
    NAMESPACE_NAME, Port, Ports, address, egress_rule, given_peer, labelled, numbered_ports, pods,
};
use k8s_openapi::api::networking::v1::{NetworkPolicyEgressRule, NetworkPolicyPeer};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use std::collections::BTreeMap;

/// The port of DNS.
const DNS: u16 = 53;
/// The label of the pods of kube-dns and CoreDNS, and of those of NodeLocal DNS.
const APP: &str = "k8s-app";
/// The address on which NodeLocal DNS listens on each node.
const NODE_LOCAL: &str = "169.254.20.10";
/// Namespaces that have the DNS servers of a cluster.
const NAMESPACES: [&str; 2] = ["kube-system", "openshift-dns"];

/// The way to DNS.
#[derive(Default)]
pub(crate) struct DnsRules {
    pub(crate) rules: Vec<NetworkPolicyEgressRule>,
    pub(crate) problem: Option<Problem>,
    pub(crate) assumed: Option<String>,
}

impl DnsRules {
    /// Finds the DNS servers.
    pub(crate) fn find(facts: &RealmFacts<'_>) -> DnsRules {
        let dns = &facts.realm.spec.network.dns;
        if dns.discovery() == DnsDiscovery::Static {
            let listed = dns.servers.iter().filter(|server| !server.to.is_empty() && !server.ports.is_empty());
            let rules = listed
                .map(|server| egress_rule(server.to.iter().map(given_peer).collect(), &numbered_ports(&server.ports)));
            return DnsRules { rules: rules.collect(), ..DnsRules::default() };
        }
        let services = NAMESPACES.into_iter().flat_map(|namespace| {
            facts
                .index
                .services(namespace)
                .filter(|(_, service)| is_dns(service))
                .map(move |(_, service)| (namespace, service))
        });
        let found: Vec<(&str, &ServiceFact)> = services.collect();
        let mut rules: Vec<NetworkPolicyEgressRule> = Vec::new();
        for (namespace, service) in &found {
            let rule =
                egress_rule(vec![servers(namespace, &service.selector)], &server_ports(namespace, service, facts));
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules.extend(node_local(&found, facts));
        if !rules.is_empty() {
            return DnsRules { rules, ..DnsRules::default() };
        }
        if facts.index.surroundings().offline {
            let assumed =
                "DNS servers: pods of kube-system with k8s-app=kube-dns, port 53 (no Service of the files is kube-dns)";
            let labels = [(APP.to_owned(), "kube-dns".to_owned())].into();
            let rules = vec![egress_rule(vec![servers("kube-system", &labels)], &port_53())];
            return DnsRules { rules, problem: None, assumed: Some(assumed.to_owned()) };
        }
        let searched = format!("Services with port 53 in {}", NAMESPACES.join(", "));
        DnsRules { problem: Some(Problem::DnsNotFound { searched }), ..DnsRules::default() }
    }
}

/// Whether a Service leads to DNS servers that are pods.
fn is_dns(service: &ServiceFact) -> bool {
    let has_port = service.ports.iter().any(|port| port.port == DNS && port.protocol == TransportProtocol::Udp);
    has_port && !service.selector.is_empty()
}

fn servers(namespace: &str, labels: &BTreeMap<String, String>) -> NetworkPolicyPeer {
    let selector = LabelSelector { match_labels: Some(labels.clone()), match_expressions: None };
    pods(Some(labelled(NAMESPACE_NAME, namespace)), selector)
}

/// The ports of the pods behind a DNS Service, by number.
fn server_ports(namespace: &str, service: &ServiceFact, facts: &RealmFacts<'_>) -> Ports {
    let mut ports = Ports::new();
    for port in service.ports.iter().filter(|port| port.port == DNS) {
        let PortRef::Name(name) = &port.target else {
            ports.insert(Port::single(port.protocol, port.target.clone()));
            continue;
        };
        let is_selected =
            |labels: &BTreeMap<String, String>| service.selector.iter().all(|(k, v)| labels.get(k) == Some(v));
        let shapes = facts.index.pod_shapes(namespace).filter(|(shape, _)| is_selected(&shape.labels));
        let named = shapes.flat_map(|(shape, _)| &shape.ports);
        let numbers = named.filter(|(of, _, protocol)| of == name && *protocol == port.protocol);
        ports.extend(numbers.map(|(_, number, _)| Port::single(port.protocol, PortRef::Number(*number))));
    }
    if ports.is_empty() { port_53() } else { ports }
}

/// NodeLocal DNS answers on an address of the node, and on the addresses of the cluster's DNS Service.
fn node_local(found: &[(&str, &ServiceFact)], facts: &RealmFacts<'_>) -> Option<NetworkPolicyEgressRule> {
    let is_node_local = |labels: &BTreeMap<String, String>| labels.get(APP).is_some_and(|app| app == "node-local-dns");
    facts.index.pod_shapes("kube-system").find(|(shape, _)| is_node_local(&shape.labels))?;
    let services = found.iter().flat_map(|(_, service)| service.addresses.iter().map(String::as_str));
    Some(egress_rule([NODE_LOCAL].into_iter().chain(services).map(address).collect(), &port_53()))
}

fn port_53() -> Ports {
    [TransportProtocol::Udp, TransportProtocol::Tcp].map(|protocol| Port::single(protocol, PortRef::Number(DNS))).into()
}
