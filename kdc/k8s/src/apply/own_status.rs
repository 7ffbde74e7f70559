//! The status of our custom resources; [`render::status`](crate::render::status) says what it should be.

use crate::apply::ownership::merge_params;
use crate::crd::access::{KerberosAccess, KerberosAccessStatus};
use crate::crd::principal::{KerberosPrincipal, KerberosPrincipalStatus};
use crate::crd::realm::{KerberosRealm, KerberosRealmStatus};
use kube::api::{ApiResource, DynamicObject, Patch};
use kube::{Api, Client};
use serde::Serialize;
use serde_json::json;

/// Writes the status of KerberosPrincipals and KerberosRealms. The API server's answer is not decoded, since the object may
/// be one that cannot be.
#[derive(Clone)]
pub struct StatusWriter {
    client: Client,
}

impl StatusWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client) -> StatusWriter {
        StatusWriter { client }
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
        write(&Api::namespaced_with(self.client.clone(), namespace, &kind), name, status).await
    }

    /// Writes the status of a KerberosAccess.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write_access(&self, namespace: &str, name: &str, status: &KerberosAccessStatus) -> kube::Result<()> {
        let kind = ApiResource::erase::<KerberosAccess>(&());
        write(&Api::namespaced_with(self.client.clone(), namespace, &kind), name, status).await
    }

    /// Writes the status of a KerberosRealm.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write_realm(&self, name: &str, status: &KerberosRealmStatus) -> kube::Result<()> {
        let kind = ApiResource::erase::<KerberosRealm>(&());
        write(&Api::all_with(self.client.clone(), &kind), name, status).await
    }
}

async fn write(api: &Api<DynamicObject>, name: &str, status: &(impl Serialize + Sync)) -> kube::Result<()> {
    api.patch_status(name, &merge_params(), &Patch::Merge(json!({ "status": status }))).await.map(|_| ())
}
