//! The index, fed with objects as the API server writes them.

use super::facts::Fact;
use super::*;
use kennel_core::accounts::Role;
use kennel_core::enrolment::{AccountCredentials, ClusterView};
use kennel_core::pods::{PodRef, PodState, Pods};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

struct Cluster(SharedIndex);

fn fact<F: Fact>(object: Value) -> Change<F>
where
    F::Object: DeserializeOwned,
{
    let (key, fact) = F::of(serde_json::from_value(object).unwrap()).unwrap();
    Change::Put(key, fact)
}

fn meta(namespace: &str, name: &str) -> Value {
    json!({ "namespace": namespace, "name": name, "uid": format!("uid-of-{name}"), "creationTimestamp": "2026-01-01T00:00:10Z" })
}

fn account(namespace: &str, name: &str) -> Event {
    Event::Account(fact(json!({ "metadata": meta(namespace, name) })))
}

fn service(namespace: &str, name: &str) -> Event {
    Event::Service(fact(json!({ "metadata": meta(namespace, name) })))
}

fn namespace(name: &str, enrolled: bool) -> Event {
    let labels = if enrolled { json!({ "kennel.dev/enroll": "true" }) } else { json!({}) };
    Event::Namespace(fact(json!({ "metadata": { "name": name, "uid": "u", "labels": labels } })))
}

fn realm(name: &str, created: &str, spec: Value) -> Event {
    let mut whole =
        json!({ "realmName": "R", "namespaceSelector": { "matchLabels": { "kennel.dev/enroll": "true" } } });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let metadata = json!({ "name": name, "uid": name, "creationTimestamp": created });
    Event::Realm(fact(
        json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosRealm", "metadata": metadata, "spec": whole }),
    ))
}

fn principal_created(namespace: &str, name: &str, created: &str, spec: Value) -> Event {
    let mut whole = json!({ "serviceAccountName": name });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let mut metadata = meta(namespace, name);
    metadata["creationTimestamp"] = json!(created);
    Event::Principal(fact(
        json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosPrincipal", "metadata": metadata, "spec": whole }),
    ))
}

fn principal(namespace: &str, name: &str, spec: Value) -> Event {
    principal_created(namespace, name, "2026-01-01T00:00:10Z", spec)
}

fn pod(name: &str, account: &str, set: Option<&str>) -> Event {
    let mut metadata = meta("shop", name);
    if let Some(set) = set {
        metadata["ownerReferences"] =
            json!([{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": "u", "controller": true }]);
    }
    Event::Pod(fact(json!({ "metadata": metadata, "spec": { "serviceAccountName": account, "containers": [] } })))
}

fn set(name: &str, service: &str, replicas: u32) -> Event {
    let spec = json!({ "serviceName": service, "replicas": replicas, "selector": {}, "template": {} });
    Event::StatefulSet(fact(json!({ "metadata": meta("shop", name), "spec": spec })))
}

impl Cluster {
    /// The namespace `shop` with the accounts `web` and `cart`, and the Service `web`.
    fn shop() -> Cluster {
        let cluster = Cluster(SharedIndex::new(Index::new("R")));
        cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({})), namespace("shop", true)]);
        cluster.after([account("shop", "web"), account("shop", "cart"), service("shop", "web")]);
        cluster
    }

    fn after(&self, events: impl IntoIterator<Item = Event>) -> Settled {
        self.0.apply(events);
        self.0.settle()
    }

    fn names(&self) -> Vec<String> {
        self.0.read().wanted().map(ToString::to_string).collect()
    }

    fn problems(&self, namespace: &str, name: &str) -> Vec<Problem> {
        self.0.read().namespace(namespace).unwrap().outcomes[name].problems.clone()
    }

    fn reasons(&self, namespace: &str, name: &str) -> Vec<&'static str> {
        self.problems(namespace, name).iter().map(|problem| problem.reason).collect()
    }
}

fn web_services() -> Value {
    json!({ "services": ["HTTP"], "hosts": { "services": ["web"] } })
}

#[test]
fn accounts_of_enrolled_namespaces_are_clients_without_keys() {
    let cluster = Cluster::shop();
    cluster.after([namespace("other", false), account("other", "spy")]);
    assert_eq!(cluster.names(), ["cart.shop@R", "web.shop@R"]);
    let index = cluster.0.read();
    let web = index.desired(&crate::names::client("web", "shop", "R")).unwrap();
    assert_eq!((web.role, web.keys, web.owner.to_string()), (Role::Client, false, "uid-of-web".to_owned()));
}

