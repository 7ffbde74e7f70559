//! The index, fed with objects as the API server writes them.

mod budget;
mod names;
mod pods;
mod records;

use super::*;
use crate::index::facts::{AccountFact, Fact, PodFact};
use crate::index::surroundings::{KdcPods, Surroundings};
use crate::index::table::ObjectChange;
use crate::index::view::SharedIndex;
use crate::names::{client_principal, service_principal};
use crate::problem::Problem;
use kennel_core::accounts::Role;
use kennel_core::enrolment::{AccountCredentials, ClusterView};
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_core::realm::Realm;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

struct Cluster(SharedIndex);

fn fact<F: Fact>(object: Value) -> ObjectChange<F>
where
    F::Object: DeserializeOwned,
{
    let (key, fact) = F::from_object(serde_json::from_value(object).unwrap()).unwrap();
    ObjectChange::Put(key, fact)
}

fn meta(namespace: &str, name: &str) -> Value {
    json!({ "namespace": namespace, "name": name, "uid": format!("uid-of-{name}"), "creationTimestamp": "2026-01-01T00:00:10Z" })
}

fn account(namespace: &str, name: &str) -> ClusterEvent {
    ClusterEvent::Account(fact(json!({ "metadata": meta(namespace, name) })))
}

fn service(namespace: &str, name: &str) -> ClusterEvent {
    ClusterEvent::Service(fact(json!({ "metadata": meta(namespace, name) })))
}

fn namespace(name: &str, enrolled: bool) -> ClusterEvent {
    let labels = if enrolled { json!({ "kennel.dev/realm": "r" }) } else { json!({}) };
    ClusterEvent::Namespace(fact(json!({ "metadata": { "name": name, "uid": "u", "labels": labels } })))
}

fn realm(name: &str, created: &str, spec: Value) -> ClusterEvent {
    let mut whole = json!({ "realmName": "R", "namespaceSelector": { "matchLabels": { "kennel.dev/realm": "r" } } });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let metadata = json!({ "name": name, "uid": name, "creationTimestamp": created });
    ClusterEvent::realm(fact(
        json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosRealm", "metadata": metadata, "spec": whole }),
    ))
}

fn principal_created(namespace: &str, name: &str, created: &str, spec: Value) -> ClusterEvent {
    let mut whole = json!({ "serviceAccountName": name });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let mut metadata = meta(namespace, name);
    metadata["creationTimestamp"] = json!(created);
    ClusterEvent::principal(fact(
        json!({ "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosPrincipal", "metadata": metadata, "spec": whole }),
    ))
}

fn principal(namespace: &str, name: &str, spec: Value) -> ClusterEvent {
    principal_created(namespace, name, "2026-01-01T00:00:10Z", spec)
}

fn pod(name: &str, account: &str, set: Option<&str>) -> ClusterEvent {
    pod_of("shop", name, account, set.map(|set| (set, format!("uid-of-{set}"))))
}

/// A pod whose owner references name a StatefulSet, with its UID.
fn pod_of(namespace: &str, name: &str, account: &str, set: Option<(&str, String)>) -> ClusterEvent {
    let mut metadata = meta(namespace, name);
    if let Some((set, uid)) = set {
        metadata["ownerReferences"] =
            json!([{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": uid, "controller": true }]);
    }
    ClusterEvent::Pod(fact(
        json!({ "metadata": metadata, "spec": { "serviceAccountName": account, "containers": [] } }),
    ))
}

fn set(name: &str, service: &str, replicas: u32) -> ClusterEvent {
    set_of("shop", name, service, replicas)
}

fn set_of(namespace: &str, name: &str, service: &str, replicas: u32) -> ClusterEvent {
    let spec = json!({ "serviceName": service, "replicas": replicas, "selector": {}, "template": {} });
    ClusterEvent::StatefulSet(fact(json!({ "metadata": meta(namespace, name), "spec": spec })))
}

impl Cluster {
    fn empty() -> Cluster {
        Cluster(SharedIndex::new(Index::new(Realm::new("R"))))
    }

    /// The namespace `shop` with the accounts `web` and `cart`, and the Service `web`.
    fn shop() -> Cluster {
        let cluster = Cluster::empty();
        cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({})), namespace("shop", true)]);
        cluster.after([account("shop", "web"), account("shop", "cart"), service("shop", "web")]);
        cluster
    }

    fn after(&self, events: impl IntoIterator<Item = ClusterEvent>) -> IndexChanges {
        self.apply(events);
        self.0.write().settle()
    }

    fn apply(&self, events: impl IntoIterator<Item = ClusterEvent>) {
        let mut index = self.0.write();
        events.into_iter().for_each(|event| index.apply(event));
    }

    fn names(&self) -> Vec<String> {
        self.0.read().wanted().map(ToString::to_string).collect()
    }

    fn problems(&self, namespace: &str, name: &str) -> Vec<Problem> {
        self.0.read().namespace(namespace).unwrap().outcomes[name].problems.clone()
    }

    fn reasons(&self, namespace: &str, name: &str) -> Vec<&'static str> {
        self.problems(namespace, name).iter().map(Problem::reason).collect()
    }
}

