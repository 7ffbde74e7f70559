//! Renders 10,000 KerberosAccess objects over 5,000 accounts and prints how long that takes:
//! `cargo run --release -p kennel-k8s --example render_many`.
#![allow(clippy::panic, reason = "objects of its own making")]

use kennel_core::access::table::AccessTable;
use kennel_core::realm::Realm;
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::{AccountFact, Fact, NamespaceFact, OwnFact, PortRef, ServiceFact, ServicePortFact};
use kennel_k8s::index::table::ObjectChange::Put;
use kennel_k8s::index::tables::ClusterEvent;
use kennel_k8s::render::access::render;
use kennel_k8s::render::transition::transition;
use serde_json::{Value, json};
use std::time::Instant;

const NAMESPACES: usize = 500;
const ACCOUNTS: usize = 10;
const ACCESSES: usize = 10_000;

fn main() {
    let mut index = Index::new(Realm::new("R"));
    for event in events() {
        index.apply(event);
    }
    let start = Instant::now();
    _ = index.settle();
    println!("index settled in {:?}", start.elapsed());
    for round in ["first", "second"] {
        let start = Instant::now();
        let rendered = render(&index, 0);
        let took = start.elapsed();
        let grants: usize = rendered.access.servers.iter().map(|server| server.grants.len()).sum();
        println!("{round} rendering: {took:?}, {grants} grants, {} policies", rendered.policies.len());
        let start = Instant::now();
        let step = transition(&AccessTable::default(), &index.own_policies(), &rendered);
        println!("transition: {:?}, {} policies to write", start.elapsed(), step.apply.len());
    }
}

fn events() -> Vec<ClusterEvent> {
    let realm = json!({
        "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosRealm", "metadata": { "name": "r" }, "spec": { "realmName": "R" },
    });
    let mut events = Vec::new();
    let (key, fact) = own(realm);
    events.push(ClusterEvent::realm(Put(key, fact)));
    for namespace in (0..NAMESPACES).map(|number| format!("ns{number}")) {
        let labels = [("kennel.dev/realm", "r"), ("kubernetes.io/metadata.name", &*namespace)];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let fact = NamespaceFact { labels, ending: false };
        events.push(ClusterEvent::Namespace(Put((String::new(), namespace.clone()), fact)));
        for name in (0..ACCOUNTS).map(|number| format!("a{number}")) {
            let key = (namespace.clone(), name.clone());
            let account = AccountFact { uid: format!("{namespace}/{name}"), created: 1 };
            events.push(ClusterEvent::Account(Put(key.clone(), account)));
            let port =
                ServicePortFact { port: 80, name: None, target: PortRef::Number(8080), protocol: Default::default() };
            events.push(ClusterEvent::Service(Put(key, ServiceFact { ports: vec![port], ..ServiceFact::default() })));
            let (key, fact) = own(json!({
                "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosPrincipal",
                "metadata": { "namespace": namespace, "name": name, "uid": format!("{namespace}/{name}") },
                "spec": { "serviceAccountName": name, "serviceClasses": ["HTTP"], "hosts": { "services": [name] } },
            }));
            events.push(ClusterEvent::principal(Put(key, fact)));
        }
    }
    events.extend((0..ACCESSES).map(access));
    events
}

fn access(number: usize) -> ClusterEvent {
    let account = |number: usize| (format!("ns{}", number / ACCOUNTS % NAMESPACES), format!("a{}", number % ACCOUNTS));
    let (namespace, target) = account(number);
    let (near, far) = (account(number + 1), account(number * 7 + 13));
    let peer =
        |(namespace, name): (String, String)| json!({ "serviceAccount": { "namespace": namespace, "name": name } });
    let (key, fact) = own(json!({
        "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosAccess",
        "metadata": { "namespace": namespace, "name": format!("x{number}") },
        "spec": { "targetRefs": [{ "name": target }], "allow": [{ "from": [peer(near), peer(far)] }] },
    }));
    ClusterEvent::access(Put(key, fact))
}

fn own<K>(object: Value) -> (kennel_k8s::index::facts::ObjectKey, OwnFact<K>)
where
    K: kube::Resource + serde::de::DeserializeOwned,
{
    let object = serde_json::from_value(object).unwrap_or_else(|error| panic!("{error}"));
    OwnFact::from_object(object).unwrap_or_else(|| panic!("an object without a name"))
}