#[test]
fn a_settling_says_what_changed_and_nothing_else() {
    let cluster = Cluster::shop();
    let settled = cluster.after([account("shop", "batch")]);
    let names: Vec<_> = settled.principals.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["batch.shop@R"]);
    assert!(cluster.after([account("shop", "batch")]).is_empty());
    let settled = cluster.after([Event::Account(Change::Gone(("shop".into(), "batch".into())))]);
    assert_eq!(settled.principals.len(), 1);
    assert_eq!(cluster.names().len(), 2);
}

#[test]
fn a_namespace_that_loses_its_label_or_ends_loses_its_principals() {
    let cluster = Cluster::shop();
    assert_eq!(cluster.after([namespace("shop", false)]).principals.len(), 2);
    assert!(cluster.names().is_empty());
    cluster.after([namespace("shop", true)]);
    assert_eq!(cluster.names().len(), 2);
    let ending = json!({ "metadata": { "name": "shop", "uid": "u", "labels": { "kennel.dev/enroll": "true" }, "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    cluster.after([Event::Namespace(fact(ending))]);
    assert!(cluster.names().is_empty());
}

#[test]
fn a_kerberos_principal_gives_services_of_its_namespace_with_their_shorter_forms() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", web_services())]);
    assert_eq!(cluster.names(), ["HTTP/web.shop.svc.cluster.local@R", "cart.shop@R", "web.shop@R"]);
    let index = cluster.0.read();
    let aliases: Vec<_> = index.wanted_aliases().map(ToString::to_string).collect();
    assert_eq!(aliases, ["HTTP/web.shop@R", "HTTP/web.shop.svc@R"]);
    let desired = index.desired(&crate::names::service("HTTP", "web.shop.svc.cluster.local", "R")).unwrap();
    assert_eq!(
        (desired.role, desired.keys, desired.owner.to_string()),
        (Role::Service, true, "uid-of-web/uid-of-web".to_owned())
    );
    assert!(index.namespace("shop").unwrap().outcomes["web"].problems.is_empty());
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let cluster = Cluster::shop();
    let spec = json!({ "services": ["HTTP"], "hosts": { "services": ["web", "gone"], "statefulSetPods": ["none"], "aliases": ["web.example.com"] } });
    cluster.after([principal("shop", "web", spec), principal("shop", "ghost", json!({}))]);
    assert_eq!(cluster.reasons("shop", "web"), ["ServiceNotFound", "StatefulSetNotFound", "AliasNotAllowed"]);
    assert_eq!(cluster.reasons("shop", "ghost"), ["AccountNotFound"]);
    assert!(cluster.problems("shop", "web")[0].message.contains("no Service gone in namespace shop: create it"));
    assert_eq!(cluster.names().len(), 3, "what can be had is had");
    cluster.after([service("shop", "gone"), account("shop", "ghost")]);
    assert_eq!(cluster.reasons("shop", "web"), ["StatefulSetNotFound", "AliasNotAllowed"]);
}

#[test]
fn an_alias_follows_the_realm_s_policy() {
    let cluster = Cluster::shop();
    let policy = json!({ "aliasPolicy": [{ "namespaces": ["shop"], "domains": ["*.example.com", "*.other.svc.cluster.local"] }] });
    cluster.after([realm("r", "2026-01-01T00:00:00Z", policy)]);
    let spec = json!({ "services": ["HTTP"], "hosts": { "services": ["web"], "aliases": ["web.example.com", "web.other.svc.cluster.local"] } });
    cluster.after([principal("shop", "web", spec)]);
    let index = cluster.0.read();
    let alias = crate::names::service("HTTP", "web.example.com", "R");
    assert_eq!(index.alias_target(&alias).unwrap().to_string(), "HTTP/web.shop.svc.cluster.local@R");
    drop(index);
    assert_eq!(cluster.reasons("shop", "web"), ["AliasNotAllowed"], "no policy hands out another namespace's Services");
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({}))]);
    assert_eq!(cluster.0.read().alias_target(&alias), None);
}

