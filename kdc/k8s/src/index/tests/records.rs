//! Principals of deleted objects, which stay in the store for a while and take up the budget of their namespace.

use super::*;
use kennel_wire::message::{KerberosTime, Principal};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;

const END: KerberosTime = KerberosTime(1_800_000_000);

/// A cluster with the store that its controller writes: each record with its namespace.
struct Served {
    cluster: Cluster,
    store: BTreeMap<Principal, String>,
}

impl Served {
    /// Namespace shop without accounts, which may have so many principals.
    fn limited(limit: usize) -> Served {
        let cluster = Cluster::empty();
        let limits = json!({ "limits": { "principalsPerNamespace": limit } });
        let mut served = Served { cluster, store: BTreeMap::new() };
        served.after([realm("r", "2026-01-01T00:00:00Z", limits), namespace("shop", true)]);
        served
    }

    /// Applies events as the controller does: what is wanted gets its record, what is not keeps it until [`END`].
    fn after(&mut self, events: impl IntoIterator<Item = ClusterEvent>) {
        let changes = self.cluster.after(events);
        for name in changes.principals {
            let wanted = self.cluster.0.read().desired(&name).map(|desired| desired.namespace.clone());
            match wanted {
                Some(namespace) => _ = self.store.insert(name, namespace),
                None if self.store.contains_key(&name) => self.cluster.0.record_ends(&name, END),
                None => self.cluster.0.record_deleted(&name),
            }
        }
        if self.cluster.0.read().has_new_room() {
            self.after([]);
        }
    }

    /// Deletes the record of a name that no object asks for.
    fn end(&mut self, name: &Principal) {
        assert!(self.cluster.0.read().desired(name).is_none() && self.store.remove(name).is_some(), "{name}");
        self.cluster.0.record_deleted(name);
        self.after([]);
    }

    /// Another process with this store: it learns the records, then the objects.
    fn restarted(&self, objects: impl IntoIterator<Item = ClusterEvent>) -> Cluster {
        let cluster = Cluster::empty();
        cluster.0.records_exist(self.store.iter().map(|(name, namespace)| (name, Some(&**namespace))));
        cluster.after(objects);
        cluster
    }

    fn wants(&self, account: &str) -> bool {
        self.cluster.0.read().desired(&client_principal(account, "shop", "R")).is_some()
    }
}

fn gone(name: &str) -> ClusterEvent {
    ClusterEvent::Account(ObjectChange::Gone(("shop".into(), name.into())))
}

/// The account `name`, created in that second of a minute.
fn account_at(name: &str, second: usize) -> ClusterEvent {
    let created = format!("2026-02-01T00:{:02}:{:02}Z", second / 60, second % 60);
    let uid = format!("uid-of-{name}-{second}");
    ClusterEvent::Account(fact(
        json!({ "metadata": { "namespace": "shop", "name": name, "uid": uid, "creationTimestamp": created } }),
    ))
}

#[test]
fn accounts_that_are_created_and_deleted_in_turns_stop_at_the_limit_and_say_until_when() {
    let mut served = Served::limited(20);
    served.after([account_at("web", 0)]);
    for n in 0..300 {
        served.after([account_at(&format!("x{n}"), n)]);
        served.after([gone(&format!("x{n}"))]);
    }
    assert_eq!(served.store.len(), 20);
    assert!(served.wants("web"), "who was there stays");
    served.after([account_at("late", 301), principal("shop", "late", web_services())]);
    let index = served.cluster.0.read();
    let [exceeding] = &*index.namespace("shop").unwrap().exceeding else { panic!("one account waits") };
    let message = exceeding.problem.to_string();
    assert_eq!((&*exceeding.name, exceeding.problem.reason()), ("late", "QuotaExceeded"));
    assert!(message.contains("19 are disabled principals of deleted objects"), "{message}");
    assert!(message.contains(&END.to_rfc3339().to_string()) && message.contains("wait"), "{message}");
    drop(index);
    assert_eq!(served.cluster.problems("shop", "late")[0].to_string(), message);
}

#[test]
fn the_first_record_that_is_deleted_makes_room_for_the_oldest_that_waits() {
    let mut served = Served::limited(3);
    for n in 0..3 {
        served.after([account_at(&format!("x{n}"), n)]);
        served.after([gone(&format!("x{n}"))]);
    }
    served.after([account_at("younger", 9), account_at("zoo", 8)]);
    assert!(!served.wants("younger") && !served.wants("zoo"));
    served.end(&client_principal("x1", "shop", "R"));
    assert!(served.wants("zoo") && !served.wants("younger"));
    assert_eq!(served.store.len(), 3);
}

