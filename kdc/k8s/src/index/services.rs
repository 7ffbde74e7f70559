//! The names that a KerberosPrincipal asks for, and what is wrong with those that it cannot have.

use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::index::tables::Tables;
use crate::names::{ClusterHost, domain_covers, is_service_class, service_principal};
use crate::problem::Problem;
use kennel_wire::message::Principal;

/// Most pods of one StatefulSet that get principals of their own.
const MOST_PODS: u32 = 1000;

/// A service principal that an object asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequestedService {
    /// The principal's own name.
    pub(super) name: Principal,
    /// Its other names.
    pub(super) aliases: Vec<Principal>,
    /// StatefulSet and name of the only pod that gets the keys; without it, every pod of the account gets them.
    pub(super) pod: Option<(String, String)>,
}

/// What an object asks for, and what nobody could have.
#[derive(Debug, Default)]
pub(super) struct PrincipalRequest {
    pub(super) services: Vec<RequestedService>,
    pub(super) problems: Vec<Problem>,
}

/// A host that services run on.
struct Place {
    host: String,
    short: Vec<String>,
    pod: Option<(String, String)>,
}

/// Returns what a KerberosPrincipal of this namespace asks for: every service class on every host.
pub(super) fn request(
    object: &KerberosPrincipal,
    namespace: &str,
    realm: &KerberosRealm,
    tables: &Tables,
) -> PrincipalRequest {
    let mut request = PrincipalRequest::default();
    let places = places(object, namespace, realm, tables, &mut request.problems);
    for class in &object.spec.services {
        if !is_service_class(class) {
            request.problems.push(Problem::ServiceClassRefused { class: class.clone() });
            continue;
        }
        let name = |host: &String| service_principal(class, host, &realm.spec.realm_name);
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
    namespace: &str,
    realm: &KerberosRealm,
    tables: &Tables,
    problems: &mut Vec<Problem>,
) -> Vec<Place> {
    let mut places = Vec::new();
    let domain = &realm.spec.cluster_domain;
    for service in &object.spec.hosts.services {
        match service_place(service, namespace, domain, tables) {
            Ok(place) => places.push(place),
            Err(problem) => problems.push(problem),
        }
    }
    for set in &object.spec.hosts.stateful_set_pods {
        match pod_places(set, namespace, domain, tables) {
            Ok(more) => places.extend(more),
            Err(problem) => problems.push(problem),
        }
    }
    for alias in &object.spec.hosts.aliases {
        if !may_have(realm, namespace, alias) {
            problems.push(alias_refused(alias, namespace, realm));
        } else if let Some(first) = places.iter_mut().find(|place| place.pod.is_none()) {
            first.short.push(alias.clone());
        } else {
            places.push(Place { host: alias.clone(), short: Vec::new(), pod: None });
        }
    }
    places
}

fn service_place(service: &str, namespace: &str, domain: &str, tables: &Tables) -> Result<Place, Problem> {
    if service.contains('.') || tables.services.get(namespace, service).is_none() {
        return Err(Problem::ServiceNotFound { service: service.to_owned(), namespace: namespace.to_owned() });
    }
    let ClusterHost { name, short } = ClusterHost::of_service(service, namespace, domain);
    Ok(Place { host: name, short: short.into(), pod: None })
}

fn pod_places(set: &str, namespace: &str, domain: &str, tables: &Tables) -> Result<Vec<Place>, Problem> {
    let (stateful_set, in_namespace) = (set.to_owned(), namespace.to_owned());
    let Some(found) = tables.stateful_sets.get(namespace, set) else {
        return Err(Problem::StatefulSetNotFound { stateful_set, namespace: in_namespace });
    };
    let service = &found.service;
    if service.is_empty() || tables.services.get(namespace, service).is_none() {
        let service = service.clone();
        return Err(Problem::GoverningServiceNotFound { stateful_set, service, namespace: in_namespace });
    }
    let ordinals = found.start..found.start.saturating_add(found.replicas.min(MOST_PODS));
    let place = |ordinal| {
        let pod = format!("{set}-{ordinal}");
        let ClusterHost { name, short } = ClusterHost::of_pod(&pod, service, namespace, domain);
        Place { host: name, short: short.into(), pod: Some((set.to_owned(), pod)) }
    };
    Ok(ordinals.map(place).collect())
}

fn may_have(realm: &KerberosRealm, namespace: &str, alias: &str) -> bool {
    let inside = format!(".{}", realm.spec.cluster_domain);
    // A policy cannot hand out another namespace's Services.
    !alias.ends_with(&inside)
        && realm.spec.alias_policy.iter().any(|rule| {
            rule.namespaces.iter().any(|allowed| allowed == namespace)
                && rule.domains.iter().any(|domain| domain_covers(domain, alias))
        })
}

fn alias_refused(alias: &str, namespace: &str, realm: &KerberosRealm) -> Problem {
    let realm = realm.metadata.name.clone().unwrap_or_default();
    Problem::AliasNotAllowed { alias: alias.to_owned(), namespace: namespace.to_owned(), realm }
}