#[test]
fn the_later_claim_is_refused_with_both_names_until_the_first_is_gone() {
    let cluster = Cluster::shop();
    let old = principal_created("shop", "web", "2026-01-01T00:00:01Z", web_services());
    let young = principal_created("shop", "cart", "2026-01-01T00:00:02Z", web_services());
    cluster.after([young, old]);
    assert!(cluster.reasons("shop", "web").is_empty());
    let problems = cluster.problems("shop", "cart");
    assert_eq!(problems[0].reason, "NameTaken");
    assert!(problems[0].message.contains("shop/web") && problems[0].message.contains("shop/cart"), "{problems:?}");
    cluster.after([Event::Principal(Change::Gone(("shop".into(), "web".into())))]);
    assert!(cluster.reasons("shop", "cart").is_empty());
}

#[test]
fn a_name_of_two_namespaces_moves_when_its_first_owner_goes() {
    let cluster = Cluster::shop();
    let policy = json!({ "aliasPolicy": [{ "namespaces": ["shop", "b"], "domains": ["*.example.com"] }] });
    cluster.after([realm("r", "2026-01-01T00:00:00Z", policy), namespace("b", true), account("b", "b")]);
    let spec = json!({ "services": ["HTTP"], "hosts": { "aliases": ["x.example.com"] } });
    let name = crate::names::service("HTTP", "x.example.com", "R");
    cluster.after([principal_created("b", "b", "2026-01-01T00:00:02Z", spec.clone())]);
    assert_eq!(cluster.0.read().wanted_by(&name), Some("b"));
    cluster.after([principal_created("shop", "web", "2026-01-01T00:00:01Z", spec)]);
    assert_eq!(cluster.0.read().wanted_by(&name), Some("shop"));
    assert_eq!(cluster.reasons("b", "b"), ["NameTaken"]);
    let settled = cluster.after([Event::Principal(Change::Gone(("shop".into(), "web".into())))]);
    assert!(settled.principals.contains(&name));
    assert_eq!(cluster.0.read().wanted_by(&name), Some("b"));
}

#[test]
fn each_pod_of_a_stateful_set_gets_its_own_keys_and_no_other() {
    let cluster = Cluster::shop();
    let spec = json!({ "services": ["kafka"], "hosts": { "statefulSetPods": ["kafka"] } });
    cluster.after([service("shop", "kafka"), set("kafka", "kafka", 2), account("shop", "kafka")]);
    cluster.after([
        principal("shop", "kafka", spec),
        pod("kafka-1", "kafka", Some("kafka")),
        pod("kafka-9", "kafka", None),
    ]);
    let names = cluster.names();
    assert!(names.contains(&"kafka/kafka-0.kafka.shop.svc.cluster.local@R".to_owned()), "{names:?}");
    let services = |pod: &str| {
        let entitlement = cluster.0.read().entitlement("shop", "kafka", pod).unwrap();
        entitlement.services.iter().map(|service| service.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(services("kafka-1"), ["kafka/kafka-1.kafka.shop.svc.cluster.local@R"]);
    assert!(services("kafka-9").is_empty(), "a pod of that form that no StatefulSet owns");
    cluster.after([pod("kafka-0", "kafka", None)]);
    assert!(services("kafka-0").is_empty(), "a pod of the right name that no StatefulSet owns");
    cluster.after([set("kafka", "kafka", 1)]);
    assert!(!cluster.names().iter().any(|name| name.contains("kafka-1")), "scaled down");
}

#[test]
fn credentials_are_the_realm_s_unless_the_principal_says_otherwise() {
    let cluster = Cluster::shop();
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "credentials": "Both" }))]);
    cluster.after([principal("shop", "web", json!({ "credentials": "Ticket" }))]);
    let of = |account: &str| cluster.0.read().entitlement("shop", account, "x").unwrap().credentials;
    assert_eq!((of("web"), of("cart")), (AccountCredentials::Ticket, AccountCredentials::Both));
    let index = cluster.0.read();
    let keys = |account: &str| index.desired(&crate::names::client(account, "shop", "R")).unwrap().keys;
    assert_eq!((keys("web"), keys("cart")), (false, true));
    let own = |cluster: &Cluster| cluster.0.read().namespace("shop").unwrap().outcomes["web"].client.clone();
    assert_eq!(own(&cluster), None);
    drop(index);
    cluster.after([principal("shop", "web", json!({ "credentials": "Keytab" }))]);
    assert_eq!(own(&cluster), Some(crate::names::client("web", "shop", "R")));
}

