//! What a tenant may ask for without end, and gets to its limit.

use super::*;
use std::time::{Duration, Instant};

/// The principals of a namespace.
fn count(cluster: &Cluster, namespace: &str) -> usize {
    cluster.0.read().namespace(namespace).unwrap().principals.len()
}

fn limited(limits: Value) -> Cluster {
    let cluster = Cluster::shop();
    cluster.after([realm("r", "2026-01-01T00:00:00Z", json!({ "limits": limits }))]);
    cluster
}

fn account_created(name: &str, created: &str) -> ClusterEvent {
    let metadata =
        json!({ "namespace": "shop", "name": name, "uid": format!("uid-of-{name}"), "creationTimestamp": created });
    ClusterEvent::Account(fact(json!({ "metadata": metadata })))
}

#[test]
fn a_hostile_object_gets_its_limit_at_once_and_others_are_as_before() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", web_services())]);
    let before = cluster.0.read().namespace("shop").unwrap().clone();
    let classes: Vec<String> = (0..16).map(|n| format!("c{n}")).collect();
    let sets = ["s0", "s1", "s2", "s3"];
    let begun = Instant::now();
    cluster.after([namespace("evil", true), account("evil", "evil"), service("evil", "s")]);
    cluster.after(sets.map(|name| set_of("evil", name, "s", 1_000_000)));
    cluster.after([principal("evil", "evil", json!({ "serviceClasses": classes, "hosts": { "statefulSets": sets } }))]);
    assert_eq!((count(&cluster, "evil"), cluster.reasons("evil", "evil").len()), (1, 0), "no pod, no principal");
    // It makes the pods as well: 64 take its 1,024 principals.
    let pods = (0..2000).flat_map(|n| {
        sets.map(|set| pod_of("evil", &format!("{set}-{n}"), "evil", Some((set, format!("uid-of-{set}")))))
    });
    cluster.after(pods);
    assert_eq!(count(&cluster, "evil"), 1 + 256);
    assert_eq!(cluster.reasons("evil", "evil"), ["QuotaExceeded"]);
    let message = cluster.problems("evil", "evil")[0].to_string();
    assert!(
        message.contains("KerberosPrincipal evil/evil") && message.contains("256 of spec.limits.principalsPerObject"),
        "{message}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(*cluster.0.read().namespace("shop").unwrap(), before);
    assert!(cluster.0.read().namespace("evil").unwrap().exceeds_quota && !before.exceeds_quota);
}

#[test]
fn accounts_count_too_and_the_youngest_have_no_principal() {
    let cluster = limited(json!({ "principalsPerNamespace": 3 }));
    cluster.after([account_created("aaa", "2026-02-01T00:00:00Z")]);
    assert_eq!(count(&cluster, "shop"), 3);
    let settled = cluster.after([account_created("aab", "2026-02-02T00:00:00Z")]);
    assert!(settled.principals.is_empty(), "who was within the budget stays: {settled:?}");
    let index = cluster.0.read();
    let shop = index.namespace("shop").unwrap();
    let exceeding: Vec<_> = shop.exceeding.iter().map(|account| (&*account.name, account.problem.reason())).collect();
    assert_eq!((exceeding, shop.exceeds_quota), (vec![("aab", "QuotaExceeded")], true));
    assert!(index.entitlement("shop", "aab", "x").is_none() && index.entitlement("shop", "aaa", "x").is_some());
    drop(index);
    cluster.after([ClusterEvent::Account(ObjectChange::Gone(("shop".into(), "cart".into())))]);
    assert!(cluster.0.read().entitlement("shop", "aab", "x").is_none(), "the record of cart is still there");
    cluster.0.record_deleted(&client_principal("cart", "shop", "R"));
    cluster.after([]);
    assert!(cluster.0.read().entitlement("shop", "aab", "x").is_some(), "there is room again");
}