#[test]
fn an_account_that_comes_back_takes_up_its_record_and_counts_once() {
    let mut served = Served::limited(2);
    served.after([account_at("a", 0), account_at("b", 1)]);
    for n in 0..50 {
        served.after([gone("a")]);
        served.after([account_at("a", 2 + n)]);
        assert!(served.wants("a") && served.wants("b"), "{n}");
    }
    assert_eq!((served.store.len(), served.cluster.0.read().count_unclaimed()), (2, 0));
}

#[test]
fn pods_hosts_and_names_of_the_alias_policy_count_like_accounts() {
    let mut served = Served::limited(6);
    let policy = json!({ "limits": { "principalsPerNamespace": 6 }, "aliasPolicy": [{ "name": "rule", "namespaces": ["shop"], "domains": ["*.example.com"] }] });
    served.after([realm("r", "2026-01-01T00:00:00Z", policy), account("shop", "web")]);
    for n in 0..3 {
        let spec = json!({ "serviceClasses": ["HTTP"], "hosts": { "aliases": [format!("w{n}.example.com")] } });
        served.after([principal("shop", "web", spec)]);
    }
    assert_eq!((served.store.len(), served.cluster.0.read().count_unclaimed()), (4, 2));
    let kafka = json!({ "serviceClasses": ["kafka"], "hosts": { "statefulSets": ["kafka"] } });
    served.after([service("shop", "kafka"), set("kafka", "kafka", 9), principal("shop", "web", kafka)]);
    served.after((0..9).map(|n| pod(&format!("kafka-{n}"), "web", Some("kafka"))));
    assert_eq!(served.store.len(), 6, "{:?}", served.store.keys());
    assert_eq!(served.cluster.reasons("shop", "web"), ["QuotaExceeded"]);
    let services = |pod: &str| served.cluster.0.read().entitlement("shop", "web", pod).unwrap().services.len();
    assert_eq!(["kafka-0", "kafka-1", "kafka-8"].map(services), [1, 1, 0], "without a record, no key");
}

#[test]
fn a_limit_that_is_lowered_takes_nothing_from_what_exists_for_the_sake_of_deleted_objects() {
    let mut served = Served::limited(10);
    for n in 0..8 {
        served.after([account_at(&format!("x{n}"), n)]);
    }
    (0..4).for_each(|n| served.after([gone(&format!("x{n}"))]));
    served.after([realm("r", "2026-01-01T00:00:00Z", json!({ "limits": { "principalsPerNamespace": 4 } }))]);
    assert!((4..8).all(|n| served.wants(&format!("x{n}"))));
    served.after([account_at("x1", 20)]);
    assert!(!served.wants("x1"), "the limit holds for what is new, a record of its own or not");
    assert_eq!(served.store.len(), 8);
}

#[test]
fn records_that_do_not_say_their_namespace_hold_nobody_up() {
    let cluster = Cluster::empty();
    let names: Vec<_> = (0..9).map(|n| client_principal(&format!("x{n}"), "shop", "R")).collect();
    cluster.0.records_exist(names.iter().map(|name| (name, None)));
    let limits = json!({ "limits": { "principalsPerNamespace": 3 } });
    cluster.after([realm("r", "2026-01-01T00:00:00Z", limits), namespace("shop", true)]);
    cluster.after((0..3).map(|n| account_at(&format!("x{n}"), n)));
    assert_eq!((cluster.names().len(), cluster.0.read().count_unclaimed()), (3, 6));
}

/// Random creations, deletions and ends: the store never holds more than the limit, and another process comes to the same result.
#[test]
fn whatever_comes_and_goes_the_records_stay_within_the_limit_and_a_restart_decides_alike() {
    for seed in 0..20 {
        let (mut rng, mut served) = (StdRng::seed_from_u64(seed), Served::limited(12));
        let mut alive = BTreeMap::new();
        for second in 0..200 {
            let name = format!("x{}", rng.gen_range(0..30));
            match rng.gen_range(0..3) {
                0 => {
                    alive.entry(name.clone()).or_insert(second);
                    served.after([account_at(&name, alive[&name])]);
                }
                1 if alive.remove(&name).is_some() => served.after([gone(&name)]),
                _ => {
                    let unclaimed = served.store.keys().find(|name| served.cluster.0.read().desired(name).is_none());
                    if let Some(name) = unclaimed.cloned() {
                        served.end(&name);
                    }
                }
            }
            assert!(served.store.len() <= 12, "seed {seed}, second {second}: {}", served.store.len());
        }
        let limits = json!({ "limits": { "principalsPerNamespace": 12 } });
        let objects = [realm("r", "2026-01-01T00:00:00Z", limits), namespace("shop", true)];
        let accounts = alive.iter().map(|(name, second)| account_at(name, *second));
        let other = served.restarted(objects.into_iter().chain(accounts));
        assert_eq!(other.names(), served.cluster.names(), "seed {seed}");
        assert_eq!(other.0.read().count_unclaimed(), served.cluster.0.read().count_unclaimed());
    }
}
