//! Each rule of the rendering by itself.

use crate::{NOW, index};
use kennel_core::access::table::{AccessMode, AccessPeer, ServerKey};
use kennel_k8s::crd::port::TransportProtocol;
use kennel_k8s::index::surroundings::{KdcPods, Surroundings};
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::{AccessOutcome, Rendered};

/// Two enrolled namespaces, a server `shop/web` on port 8080, and clients.
const BASE: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kennel.dev/realm: r}}
---
apiVersion: v1
kind: Namespace
metadata: {name: batch, labels: {kennel.dev/realm: r, team: a}}
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec: {selector: {k8s-app: kube-dns}, ports: [{port: 53, protocol: UDP}, {port: 53}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: nightly, namespace: batch}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: cart, namespace: shop}
";

/// Renders the base with a realm of these settings, a principal `shop/web` of these, and more documents.
pub(crate) fn with(realm: &str, web: &str, more: &str) -> Rendered {
    render(&index(&text(realm, web, more)), NOW)
}

pub(crate) fn text(realm: &str, web: &str, more: &str) -> String {
    format!(
        "{BASE}\n---\napiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: r}}\nspec: {{realmName: R{realm}}}\n\
         ---\napiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: web, namespace: shop}}\n\
         spec: {{serviceAccountName: web, serviceClasses: [HTTP], hosts: {{services: [web]}}{web}}}\n---\n{more}"
    )
}

/// A KerberosAccess `shop/NAME` for `shop/web`.
pub(crate) fn access(name: &str, allow: &str) -> String {
    format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{targetRefs: [{{name: web}}], allow: [{allow}]}}\n---\n"
    )
}

fn outcome<'r>(rendered: &'r Rendered, name: &str) -> &'r AccessOutcome {
    &rendered.accesses[&("shop".to_owned(), name.to_owned())]
}

fn reasons(rendered: &Rendered, name: &str) -> Vec<(&'static str, &'static str)> {
    let problems = &outcome(rendered, name).problems;
    problems.iter().map(|problem| (problem.condition().name(), problem.reason())).collect()
}

fn peers(rendered: &Rendered) -> Vec<AccessPeer> {
    let web = rendered.access.servers.iter().find(|server| server.key == ServerKey::new("shop", "web")).unwrap();
    web.grants.iter().flat_map(|grant| grant.peers.clone()).collect()
}

fn spec(rendered: &Rendered, namespace: &str, name: &str) -> String {
    serde_json::to_string(rendered.network_policy(namespace, name).unwrap()).unwrap()
}

fn has(rendered: &Rendered, namespace: &str, name: &str) -> bool {
    rendered.policies.contains_key(&PolicyKey::network(namespace, name))
}

#[test]
fn what_is_missing_has_no_effect_and_is_named_under_its_condition() {
    let nobody = access("nobody", "{from: [{serviceAccount: {name: gone, namespace: batch}}]}");
    let outside = access("outside", "{from: [{namespace: {name: elsewhere}}]}");
    let later = access("later", "{from: [{windowsGroup: {sid: S-1-5}}]}");
    let untrusted = access("untrusted", "{from: [{namespaceSelector: {matchLabels: {team: a}}}]}");
    let by_name = access("by-name", "{from: [{principal: {name: nightly.batch}}]}");
    let target = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosAccess\nmetadata: {name: target, namespace: shop}\n\
                  spec: {targetRefs: [{name: none}], allow: []}\n---\n";
    // What files only mention is assumed; a ServiceAccount of another name says that there is no such account.
    let mut text = text("", "", &[&*nobody, &outside, &later, &untrusted, &by_name, target].concat());
    text.push_str("\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: elsewhere}\n");
    let cluster = kennel_k8s::render::offline::OfflineCluster::parse(&text).unwrap();
    let mut index = cluster.index(kennel_core::realm::Realm::new("R"));
    let gone = ("batch".to_owned(), "gone".to_owned());
    index.apply(kennel_k8s::index::tables::ClusterEvent::Account(kennel_k8s::index::table::ObjectChange::Gone(gone)));
    _ = index.settle();
    let rendered = render(&index, NOW);
    assert_eq!(reasons(&rendered, "nobody"), [("ResolvedRefs", "ClientNotFound")]);
    assert_eq!(reasons(&rendered, "outside"), [("ResolvedRefs", "ClientNotEnrolled")]);
    assert_eq!(reasons(&rendered, "later"), [("ResolvedRefs", "UnknownPeer")]);
    assert_eq!(reasons(&rendered, "untrusted"), [("ResolvedRefs", "UntrustedLabel")]);
    assert_eq!(reasons(&rendered, "by-name"), [("ResolvedRefs", "UnknownPeer")]);
    assert_eq!(reasons(&rendered, "target"), [("Accepted", "TargetNotFound")]);
    assert_eq!(peers(&rendered), []);
    assert!(!has(&rendered, "shop", "kennel-ingress-web") && !has(&rendered, "batch", "kennel-egress-nightly"));
}

