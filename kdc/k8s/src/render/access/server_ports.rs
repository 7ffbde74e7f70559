//! The ports of a server's pods: those of its Services by default, names as numbers where egress needs them.

use crate::index::facts::{PortRef, ServiceFact};
use crate::render::access::realm_facts::RealmFacts;
use crate::render::policy::parts::{Port, Ports};
use kennel_core::access::table::ServerKey;
use std::collections::BTreeSet;

/// The ports that the Services of a server's KerberosPrincipal lead to, as ports of pods: those of `hosts.services`, and of the
/// Services of `hosts.statefulSets`.
pub(crate) fn default_ports(facts: &RealmFacts<'_>, server: &ServerKey) -> Ports {
    let object = facts.account(&server.namespace, &server.name).and_then(|account| account.object);
    let Some((_, spec)) = object else { return Ports::new() };
    let governing = |set: &String| facts.index.stateful_set(&server.namespace, set).map(|set| set.service.clone());
    let of_sets = spec.hosts.stateful_sets.iter().filter_map(governing);
    let services: BTreeSet<String> = spec.hosts.services.iter().cloned().chain(of_sets).collect();
    let found = services.iter().filter_map(|service| facts.index.service(&server.namespace, service));
    found.flat_map(pod_ports).collect()
}

/// The ports of pods behind a Service. Clients of a headless one call the pods themselves, so its own ports are ports of pods too.
fn pod_ports(service: &ServiceFact) -> Vec<Port> {
    let mut ports = Vec::new();
    for port in &service.ports {
        ports.push(Port::single(port.protocol, port.target.clone()));
        if service.headless {
            ports.push(Port::single(port.protocol, PortRef::Number(port.port)));
        }
    }
    ports
}

/// Ports by number, and the names that no container of the account has.
pub(crate) fn by_number<'p>(facts: &RealmFacts<'_>, server: &ServerKey, ports: &'p Ports) -> (Ports, Vec<&'p str>) {
    let (mut numbers, mut missing) = (Ports::new(), Vec::new());
    for port in ports {
        let PortRef::Name(name) = &port.port else {
            numbers.insert(port.clone());
            continue;
        };
        let shapes = facts.index.pod_shapes(&server.namespace).filter(|(shape, _)| shape.account == server.name);
        let named = shapes.flat_map(|(shape, _)| &shape.ports);
        let found: Vec<Port> = named
            .filter(|(of, _, protocol)| of == name && *protocol == port.protocol)
            .map(|(_, number, _)| Port::single(port.protocol, PortRef::Number(*number)))
            .collect();
        if found.is_empty() {
            missing.push(&**name);
        }
        numbers.extend(found);
    }
    (numbers, missing)
}