#[test]
fn an_object_of_an_account_over_the_budget_says_so() {
    let cluster = limited(json!({ "principalsPerNamespace": 2 }));
    cluster.after([account_created("late", "2026-02-01T00:00:00Z"), principal("shop", "late", web_services())]);
    assert_eq!((cluster.reasons("shop", "late"), count(&cluster, "shop")), (vec!["QuotaExceeded"], 2));
    assert!(cluster.problems("shop", "late")[0].to_string().contains("namespace shop"));
}

#[test]
fn of_a_thousand_accounts_over_the_budget_a_few_are_named() {
    let cluster = limited(json!({ "principalsPerNamespace": 2 }));
    cluster.after((0..1000).map(|n| account_created(&format!("x{n}"), "2026-02-01T00:00:00Z")));
    let index = cluster.0.read();
    assert_eq!((index.namespace("shop").unwrap().exceeding.len(), index.wanted().count()), (16, 2));
}

#[test]
fn nothing_follows_from_accounts_over_the_budget_and_much_from_one_within() {
    let cluster = limited(json!({ "principalsPerNamespace": 3 }));
    let young = |name: &str| account_created(name, "2026-02-02T00:00:00Z");
    cluster.after([account_created("old", "2026-02-01T00:00:00Z")]);
    cluster.after((0..100).map(|n| young(&format!("x{n:02}"))));
    assert!(cluster.after((0..1000).map(|n| young(&format!("y{n}")))).is_empty(), "16 others are named");
    assert!(cluster.after([ClusterEvent::Account(ObjectChange::Gone(("shop".into(), "y7".into())))]).is_empty());
    let settled = cluster.after([ClusterEvent::Account(ObjectChange::Gone(("shop".into(), "old".into())))]);
    assert!(settled.access && settled.namespaces.contains("shop") && !settled.principals.is_empty(), "{settled:?}");
    cluster.0.record_deleted(&client_principal("old", "shop", "R"));
    let settled = cluster.after([]);
    assert!(settled.access && settled.principals.contains(&client_principal("x00", "shop", "R")), "{settled:?}");
}

#[test]
fn the_pod_that_comes_when_the_budget_is_used_up_gets_no_principal_and_the_first_ones_keep_theirs() {
    let cluster = limited(json!({ "principalsPerObject": 3 }));
    let spec = json!({ "serviceClasses": ["kafka"], "hosts": { "services": ["kafka"], "statefulSets": ["kafka"] } });
    cluster.after([
        service("shop", "kafka"),
        set("kafka", "kafka", 20),
        account("shop", "kafka"),
        principal("shop", "kafka", spec),
    ]);
    cluster.after([pod("kafka-2", "kafka", Some("kafka")), pod("kafka-1", "kafka", Some("kafka"))]);
    assert!(cluster.reasons("shop", "kafka").is_empty());
    let settled = cluster.after([pod("kafka-10", "kafka", Some("kafka"))]);
    assert!(settled.principals.is_empty(), "{settled:?}");
    assert_eq!(cluster.reasons("shop", "kafka"), ["QuotaExceeded"]);
    let services = |pod: &str| cluster.0.read().entitlement("shop", "kafka", pod).unwrap().services.len();
    assert_eq!((services("kafka-1"), services("kafka-2"), services("kafka-10")), (2, 2, 1));
}

#[test]
fn an_object_that_asks_for_much_that_does_not_exist_has_few_problems() {
    let cluster = Cluster::shop();
    let hosts: Vec<String> = (0..64).map(|n| format!("gone{n}")).collect();
    cluster.after([principal("shop", "web", json!({ "serviceClasses": ["HTTP"], "hosts": { "services": hosts } }))]);
    assert_eq!(cluster.problems("shop", "web").len(), 16);
}

#[test]
fn a_host_that_is_listed_twice_counts_once() {
    let cluster = limited(json!({ "principalsPerObject": 1 }));
    cluster.after([principal(
        "shop",
        "web",
        json!({ "serviceClasses": ["HTTP"], "hosts": { "services": ["web", "web"] } }),
    )]);
    assert!(cluster.reasons("shop", "web").is_empty());
}