#[test]
fn of_two_realm_objects_of_one_name_the_older_counts() {
    let cluster = Cluster::shop();
    cluster.after([realm("a", "2025-01-01T00:00:00Z", json!({ "clusterDomain": "older" }))]);
    assert_eq!(cluster.0.read().followed_realm().unwrap().spec.cluster_domain, "older");
    cluster.after([Event::Realm(Change::Gone((String::new(), "a".into())))]);
    assert_eq!(cluster.0.read().followed_realm().unwrap().spec.cluster_domain, "cluster.local");
    cluster.after([Event::Realm(Change::Gone((String::new(), "r".into())))]);
    assert!(cluster.names().is_empty());
}

#[test]
fn an_object_that_cannot_be_read_has_no_effect_and_says_so() {
    let cluster = Cluster::shop();
    let torn = json!({ "metadata": meta("shop", "web"), "spec": { "serviceAccountName": "web", "services": "HTTP" } });
    cluster.after([Event::Principal(fact(torn))]);
    assert_eq!(cluster.reasons("shop", "web"), ["Malformed"]);
    assert_eq!(cluster.names(), ["cart.shop@R", "web.shop@R"]);
}

#[test]
fn a_principal_of_a_namespace_that_is_not_enrolled_says_which_label_it_needs() {
    let cluster = Cluster::shop();
    cluster.after([namespace("other", false), principal("other", "web", web_services())]);
    let problems = cluster.problems("other", "web");
    assert_eq!(problems[0].reason, "NamespaceNotEnrolled");
    assert!(problems[0].message.contains("kennel.dev/enroll=true"), "{problems:?}");
}

#[test]
fn a_pod_is_unknown_before_the_first_listing_and_gone_after_it() {
    let cluster = Cluster::shop();
    let of = |uid: &str| PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: uid.into() };
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Unknown);
    cluster.0.apply([Event::Pod(Change::Listing), Event::Pod(Change::ListingEnds)]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Gone);
    cluster.0.apply([pod("cart-1", "cart", None)]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Live);
    assert_eq!(cluster.0.state(&of("older")), PodState::Gone);
    let ended =
        json!({ "metadata": meta("shop", "cart-1"), "spec": { "containers": [] }, "status": { "phase": "Failed" } });
    cluster.0.apply([Event::Pod(fact(ended))]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Gone);
}

#[test]
fn missed_events_are_made_good_by_the_next_listing() {
    let cluster = Cluster::shop();
    let (key, web) =
        AccountFact::of(serde_json::from_value(json!({ "metadata": meta("shop", "web") })).unwrap()).unwrap();
    let listing = [Change::Listing, Change::Listed(key, web), Change::ListingEnds].map(Event::Account);
    let settled = cluster.after(listing);
    assert_eq!(settled.principals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cart.shop@R"]);
    assert_eq!(cluster.names(), ["web.shop@R"]);
}

#[test]
fn a_class_of_the_kdc_is_refused_even_where_the_schema_let_it_in() {
    let cluster = Cluster::shop();
    let spec = json!({ "services": ["krbtgt", "HTTP"], "hosts": { "services": ["web"] } });
    cluster.after([principal("shop", "web", spec)]);
    assert_eq!(cluster.reasons("shop", "web"), ["ServiceClassRefused"]);
    assert!(cluster.names().iter().all(|name| !name.contains("krbtgt")));
}

#[test]
fn a_pod_is_new_once_and_not_where_a_listing_tells_of_it() {
    let cluster = Cluster::shop();
    let first = [pod("cart-1", "cart", None)];
    let created = cluster.0.new_pods(&first);
    assert_eq!(created.len(), 1);
    cluster.after(first);
    assert!(cluster.0.new_pods(&[pod("cart-1", "cart", None)]).is_empty(), "a change of it");
    let Event::Pod(Change::Put(key, fact)) = pod("cart-2", "cart", None) else { panic!("no pod") };
    assert!(cluster.0.new_pods(&[Event::Pod(Change::Listed(key.clone(), fact.clone()))]).is_empty());
    let unknown = PodFact { created: 0, ..fact };
    assert!(cluster.0.new_pods(&[Event::Pod(Change::Put(key, unknown))]).is_empty(), "nobody knows when");
}
