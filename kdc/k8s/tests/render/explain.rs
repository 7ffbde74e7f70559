//! Whether a client reaches a server, in sentences, over the union of all policies.

use crate::rules::{access, text};
use crate::{NOW, index};
use kennel_core::access::AccessIndex;
use kennel_k8s::render::access::render;
use kennel_k8s::render::explain::{ExplainError, ExplainFacts, explain};
use kennel_k8s::render::reach::PolicySet;
use kennel_wire::admin::{ExplainQuery, ExplainResponse, ExplainVerdict};
use kennel_wire::message::KerberosTime;

fn ask(more: &str, client: &str, server: &str, port: Option<u16>) -> Result<ExplainResponse, ExplainError> {
    ask_of("", more, client, server, port)
}

/// In a realm with further fields of its spec.
fn ask_of(
    realm: &str,
    more: &str,
    client: &str,
    server: &str,
    port: Option<u16>,
) -> Result<ExplainResponse, ExplainError> {
    let index = index(&text(realm, "", more));
    let rendered = render(&index, NOW);
    let access = AccessIndex::new(&rendered.access);
    let policies = PolicySet::as_rendered(&index, &rendered);
    let facts = ExplainFacts { index: &index, rendered: &rendered, access: &access, policies: &policies };
    let query = ExplainQuery { client: client.into(), server: server.into(), port };
    explain(facts, &query, KerberosTime(NOW))
}

fn sentences(response: &ExplainResponse) -> Vec<&str> {
    response.layers.iter().map(|layer| &*layer.sentence).collect()
}

fn cart() -> String {
    access("web", "{from: [{serviceAccount: {name: cart}}]}")
}

#[test]
fn a_client_that_is_allowed_reaches_the_server_in_every_layer() {
    for (client, server) in
        [("shop/cart", "shop/web"), ("cart.shop", "HTTP/web.shop.svc.cluster.local"), ("cart.shop@R", "HTTP/web.shop")]
    {
        let response = ask(&cart(), client, server, None).unwrap();
        assert!(response.reachable, "{response:?}");
        assert_eq!((&*response.client, &*response.server), ("cart.shop@R", "shop/web"));
        let expected = [
            "KerberosAccess shop/web allows cart.shop@R to call shop/web",
            "NetworkPolicy shop/kennel-egress-cart (KerberosAccess shop/web) lets packets out to port 8080/TCP of shop/web",
            "NetworkPolicy shop/kennel-ingress-web (KerberosAccess shop/web) lets packets in from shop/cart to port 8080/TCP",
        ];
        assert_eq!(sentences(&response), expected);
    }
}

#[test]
fn a_client_that_is_not_allowed_is_stopped_in_every_layer_with_what_is_missing() {
    let response = ask(&cart(), "batch/nightly", "shop/web", None).unwrap();
    assert!(!response.reachable && response.layers.iter().all(|layer| layer.verdict == ExplainVerdict::Denied));
    let expected = [
        "no KerberosAccess in shop allows nightly.batch to call web",
        "NetworkPolicy batch/kennel-default selects the pods of batch/nightly for egress, and no policy lets packets out to port 8080/TCP of shop/web",
        "NetworkPolicy shop/kennel-default, shop/kennel-ingress-web selects the pods of shop/web for ingress, and no policy lets packets in from batch/nightly to port 8080/TCP",
    ];
    assert_eq!(sentences(&response), expected);
    let other_port = ask(&cart(), "shop/cart", "shop/web", Some(9090)).unwrap();
    assert!(!other_port.reachable && other_port.layers[0].verdict == ExplainVerdict::Allowed);
}

#[test]
fn a_policy_of_others_widens_and_is_said_to() {
    let foreign = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: allow-all, namespace: shop}\n\
                   spec: {podSelector: {}, ingress: [{}]}\n";
    let response = ask(&format!("{}{foreign}", cart()), "batch/nightly", "shop/web", None).unwrap();
    let ingress = &response.layers[2];
    assert_eq!(
        (ingress.verdict, &*ingress.objects),
        (ExplainVerdict::Allowed, &["NetworkPolicy shop/allow-all".to_owned()][..])
    );
    assert!(
        ingress.sentence.contains("not Kennel's") && ingress.sentence.contains("it widens"),
        "{}",
        ingress.sentence
    );
    let allowed = ask(&format!("{}{foreign}", cart()), "shop/cart", "shop/web", None).unwrap();
    assert!(allowed.layers[2].sentence.contains("so widens"), "{}", allowed.layers[2].sentence);
}

#[test]
fn a_cluster_policy_stops_what_a_policy_of_others_would_let_in() {
    let realm = ", network: {clusterPolicy: {priority: 900}}";
    let foreign = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: allow-all, namespace: shop}\n\
                   spec: {podSelector: {}, ingress: [{}]}\n";
    let more = format!("{}{foreign}", cart());
    let verdict = |client: &str| {
        let response = ask_of(realm, &more, client, "shop/web", None).unwrap();
        let layer = response.layers[3].clone();
        assert_eq!(layer.objects, ["ClusterNetworkPolicy kennel-shop.web"]);
        (response.reachable, response.layers[2].verdict, layer.verdict, layer.sentence)
    };
    let (reachable, ingress, cluster, sentence) = verdict("batch/nightly");
    assert_eq!((reachable, ingress, cluster), (false, ExplainVerdict::Allowed, ExplainVerdict::Denied));
    assert!(sentence.contains("before any NetworkPolicy is asked"), "{sentence}");
    let (reachable, _, cluster, sentence) = verdict("shop/cart");
    assert_eq!((reachable, cluster), (true, ExplainVerdict::Allowed), "{sentence}");
}

#[test]
fn people_have_a_ticket_and_no_packets_of_their_own() {
    let alice = access("web", "{from: [{principal: {name: alice}}]}");
    let response = ask(&alice, "alice", "shop/web", None).unwrap();
    let verdicts: Vec<ExplainVerdict> = response.layers.iter().map(|layer| layer.verdict).collect();
    assert_eq!(verdicts, [ExplainVerdict::Allowed, ExplainVerdict::NotEvaluated]);
    assert_eq!(ask("", "alice", "shop/none", None), Err(ExplainError::NoServer("shop/none".into())));
}

#[test]
fn ports_that_only_a_rule_opens_are_ports_of_the_server() {
    let admin = access(
        "web",
        "{from: [{serviceAccount: {name: nightly, namespace: batch}}], ports: [{port: 9000, endPort: 9010}]}",
    );
    let response = ask(&admin, "batch/nightly", "shop/web", None).unwrap();
    assert!(
        response.reachable && response.layers[1].sentence.contains("port 9000-9010/TCP of shop/web"),
        "{response:?}"
    );
}
