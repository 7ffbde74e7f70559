//! What a KerberosPrincipal asks for: its names, and what is wrong with those that it cannot have.

use super::Tables;
use crate::crd::{KerberosPrincipal, KerberosRealm};
use crate::names::{self, Host};
use kennel_wire::message::Principal;

/// Most pods of a StatefulSet that get principals of their own.
const MOST_PODS: u32 = 1000;

/// Why an object, or a part of it, has no effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// For machines, in CamelCase: the reason of a condition.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// A service principal that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its name.
    pub(super) name: Principal,
    /// Its other names.
    pub(super) aliases: Vec<Principal>,
    /// The pod that alone gets its keys; every pod of the account otherwise.
    pub(super) pod: Option<(String, String)>,
}

/// What is asked for, and what cannot be had whoever asks.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) wanted: Vec<Wanted>,
    pub(super) problems: Vec<Problem>,
}

/// A host that services are on.
struct Place {
    host: String,
    short: Vec<String>,
    pod: Option<(String, String)>,
}

/// What a KerberosPrincipal of this namespace asks for.
pub(super) fn request(object: &KerberosPrincipal, namespace: &str, realm: &KerberosRealm, tables: &Tables) -> Request {
    let mut request = Request::default();
    let mut places = Vec::new();
    let domain = &realm.spec.cluster_domain;
    for service in &object.spec.hosts.services {
        match service_place(service, namespace, domain, tables) {
            Ok(place) => places.push(place),
            Err(problem) => request.problems.push(problem),
        }
    }
    for set in &object.spec.hosts.stateful_set_pods {
        match pod_places(set, namespace, domain, tables) {
            Ok(more) => places.extend(more),
            Err(problem) => request.problems.push(problem),
        }
    }
    for alias in &object.spec.hosts.aliases {
        if !may_have(realm, namespace, alias) {
            request.problems.push(alias_refused(alias, namespace, realm));
        } else if let Some(first) = places.iter_mut().find(|place| place.pod.is_none()) {
            first.short.push(alias.clone());
        } else {
            places.push(Place { host: alias.clone(), short: Vec::new(), pod: None });
        }
    }
    for class in &object.spec.services {
        if !names::is_service_class(class) {
            request.problems.push(Problem {
                reason: "ServiceClassRefused",
                message: format!("{class:?} cannot be a service class: use letters, digits, dashes and underscores, and none of the KDC's own (krbtgt, kadmin, K, WELLKNOWN)"),
            });
            continue;
        }
        let name = |host: &String| names::service(class, host, &realm.spec.realm_name);
        request.wanted.extend(places.iter().map(|place| Wanted {
            name: name(&place.host),
            aliases: place.short.iter().map(name).collect(),
            pod: place.pod.clone(),
        }));
    }
    request
}

fn service_place(service: &str, namespace: &str, domain: &str, tables: &Tables) -> Result<Place, Problem> {
    if service.contains('.') || tables.services.get(namespace, service).is_none() {
        return Err(Problem {
            reason: "ServiceNotFound",
            message: format!(
                "there is no Service {service} in namespace {namespace}: create it, or take it out of spec.hosts.services"
            ),
        });
    }
    let Host { name, short } = Host::of_service(service, namespace, domain);
    Ok(Place { host: name, short: short.into(), pod: None })
}

fn pod_places(set: &str, namespace: &str, domain: &str, tables: &Tables) -> Result<Vec<Place>, Problem> {
    let found = tables.stateful_sets.get(namespace, set).ok_or_else(|| Problem {
        reason: "StatefulSetNotFound",
        message: format!("there is no StatefulSet {set} in namespace {namespace}: create it, or take it out of spec.hosts.statefulSetPods"),
    })?;
    let service = &found.service;
    if service.is_empty() || tables.services.get(namespace, service).is_none() {
        return Err(Problem {
            reason: "ServiceNotFound",
            message: format!(
                "the pods of StatefulSet {set} have no names: its spec.serviceName {service:?} has to be a headless Service of namespace {namespace}"
            ),
        });
    }
    let ordinals = found.start..found.start.saturating_add(found.replicas.min(MOST_PODS));
    let place = |ordinal| {
        let pod = format!("{set}-{ordinal}");
        let Host { name, short } = Host::of_pod(&pod, service, namespace, domain);
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
                && rule.domains.iter().any(|domain| names::domain_holds(domain, alias))
        })
}

fn alias_refused(alias: &str, namespace: &str, realm: &KerberosRealm) -> Problem {
    let object = realm.metadata.name.as_deref().unwrap_or_default();
    Problem {
        reason: "AliasNotAllowed",
        message: format!(
            "namespace {namespace} may not have the name {alias}: spec.aliasPolicy of KerberosRealm {object} does not list it"
        ),
    }
}