fn web_services() -> Value {
    json!({ "serviceClasses": ["HTTP"], "hosts": { "services": ["web"] } })
}

#[test]
fn accounts_of_enrolled_namespaces_are_clients_without_keys() {
    let cluster = Cluster::shop();
    cluster.after([namespace("other", false), account("other", "spy")]);
    assert_eq!(cluster.names(), ["cart.shop@R", "web.shop@R"]);
    let index = cluster.0.read();
    let web = index.desired(&client_principal("web", "shop", "R")).unwrap();
    assert_eq!((web.role, web.keys, web.owner.to_string()), (Role::Client, false, "uid-of-web".to_owned()));
}

#[test]
fn a_settling_says_what_changed_and_nothing_else() {
    let cluster = Cluster::shop();
    let settled = cluster.after([account("shop", "batch")]);
    let names: Vec<_> = settled.principals.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["batch.shop@R"]);
    assert!(cluster.after([account("shop", "batch")]).is_empty());
    let settled = cluster.after([ClusterEvent::Account(ObjectChange::Gone(("shop".into(), "batch".into())))]);
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
    let ending = json!({ "metadata": { "name": "shop", "uid": "u", "labels": { "kennel.dev/realm": "r" }, "deletionTimestamp": "2026-01-01T00:00:00Z" } });
    cluster.after([ClusterEvent::Namespace(fact(ending))]);
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
    let desired = index.desired(&service_principal("HTTP", "web.shop.svc.cluster.local", "R")).unwrap();
    assert_eq!(
        (desired.role, desired.keys, desired.owner.to_string()),
        (Role::Service, true, "uid-of-web/uid-of-web".to_owned())
    );
    assert!(index.namespace("shop").unwrap().outcomes["web"].problems.is_empty());
}

#[test]
fn what_is_not_there_is_named_with_what_to_do() {
    let cluster = Cluster::shop();
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "services": ["web", "gone"], "statefulSets": ["none"], "aliases": ["web.example.com"] } });
    cluster.after([principal("shop", "web", spec), principal("shop", "ghost", json!({}))]);
    assert_eq!(cluster.reasons("shop", "web"), ["ServiceNotFound", "StatefulSetNotFound", "AliasNotAllowed"]);
    assert_eq!(cluster.reasons("shop", "ghost"), ["AccountNotFound"]);
    assert!(cluster.problems("shop", "web")[0].to_string().contains("no Service gone in namespace shop: create it"));
    assert_eq!(cluster.names().len(), 3, "what can be had is had");
    cluster.after([service("shop", "gone"), account("shop", "ghost")]);
    assert_eq!(cluster.reasons("shop", "web"), ["StatefulSetNotFound", "AliasNotAllowed"]);
}

#[test]
fn an_alias_follows_the_realm_s_policy() {
    let cluster = Cluster::shop();
    let policy = json!({ "aliasPolicy": [{ "name": "rule", "namespaces": ["shop"], "domains": ["*.example.com", "*.other.svc.cluster.local"] }] });
    cluster.after([realm("r", "2026-01-01T00:00:00Z", policy)]);
    let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "services": ["web"], "aliases": ["web.example.com", "web.other.svc.cluster.local"] } });
    cluster.after([principal("shop", "web", spec)]);
    let index = cluster.0.read();
    let alias = service_principal("HTTP", "web.example.com", "R");
    assert_eq!(index.alias_target(&alias).unwrap().to_string(), "HTTP/web.shop.svc.cluster.local@R");
    drop(index);
    assert_eq!(
        cluster.reasons("shop", "web"),
        ["AliasIsClusterName"],
        "no policy hands out another namespace's Services"
    );
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({}))]);
    assert_eq!(cluster.0.read().alias_target(&alias), None);
}

