//! The status of our custom resources; [`render::status`](crate::render::status) says what it should be.

use crate::apply::ownership::status_manager;
use crate::crd::access::{KerberosAccess, KerberosAccessStatus};
use crate::crd::principal::{KerberosPrincipal, KerberosPrincipalStatus};
use crate::crd::realm::{KerberosRealm, KerberosRealmStatus};
use crate::problem::condition::ConditionType;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use serde::Serialize;
use serde_json::{Value, json};

/// Writes the status of our custom resources by server-side apply. The API server merges conditions by their type: those of other
/// writers stay, and what is left out of a status goes. The API server's answer is not decoded, since the object may be one that
/// cannot be.
#[derive(Clone)]
pub struct StatusWriter {
    client: Client,
    params: PatchParams,
}

impl StatusWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier), for the KDC of this realm.
    pub(super) fn new(client: Client, realm: &str) -> StatusWriter {
        StatusWriter { client, params: PatchParams::apply(&status_manager(realm)).force() }
    }

    /// Writes the status of a KerberosPrincipal.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write_principal(
        &self,
        namespace: &str,
        name: &str,
        status: &KerberosPrincipalStatus,
    ) -> kube::Result<()> {
        let kind = ApiResource::erase::<KerberosPrincipal>(&());
        self.write(&Api::namespaced_with(self.client.clone(), namespace, &kind), &kind, name, status).await
    }

    /// Writes the status of a KerberosAccess.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write_access(&self, namespace: &str, name: &str, status: &KerberosAccessStatus) -> kube::Result<()> {
        let kind = ApiResource::erase::<KerberosAccess>(&());
        self.write(&Api::namespaced_with(self.client.clone(), namespace, &kind), &kind, name, status).await
    }

    /// Writes the status of a KerberosRealm.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write_realm(&self, name: &str, status: &KerberosRealmStatus) -> kube::Result<()> {
        let kind = ApiResource::erase::<KerberosRealm>(&());
        self.write(&Api::all_with(self.client.clone(), &kind), &kind, name, status).await
    }

    async fn write(
        &self,
        api: &Api<DynamicObject>,
        kind: &ApiResource,
        name: &str,
        status: &(impl Serialize + Sync),
    ) -> kube::Result<()> {
        let status = own_part(serde_json::to_value(status).map_err(kube::Error::SerdeError)?);
        let patch = json!({
            "apiVersion": kind.api_version, "kind": kind.kind, "metadata": { "name": name }, "status": status
        });
        api.patch_status(name, &self.params, &Patch::Apply(patch)).await.map(|_| ())
    }
}

/// The status without the conditions of others: whoever applies a condition owns it.
fn own_part(mut status: Value) -> Value {
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"].as_str().is_some_and(ConditionType::is_ours));
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_others_are_not_sent() {
        let status = json!({ "kvno": 1, "conditions": [{ "type": "Theirs" }, { "type": "Ready" }] });
        assert_eq!(own_part(status), json!({ "kvno": 1, "conditions": [{ "type": "Ready" }] }));
        assert_eq!(own_part(json!({})), json!({}));
    }
}
