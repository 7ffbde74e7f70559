//! What the API server serves beside the kinds of every cluster.

use crate::index::surroundings::{PolicySupport, ServedKind};
use crate::policy::kind::PolicyKind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use std::collections::BTreeSet;

/// A kind that some clusters serve.
struct Sought {
    group: &'static str,
    /// Versions with the same meaning, any of which counts.
    versions: &'static [&'static str],
    /// The kind in `kubectl api-resources`.
    kind: &'static str,
    served: ServedKind,
}

const SOUGHT: [Sought; 7] = [
    sought("admissionregistration.k8s.io", &["v1"], "MutatingAdmissionPolicy", ServedKind::MutatingAdmissionPolicy),
    sought("policy.networking.k8s.io", &["v1alpha2"], "ClusterNetworkPolicy", ServedKind::ClusterNetworkPolicy),
    sought("policy.networking.k8s.io", &["v1alpha1"], "AdminNetworkPolicy", ServedKind::AdminNetworkPolicy),
    sought("cilium.io", &["v2"], "CiliumNetworkPolicy", ServedKind::CiliumNetworkPolicy),
    sought("crd.projectcalico.org", &["v1"], "NetworkPolicy", ServedKind::CalicoNetworkPolicy),
    sought("projectcalico.org", &["v3"], "StagedNetworkPolicy", ServedKind::StagedNetworkPolicy),
    sought("crd.antrea.io", &["v1beta1", "v1alpha1"], "NetworkPolicy", ServedKind::AntreaNetworkPolicy),
];

const fn sought(
    group: &'static str,
    versions: &'static [&'static str],
    kind: &'static str,
    served: ServedKind,
) -> Sought {
    Sought { group, versions, kind, served }
}

/// Returns the kinds that the API server serves, among those that matter.
///
/// # Errors
/// Those of the API server.
pub async fn served_kinds(client: &Client) -> kube::Result<BTreeSet<ServedKind>> {
    let groups = client.list_api_groups().await?.groups;
    let mut served = BTreeSet::new();
    for Sought { group, versions, kind, served: found } in SOUGHT {
        let Some(known) = groups.iter().find(|known| known.name == group) else { continue };
        for version in known.versions.iter().filter(|version| versions.contains(&&*version.version)) {
            let resources = client.list_api_group_resources(&version.group_version).await;
            // A group whose own server does not answer is served to nobody.
            if resources.is_ok_and(|list| has_kind(&list, kind)) {
                served.insert(found);
            }
        }
    }
    Ok(served)
}

/// Returns whether this client may write policies of a kind, out of the kinds that are `served`. Whoever may list them is taken to be
/// given the role that lets write them too.
///
/// # Errors
/// Those of the API server.
pub async fn policy_support(
    client: &Client,
    kind: PolicyKind,
    served: &BTreeSet<ServedKind>,
) -> kube::Result<PolicySupport> {
    let as_served = match kind {
        PolicyKind::NetworkPolicy => return Ok(PolicySupport::Writable),
        PolicyKind::ClusterNetworkPolicy => ServedKind::ClusterNetworkPolicy,
        PolicyKind::StagedNetworkPolicy => ServedKind::StagedNetworkPolicy,
    };
    if !served.contains(&as_served) {
        return Ok(PolicySupport::NotServed);
    }
    let api = Api::<DynamicObject>::all_with(client.clone(), &kind.api_resource());
    match api.list(&ListParams::default().limit(1)).await {
        Ok(_) => Ok(PolicySupport::Writable),
        Err(kube::Error::Api(status)) if status.is_forbidden() => Ok(PolicySupport::Forbidden),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(PolicySupport::NotServed),
        Err(error) => Err(error),
    }
}

fn has_kind(list: &APIResourceList, kind: &str) -> bool {
    list.resources.iter().any(|resource| resource.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    /// An API server that serves some documents by their paths, and nothing else.
    fn server(documents: Value) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| {
            let found = documents.get(request.uri().path()).cloned();
            let missing =
                json!({ "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "no" });
            let code = if found.is_some() { 200 } else { 404 };
            let body = Body::from(serde_json::to_vec(&found.unwrap_or(missing)).unwrap());
            std::future::ready(Ok::<_, std::convert::Infallible>(Response::builder().status(code).body(body).unwrap()))
        });
        Client::new(service, "default")
    }

    fn group(name: &str, version: &str) -> Value {
        let version = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
        json!({ "name": name, "versions": [version] })
    }

    fn resources(kind: &str) -> Value {
        json!({ "groupVersion": "g/v", "resources": [{ "name": "r", "singularName": "r", "namespaced": true, "kind": kind, "verbs": [] }] })
    }

    #[tokio::test]
    async fn the_kinds_of_the_api_server_are_found_by_group_version_and_name() {
        let groups = [
            group("cilium.io", "v2"),
            group("policy.networking.k8s.io", "v1alpha1"),
            group("crd.antrea.io", "v1beta1"),
            group("projectcalico.org", "v1"),
        ];
        let client = server(json!({
            "/apis": { "groups": groups },
            "/apis/cilium.io/v2": resources("CiliumNetworkPolicy"),
            "/apis/policy.networking.k8s.io/v1alpha1": resources("AdminNetworkPolicy"),
            "/apis/projectcalico.org/v1": resources("StagedNetworkPolicy"),
        }));
        let served = served_kinds(&client).await.unwrap();
        assert_eq!(served, [ServedKind::AdminNetworkPolicy, ServedKind::CiliumNetworkPolicy].into());
    }

    #[tokio::test]
    async fn a_kind_that_is_served_and_may_be_listed_can_be_written() {
        let kind = PolicyKind::ClusterNetworkPolicy;
        let served = [ServedKind::ClusterNetworkPolicy].into();
        let list = json!({ "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicyList", "metadata": {}, "items": [] });
        let client = server(json!({ "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies": list }));
        assert_eq!(policy_support(&client, kind, &served).await.unwrap(), PolicySupport::Writable);
        let support = policy_support(&client, kind, &BTreeSet::new()).await.unwrap();
        assert_eq!(support, PolicySupport::NotServed);
        let support = policy_support(&server(json!({})), kind, &served).await.unwrap();
        assert_eq!(support, PolicySupport::NotServed, "gone since it was discovered");
    }
}
