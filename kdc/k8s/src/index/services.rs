//! The names that a KerberosPrincipal asks for, and what is wrong with those that it cannot have.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::crd::realm_names::ShortForms;
use crate::index::budget::{Demand, Grant, Seniority};
use crate::index::host_owner::{HostOwner, NameRules};
use crate::index::set_pods::SetPods;
use crate::index::tables::Tables;
use crate::names::{ClusterHost, is_service_class, service_principal};
use crate::problem::Problem;
use kennel_wire::message::Principal;
use std::collections::{BTreeMap, BTreeSet};

/// A service principal that an object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestedService {
    /// The principal's own name.
    pub(super) name: Principal,
    /// Its other names.
    pub(super) aliases: Vec<Principal>,
    /// The only pod that gets the keys; without it, every pod of the account gets them.
    pub(super) pod: Option<SetPod>,
}

/// A pod of a StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetPod {
    /// Name of the StatefulSet.
    pub(super) set: String,
    /// The pod's number in it.
    pub(super) ordinal: u32,
}

impl SetPod {
    /// The pod's name: `kafka-7`.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.set, self.ordinal)
    }
}

/// What an object asks for, and what nobody could have.
#[derive(Debug, Default)]
pub(super) struct PrincipalRequest {
    pub(super) services: Vec<RequestedService>,
    /// Hosts of the alias policy, which other namespaces may ask for too.
    pub(super) policy_hosts: BTreeSet<String>,
    /// Short names that its Services and pods do not get.
    pub(super) withheld: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
}

/// What decides the request of an object.
#[derive(Clone, Copy)]
pub(super) struct RequestFacts<'a> {
    pub(super) namespace: &'a str,
    pub(super) realm: &'a KerberosRealm,
    pub(super) rules: NameRules<'a>,
    pub(super) tables: &'a Tables,
    /// Pods of the StatefulSets that objects of the namespace name.
    pub(super) pods: &'a SetPods,
}

/// A host that services run on.
struct Place {
    host: String,
    short: Vec<String>,
    pod: Option<SetPod>,
}

/// The StatefulSets of an object, each once.
pub(super) fn named_sets(object: &KerberosPrincipal) -> BTreeSet<&str> {
    object.spec.hosts.stateful_sets.iter().map(String::as_str).collect()
}

/// Counts what an object asks for; `None` for an object without service classes.
pub(super) fn demand<'a>(object: &KerberosPrincipal, seniority: Seniority<'a>, pods: &SetPods) -> Option<Demand<'a>> {
    let (classes, hosts) = (object.spec.service_classes.len(), &object.spec.hosts);
    let demand = Demand {
        seniority,
        classes,
        hosts: distinct(&hosts.services).len() + distinct(&hosts.aliases).len(),
        pods: named_sets(object).into_iter().map(|set| pods.count(set)).sum(),
    };
    (classes > 0).then_some(demand)
}

/// Returns what a KerberosPrincipal asks for within its grant: every service class on every host.
pub(super) fn request(object: &KerberosPrincipal, grant: Grant, facts: RequestFacts<'_>) -> PrincipalRequest {
    let mut request = PrincipalRequest::default();
    let places = places(object, grant, facts, &mut request);
    for class in &object.spec.service_classes {
        if !is_service_class(class) {
            request.problems.push(Problem::ServiceClassRefused { class: class.clone() });
            continue;
        }
        let name = |host: &String| service_principal(class, host, &facts.realm.spec.realm_name);
        request.services.extend(places.iter().map(|place| RequestedService {
            name: name(&place.host),
            aliases: place.short.iter().map(name).collect(),
            pod: place.pod.clone(),
        }));
    }
    request
}

/// The hosts of an object. An alias becomes another name of the first host that is no single pod's; without such a host, it
/// is a host itself.
fn places(
    object: &KerberosPrincipal,
    grant: Grant,
    facts: RequestFacts<'_>,
    request: &mut PrincipalRequest,
) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let services = distinct(&object.spec.hosts.services);
    for service in services.iter().take(grant.hosts) {
        match facts.service_host(service) {
            Ok(host) => places.push(facts.place(host, None, &mut request.withheld)),
            Err(problem) => request.problems.push(problem),
        }
    }
    let governing = governing_services(object, facts, request);
    for alias in distinct(&object.spec.hosts.aliases).into_iter().take(grant.hosts.saturating_sub(services.len())) {
        if let Err(problem) = facts.check_alias(alias) {
            request.problems.push(problem);
            continue;
        }
        request.policy_hosts.insert(alias.to_owned());
        match places.first_mut() {
            Some(first) => first.short.push(alias.to_owned()),
            None => places.push(Place { host: alias.to_owned(), short: Vec::new(), pod: None }),
        }
    }
    places.extend(pod_places(&governing, grant, facts, request));
    places
}

