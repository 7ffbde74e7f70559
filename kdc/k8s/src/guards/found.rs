//! Reads the admission policies of the cluster.

use crate::guards::report::ClusterGuards;
use crate::guards::shipped::{GuardKind, GuardObject};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde_json::Value;

const GROUP: &str = "admissionregistration.k8s.io";
/// Prefix of the names of our policies; others are not kept.
const PREFIX: &str = "kennel-";

/// Lists the policies and bindings whose names begin with `kennel-`, in four requests.
///
/// # Errors
/// Those of the API server: 403 where the KDC lacks the rule of `deploy/base/rbac.yaml`.
pub async fn read_guards(client: &Client) -> kube::Result<ClusterGuards> {
    let mut objects = list(client, GuardKind::ValidatingAdmissionPolicy).await?;
    objects.extend(list(client, GuardKind::ValidatingAdmissionPolicyBinding).await?);
    let serves_mutation = match list(client, GuardKind::MutatingAdmissionPolicy).await {
        Ok(found) => {
            objects.extend(found);
            objects.extend(list(client, GuardKind::MutatingAdmissionPolicyBinding).await?);
            true
        }
        Err(error) if is_not_served(&error) => false,
        Err(error) => return Err(error),
    };
    Ok(ClusterGuards { serves_mutation, objects })
}

/// The answer to a list is 404 where the API server does not serve the kind.
fn is_not_served(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

async fn list(client: &Client, kind: GuardKind) -> kube::Result<Vec<GuardObject>> {
    let gvk = GroupVersionKind::gvk(GROUP, "v1", &format!("{kind:?}"));
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural());
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let found = api.list(&ListParams::default()).await?;
    let ours = found.items.into_iter().filter(|object| object.name_any().starts_with(PREFIX));
    Ok(ours.map(|mut object| GuardObject::new(kind, object.name_any(), spec(&mut object))).collect())
}

fn spec(object: &mut DynamicObject) -> Value {
    object.data.get_mut("spec").map(Value::take).unwrap_or_default()
}
