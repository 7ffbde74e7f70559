//! Pods of StatefulSets with keys of their own: for pods that exist, and not for numbers.

use super::*;

fn kafka(replicas: u32) -> Cluster {
    let cluster = Cluster::shop();
    let spec = json!({ "serviceClasses": ["kafka"], "hosts": { "statefulSets": ["kafka"] } });
    cluster.after([service("shop", "kafka"), set("kafka", "kafka", replicas), account("shop", "kafka")]);
    cluster.after([principal("shop", "kafka", spec)]);
    cluster
}

fn gone(pod: &str) -> ClusterEvent {
    ClusterEvent::Pod(ObjectChange::Gone(("shop".into(), pod.into())))
}

impl Cluster {
    /// The pods that have principals.
    fn pods(&self) -> Vec<String> {
        let host = |name: String| Some(name.strip_prefix("kafka/")?.split('.').next()?.to_owned());
        self.names().into_iter().filter_map(host).collect()
    }

    /// The services that a pod gets.
    fn services(&self, pod: &str) -> Vec<String> {
        let entitlement = self.0.read().entitlement("shop", "kafka", pod).unwrap();
        entitlement.services.iter().map(|service| service.name.to_string()).collect()
    }
}

#[test]
fn each_pod_of_a_stateful_set_gets_its_own_keys_and_no_other() {
    let cluster = kafka(2);
    cluster.after([pod("kafka-0", "kafka", Some("kafka")), pod("kafka-1", "kafka", Some("kafka"))]);
    cluster.after([pod("kafka-9", "kafka", None)]);
    let names = cluster.names();
    assert!(names.contains(&"kafka/kafka-0.kafka.shop.svc.cluster.local@R".to_owned()), "{names:?}");
    assert_eq!(cluster.services("kafka-1"), ["kafka/kafka-1.kafka.shop.svc.cluster.local@R"]);
    assert!(cluster.services("kafka-9").is_empty(), "a pod of that form that no StatefulSet owns");
    cluster.after([pod("kafka-0", "kafka", None)]);
    assert!(cluster.services("kafka-0").is_empty(), "a pod of the right name that no StatefulSet owns");
    cluster.after([set("kafka", "kafka", 1), gone("kafka-1")]);
    assert_eq!(cluster.pods(), ["kafka-0"], "scaled down");
}

#[test]
fn a_pod_that_names_a_stateful_set_of_another_uid_gets_no_key() {
    let cluster = kafka(2);
    cluster.after([pod_of("shop", "kafka-0", "kafka", Some(("kafka", "of-another".into())))]);
    assert!(cluster.pods().is_empty() && cluster.services("kafka-0").is_empty());
    cluster.after([pod("kafka-0", "kafka", Some("kafka"))]);
    assert_eq!(cluster.services("kafka-0").len(), 1);
    let mut later = meta("shop", "kafka");
    later["uid"] = json!("later");
    let spec = json!({ "serviceName": "kafka", "replicas": 2, "selector": {}, "template": {} });
    cluster.after([ClusterEvent::StatefulSet(fact(json!({ "metadata": later, "spec": spec })))]);
    assert!(cluster.pods().is_empty() && cluster.services("kafka-0").is_empty(), "the pod is of the deleted one");
}

#[test]
fn a_million_replicas_without_pods_make_nothing() {
    let cluster = kafka(1_000_000);
    assert!(cluster.pods().is_empty() && cluster.reasons("shop", "kafka").is_empty());
}

#[test]
fn a_pod_that_restarts_keeps_its_principal_and_one_that_is_scaled_away_does_not() {
    let cluster = kafka(2);
    cluster.after([pod("kafka-0", "kafka", Some("kafka")), pod("kafka-1", "kafka", Some("kafka"))]);
    assert!(cluster.after([gone("kafka-0")]).principals.is_empty(), "nothing changes");
    assert_eq!(cluster.pods(), ["kafka-0", "kafka-1"]);
    assert!(cluster.after([pod("kafka-0", "kafka", Some("kafka"))]).principals.is_empty());
    cluster.after([set("kafka", "kafka", 1)]);
    assert_eq!(cluster.pods(), ["kafka-0", "kafka-1"], "a pod that ends still serves");
    assert_eq!(cluster.after([gone("kafka-1")]).principals.len(), 1);
    assert_eq!(cluster.pods(), ["kafka-0"]);
    cluster.after([ClusterEvent::StatefulSet(ObjectChange::Gone(("shop".into(), "kafka".into())))]);
    assert!(cluster.pods().is_empty());
}

#[test]
fn pods_of_no_stateful_set_that_an_object_names_cause_no_work() {
    let cluster = kafka(2);
    cluster.after([set("other", "kafka", 1)]);
    let works = |event| !IndexChanges { access: false, ..cluster.after([event]) }.is_empty();
    assert!(!works(pod("cart-1", "cart", None)));
    assert!(!works(pod("other-0", "cart", Some("other"))));
    assert!(works(pod("kafka-0", "kafka", Some("kafka"))));
    let ClusterEvent::Pod(ObjectChange::Put(key, fact)) = pod("kafka-0", "kafka", Some("kafka")) else {
        panic!("no pod")
    };
    assert!(!works(ClusterEvent::Pod(ObjectChange::Put(key, PodFact { ended: true, ..fact }))));
    assert!(works(gone("kafka-0")));
    assert!(!works(gone("cart-1")));
}

