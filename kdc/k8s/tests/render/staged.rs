//! What Enforce would drop, where Calico can say it.

use crate::rules::{access, text};
use crate::{NOW, index};
use kennel_k8s::index::surroundings::{PolicySupport, Surroundings};
use kennel_k8s::policy::kind::{PolicyKey, PolicyKind};
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use serde_json::{Value, json};

fn rendered(realm: &str, web: &str, more: &str, support: PolicySupport) -> Rendered {
    let mut index = index(&text(realm, web, more));
    let policies = [(PolicyKind::StagedNetworkPolicy, support)].into();
    index.set_surroundings(Surroundings { policies, ..index.surroundings().clone() });
    render(&index, NOW)
}

fn spec(rendered: &Rendered, name: &str) -> Value {
    rendered.policies[&PolicyKey::staged("shop", name)].optional_spec().unwrap().clone()
}

fn staged(rendered: &Rendered) -> Vec<&str> {
    let staged = rendered.policies.keys().filter(|key| key.kind == PolicyKind::StagedNetworkPolicy);
    staged.map(|key| &*key.name).collect()
}

#[test]
fn an_observed_account_has_what_enforce_would_let_in_and_then_a_rule_that_denies() {
    let realm = ", network: {alwaysAllow: [{name: lb, from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 9000, endPort: 9100}, {port: metrics}]}]}";
    let peers = "{from: [{serviceAccount: {name: cart}}, {namespace: {name: batch}}]}";
    let rendered = rendered(realm, ", accessMode: Observe", &access("web", peers), PolicySupport::Writable);
    assert_eq!(staged(&rendered), ["kennel-default", "kennel-ingress-web"]);
    let own = "kennel.dev/service-account";
    let web = spec(&rendered, "kennel-ingress-web");
    assert_eq!(web["selector"], json!(format!("{own} == 'web'")));
    assert_eq!(
        (&web["order"], &web["types"], &web["tier"], &web["stagedAction"]),
        (&json!(890), &json!(["Ingress"]), &json!("default"), &json!("Set"))
    );
    let ports = json!({ "ports": [8080] });
    let rule = |source: Value| json!({ "action": "Allow", "protocol": "TCP", "source": source, "destination": ports });
    let batch = json!({
        "namespaceSelector": "kennel.dev/realm == 'r' && kubernetes.io/metadata.name == 'batch'",
        "selector": format!("has({own})"),
    });
    assert_eq!(web["ingress"], json!([rule(json!({ "selector": format!("{own} == 'cart'") })), rule(batch)]));
    let all = spec(&rendered, "kennel-default");
    assert_eq!((&all["selector"], &all["order"]), (&json!(format!("{own} == 'web'")), &json!(900)));
    let always = json!({
        "action": "Allow", "protocol": "TCP", "source": { "nets": ["10.0.0.0/8"], "notNets": ["10.1.0.0/16"] },
        "destination": { "ports": ["9000:9100", "metrics"] },
    });
    let deny = json!({ "action": "Deny", "source": {}, "destination": {} });
    assert_eq!(all["ingress"], json!([always, deny]));
}

#[test]
fn nothing_is_staged_for_servers_that_enforce_or_where_calico_does_not_serve_the_kind() {
    let object = access("web", "{from: [{serviceAccount: {name: cart}}]}");
    let of = |web: &str, support| rendered("", web, &object, support);
    assert!(staged(&of("", PolicySupport::Writable)).is_empty());
    for support in [PolicySupport::Unknown, PolicySupport::NotServed, PolicySupport::Forbidden] {
        let none = of(", accessMode: Observe", support);
        assert!(staged(&none).is_empty() && none.realm.problems.is_empty());
    }
    let none = rendered(", network: {policies: None}", ", accessMode: Observe", &object, PolicySupport::Writable);
    assert!(staged(&none).is_empty());
}

#[test]
fn no_grant_and_no_pod_waits_for_a_staged_policy() {
    let object = access("web", "{from: [{serviceAccount: {name: cart}}]}");
    let rendered = rendered("", ", accessMode: Observe", &object, PolicySupport::Writable);
    let server = kennel_core::access::table::ServerKey::new("shop", "web");
    let is_staged = |key: &&PolicyKey| key.kind == PolicyKind::StagedNetworkPolicy;
    assert!(!rendered.needs.of_observing(&server).any(|key| is_staged(&key)));
    assert!(!rendered.policies_of_account("shop", "web").iter().any(is_staged));
    assert!(rendered.accesses.values().all(|outcome| !outcome.policies.iter().any(|key| is_staged(&key))));
}