#[test]
fn credentials_are_the_realm_s_unless_the_principal_says_otherwise() {
    let cluster = Cluster::shop();
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "credentials": { "default": ["Ticket", "Keytab"] } }))]);
    cluster.after([principal("shop", "web", json!({ "credentials": ["Ticket"] }))]);
    let of = |account: &str| cluster.0.read().entitlement("shop", account, "x").unwrap().credentials;
    assert_eq!((of("web"), of("cart")), (AccountCredentials::Ticket, AccountCredentials::Both));
    let index = cluster.0.read();
    let keys = |account: &str| index.desired(&client_principal(account, "shop", "R")).unwrap().keys;
    assert_eq!((keys("web"), keys("cart")), (false, true));
    let own = |cluster: &Cluster| cluster.0.read().namespace("shop").unwrap().outcomes["web"].client.clone();
    assert_eq!(own(&cluster), None);
    drop(index);
    cluster.after([principal("shop", "web", json!({ "credentials": ["Keytab"] }))]);
    assert_eq!(own(&cluster), Some(client_principal("web", "shop", "R")));
}

#[test]
fn what_the_realm_does_not_allow_has_no_effect_and_is_a_problem_of_the_object() {
    let cluster = Cluster::shop();
    let of = |account: &str| cluster.0.read().entitlement("shop", account, "x").unwrap().credentials;
    cluster.after([principal("shop", "web", json!({ "credentials": ["Ticket", "Keytab"] }))]);
    cluster.after([principal("shop", "cart", json!({ "credentials": ["Keytab"] }))]);
    assert_eq!(
        (of("web"), of("cart")),
        (AccountCredentials::Both, AccountCredentials::Keytab),
        "all is allowed by default"
    );
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "credentials": { "allowed": ["Ticket"] } }))]);
    assert_eq!((of("web"), of("cart")), (AccountCredentials::Ticket, AccountCredentials::Ticket));
    for account in ["web", "cart"] {
        assert_eq!(cluster.reasons("shop", account), ["CredentialsNotAllowed"]);
        assert!(cluster.problems("shop", account)[0].to_string().contains("asks for Keytab, which KerberosRealm r"));
        let index = cluster.0.read();
        assert!(!index.desired(&client_principal(account, "shop", "R")).unwrap().keys, "no key is made");
    }
}

#[test]
fn of_two_realm_objects_of_one_name_the_older_counts() {
    let cluster = Cluster::shop();
    cluster.after([realm("a", "2025-01-01T00:00:00Z", json!({ "clusterDomain": "older" }))]);
    assert_eq!(cluster.0.read().followed_realm().unwrap().spec.cluster_domain(), "older");
    cluster.after([ClusterEvent::realm(ObjectChange::Gone((String::new(), "a".into())))]);
    assert_eq!(cluster.0.read().followed_realm().unwrap().spec.cluster_domain(), "cluster.local");
    cluster.after([ClusterEvent::realm(ObjectChange::Gone((String::new(), "r".into())))]);
    assert!(cluster.names().is_empty());
}

#[test]
fn an_object_that_cannot_be_read_has_no_effect_and_says_so() {
    let cluster = Cluster::shop();
    let torn =
        json!({ "metadata": meta("shop", "web"), "spec": { "serviceAccountName": "web", "serviceClasses": "HTTP" } });
    cluster.after([ClusterEvent::principal(fact(torn))]);
    assert_eq!(cluster.reasons("shop", "web"), ["Malformed"]);
    assert_eq!(cluster.names(), ["cart.shop@R", "web.shop@R"]);
}

#[test]
fn a_principal_of_a_namespace_that_is_not_enrolled_says_which_label_it_needs() {
    let cluster = Cluster::shop();
    cluster.after([namespace("other", false), principal("other", "web", web_services())]);
    let problems = cluster.problems("other", "web");
    assert_eq!(problems[0].reason(), "NamespaceNotEnrolled");
    assert!(problems[0].to_string().contains("kennel.dev/realm=r"), "{problems:?}");
}

#[test]
fn a_pod_is_unknown_before_the_first_listing_and_gone_after_it() {
    let cluster = Cluster::shop();
    let of = |uid: &str| PodRef { namespace: "shop".into(), name: "cart-1".into(), uid: uid.into() };
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Unknown);
    cluster.apply([ClusterEvent::Pod(ObjectChange::Listing), ClusterEvent::Pod(ObjectChange::ListingEnds)]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Gone);
    cluster.apply([pod("cart-1", "cart", None)]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Live);
    assert_eq!(cluster.0.state(&of("older")), PodState::Gone);
    let ended =
        json!({ "metadata": meta("shop", "cart-1"), "spec": { "containers": [] }, "status": { "phase": "Failed" } });
    cluster.apply([ClusterEvent::Pod(fact(ended))]);
    assert_eq!(cluster.0.state(&of("uid-of-cart-1")), PodState::Gone);
}

