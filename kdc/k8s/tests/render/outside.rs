//! Callers without Kerberos, whom Enforce would drop.

use crate::rules::{access, text};
use crate::{NOW, index};
use kennel_k8s::callers::caller::{CalledNamespaces, CallerPort, CallerTarget, OutsideCaller};
use kennel_k8s::callers::kind::CallerKind;
use kennel_k8s::index::facts::PortRef;
use kennel_k8s::index::surroundings::Surroundings;
use kennel_k8s::render::access::render;

fn caller(kind: CallerKind, name: &str, target: CallerTarget, port: Option<CallerPort>) -> OutsideCaller {
    OutsideCaller { kind, namespace: "shop".into(), name: name.into(), target, port }
}

fn service(name: &str) -> CallerTarget {
    CallerTarget::Service { namespace: "shop".into(), name: name.into() }
}

/// A Deployment of `web` with a named port for metrics, and a Service of a second port.
const PODS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n\
    spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: c, image: i, \
    ports: [{name: metrics, containerPort: 9090}]}]}}}\n---\n\
    apiVersion: v1\nkind: Service\nmetadata: {name: admin, namespace: shop, labels: {scrape: me}}\n\
    spec: {selector: {app: web}, ports: [{name: metrics, port: 81, targetPort: metrics}]}\n---\n";

/// The callers of `shop/web` in a realm of these settings.
fn found(realm: &str, more: &str, callers: Vec<OutsideCaller>) -> Vec<String> {
    let mut index = index(&text(realm, ", accessMode: Observe", &format!("{PODS}{more}")));
    index.set_surroundings(Surroundings { callers: callers.into(), ..index.surroundings().clone() });
    render(&index, NOW).servers[&("shop".to_owned(), "web".to_owned())].outside_callers.clone()
}

fn all() -> Vec<OutsideCaller> {
    let of_service = |port| Some(CallerPort::OfService(port));
    let scrape = serde_json::from_str(r#"{"matchLabels":{"scrape":"me"}}"#).unwrap();
    let pods = serde_json::from_str(r#"{"matchLabels":{"app":"web"}}"#).unwrap();
    let elsewhere = CallerTarget::Service { namespace: "batch".into(), name: "web".into() };
    vec![
        caller(CallerKind::Ingress, "front", service("web"), of_service(PortRef::Number(80))),
        caller(CallerKind::Ingress, "other", service("none"), of_service(PortRef::Number(80))),
        caller(CallerKind::Ingress, "elsewhere", elsewhere, of_service(PortRef::Number(80))),
        caller(
            CallerKind::ServiceMonitor,
            "web",
            CallerTarget::Services(CalledNamespaces::Any, scrape),
            of_service(PortRef::Name("metrics".into())),
        ),
        caller(
            CallerKind::PodMonitor,
            "web",
            CallerTarget::Pods(CalledNamespaces::Named(["shop".into()].into()), pods),
            Some(CallerPort::OfPods(PortRef::Name("metrics".into()))),
        ),
        OutsideCaller { namespace: String::new(), ..caller(CallerKind::APIService, "v1.shop", service("admin"), None) },
    ]
}

#[test]
fn whoever_calls_the_services_and_pods_of_a_server_is_named_with_the_port_of_the_pods() {
    let expected = [
        "APIService v1.shop",
        "Ingress shop/front (port 8080)",
        "PodMonitor shop/web (port metrics)",
        "ServiceMonitor shop/web (port metrics)",
    ];
    assert_eq!(found("", "", all()), expected);
    assert!(found("", "", Vec::new()).is_empty());
    assert!(found(", network: {policies: None}", "", all()).is_empty(), "nothing is dropped there");
}

#[test]
fn a_port_that_the_realm_or_an_access_opens_for_packets_alone_is_not_lost() {
    let from = "from: [{ipBlock: {cidr: 10.0.0.0/8}}]";
    let realm =
        format!(", network: {{alwaysAllow: [{{name: scrape, {from}, ports: [{{port: 9000, endPort: 9100}}]}}]}}");
    assert_eq!(found(&realm, "", all()), ["APIService v1.shop", "Ingress shop/front (port 8080)"]);
    let ingress = access("front", "")
        .replace("allow: []", &format!("allow: [], networkOnly: [{{{from}, ports: [{{port: 8080}}]}}]"));
    let left = found(&realm, &ingress, all());
    assert_eq!(left, ["APIService v1.shop"]);
}

#[test]
fn of_many_callers_the_first_sixteen_are_named_and_how_many_more() {
    let ingress = |number: usize| {
        caller(
            CallerKind::Ingress,
            &format!("i{number:02}"),
            service("web"),
            Some(CallerPort::OfService(PortRef::Number(80))),
        )
    };
    let named = found("", "", (0..40).map(ingress).collect());
    assert_eq!((named.len(), &*named[16]), (17, "24 more"));
}
