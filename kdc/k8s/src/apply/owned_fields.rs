//! Whether a NetworkPolicy of the cluster has the fields that Kennel owns as they should be: labels and annotations of ours, owner
//! references of ours, and the whole of `spec`. Pure.
//!
//! `spec` counts as a whole although server-side apply knows managers of single fields: any field in it, whoever wrote it, changes
//! which packets pass.

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use std::collections::BTreeMap;

/// Whether the policy that was found has every field of the wanted one.
#[must_use]
pub fn has_owned_fields(found: &NetworkPolicy, wanted: &NetworkPolicy) -> bool {
    has_owned_metadata(&found.metadata, &wanted.metadata)
        && same_spec(found.spec.as_ref().unwrap_or(&EMPTY), wanted.spec.as_ref().unwrap_or(&EMPTY))
}

const EMPTY: NetworkPolicySpec =
    NetworkPolicySpec { egress: None, ingress: None, pod_selector: None, policy_types: None };

/// Whether metadata has the labels, annotations and owner references of the wanted one, which may stand beside those of others.
#[must_use]
pub fn has_owned_metadata(found: &ObjectMeta, wanted: &ObjectMeta) -> bool {
    let owners = found.owner_references.as_deref().unwrap_or_default();
    contains(found.labels.as_ref(), wanted.labels.as_ref())
        && contains(found.annotations.as_ref(), wanted.annotations.as_ref())
        && wanted.owner_references.iter().flatten().all(|owner| owners.iter().any(|found| found.uid == owner.uid))
}

fn contains(found: Option<&BTreeMap<String, String>>, wanted: Option<&BTreeMap<String, String>>) -> bool {
    wanted.into_iter().flatten().all(|(key, value)| found.is_some_and(|found| found.get(key) == Some(value)))
}

/// Whether two specs say the same, however they write it: the API server adds defaults, and leaves empty lists out.
#[must_use]
pub fn same_spec(a: &NetworkPolicySpec, b: &NetworkPolicySpec) -> bool {
    a == b || canonical_spec(a.clone()) == canonical_spec(b.clone())
}

/// Returns a spec in one form: with the defaults of the API server, without empty lists.
#[must_use]
pub fn canonical_spec(mut spec: NetworkPolicySpec) -> NetworkPolicySpec {
    for rule in spec.ingress.iter_mut().flatten() {
        canonical_rule(&mut rule.from, &mut rule.ports);
    }
    for rule in spec.egress.iter_mut().flatten() {
        canonical_rule(&mut rule.to, &mut rule.ports);
    }
    drop_empty(&mut spec.ingress);
    drop_empty(&mut spec.egress);
    let types = if spec.egress.is_some() { &["Ingress", "Egress"][..] } else { &["Ingress"] };
    drop_empty(&mut spec.policy_types);
    spec.policy_types.get_or_insert_with(|| types.iter().map(|&kind| kind.to_owned()).collect()).sort();
    canonical_selector(spec.pod_selector.get_or_insert_default());
    spec
}

fn canonical_rule(peers: &mut Option<Vec<NetworkPolicyPeer>>, ports: &mut Option<Vec<NetworkPolicyPort>>) {
    for peer in peers.iter_mut().flatten() {
        // An empty selector selects everything, and a missing one nothing: the two differ.
        peer.namespace_selector.iter_mut().chain(&mut peer.pod_selector).for_each(canonical_selector);
        peer.ip_block.iter_mut().for_each(|block| drop_empty(&mut block.except));
    }
    for port in ports.iter_mut().flatten() {
        port.protocol.get_or_insert_with(|| "TCP".to_owned());
    }
    drop_empty(peers);
    drop_empty(ports);
}

fn canonical_selector(selector: &mut LabelSelector) {
    for expression in selector.match_expressions.iter_mut().flatten() {
        drop_empty(&mut expression.values);
    }
    drop_empty(&mut selector.match_expressions);
    if selector.match_labels.as_ref().is_some_and(BTreeMap::is_empty) {
        selector.match_labels = None;
    }
}

