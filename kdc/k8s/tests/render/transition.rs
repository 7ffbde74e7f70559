//! The order of effects, over random histories: grants, revocations and modes come and go while policies are written one by one,
//! and the KDC is killed in between.

use crate::cluster_policy::action;
use crate::rules::{access, text};
use crate::{NOW, index};
use kennel_core::access::table::{AccessMode, AccessPeer, AccessTable};
use kennel_k8s::crd::port::TransportProtocol;
use kennel_k8s::index::Index;
use kennel_k8s::index::facts::{Fact, ObjectKey, OptionalPolicyFact, OwnFact, PolicyFact, PolicySpec, PortRef};
use kennel_k8s::index::table::ObjectChange;
use kennel_k8s::index::tables::ClusterEvent;
use kennel_k8s::policy::kind::{PolicyKey, PolicyKind};
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_k8s::render::policy::parts::Port;
use kennel_k8s::render::reach::{Direction, PolicySet, pods_of};
use kennel_k8s::render::transition::{Transition, transition};

struct Realm {
    index: Index,
    rendered: Rendered,
    active: AccessTable,
    seed: u64,
}

impl Realm {
    fn new(seed: u64) -> Realm {
        Realm::with("", seed)
    }

    /// With further fields of the KerberosRealm's spec.
    fn with(spec: &str, seed: u64) -> Realm {
        let index = index(&text(spec, "", ""));
        let rendered = render(&index, NOW);
        Realm { index, rendered, active: AccessTable::default(), seed }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn declare(&mut self, event: ClusterEvent) {
        self.index.apply(event);
        _ = self.index.settle();
        self.rendered = render(&self.index, NOW);
    }

    fn step(&mut self) -> Transition {
        let step = transition(&self.active, &self.index.own_policies(), &self.rendered);
        self.active = step.table.clone();
        self.check();
        step
    }

    /// Writes the first policies of a step, as far as the KDC gets.
    fn write(&mut self, step: &Transition, most: usize) {
        for key in step.apply.iter().take(most) {
            let (_, fact) = PolicyFact::from_policy(self.rendered.policies[key].clone()).unwrap();
            self.report(key, |key| ObjectChange::Put(key, fact));
            self.check();
        }
        for key in step.delete.iter().take(most.saturating_sub(step.apply.len())) {
            self.report(key, ObjectChange::Gone);
            self.check();
        }
    }

    /// What the watch reports of a policy.
    fn report(&mut self, key: &PolicyKey, change: impl FnOnce(ObjectKey) -> ObjectChange<PolicyFact>) {
        let change = change((key.namespace.clone(), key.name.clone()));
        self.index.apply(match (key.kind, change) {
            (PolicyKind::NetworkPolicy, change) => ClusterEvent::NetworkPolicy(change),
            (kind, ObjectChange::Put(key, fact)) => {
                ClusterEvent::OptionalPolicy(kind, ObjectChange::Put(key, OptionalPolicyFact(fact)))
            }
            (kind, _) => {
                ClusterEvent::OptionalPolicy(kind, ObjectChange::Gone((key.namespace.clone(), key.name.clone())))
            }
        });
    }

    /// No ticket without its packets: each grant in force, and mode Observe.
    fn check(&self) {
        for server in &self.active.servers {
            for peer in server.grants.iter().flat_map(|grant| &grant.peers) {
                match peer {
                    AccessPeer::Principal(principal) if principal.to_string() == "cart.shop@R" => {
                        self.passes("shop", "cart", &server.key.name);
                    }
                    AccessPeer::Principal(_) | AccessPeer::Namespace(_) => {
                        self.passes("batch", "nightly", &server.key.name)
                    }
                    AccessPeer::Realm(_) => {
                        self.passes("shop", "cart", &server.key.name);
                        self.passes("batch", "nightly", &server.key.name);
                    }
                }
            }
            if server.mode == AccessMode::Observe {
                self.passes("batch", "nightly", &server.key.name);
            }
        }
    }

    fn passes(&self, namespace: &str, account: &str, server: &str) {
        let policies = PolicySet::as_applied(&self.index);
        let (clients, servers) = (pods_of(&self.index, namespace, account), pods_of(&self.index, "shop", server));
        let port = Port::single(TransportProtocol::Tcp, PortRef::Number(8080));
        for direction in [Direction::Egress, Direction::Ingress] {
            let verdict = policies.judge(direction, &clients, &servers, &port);
            // A namespace without its policy yet is open, and no grant counts there.
            assert!(verdict.allowed && !verdict.by_ours.is_empty(), "{namespace}/{account} {direction:?}: {verdict:?}");
        }
        let applied = self.index.own_policies();
        let of_cluster = applied.get(&PolicyKey::cluster(format!("kennel-shop.{server}"))).map(|fact| &fact.spec);
        if let Some(PolicySpec::Optional(spec)) = of_cluster {
            let action = action(spec, &self.index, (namespace, account));
            assert_ne!(action.as_deref(), Some("Deny"), "{namespace}/{account} to {server}: {spec}");
        }
    }

    fn settle(&mut self) {
        for _ in 0..8 {
            let step = self.step();
            if step.is_done() {
                break;
            }
            self.write(&step, usize::MAX);
        }
        assert_eq!(self.active, self.rendered.access);
        let applied = self.index.own_policies();
        assert_eq!(applied.keys().collect::<Vec<_>>(), self.rendered.policies.keys().collect::<Vec<_>>());
        assert!(applied.iter().all(|(key, fact)| fact.is_as(&self.rendered.policies[key])));
        assert!(transition(&self.active, &applied, &self.rendered).waiting.is_empty());
    }
}

fn object<K: kube::Resource + serde::de::DeserializeOwned>(
    yaml: &str,
) -> (kennel_k8s::index::facts::ObjectKey, OwnFact<K>) {
    let text = yaml.trim_end_matches("---\n");
    OwnFact::from_object(serde_saphyr::from_str(text).unwrap()).unwrap()
}

const PEERS: [&str; 6] = [
    "{from: [{serviceAccount: {name: cart}}]}",
    "{from: [{serviceAccount: {name: nightly, namespace: batch}}]}",
    "{from: [{serviceAccount: {name: nightly, namespace: batch}}, {serviceAccount: {name: cart}}], serviceClasses: [HTTP]}",
    "{from: [{namespace: {name: batch}}]}",
    "{from: [{realm: {}}]}",
    "{from: [{namespace: {name: batch}}], serviceClasses: [HTTP]}",
];

#[test]
fn over_random_histories_no_grant_is_in_force_without_its_policies_and_all_ends_as_rendered() {
    for seed in 0..60 {
        // Every other realm has policies that nobody can widen, and that would drop what they do not know yet.
        let spec = if seed % 2 == 0 { "" } else { ", network: {clusterPolicy: {priority: 900}}" };
        let mut realm = Realm::with(spec, seed);
        for _ in 0..40 {
            match realm.random(6) {
                0 | 1 => {
                    let (name, peers) =
                        (format!("a{}", realm.random(3)), PEERS[usize::try_from(realm.random(6)).unwrap()]);
                    let (key, fact) = object(&access(&name, peers));
                    realm.declare(ClusterEvent::access(ObjectChange::Put(key, fact)));
                }
                2 => {
                    let key = ("shop".to_owned(), format!("a{}", realm.random(3)));
                    realm.declare(ClusterEvent::access(ObjectChange::Gone(key)));
                }
                3 => {
                    let mode = ["Enforce", "Observe"][usize::try_from(realm.random(2)).unwrap()];
                    let (key, fact) = object(&format!(
                        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: web, namespace: shop}}\n\
                         spec: {{serviceAccountName: web, serviceClasses: [HTTP], hosts: {{services: [web]}}, accessMode: {mode}}}\n"
                    ));
                    realm.declare(ClusterEvent::principal(ObjectChange::Put(key, fact)));
                }
                4 => realm.active = AccessTable::default(),
                _ => {}
            }
            let step = realm.step();
            let most = usize::try_from(realm.random(5)).unwrap();
            realm.write(&step, most);
        }
        realm.settle();
    }
}

