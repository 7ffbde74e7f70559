//! Policies: server-side apply under our field manager, and deletion of exactly the policy that was seen.
//!
//! A policy under one of our names is ours, whoever made it and whatever labels it has: an editor of the namespace may have taken
//! our label off, or made a policy of the name first.

use crate::apply::owned_fields::{has_owned_fields, has_owned_metadata};
use crate::apply::ownership::{apply_params, delete_seen, is_managed, put_params};
use crate::policy::kind::{PolicyKey, PolicyKind};
use crate::policy::rendered::RenderedPolicy;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DynamicObject, ListParams, Patch};
use kube::core::Status;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Policies in one page of a listing.
const PAGE: u32 = 500;

/// Writes policies.
#[derive(Clone)]
pub struct PolicyWriter {
    client: Client,
}

impl PolicyWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client) -> PolicyWriter {
        PolicyWriter { client }
    }

    /// Writes a policy, whoever changed it. Returns the policy as the API server now has it; `None` where the namespace is gone or
    /// is being deleted, so that the policy is needed no more.
    ///
    /// # Errors
    /// Those of the API server. A conflict says that somebody else wrote at the same moment: try again. A kind that is not served is
    /// not found.
    pub async fn apply(&self, wanted: &RenderedPolicy) -> kube::Result<Option<RenderedPolicy>> {
        let namespace = wanted.metadata().namespace.as_deref().unwrap_or_default();
        let written = match wanted {
            RenderedPolicy::Network(policy) => {
                write(&self.networks(namespace), policy).await.map(RenderedPolicy::Network)
            }
            RenderedPolicy::Optional(kind, object) => write(&self.optionals(*kind, namespace), object)
                .await
                .map(|found| RenderedPolicy::Optional(*kind, found)),
        };
        // Of an optional kind, the kind itself may be what is not found.
        let has_namespace = wanted.kind() == PolicyKind::NetworkPolicy;
        match written {
            Ok(written) => Ok(Some(written)),
            Err(kube::Error::Api(status)) if is_terminating(&status) => Ok(None),
            Err(kube::Error::Api(status)) if has_namespace && status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a policy, if it still carries our label.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn delete(&self, key: &PolicyKey) -> kube::Result<()> {
        match key.kind {
            PolicyKind::NetworkPolicy => delete(&self.networks(&key.namespace), &key.name).await,
            kind => delete(&self.optionals(kind, &key.namespace), &key.name).await,
        }
    }

    /// Lists the policies of a kind in all namespaces that a label selector selects.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn list(&self, kind: PolicyKind, selector: &str) -> kube::Result<Vec<RenderedPolicy>> {
        if kind == PolicyKind::NetworkPolicy {
            let found = list(&Api::<NetworkPolicy>::all(self.client.clone()), selector).await?;
            return Ok(found.into_iter().map(RenderedPolicy::Network).collect());
        }
        let found = list(&Api::<DynamicObject>::all_with(self.client.clone(), &kind.api_resource()), selector).await?;
        Ok(found.into_iter().map(|object| RenderedPolicy::Optional(kind, object)).collect())
    }

    fn networks(&self, namespace: &str) -> Api<NetworkPolicy> {
        Api::namespaced(self.client.clone(), namespace)
    }

    fn optionals(&self, kind: PolicyKind, namespace: &str) -> Api<DynamicObject> {
        let resource = kind.api_resource();
        match kind.is_namespaced() {
            true => Api::namespaced_with(self.client.clone(), namespace, &resource),
            false => Api::all_with(self.client.clone(), &resource),
        }
    }
}

/// A policy whose `spec` Kennel owns as a whole.
trait OwnedPolicy: Resource + Serialize + DeserializeOwned + Clone + Debug {
    /// Whether it has every field that we write.
    fn is_as(&self, wanted: &Self) -> bool;

    /// What takes its place: its spec is the wanted one, labels and annotations of others stay.
    fn replacement(self, wanted: &Self) -> Self;
}

impl OwnedPolicy for NetworkPolicy {
    fn is_as(&self, wanted: &NetworkPolicy) -> bool {
        has_owned_fields(self, wanted)
    }