fn drop_empty<T>(list: &mut Option<Vec<T>>) {
    if list.as_ref().is_some_and(Vec::is_empty) {
        *list = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn policy(spec: Value) -> NetworkPolicy {
        let metadata = json!({
            "namespace": "shop", "name": "kennel-ingress-web", "labels": { "ours": "1" },
            "ownerReferences": [{ "apiVersion": "v1", "kind": "K", "name": "web", "uid": "u" }]
        });
        serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
    }

    fn web() -> Value {
        json!({
            "podSelector": { "matchLabels": { "kennel.dev/service-account": "web" } },
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": [{ "podSelector": {} }], "ports": [{ "port": 8080 }] }]
        })
    }

    /// Whether a policy with `web`, changed so, is still as wanted.
    fn is_wanted(change: impl FnOnce(&mut NetworkPolicy)) -> bool {
        let mut found = policy(web());
        change(&mut found);
        has_owned_fields(&found, &policy(web()))
    }

    #[test]
    fn what_the_api_server_adds_or_leaves_out_is_no_difference() {
        let written = json!({
            "podSelector": { "matchLabels": { "kennel.dev/service-account": "web" }, "matchExpressions": [] },
            "policyTypes": ["Ingress"], "egress": [],
            "ingress": [{ "from": [{ "podSelector": { "matchLabels": {} } }], "ports": [{ "port": 8080, "protocol": "TCP" }] }]
        });
        assert!(has_owned_fields(&policy(written.clone()), &policy(web())));
        assert!(has_owned_fields(&policy(web()), &policy(written)));
        let deny = |types: Value| policy(json!({ "podSelector": {}, "policyTypes": types }));
        assert!(has_owned_fields(&deny(json!(["Egress", "Ingress"])), &deny(json!(["Ingress", "Egress"]))));
        assert!(has_owned_fields(
            &policy(json!({ "podSelector": {}, "policyTypes": ["Ingress"] })),
            &policy(json!({}))
        ));
    }

    #[test]
    fn labels_annotations_and_owners_of_others_are_theirs() {
        assert!(is_wanted(|found| {
            found.metadata.labels.get_or_insert_default().insert("theirs".into(), "1".into());
            found.metadata.annotations = Some([("note".into(), "n".into())].into());
            let owner = found.metadata.owner_references.as_ref().unwrap()[0].clone();
            found.metadata.owner_references.as_mut().unwrap().push(owner);
        }));
    }

    #[test]
    fn each_field_that_is_ours_counts() {
        assert!(!is_wanted(|found| found.metadata.labels = None));
        assert!(!is_wanted(|found| found.metadata.owner_references = None));
        assert!(!is_wanted(|found| {
            found.metadata.labels.get_or_insert_default().insert("ours".into(), "2".into());
        }));
        assert!(!is_wanted(|found| found.spec = None));
        let edits: [fn(&mut Value); 8] = [
            |spec| spec["podSelector"]["matchLabels"]["more"] = json!("x"),
            |spec| spec["podSelector"] = json!({}),
            |spec| spec["policyTypes"] = json!(["Ingress", "Egress"]),
            |spec| spec["egress"] = json!([{}]),
            |spec| spec["ingress"][0]["from"][0]["namespaceSelector"] = json!({}),
            |spec| spec["ingress"][0]["ports"][0]["endPort"] = json!(9000),
            |spec| spec["ingress"][0]["ports"][0]["protocol"] = json!("UDP"),
            |spec| spec["ingress"] = json!([{}]),
        ];
        for (number, edit) in edits.into_iter().enumerate() {
            let mut spec = web();
            edit(&mut spec);
            assert!(!has_owned_fields(&policy(spec), &policy(web())), "edit {number}");
        }
    }

    #[test]
    fn a_rule_without_peers_is_no_rule_with_an_empty_selector() {
        let all = json!({ "ingress": [{ "from": [] }] });
        let pods = json!({ "ingress": [{ "from": [{ "podSelector": {} }] }] });
        assert!(!has_owned_fields(&policy(all.clone()), &policy(pods)));
        assert!(has_owned_fields(&policy(all), &policy(json!({ "ingress": [{}] }))));
    }
}