#[test]
fn missed_events_are_made_good_by_the_next_listing() {
    let cluster = Cluster::shop();
    let (key, web) =
        AccountFact::from_object(serde_json::from_value(json!({ "metadata": meta("shop", "web") })).unwrap()).unwrap();
    let listing =
        [ObjectChange::Listing, ObjectChange::Listed(key, web), ObjectChange::ListingEnds].map(ClusterEvent::Account);
    let settled = cluster.after(listing);
    assert_eq!(settled.principals.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cart.shop@R"]);
    assert_eq!(cluster.names(), ["web.shop@R"]);
}

#[test]
fn a_class_of_the_kdc_is_refused_even_where_the_schema_let_it_in() {
    let cluster = Cluster::shop();
    let spec = json!({ "serviceClasses": ["krbtgt", "HTTP"], "hosts": { "services": ["web"] } });
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
    let ClusterEvent::Pod(ObjectChange::Put(key, fact)) = pod("cart-2", "cart", None) else { panic!("no pod") };
    assert!(cluster.0.new_pods(&[ClusterEvent::Pod(ObjectChange::Listed(key.clone(), fact.clone()))]).is_empty());
    let unknown = PodFact { created: 0, ..fact };
    assert!(cluster.0.new_pods(&[ClusterEvent::Pod(ObjectChange::Put(key, unknown))]).is_empty(), "nobody knows when");
}

#[test]
fn the_index_is_synced_once_every_kind_was_listed_and_not_before() {
    fn listing<T>(wrap: fn(ObjectChange<T>) -> ClusterEvent) -> [ClusterEvent; 2] {
        [wrap(ObjectChange::Listing), wrap(ObjectChange::ListingEnds)]
    }
    let all = || {
        [
            listing(ClusterEvent::Namespace),
            listing(ClusterEvent::Account),
            listing(ClusterEvent::Service),
            listing(ClusterEvent::Pod),
            listing(ClusterEvent::StatefulSet),
            listing(ClusterEvent::realm),
            listing(ClusterEvent::principal),
            listing(ClusterEvent::access),
            listing(ClusterEvent::NetworkPolicy),
            listing(ClusterEvent::ApiServer),
        ]
    };
    for missing in 0..all().len() {
        let mut index = Index::new(Realm::new("R"));
        let others = all().into_iter().enumerate().filter(|(kind, _)| *kind != missing);
        others.flat_map(|(_, events)| events).for_each(|event| index.apply(event));
        assert!(!index.is_synced(), "without kind {missing}");
        all().into_iter().nth(missing).unwrap().into_iter().for_each(|event| index.apply(event));
        assert!(index.is_synced());
    }
}

#[test]
fn a_principal_object_is_found_by_namespace_and_name() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", web_services())]);
    let index = cluster.0.read();
    assert_eq!(index.principal_object("shop", "web").unwrap().meta.name.as_deref(), Some("web"));
    assert!(index.principal_object("shop", "cart").is_none());
    assert!(index.principal_object("other", "web").is_none());
}

#[test]
fn the_core_sees_namespaces_accounts_and_pods_as_they_are() {
    let cluster = Cluster::shop();
    cluster.after([namespace("other", false), pod("cart-1", "cart", None)]);
    let index = cluster.0.read();
    let enrolled = |name: &str| ClusterView::namespace(&*index, name).map(|namespace| namespace.enrolled);
    assert_eq!(["shop", "other", "none"].map(enrolled), [Some(true), Some(false), None]);
    let account = |name: &str| ClusterView::account(&*index, "shop", name).map(|account| account.uid);
    assert_eq!((account("web").as_deref(), account("none")), (Some("uid-of-web"), None));
    let found = ClusterView::pod(&*index, "shop", "cart-1").unwrap();
    assert_eq!((&*found.uid, &*found.account, found.ended), ("uid-of-cart-1", "cart", false));
    assert!(ClusterView::pod(&*index, "shop", "cart-2").is_none());
}