/// The Service of each StatefulSet of an object, by the StatefulSet.
fn governing_services<'o>(
    object: &'o KerberosPrincipal,
    facts: RequestFacts<'o>,
    request: &mut PrincipalRequest,
) -> BTreeMap<&'o str, &'o str> {
    let mut services = BTreeMap::new();
    for set in named_sets(object) {
        match facts.governing_service(set) {
            Ok(service) => _ = services.insert(set, service),
            Err(problem) => request.problems.push(problem),
        }
    }
    services
}

fn pod_places(
    services: &BTreeMap<&str, &str>,
    grant: Grant,
    facts: RequestFacts<'_>,
    request: &mut PrincipalRequest,
) -> Vec<Place> {
    let place = |(ordinal, set): (u32, &str)| {
        let pod = SetPod { set: set.to_owned(), ordinal };
        let domain = facts.realm.spec.cluster_domain();
        let host = ClusterHost::of_pod(&pod.name(), services.get(set)?, facts.namespace, domain);
        Some(facts.place(host, Some(pod), &mut request.withheld))
    };
    facts.pods.first(services.keys().copied(), grant.pods).into_iter().filter_map(place).collect()
}

impl<'a> RequestFacts<'a> {
    fn service_host(&self, service: &str) -> Result<ClusterHost, Problem> {
        if service.contains('.') || self.tables.services.get(self.namespace, service).is_none() {
            return Err(Problem::ServiceNotFound { service: service.to_owned(), namespace: self.namespace.to_owned() });
        }
        Ok(ClusterHost::of_service(service, self.namespace, self.realm.spec.cluster_domain()))
    }

    /// The Service that the pods of a StatefulSet have their names from.
    fn governing_service(&self, set: &str) -> Result<&'a str, Problem> {
        let (stateful_set, namespace) = (set.to_owned(), self.namespace.to_owned());
        let found = self.tables.stateful_sets.get(self.namespace, set).filter(|_| !set.contains('.'));
        let Some(found) = found else {
            return Err(Problem::StatefulSetNotFound { stateful_set, namespace });
        };
        let service = &*found.service;
        if service.is_empty() || self.tables.services.get(self.namespace, service).is_none() {
            return Err(Problem::GoverningServiceNotFound { stateful_set, service: service.to_owned(), namespace });
        }
        Ok(service)
    }

    /// A host with those of its short names that belong to this namespace.
    fn place(&self, host: ClusterHost, pod: Option<SetPod>, withheld: &mut BTreeSet<String>) -> Place {
        let is_ours = |name: &String| self.rules.owner(name) == HostOwner::Namespace(self.namespace);
        let (short, others): (Vec<String>, Vec<String>) = host.short.into_iter().partition(is_ours);
        // A name that the realm gives to nobody is missed by nobody.
        let is_missed = |name: &String| self.realm.spec.short_forms() == ShortForms::All || name.ends_with(".svc");
        withheld.extend(others.into_iter().filter(is_missed));
        Place { host: host.name, short, pod }
    }

    fn policy_allows(&self, alias: &str) -> bool {
        let known = self.tables.namespaces.get("", self.namespace);
        known.is_some_and(|fact| self.rules.policy_allows(self.namespace, &fact.labels, alias))
    }

    fn check_alias(&self, alias: &str) -> Result<(), Problem> {
        match self.rules.owner(alias) {
            HostOwner::AliasPolicy if self.policy_allows(alias) => Ok(()),
            _ if self.rules.is_of_cluster(alias) => Err(Problem::AliasIsClusterName { alias: alias.to_owned() }),
            _ => Err(Problem::AliasNotAllowed {
                alias: alias.to_owned(),
                namespace: self.namespace.to_owned(),
                realm: self.realm.metadata.name.clone().unwrap_or_default(),
            }),
        }
    }
}

/// The names of a list, each once, in the order of the list.
fn distinct(names: &[String]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    names.iter().map(String::as_str).filter(|name| seen.insert(*name)).collect()
}