    fn replacement(self, wanted: &NetworkPolicy) -> NetworkPolicy {
        NetworkPolicy { spec: wanted.spec.clone(), metadata: without_managers(self.metadata) }
    }
}

impl OwnedPolicy for DynamicObject {
    fn is_as(&self, wanted: &DynamicObject) -> bool {
        has_owned_metadata(&self.metadata, &wanted.metadata) && self.data.get("spec") == wanted.data.get("spec")
    }

    fn replacement(self, wanted: &DynamicObject) -> DynamicObject {
        DynamicObject { metadata: without_managers(self.metadata), ..wanted.clone() }
    }
}

fn without_managers(metadata: ObjectMeta) -> ObjectMeta {
    ObjectMeta { managed_fields: None, ..metadata }
}

async fn write<K: OwnedPolicy>(api: &Api<K>, wanted: &K) -> kube::Result<K> {
    let name = wanted.name_any();
    let written = api.patch(&name, &apply_params(), &Patch::Apply(wanted)).await?;
    if written.is_as(wanted) {
        return Ok(written);
    }
    // Fields that another manager added to spec, such as a label of the podSelector, outlive an apply.
    api.replace(&name, &put_params(), &written.replacement(wanted)).await
}

async fn delete<K: OwnedPolicy>(api: &Api<K>, name: &str) -> kube::Result<()> {
    match api.get_opt(name).await? {
        Some(policy) if is_managed(policy.meta()) => delete_seen(api, name, policy.meta()).await,
        _ => Ok(()),
    }
}

async fn list<K: OwnedPolicy>(api: &Api<K>, selector: &str) -> kube::Result<Vec<K>> {
    let mut params = ListParams::default().labels(selector).limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = api.list(&params).await?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => return Ok(found),
        }
    }
}