#[test]
fn a_stateful_set_without_its_headless_service_gives_no_names_and_says_which_one_it_needs() {
    let cluster = Cluster::shop();
    let spec = json!({ "serviceClasses": ["kafka"], "hosts": { "statefulSets": ["kafka"] } });
    for service in ["", "kafka"] {
        cluster.after([set("kafka", service, 2), account("shop", "kafka"), principal("shop", "kafka", spec.clone())]);
        assert_eq!(cluster.reasons("shop", "kafka"), ["GoverningServiceNotFound"], "{service:?}");
        assert!(cluster.problems("shop", "kafka")[0].to_string().contains(&format!("{service:?}")));
        assert!(cluster.names().iter().all(|name| !name.contains('/')), "{:?}", cluster.names());
    }
    cluster.after([service("shop", "kafka")]);
    assert!(cluster.reasons("shop", "kafka").is_empty());
}

#[test]
fn a_principal_that_the_schema_let_in_wrongly_says_so_in_a_namespace_that_is_not_enrolled_too() {
    let cluster = Cluster::shop();
    let torn =
        json!({ "metadata": meta("other", "web"), "spec": { "serviceAccountName": "web", "serviceClasses": "HTTP" } });
    cluster.after([namespace("other", false), ClusterEvent::principal(fact(torn))]);
    assert_eq!(cluster.reasons("other", "web"), ["Malformed"]);
}

#[test]
fn without_a_realm_object_its_principals_say_which_one_to_create() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", web_services())]);
    cluster.after([ClusterEvent::realm(ObjectChange::Gone((String::new(), "r".into())))]);
    assert_eq!(cluster.reasons("shop", "web"), ["RealmNotFound"]);
    assert!(cluster.problems("shop", "web")[0].to_string().contains("create one with spec.realmName R"));
}

#[test]
fn the_cluster_s_own_namespaces_and_the_kdc_s_are_never_enrolled() {
    let cluster = Cluster::shop();
    cluster.0.write().set_surroundings(Surroundings {
        kdc: Some(KdcPods::of_deployment("kennel-system")),
        ..Surroundings::default()
    });
    cluster.after(["kube-system", "kennel-system"].map(|name| namespace(name, true)));
    cluster.after([account("kube-system", "admin"), account("kennel-system", "kennel-kdc")]);
    assert!(cluster.names().iter().all(|name| name.contains(".shop@")), "{:?}", cluster.names());
    cluster.after([principal("kube-system", "admin", json!({}))]);
    assert_eq!(cluster.reasons("kube-system", "admin"), ["NamespaceExcluded"]);
}

#[test]
fn a_namespace_that_two_realms_select_is_the_older_one_s() {
    let other = |created: &str| realm("other", created, json!({ "realmName": "OTHER" }));
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", json!({})), other("2026-01-02T00:00:00Z")]);
    assert!(cluster.reasons("shop", "web").is_empty(), "ours is older");
    cluster.after([other("2025-01-02T00:00:00Z")]);
    assert_eq!(cluster.reasons("shop", "web"), ["NamespaceOfOlderRealm"]);
    assert!(cluster.names().is_empty());
}

#[test]
fn namespaces_that_another_realm_selects_too_are_named() {
    let cluster = Cluster::shop();
    assert_eq!(cluster.0.read().overlap(), None);
    let other = |spec: Value| realm("other", "2026-01-02T00:00:00Z", spec);
    cluster.after([other(json!({ "realmName": "OTHER" }))]);
    let said = cluster.0.read().overlap().unwrap().to_string();
    assert!(said.starts_with("KerberosRealm other selects") && said.contains("each: shop: give"), "{said}");
    let elsewhere = json!({ "realmName": "OTHER", "namespaceSelector": { "matchLabels": { "team": "x" } } });
    cluster.after([other(elsewhere)]);
    assert_eq!(cluster.0.read().overlap(), None);
}

#[test]
fn a_mistake_in_a_realm_takes_no_namespace_out() {
    let cluster = Cluster::shop();
    let names = cluster.names();
    assert_eq!(names.len(), 2);
    let unreadable = json!({ "matchExpressions": [{ "key": "a", "operator": "Bogus" }] });
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "namespaceSelector": unreadable }))]);
    assert_eq!(cluster.names(), names, "the selector cannot be read");
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "tickets": { "maxLife": "7d" } }))]);
    assert_eq!(cluster.names(), names, "the object cannot be read");
    cluster.after([ClusterEvent::realm(ObjectChange::Gone((String::new(), "r".into())))]);
    assert!(cluster.names().is_empty(), "the realm is gone");
}
