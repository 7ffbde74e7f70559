//! The callers without Kerberos that reach a server's pods while nobody's packets are dropped, and that nothing lets in under Enforce:
//! neither `networkOnly` of a KerberosAccess nor `alwaysAllow` of the realm opens their port.

use crate::callers::caller::{CallerPort, CallerTarget, OutsideCaller};
use crate::index::facts::{PodShape, PortRef, ServiceFact};
use crate::index::selector::matches;
use crate::problem::named::first_names;
use crate::render::access::realm_facts::{AccountFacts, RealmFacts};
use crate::render::policy::ingress::ServerIngress;
use crate::render::policy::parts::{Ports, pod_ports};
use kennel_core::access::table::ServerKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most callers of one server that are named.
const MOST_NAMED: usize = 16;

/// Returns the callers of each server, in words. `ingress`: what KerberosAccess objects let in.
pub(super) fn callers(
    facts: &RealmFacts<'_>,
    ingress: &BTreeMap<ServerKey, ServerIngress>,
) -> BTreeMap<ServerKey, Vec<String>> {
    let all = &facts.index.surroundings().callers;
    if all.is_empty() || !facts.is_managed {
        return BTreeMap::new();
    }
    let always =
        facts.realm.spec.network.always_allow.iter().flat_map(|entry| pod_ports(&entry.ports)).collect::<Ports>();
    let mut found = BTreeMap::new();
    for (namespace, of) in &facts.namespaces {
        let calling: Vec<&OutsideCaller> = all.iter().filter(|caller| may_call(caller, namespace)).collect();
        for (name, account) in of.accounts.iter().filter(|(_, account)| account.is_server() && !calling.is_empty()) {
            let key = ServerKey::new(*namespace, *name);
            let packets = ingress.get(&key).into_iter().flat_map(|own| &own.network_only).flat_map(|(ports, _)| ports);
            let opened: Ports = always.iter().chain(packets).cloned().collect();
            let callers = Server::new(&key, account, facts).callers(&calling, &opened);
            if !callers.is_empty() {
                found.insert(key, first_names(callers, MOST_NAMED));
            }
        }
    }
    found
}

/// Whether the target of a caller can be in a namespace.
fn may_call(caller: &OutsideCaller, namespace: &str) -> bool {
    match &caller.target {
        CallerTarget::Service { namespace: of, .. } => of == namespace,
        CallerTarget::Services(namespaces, _) | CallerTarget::Pods(namespaces, _) => namespaces.contains(namespace),
    }
}

/// A server's pods and the Services before them.
struct Server<'a> {
    shapes: Vec<&'a Arc<PodShape>>,
    services: BTreeMap<&'a str, &'a ServiceFact>,
}

impl<'a> Server<'a> {
    fn new(key: &'a ServerKey, account: &AccountFacts<'a>, facts: &RealmFacts<'a>) -> Server<'a> {
        let index = facts.index;
        let shapes = index.pod_shapes(&key.namespace).map(|(shape, _)| shape);
        let shapes: Vec<&Arc<PodShape>> = shapes.filter(|shape| shape.account == key.name).collect();
        let named =
            |name: &str| account.object.is_some_and(|(_, spec)| spec.hosts.services.iter().any(|of| of == name));
        let is_before = |service: &ServiceFact| {
            let selects = |shape: &&Arc<PodShape>| service.selector.iter().all(|(k, v)| shape.labels.get(k) == Some(v));
            !service.selector.is_empty() && shapes.iter().any(selects)
        };
        let services = index.services(&key.namespace).filter(|(name, service)| named(name) || is_before(service));
        Server { services: services.collect(), shapes }
    }

    /// The callers of these that reach the pods on a port that is not opened, in words.
    fn callers(&self, calling: &[&OutsideCaller], opened: &Ports) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for caller in calling {
            for port in self.called_ports(caller) {
                match port {
                    Some(port) if self.is_opened(&port, opened) => {}
                    Some(PortRef::Number(number)) => _ = found.insert(format!("{caller} (port {number})")),
                    Some(PortRef::Name(name)) => _ = found.insert(format!("{caller} (port {name})")),
                    None => _ = found.insert(caller.to_string()),
                }
            }
        }
        found
    }

    /// The ports of the pods that a caller calls: nothing where it calls others, `None` for a port that is not known.
    fn called_ports(&self, caller: &OutsideCaller) -> Vec<Option<PortRef>> {
        let of_service = |service: &ServiceFact| match &caller.port {
            Some(CallerPort::OfService(port)) => service.pod_port(port).cloned(),
            Some(CallerPort::OfPods(port)) => Some(port.clone()),
            None => None,
        };
        match &caller.target {
            CallerTarget::Service { name, .. } => {
                self.services.get(&**name).map(|service| of_service(service)).into_iter().collect()
            }
            CallerTarget::Services(_, selector) => {
                let selected = self.services.values().filter(|service| matches(selector, &service.labels));
                selected.map(|service| of_service(service)).collect()
            }
            CallerTarget::Pods(_, selector) => {
                let called = self.shapes.iter().any(|shape| matches(selector, &shape.labels));
                let port =
                    caller.port.as_ref().map(|(CallerPort::OfService(port) | CallerPort::OfPods(port))| port.clone());
                called.then_some(port).into_iter().collect()
            }
        }
    }

    /// Whether a port is among those that are opened, by its name or by its number.
    fn is_opened(&self, port: &PortRef, opened: &Ports) -> bool {
        let numbers = self.numbers(port);
        opened.iter().any(|open| match &open.port {
            PortRef::Number(first) => {
                let covered = |number: &u16| (*first..=open.end.unwrap_or(*first)).contains(number);
                !numbers.is_empty() && numbers.iter().all(covered)
            }
            PortRef::Name(_) => {
                open.port == *port || (!numbers.is_empty() && numbers.is_subset(&self.numbers(&open.port)))
            }
        })
    }

    fn numbers(&self, port: &PortRef) -> BTreeSet<u16> {
        match port {
            PortRef::Number(number) => [*number].into(),
            PortRef::Name(name) => {
                let ports = self.shapes.iter().flat_map(|shape| &shape.ports);
                ports.filter(|(of, _, _)| of == name).map(|(_, number, _)| *number).collect()
            }
        }
    }
}