/// Whether the API server refuses an object since its namespace is being deleted.
fn is_terminating(status: &Status) -> bool {
    status.is_forbidden() && status.message.contains("being terminated")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    /// Requests as they came: method, path and query, body.
    type Requests = Arc<Mutex<Vec<(Method, String, Value)>>>;

    /// An API server that answers each request with the next of some documents, and keeps the requests.
    fn server(answers: Vec<Value>) -> (PolicyWriter, Requests) {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (requests.clone(), Arc::new(Mutex::new(answers.into_iter())));
        let service = tower::service_fn(move |request: Request<Body>| {
            let (seen, answers) = (seen.clone(), answers.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap_or(Value::Null);
                seen.lock().unwrap().push((parts.method, parts.uri.to_string(), body));
                let answer = answers.lock().unwrap().next().unwrap();
                let code = answer["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(200);
                let body = Body::from(serde_json::to_vec(&answer).unwrap());
                Ok::<_, std::convert::Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        (PolicyWriter::new(Client::new(service, "default")), requests)
    }

    fn web() -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": { "namespace": "shop", "name": "web", "labels": { "ours": "1" } },
            "spec": { "podSelector": { "matchLabels": { "a": "web" } }, "policyTypes": ["Ingress"] }
        })
    }

    fn policy(value: &Value) -> RenderedPolicy {
        RenderedPolicy::Network(serde_json::from_value(value.clone()).unwrap())
    }

    /// A ClusterNetworkPolicy of a server.
    fn of_cluster(spec: Value) -> RenderedPolicy {
        let metadata = serde_json::from_value(json!({ "name": "kennel-shop.web", "labels": { "ours": "1" } })).unwrap();
        RenderedPolicy::optional(PolicyKind::ClusterNetworkPolicy, metadata, spec)
    }

    #[tokio::test]
    async fn a_policy_is_applied_with_force_under_our_field_manager() {
        let (writer, requests) = server(vec![web()]);
        writer.apply(&policy(&web())).await.unwrap();
        let requests = requests.lock().unwrap();
        let (method, uri, _) = &requests[0];
        assert_eq!((requests.len(), method), (1, &Method::PATCH));
        assert!(uri.contains("/namespaces/shop/networkpolicies/web?"), "{uri}");
        assert!(uri.contains("force=true") && uri.contains("fieldManager=kennel-kdc"), "{uri}");
    }

    #[tokio::test]
    async fn a_spec_that_another_manager_added_to_is_replaced_and_the_label_of_the_other_stays() {
        let mut edited = web();
        edited["metadata"]["labels"]["theirs"] = json!("1");
        edited["metadata"]["resourceVersion"] = json!("7");
        edited["spec"]["podSelector"]["matchLabels"]["more"] = json!("x");
        let (writer, requests) = server(vec![edited, web()]);
        writer.apply(&policy(&web())).await.unwrap();
        let requests = requests.lock().unwrap();
        let (method, _, body) = &requests[1];
        assert_eq!(method, &Method::PUT);
        assert_eq!(body["spec"], web()["spec"]);
        assert_eq!(
            (&body["metadata"]["labels"]["theirs"], &body["metadata"]["resourceVersion"]),
            (&json!("1"), &json!("7"))
        );
    }

    #[tokio::test]
    async fn only_the_policy_that_was_seen_is_deleted() {
        let mut found = web();
        found["metadata"]["uid"] = json!("uid-1");
        found["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "kennel-kdc" });
        let (writer, requests) = server(vec![found, json!({ "kind": "Status", "status": "Success" })]);
        writer.delete(&PolicyKey::network("shop", "web")).await.unwrap();
        let requests = requests.lock().unwrap();
        let (method, _, body) = &requests[1];
        assert_eq!((method, &body["preconditions"]["uid"]), (&Method::DELETE, &json!("uid-1")));
    }

    #[tokio::test]
    async fn a_policy_of_somebody_else_is_not_deleted() {
        let (writer, requests) = server(vec![web()]);
        writer.delete(&PolicyKey::network("shop", "web")).await.unwrap();
        assert_eq!(requests.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_namespace_that_is_being_deleted_needs_no_policy() {
        let refused = json!({ "kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "unable to create new content in namespace shop because it is being terminated" });
        let (writer, _) = server(vec![refused]);
        assert_eq!(writer.apply(&policy(&web())).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_listing_has_every_page() {
        let page = |name: &str, next: &str| {
            let mut item = web();
            item["metadata"]["name"] = json!(name);
            json!({ "kind": "NetworkPolicyList", "apiVersion": "networking.k8s.io/v1", "metadata": { "continue": next }, "items": [item] })
        };
        let (writer, requests) = server(vec![page("a", "token"), page("b", "")]);
        let found = writer.list(PolicyKind::NetworkPolicy, "ours=1").await.unwrap();
        assert_eq!(found.iter().map(|policy| policy.key().name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(requests.lock().unwrap()[1].1.contains("continue=token"));
    }

    #[tokio::test]
    async fn a_policy_of_the_cluster_is_applied_without_a_namespace_and_rules_that_somebody_added_are_taken_out() {
        let wanted = of_cluster(json!({ "tier": "Admin", "ingress": [] }));
        let mut edited = serde_json::to_value(&wanted).unwrap();
        edited["spec"]["egress"] = json!([{}]);
        edited["metadata"]["resourceVersion"] = json!("7");
        let (writer, requests) = server(vec![edited, serde_json::to_value(&wanted).unwrap()]);
        writer.apply(&wanted).await.unwrap();
        let requests = requests.lock().unwrap();
        let path = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies/kennel-shop.web?";
        assert!(requests.iter().all(|(_, uri, _)| uri.contains(path)), "{requests:?}");
        let (method, _, body) = &requests[1];
        assert_eq!((method, &body["spec"]), (&Method::PUT, &json!({ "tier": "Admin", "ingress": [] })));
        assert_eq!(body["metadata"]["resourceVersion"], json!("7"));
    }

    #[tokio::test]
    async fn a_kind_that_is_not_served_is_an_error_while_a_namespace_that_is_gone_is_none() {
        let missing =
            || json!({ "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "no" });
        let (writer, _) = server(vec![missing(), missing()]);
        assert_eq!(writer.apply(&policy(&web())).await.unwrap(), None);
        writer.apply(&of_cluster(json!({}))).await.unwrap_err();
    }
}
