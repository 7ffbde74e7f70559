//! NetworkPolicies: server-side apply under our field manager, and deletion of exactly the policy that was seen.
//!
//! A policy under one of our names is ours, whoever made it and whatever labels it has: an editor of the namespace may have taken
//! our label off, or made a policy of the name first.

use crate::apply::owned_fields::has_owned_fields;
use crate::apply::ownership::{apply_params, delete_seen, is_managed, put_params};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch};
use kube::core::Status;
use kube::{Api, Client, Resource, ResourceExt};

/// Policies in one page of a listing.
const PAGE: u32 = 500;

/// Writes NetworkPolicies.
#[derive(Clone)]
pub struct NetworkPolicyWriter {
    client: Client,
}

impl NetworkPolicyWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client) -> NetworkPolicyWriter {
        NetworkPolicyWriter { client }
    }

    /// Writes a policy, whoever changed it. Returns the policy as the API server now has it; `None` where the namespace is gone or
    /// is being deleted, so that the policy is needed no more.
    ///
    /// # Errors
    /// Those of the API server. A conflict says that somebody else wrote at the same moment: try again.
    pub async fn apply(&self, wanted: &NetworkPolicy) -> kube::Result<Option<NetworkPolicy>> {
        match self.write(wanted).await {
            Ok(written) => Ok(Some(written)),
            Err(kube::Error::Api(status)) if status.is_not_found() || is_terminating(&status) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, wanted: &NetworkPolicy) -> kube::Result<NetworkPolicy> {
        let api = self.api(&wanted.namespace().unwrap_or_default());
        let name = wanted.name_any();
        let written = api.patch(&name, &apply_params(), &Patch::Apply(wanted)).await?;
        if has_owned_fields(&written, wanted) {
            return Ok(written);
        }
        // Fields that another manager added to spec, such as a label of the podSelector, outlive an apply.
        api.replace(&name, &put_params(), &replacement(written, wanted)).await
    }

    /// Deletes a policy, if it still carries our label.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn delete(&self, namespace: &str, name: &str) -> kube::Result<()> {
        let api = self.api(namespace);
        match api.get_opt(name).await? {
            Some(policy) if is_managed(policy.meta()) => delete_seen(&api, name, policy.meta()).await,
            _ => Ok(()),
        }
    }

    /// Lists the policies of all namespaces that a label selector selects.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn list(&self, selector: &str) -> kube::Result<Vec<NetworkPolicy>> {
        let api = Api::<NetworkPolicy>::all(self.client.clone());
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

    fn api(&self, namespace: &str) -> Api<NetworkPolicy> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// Whether the API server refuses an object since its namespace is being deleted.
fn is_terminating(status: &Status) -> bool {
    status.is_forbidden() && status.message.contains("being terminated")
}

/// Returns what takes the place of a policy: its spec is the wanted one, labels and annotations of others stay.
fn replacement(written: NetworkPolicy, wanted: &NetworkPolicy) -> NetworkPolicy {
    NetworkPolicy { spec: wanted.spec.clone(), metadata: ObjectMeta { managed_fields: None, ..written.metadata } }
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
    fn server(answers: Vec<Value>) -> (NetworkPolicyWriter, Requests) {
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
        (NetworkPolicyWriter::new(Client::new(service, "default")), requests)
    }

    fn web() -> Value {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": { "namespace": "shop", "name": "web", "labels": { "ours": "1" } },
            "spec": { "podSelector": { "matchLabels": { "a": "web" } }, "policyTypes": ["Ingress"] }
        })
    }

    fn policy(value: &Value) -> NetworkPolicy {
        serde_json::from_value(value.clone()).unwrap()
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
        writer.delete("shop", "web").await.unwrap();
        let requests = requests.lock().unwrap();
        let (method, _, body) = &requests[1];
        assert_eq!((method, &body["preconditions"]["uid"]), (&Method::DELETE, &json!("uid-1")));
    }

    #[tokio::test]
    async fn a_policy_of_somebody_else_is_not_deleted() {
        let (writer, requests) = server(vec![web()]);
        writer.delete("shop", "web").await.unwrap();
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
        let found = writer.list("ours=1").await.unwrap();
        assert_eq!(found.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["a", "b"]);
        assert!(requests.lock().unwrap()[1].1.contains("continue=token"));
    }
}