#[test]
fn a_grant_waits_for_its_policies_and_a_revocation_does_not() {
    let mut realm = Realm::new(0);
    realm.settle();
    let (key, fact) = object(&access("web", PEERS[1]));
    realm.declare(ClusterEvent::access(ObjectChange::Put(key.clone(), fact)));
    let step = realm.step();
    assert_eq!(step.waiting[&key], 2, "ingress of the server, egress of the client");
    assert!(step.table.servers.iter().all(|server| server.grants.is_empty()));
    assert_eq!(
        step.apply.iter().map(|key| &*key.name).collect::<Vec<_>>(),
        ["kennel-ingress-web", "kennel-egress-nightly"]
    );
    realm.write(&step, 1);
    assert!(realm.step().table.servers.iter().all(|server| server.grants.is_empty()), "one of two");
    realm.settle();
    realm.declare(ClusterEvent::access(ObjectChange::Gone(key)));
    let step = realm.step();
    assert!(step.table.servers.iter().all(|server| server.grants.is_empty()), "before its policies go");
    assert_eq!(step.delete.len(), 2);
}

#[test]
fn an_edit_that_adds_a_client_takes_nothing_from_the_others() {
    let mut realm = Realm::new(0);
    let (key, fact) = object(&access("web", PEERS[0]));
    realm.declare(ClusterEvent::access(ObjectChange::Put(key.clone(), fact)));
    realm.settle();
    let both = "{from: [{serviceAccount: {name: nightly, namespace: batch}}, {serviceAccount: {name: cart}}]}";
    let (_, fact) = object(&access("web", both));
    realm.declare(ClusterEvent::access(ObjectChange::Put(key, fact)));
    let step = realm.step();
    let peers: Vec<String> =
        step.table.servers.iter().flat_map(|s| &s.grants).flat_map(|g| &g.peers).map(|p| format!("{p:?}")).collect();
    assert!(peers.len() == 1 && peers[0].contains("cart"), "{peers:?}");
}
