//! The ClusterNetworkPolicy of a server: which packets it leaves to the NetworkPolicies, judged by a reading of its own.

use crate::rules::{access, text, with};
use crate::{NOW, index};
use kennel_k8s::index::Index;
use kennel_k8s::index::surroundings::{PolicySupport, Surroundings};
use kennel_k8s::policy::kind::{PolicyKey, PolicyKind};
use kennel_k8s::render::access::render;
use kennel_k8s::render::access::rendered::Rendered;
use serde_json::Value;
use std::collections::BTreeMap;

const ASKED: &str = ", network: {clusterPolicy: {priority: 900}}";

type Labels = BTreeMap<String, String>;

/// The action of the first rule that matches packets of an account's pods, whatever their port.
pub(crate) fn action(spec: &Value, index: &Index, (namespace, account): (&str, &str)) -> Option<String> {
    let namespaces = index.namespace_labels(namespace).cloned().unwrap_or_default();
    let pods = [("kennel.dev/service-account".to_owned(), account.to_owned())].into();
    of_labels(spec, &namespaces, &pods)
}

fn of_labels(spec: &Value, namespaces: &Labels, pods: &Labels) -> Option<String> {
    let is_from = |peer: &Value| match peer.get("pods") {
        Some(of) => selects(&of["namespaceSelector"], namespaces) && selects(&of["podSelector"], pods),
        None => selects(&peer["namespaces"], namespaces),
    };
    let rules = spec["ingress"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["from"].as_array().unwrap().iter().any(is_from))?;
    Some(rule["action"].as_str().unwrap().to_owned())
}

fn selects(selector: &Value, labels: &Labels) -> bool {
    let same = |(key, value): (&String, &Value)| labels.get(key).map(String::as_str) == value.as_str();
    let holds = |expression: &Value| {
        let found = labels.get(expression["key"].as_str().unwrap());
        let values = expression["values"].as_array().cloned().unwrap_or_default();
        let is_listed = found.is_some_and(|found| values.contains(&Value::from(&**found)));
        match expression["operator"].as_str().unwrap() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            "Exists" => found.is_some(),
            other => panic!("{other}"),
        }
    };
    selector["matchLabels"].as_object().into_iter().flatten().all(same)
        && selector["matchExpressions"].as_array().into_iter().flatten().all(holds)
}

fn spec(rendered: &Rendered) -> Value {
    let key = PolicyKey::cluster("kennel-shop.web");
    rendered.policies[&key].optional_spec().unwrap().clone()
}