#[test]
fn an_object_ends_at_its_not_after_in_both_layers() {
    let object = access("web", "{from: [{serviceAccount: {name: nightly, namespace: batch}}]}");
    let object = object.replace("allow:", "notAfter: \"2026-11-26T18:00:00Z\", allow:");
    let index = index(&text("", "", &object));
    let end = NOW + 6 * 3600;
    let before = render(&index, end - 1);
    assert_eq!((peers(&before).len(), before.next_expiry), (1, Some(end)));
    let after = render(&index, end);
    assert_eq!((peers(&after).len(), after.next_expiry), (0, None));
    assert_eq!(reasons(&after, "web"), [("Accepted", "Expired")]);
    assert!(has(&before, "shop", "kennel-ingress-web") && !has(&after, "shop", "kennel-ingress-web"));
}

#[test]
fn the_client_s_calls_keep_its_packets_at_home_and_out_of_the_server() {
    let calls = |calls: &str| {
        format!(
            "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: nightly, namespace: batch}}\n\
             spec: {{serviceAccountName: nightly, calls: [{calls}]}}\n---\n"
        )
    };
    for peer in ["serviceAccount: {name: nightly, namespace: batch}", "namespace: {name: batch}", "realm: {}"] {
        let object = access("web", &format!("{{from: [{{{peer}}}]}}"));
        let vetoed = with("", "", &format!("{object}{}", calls("{name: other}")));
        assert!(!has(&vetoed, "batch", "kennel-egress-nightly"), "{peer}");
        if peer.starts_with("serviceAccount") {
            assert!(!has(&vetoed, "shop", "kennel-ingress-web"));
            assert_eq!(reasons(&vetoed, "web"), [("ResolvedRefs", "ClientNotConsented")]);
        } else {
            let ingress = spec(&vetoed, "shop", "kennel-ingress-web");
            assert!(ingress.contains(r#""operator":"NotIn","values":["nightly"]"#), "{ingress}");
            let egress = spec(&vetoed, "batch", "kennel-egress");
            assert!(egress.contains(r#""operator":"NotIn","values":["nightly"]"#), "{egress}");
        }
        let agreed = with("", "", &format!("{object}{}", calls("{namespace: shop, name: web}")));
        assert!(has(&agreed, "batch", "kennel-egress-nightly"), "{peer}");
        assert_eq!(reasons(&agreed, "web"), []);
    }
}

#[test]
fn where_consent_is_required_only_clients_that_name_the_server_pass_into_another_namespace() {
    let realm = ", access: {clientConsent: Required}";
    let object = access("web", "{from: [{realm: {}}]}");
    let silent = with(realm, "", &object);
    let ingress = spec(&silent, "shop", "kennel-ingress-web");
    assert!(!ingress.contains("namespaceSelector"), "only the own namespace: {ingress}");
    assert!(!has(&silent, "batch", "kennel-egress") && has(&silent, "shop", "kennel-egress"));
    let agree = "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {name: nightly, namespace: batch}\n\
                 spec: {serviceAccountName: nightly, calls: [{namespace: shop, name: web}]}\n---\n";
    let agreed = with(realm, "", &format!("{object}{agree}"));
    let ingress = spec(&agreed, "shop", "kennel-ingress-web");
    assert!(ingress.contains(r#""podSelector":{"matchLabels":{"kennel.dev/service-account":"nightly"}}"#), "{ingress}");
    assert!(has(&agreed, "batch", "kennel-egress-nightly") && !has(&agreed, "batch", "kennel-egress"));
    assert!(agreed.access.client_consent_required);
}

#[test]
fn the_mode_is_that_of_the_server_then_of_its_namespace_then_of_the_realm() {
    let mode = |realm: &str, web: &str| {
        let rendered = with(realm, web, "");
        let server = rendered.servers[&("shop".to_owned(), "web".to_owned())].clone();
        (server.mode, server.problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>())
    };
    assert_eq!(mode("", ""), (AccessMode::Enforce, vec![]));
    assert_eq!(mode(", access: {defaultMode: Observe}", ""), (AccessMode::Observe, vec![]));
    let of_namespace = ", access: {defaultMode: Observe, namespaceModes: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}, mode: Enforce}]}";
    assert_eq!(mode(of_namespace, ""), (AccessMode::Enforce, vec![]));
    assert_eq!(mode(of_namespace, ", accessMode: Observe"), (AccessMode::Observe, vec![]));
    let fixed = ", access: {allowedModes: [Enforce]}";
    assert_eq!(mode(fixed, ", accessMode: Observe"), (AccessMode::Enforce, vec!["ModeNotAllowed"]));
}

#[test]
fn an_observed_server_is_open_to_everybody_and_every_enrolled_pod_can_reach_it() {
    let rendered = with("", ", accessMode: Observe", "");
    let open = spec(&rendered, "shop", "kennel-observe");
    assert!(open.contains(r#""ingress":[{}]"#) && open.contains(r#""kennel.dev/service-account":"web""#), "{open}");
    for namespace in ["shop", "batch"] {
        assert!(spec(&rendered, namespace, "kennel-egress").contains(r#""kennel.dev/service-account":"web""#));
    }
    assert!(!has(&with("", "", ""), "shop", "kennel-observe"));
    let all = with(", access: {defaultMode: Observe}", ", accessMode: Enforce", "");
    let others = spec(&all, "shop", "kennel-observe");
    assert!(
        others.contains(r#""operator":"NotIn","values":["web"]"#),
        "an enforced server beside observed ones: {others}"
    );
}

#[test]
fn open_egress_leaves_egress_alone_and_no_policies_leaves_tickets() {
    let object = access("web", "{from: [{serviceAccount: {name: nightly, namespace: batch}}]}");
    let open = with(", network: {egress: Open}", "", &object);
    assert!(has(&open, "shop", "kennel-ingress-web") && !has(&open, "batch", "kennel-egress-nightly"));
    assert!(!spec(&open, "batch", "kennel-default").contains("Egress"));
    let none = with(", network: {policies: None}", "", &object);
    assert!(none.policies.is_empty());
    assert_eq!(peers(&none).len(), 1);
    assert!(none.needs.of_peer(&ServerKey::new("shop", "web"), &peers(&none)[0], "R").next().is_none());
}

#[test]
fn what_is_always_allowed_is_in_every_namespace_and_the_api_server_by_what_is_found() {
    let realm = ", network: {alwaysAllowEgress: [{name: api, apiServer: {}}, {name: db, to: [{ipBlock: {cidr: 10.1.0.0/16}}], ports: [{port: 5432}]}]}";
    let mut index = index(&text(realm, "", ""));
    let missing = render(&index, NOW);
    assert!(missing.realm.problems.iter().any(|problem| problem.reason() == "ApiServerNotFound"));
    // A slice of each family.
    for (name, address) in [("kubernetes", "10.0.0.1"), ("kubernetes-ipv6", "fd00::1")] {
        let slice =
            kennel_k8s::index::facts::EndpointsFact { addresses: [address.to_owned()].into(), ports: [6443].into() };
        let key = ("default".to_owned(), name.to_owned());
        index.apply(kennel_k8s::index::tables::ClusterEvent::ApiServer(kennel_k8s::index::table::ObjectChange::Put(
            key, slice,
        )));
    }
    let rendered = render(&index, NOW);
    assert!(rendered.realm.problems.is_empty(), "{:?}", rendered.realm.problems);
    for namespace in ["shop", "batch"] {
        let policy = spec(&rendered, namespace, "kennel-default");
        assert!(policy.contains(r#"{"ipBlock":{"cidr":"10.0.0.1/32"}}"#) && policy.contains("6443"), "{policy}");
        assert!(policy.contains(r#"{"ipBlock":{"cidr":"fd00::1/128"}}"#), "{policy}");
        assert!(policy.contains(r#"{"ipBlock":{"cidr":"10.1.0.0/16"}}"#), "{policy}");
    }
    let kinds = [kennel_k8s::index::surroundings::ServedKind::CiliumNetworkPolicy].into();
    index.set_surroundings(kennel_k8s::index::surroundings::Surroundings { kinds, ..index.surroundings().clone() });
    let told: Vec<&str> = render(&index, NOW).realm.problems.iter().map(|problem| problem.reason()).collect();
    assert_eq!(told, ["ApiServerByAddress", "PoliciesNotEvaluated"], "Cilium matches no API server by address");
}

#[test]
fn without_ports_there_is_neither_a_packet_nor_a_ticket_for_pods_and_people_keep_theirs() {
    let object =
        access("web", "{from: [{serviceAccount: {name: nightly, namespace: batch}}, {principal: {name: alice}}]}");
    let text = text("", "", &object).replace("ports: [{port: 80, targetPort: 8080}]", "type: ExternalName");
    let rendered = render(&index(&text), NOW);
    assert_eq!(reasons(&rendered, "web"), [("ResolvedRefs", "PortsNotFound")]);
    let people: Vec<AccessPeer> = peers(&rendered);
    assert!(matches!(&*people, [AccessPeer::Principal(alice)] if alice.to_string() == "alice@R"), "{people:?}");
    let named = access("web", "{from: [{namespace: {name: batch}}], ports: [{port: admin}]}");
    let rendered = with("", "", &named);
    assert_eq!(reasons(&rendered, "web"), [("ResolvedRefs", "PortsNotFound")], "no container has the name");
    assert!(peers(&rendered).is_empty() && !has(&rendered, "batch", "kennel-egress"));
}

#[test]
fn an_object_that_goes_over_a_limit_has_no_effect_and_says_so() {
    let two = |name: &str| access(name, "{from: [{principal: {name: a}}, {principal: {name: b}}]}");
    let rendered = with(", limits: {clientsPerTarget: 3}", "", &format!("{}{}", two("first"), two("second")));
    assert_eq!((reasons(&rendered, "first"), peers(&rendered).len()), (vec![], 2));
    assert_eq!(reasons(&rendered, "second"), [("Accepted", "QuotaExceeded")]);
    let mut many = access("web", "{from: [{namespaceSelector: {matchLabels: {team: many}}}]}");
    for number in 0..1000 {
        many.push_str(&format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: n{number}, labels: {{kennel.dev/realm: r, team: many}}}}\n---\n"
        ));
    }
    let rendered = with(", access: {trustedNamespaceLabels: [team]}", "", &many);
    assert_eq!(reasons(&rendered, "web"), [("Accepted", "QuotaExceeded")]);
    assert!(peers(&rendered).is_empty() && !has(&rendered, "n1", "kennel-egress"));
    assert!(outcome(&rendered, "web").problems[0].to_string().contains("1001 NetworkPolicies"));
}

#[test]
fn an_account_whose_name_is_no_label_gets_neither_ticket_nor_packet_by_any_peer_and_says_so() {
    let long = "n".repeat(64);
    let account = format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {long}, namespace: batch}}\n---\n");
    let principal = format!(
        "apiVersion: kennel.dev/v1alpha1\nkind: KerberosPrincipal\nmetadata: {{name: {long}, namespace: batch}}\n\
         spec: {{serviceAccountName: {long}}}\n"
    );
    let object = access("web", "{from: [{namespace: {name: batch}}, {realm: {}}]}");
    let more = [object, account, principal].concat();
    let rendered = with("", "", &more);
    let takes_part = |rendered: &Rendered| rendered.access.accounts.iter().any(|account| account.name == long);
    assert!(!takes_part(&rendered), "the KDC denies it");
    let egress = spec(&rendered, "batch", "kennel-egress");
    assert!(!egress.contains(&long), "{egress}");
    let problems = &rendered.servers[&("batch".to_owned(), long.clone())].problems;
    assert_eq!(problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>(), ["AccountNameTooLong"]);
    assert!(takes_part(&with(", network: {policies: None}", "", &more)), "without policies, tickets alone decide");
}

#[test]
fn a_forged_label_keeps_its_namespace_out_and_a_missing_one_is_counted() {
    use kennel_k8s::index::facts::{Fact, PodFact};
    let object = access("web", "{from: [{namespace: {name: batch}}, {realm: {}}]}");
    let mut index = index(&text("", "", &object));
    let pod = |name: &str, labels: serde_json::Value| {
        let object = serde_json::json!({
            "metadata": { "namespace": "batch", "name": name, "uid": name, "labels": labels },
            "spec": { "serviceAccountName": "nightly", "containers": [] },
        });
        let (key, fact) = PodFact::from_object(serde_json::from_value(object).unwrap()).unwrap();
        kennel_k8s::index::tables::ClusterEvent::Pod(kennel_k8s::index::table::ObjectChange::Put(key, fact))
    };
    index.apply(pod("old", serde_json::json!({})));
    let counted = render(&index, NOW);
    assert_eq!((counted.namespaces["batch"].unlabelled_pods, counted.namespaces["batch"].is_programmed()), (1, true));
    index.apply(pod("forged", serde_json::json!({ "kennel.dev/service-account": "web" })));
    let rendered = render(&index, NOW);
    assert_eq!(rendered.namespaces["batch"].mislabelled_pods, ["forged"]);
    assert!(!has(&rendered, "batch", "kennel-egress") && has(&rendered, "batch", "kennel-default"));
    let ingress = spec(&rendered, "shop", "kennel-ingress-web");
    assert!(
        ingress.contains(r#""key":"kubernetes.io/metadata.name","operator":"NotIn","values":["batch"]"#),
        "{ingress}"
    );
    assert!(rendered.access.accounts.iter().all(|account| account.namespace != "batch"));
    assert_eq!(reasons(&rendered, "web"), [("ResolvedRefs", "NamespaceNotProgrammed")]);
}

#[test]
fn a_policy_of_others_that_lets_more_in_is_named_at_the_server_and_labels_are_never_copied() {
    let foreign = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: allow-all, namespace: shop}\n\
                   spec: {podSelector: {}, ingress: [{}]}\n---\n\
                   apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny-all, namespace: shop}\n\
                   spec: {podSelector: {}}\n---\n";
    let object = access("web", "{from: [{serviceAccount: {name: cart}}]}").replace(
        "namespace: shop}",
        "namespace: shop, labels: {argocd.argoproj.io/instance: shop}, annotations: {a: b}}",
    );
    let rendered = with("", "", &format!("{object}{foreign}"));
    let web = &rendered.servers[&("shop".to_owned(), "web".to_owned())];
    assert_eq!(web.widened_by, ["allow-all"]);
    assert_eq!(web.problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>(), ["WidenedByPolicy"]);
    for policy in rendered.policies.values() {
        let labels = policy.metadata().labels.as_ref().unwrap();
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["app.kubernetes.io/managed-by", "kennel.dev/realm"]);
        assert!(policy.metadata().annotations.is_none());
    }
}

#[test]
fn without_dns_nothing_is_guessed_in_a_cluster_and_files_assume_kube_dns() {
    let text = text("", "", "").replace("name: kube-dns, namespace: kube-system", "name: other, namespace: shop");
    let mut index = index(&text);
    let assumed = render(&index, NOW);
    assert!(assumed.realm.assumed[0].contains("kube-dns"), "{:?}", assumed.realm.assumed);
    assert!(spec(&assumed, "shop", "kennel-default").contains("kube-dns"));
    index.set_surroundings(kennel_k8s::index::surroundings::Surroundings::default());
    let rendered = render(&index, NOW);
    assert!(!spec(&rendered, "shop", "kennel-default").contains("kube-dns"));
    assert_eq!(rendered.realm.problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>(), ["DNSNotFound"]);
}

#[test]
fn without_dns_an_access_is_in_force_and_says_that_its_clients_may_ask_no_server() {
    let cart = access("web", "{from: [{serviceAccount: {name: cart}}]}");
    let alice = access("people", "{from: [{principal: {name: alice}}]}");
    let text = text("", "", &[cart, alice].concat());
    let mut index = index(&text.replace("name: kube-dns, namespace: kube-system", "name: other, namespace: shop"));
    index.set_surroundings(kennel_k8s::index::surroundings::Surroundings::default());
    let rendered = render(&index, NOW);
    assert_eq!(reasons(&rendered, "web"), [("DNSNotFound", "DNSNotFound")]);
    assert_eq!(reasons(&rendered, "people"), [], "no client of it is a pod");
    assert_eq!(peers(&rendered).len(), 2);
}

#[test]
fn a_namespace_of_another_realm_is_judged_by_that_realm_and_one_of_none_is_not_enrolled() {
    let object = |namespace: &str| access("web", "").replace("namespace: shop", &format!("namespace: {namespace}"));
    let more = format!(
        "{}{}apiVersion: v1\nkind: Namespace\nmetadata: {{name: theirs, labels: {{kennel.dev/realm: other}}}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {{name: free}}\n---\n\
         apiVersion: kennel.dev/v1alpha1\nkind: KerberosRealm\nmetadata: {{name: other}}\nspec: {{realmName: OTHER}}\n",
        object("theirs"),
        object("free"),
    );
    let rendered = with("", "", &more);
    let outcomes: Vec<_> =
        rendered.accesses.iter().map(|(key, outcome)| (&*key.0, outcome.problems[0].reason())).collect();
    assert_eq!(outcomes, [("free", "NamespaceNotEnrolled")]);
}

#[test]
fn neither_kube_system_nor_the_namespace_of_the_kdc_is_enrolled_whatever_its_labels() {
    let realm = ", namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}";
    let more = "apiVersion: v1\nkind: Namespace\nmetadata: {name: kennel-system}\n";
    let rendered = with(realm, "", more);
    let enrolled: Vec<&str> = rendered.namespaces.keys().map(String::as_str).collect();
    assert_eq!(enrolled, ["batch", "shop"]);
    let policies = rendered.policies.keys().filter(|key| key.namespace == "kennel-system");
    assert_eq!(policies.map(|key| &*key.name).collect::<Vec<_>>(), ["kennel-realm-kdc"]);
}

#[test]
fn enrolled_pods_reach_the_ports_that_the_kdc_serves_and_no_others_of_it() {
    let rendered = |kdc: KdcPods| {
        let mut index = index(&text("", "", ""));
        index.set_surroundings(Surroundings { kdc: Some(kdc), offline: true, ..Surroundings::default() });
        render(&index, NOW)
    };
    let port = |port: u16, protocol: &str| format!(r#"{{"port":{port},"protocol":"{protocol}"}}"#);
    let both_ways = |rendered: &Rendered| {
        [spec(rendered, "shop", "kennel-default"), spec(rendered, "kennel-system", "kennel-realm-kdc")]
    };
    let administration = [port(10_464, "TCP"), port(10_464, "UDP"), port(10_749, "TCP")];

    for policy in both_ways(&rendered(KdcPods::of_deployment("kennel-system"))) {
        assert!(policy.contains(&port(10_088, "UDP")) && policy.contains(&port(8443, "TCP")), "{policy}");
        assert!(administration.iter().all(|port| policy.contains(port)), "{policy}");
    }
    let ports = [(10_088, TransportProtocol::Udp), (10_088, TransportProtocol::Tcp)];
    for policy in both_ways(&rendered(KdcPods { namespace: "kennel-system".into(), ports: ports.into() })) {
        assert!(policy.contains(&port(10_088, "UDP")) && policy.contains(&port(10_088, "TCP")), "{policy}");
        assert!(!administration.iter().any(|port| policy.contains(port)), "{policy}");
    }
}