#[test]
fn pods_of_a_new_listing_are_seen() {
    let cluster = kafka(3);
    cluster.after([pod("kafka-0", "kafka", Some("kafka"))]);
    let ClusterEvent::Pod(ObjectChange::Put(key, fact)) = pod("kafka-2", "kafka", Some("kafka")) else {
        panic!("no pod")
    };
    let listing = [ObjectChange::Listing, ObjectChange::Listed(key, fact), ObjectChange::ListingEnds];
    cluster.after(listing.map(ClusterEvent::Pod));
    assert_eq!(cluster.pods(), ["kafka-0", "kafka-2"], "the first is within replicas and may be on its way");
}

/// An empty listing of a kind.
fn nothing<T>(wrap: fn(ObjectChange<T>) -> ClusterEvent) -> [ClusterEvent; 2] {
    [wrap(ObjectChange::Listing), wrap(ObjectChange::ListingEnds)]
}

#[test]
fn a_pod_is_never_known_without_what_it_is_entitled_to() {
    let cluster = Cluster::empty();
    let others = [
        nothing(ClusterEvent::Namespace),
        nothing(ClusterEvent::Account),
        nothing(ClusterEvent::Service),
        nothing(ClusterEvent::StatefulSet),
        nothing(ClusterEvent::realm),
        nothing(ClusterEvent::principal),
        nothing(ClusterEvent::access),
        nothing(ClusterEvent::NetworkPolicy),
        nothing(ClusterEvent::ApiServer),
    ];
    assert!(cluster.0.update(others.into_iter().flatten()).is_none(), "pods are not listed");
    assert!(cluster.0.update(nothing(ClusterEvent::Pod)).is_some());
    let spec = json!({ "serviceClasses": ["kafka"], "hosts": { "statefulSets": ["kafka"] } });
    let objects = [service("shop", "kafka"), set("kafka", "kafka", 1), account("shop", "kafka")];
    let _ = cluster.0.update([realm("r", "2026-01-01T00:00:00Z", json!({})), namespace("shop", true)]);
    let _ = cluster.0.update(objects.into_iter().chain([principal("shop", "kafka", spec)]));
    let settled = cluster.0.update([pod("kafka-0", "kafka", Some("kafka"))]);
    assert_eq!((settled.unwrap().principals.len(), cluster.services("kafka-0").len()), (1, 1));
}

/// A pod with the label of its account.
fn labelled(name: &str, account: &str, phase: &str) -> ClusterEvent {
    let mut metadata = meta("shop", name);
    metadata["labels"] = json!({ "kennel.dev/service-account": account });
    let spec = json!({ "serviceAccountName": account, "containers": [] });
    ClusterEvent::Pod(fact(json!({ "metadata": metadata, "spec": spec, "status": { "phase": phase } })))
}

#[test]
fn access_is_rendered_anew_for_a_new_kind_of_pod_and_not_for_its_phase_or_another_of_the_kind() {
    let cluster = Cluster::shop();
    let renders = |event| cluster.after([event]).access;
    assert!(renders(labelled("cart-1", "cart", "Pending")), "the first of its kind");
    assert!(!renders(labelled("cart-1", "cart", "Running")), "its phase");
    assert!(!renders(labelled("cart-2", "cart", "Running")), "another of the kind");
    assert!(!renders(gone("cart-2")) && !renders(labelled("cart-2", "cart", "Running")), "one of two");
    assert!(!renders(labelled("cart-2", "cart", "Succeeded")), "one of two ends");
    assert!(renders(labelled("cart-1", "cart", "Failed")), "the last of its kind");
    assert!(!renders(gone("cart-1")));
    assert!(
        renders(pod("old-1", "cart", None)) && renders(pod("old-2", "cart", None)),
        "pods without the label are counted"
    );
}

#[test]
fn a_status_causes_no_rendering_and_a_policy_of_ours_is_drift() {
    let cluster = Cluster::shop();
    cluster.after([principal("shop", "web", json!({}))]);
    let mut same = json!({
        "apiVersion": "kennel.dev/v1alpha1", "kind": "KerberosPrincipal", "metadata": meta("shop", "web"),
        "spec": { "serviceAccountName": "web" }, "status": { "principalCount": 1 },
    });
    assert!(!cluster.after([ClusterEvent::principal(fact(same.clone()))]).access, "a status");
    same["spec"]["accessMode"] = json!("Observe");
    assert!(cluster.after([ClusterEvent::principal(fact(same))]).access, "a mode");
    let policy = |labels: Value| {
        let mut metadata = meta("shop", "p");
        metadata["labels"] = labels;
        ClusterEvent::NetworkPolicy(fact(json!({ "metadata": metadata, "spec": { "podSelector": {} } })))
    };
    let ours = cluster.after([policy(json!({ "app.kubernetes.io/managed-by": "kennel-kdc" }))]);
    assert!(!ours.access && ours.policies == [PolicyKey::network("shop", "p")].into(), "{ours:?}");
    let theirs = cluster.after([policy(json!({}))]);
    assert!(theirs.access && theirs.policies.len() == 1, "ours became another's: {theirs:?}");
    assert!(cluster.after([ClusterEvent::NetworkPolicy(ObjectChange::Gone(("shop".into(), "p".into())))]).access);
}