#[test]
fn packets_that_kennel_lets_in_are_left_to_the_network_policies_and_those_of_all_other_pods_are_denied() {
    let peers = "{from: [{serviceAccount: {name: cart}}, {serviceAccount: {name: nightly, namespace: batch}}]}";
    let (index, rendered) = rendered(ASKED, &access("web", peers));
    let spec = spec(&rendered);
    assert_eq!((&spec["tier"], &spec["priority"]), (&"Admin".into(), &900.into()));
    let subject = &spec["subject"]["pods"];
    assert_eq!(subject["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], "shop");
    assert_eq!(subject["podSelector"]["matchLabels"]["kennel.dev/service-account"], "web");
    let asked = |namespace: &str, account: &str| action(&spec, &index, (namespace, account));
    assert_eq!(asked("shop", "cart").as_deref(), Some("Pass"));
    assert_eq!(asked("batch", "nightly").as_deref(), Some("Pass"));
    for (namespace, account) in [("shop", "nightly"), ("batch", "cart"), ("batch", "other"), ("kube-system", "cart")] {
        assert_eq!(asked(namespace, account).as_deref(), Some("Deny"), "{namespace}/{account}");
    }
    assert_eq!(of_labels(&spec, &Labels::new(), &Labels::new()).as_deref(), Some("Deny"), "a pod without any label");
    let ports = &spec["ingress"][0]["protocols"];
    assert_eq!(ports.to_string(), r#"[{"tcp":{"destinationPort":{"number":8080}}}]"#);
    // Every grant needs it: its ticket comes once the policy lets its packets pass.
    let grant = &rendered.access.servers.iter().find(|server| server.key.name == "web").unwrap().grants[0];
    let server = kennel_core::access::table::ServerKey::new("shop", "web");
    let needs: Vec<_> = rendered.needs.of_peer(&server, &grant.peers[0], "R").collect();
    assert!(needs.contains(&&PolicyKey::cluster("kennel-shop.web")), "{needs:?}");
    assert!(rendered.policies_of_account("shop", "web").contains(&PolicyKey::cluster("kennel-shop.web")));
}

/// The base with a realm of these settings, and more documents.
fn rendered(realm: &str, more: &str) -> (Index, Rendered) {
    let index = index(&text(realm, "", more));
    let rendered = render(&index, NOW);
    (index, rendered)
}

#[test]
fn monitoring_passes_and_addresses_are_no_sources_of_the_kind() {
    let realm = ", network: {clusterPolicy: {priority: 900}, alwaysAllow: [\
                 {name: scrape, from: [{namespaceSelector: {matchLabels: {team: a}}}], ports: [{port: 9090, endPort: 9099}, {port: metrics}]}, \
                 {name: lb, from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: 80}]}]}";
    let (index, rendered) = rendered(realm, "");
    let spec = spec(&rendered);
    assert_eq!(action(&spec, &index, ("batch", "prometheus")).as_deref(), Some("Pass"));
    assert_eq!(action(&spec, &index, ("shop", "cart")).as_deref(), Some("Deny"));
    let rules = spec["ingress"].as_array().unwrap();
    assert_eq!(rules.len(), 2, "the range of addresses makes none: {rules:?}");
    let ports =
        r#"[{"tcp":{"destinationPort":{"range":{"end":9099,"start":9090}}}},{"destinationNamedPort":"metrics"}]"#;
    assert_eq!(rules[0]["protocols"].to_string(), ports);
}

#[test]
fn it_is_written_only_where_it_is_asked_for_and_for_servers_that_enforce() {
    let has = |rendered: &Rendered| rendered.policies.keys().any(|key| key.kind == PolicyKind::ClusterNetworkPolicy);
    assert!(has(&with(ASKED, "", "")) && !has(&with("", "", "")));
    assert!(!has(&with(ASKED, ", accessMode: Observe", "")), "whatever is observed passes");
    assert!(!has(&with(", network: {policies: None, clusterPolicy: {priority: 900}}", "", "")));
    let accounts: Vec<_> = with(ASKED, "", "").policies.into_keys().filter(|key| key.namespace.is_empty()).collect();
    assert_eq!(accounts, [PolicyKey::cluster("kennel-shop.web")], "clients are no servers");
    assert!(with(ASKED, "", "").realm.assumed.iter().any(|said| said.starts_with("ClusterNetworkPolicy")));
}

#[test]
fn where_the_cluster_has_no_such_kind_or_the_kdc_may_not_write_it_the_realm_says_so() {
    let mut index = index(&text(ASKED, "", ""));
    for (support, reason) in [
        (PolicySupport::NotServed, Some("ClusterPolicyNotServed")),
        (PolicySupport::Forbidden, Some("ClusterPolicyForbidden")),
        (PolicySupport::Unknown, None),
        (PolicySupport::Writable, None),
    ] {
        let policies = [(PolicyKind::ClusterNetworkPolicy, support)].into();
        index.set_surroundings(Surroundings { policies, ..index.surroundings().clone() });
        let rendered = render(&index, NOW);
        let told = rendered.realm.problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>();
        assert_eq!(told, Vec::from_iter(reason));
        assert_eq!(rendered.policies.contains_key(&PolicyKey::cluster("kennel-shop.web")), reason.is_none());
    }
}

#[test]
fn accounts_of_one_namespace_are_one_peer_and_a_policy_that_would_be_too_large_is_told_and_not_written() {
    let account =
        |namespace: usize, name: usize| format!("{{serviceAccount: {{name: a{name}, namespace: n{namespace}}}}}");
    let enrolled = |count: usize| {
        (0..count).map(|n| {
            format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: n{n}, labels: {{kennel.dev/realm: r}}}}\n---\n")
        })
    };
    let rule = |peers: Vec<String>, port: usize| format!("{{from: [{}], ports: [{{port: {port}}}]}}", peers.join(", "));
    let many = rule((0..32).map(|name| account(0, name)).collect(), 8080);
    let text = format!("{}{}", access("web", &many), enrolled(1).collect::<String>());
    let spec = spec(&rendered(ASKED, &text).1);
    assert_eq!(spec["ingress"].as_array().unwrap().len(), 2);
    assert_eq!(spec["ingress"][0]["from"].as_array().unwrap().len(), 1, "{spec}");

    let rules: Vec<String> = (0..25).map(|port| rule(vec![account(0, port)], 1000 + port)).collect();
    let text = format!("{}{}", access("web", &rules.join(", ")), enrolled(1).collect::<String>());
    let (_, rendered) = rendered(ASKED, &text);
    assert!(!rendered.policies.contains_key(&PolicyKey::cluster("kennel-shop.web")));
    let problems = &rendered.servers[&("shop".to_owned(), "web".to_owned())].problems;
    assert_eq!(problems.iter().map(|problem| problem.reason()).collect::<Vec<_>>(), ["ClusterPolicyTooLarge"]);
}
