//! The Secret that holds the keytab of a KerberosPrincipal, where `spec.keytabSecret` asks for one.

use crate::apply::ownership::{apply_params, delete_seen, is_managed, managed_labels};
use crate::crd::principal::KerberosPrincipal;
use crate::labels::{KDC_ACCOUNT, KEYTAB_KEY};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::Patch;
use kube::{Api, Client, Resource, ResourceExt};
use std::collections::BTreeMap;

/// Why a keytab Secret was not written.
#[derive(Debug, thiserror::Error)]
pub enum KeytabSecretError {
    /// The Secret of this name was made by somebody else.
    #[error("the Secret was not made by Kennel")]
    NotOurs,
    /// The role of the KDC has no right to Secrets.
    #[error("the KDC may not write Secrets")]
    Forbidden,
    /// Any other error of the API server.
    #[error(transparent)]
    Api(kube::Error),
}

impl From<kube::Error> for KeytabSecretError {
    fn from(error: kube::Error) -> KeytabSecretError {
        match error {
            kube::Error::Api(status) if status.is_forbidden() => KeytabSecretError::Forbidden,
            error => KeytabSecretError::Api(error),
        }
    }
}

/// Writes keytab Secrets.
#[derive(Clone)]
pub struct KeytabSecretWriter {
    client: Client,
}

impl KeytabSecretWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client) -> KeytabSecretWriter {
        KeytabSecretWriter { client }
    }

    /// Returns the KDC's service account, `NAMESPACE:NAME`, as deploy/base names it in the KDC's own namespace.
    #[must_use]
    pub fn account(&self) -> String {
        format!("{}:{KDC_ACCOUNT}", self.client.default_namespace())
    }

    /// Writes the keytab Secret of a KerberosPrincipal, its owner: the Secret is deleted with it. A Secret of this name that
    /// somebody else made stays as it is.
    ///
    /// # Errors
    /// [`KeytabSecretError`].
    pub async fn write(&self, owner: &KerberosPrincipal, name: &str, keytab: &[u8]) -> Result<(), KeytabSecretError> {
        let api = self.api(owner);
        if let Some(there) = api.get_opt(name).await?
            && !is_managed(there.meta())
        {
            return Err(KeytabSecretError::NotOurs);
        }
        api.patch(name, &apply_params(), &Patch::Apply(keytab_secret(owner, name, keytab))).await?;
        Ok(())
    }

    /// Deletes the keytab Secret of a KerberosPrincipal, if it is still ours and belongs to this owner.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn delete(&self, owner: &KerberosPrincipal, name: &str) -> kube::Result<()> {
        let api = self.api(owner);
        let Some(secret) = api.get_opt(name).await? else { return Ok(()) };
        let owned = secret.owner_references().iter().any(|reference| Some(&reference.uid) == owner.meta().uid.as_ref());
        if owned && is_managed(secret.meta()) { delete_seen(&api, name, secret.meta()).await } else { Ok(()) }
    }

    fn api(&self, owner: &KerberosPrincipal) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &owner.namespace().unwrap_or_default())
    }
}

fn keytab_secret(owner: &KerberosPrincipal, name: &str, keytab: &[u8]) -> Secret {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(managed_labels()),
        owner_references: Some(owner.controller_owner_ref(&()).into_iter().collect()),
        ..ObjectMeta::default()
    };
    let data = BTreeMap::from([(KEYTAB_KEY.to_owned(), ByteString(keytab.to_vec()))]);
    Secret { metadata, data: Some(data), type_: Some("Opaque".into()), ..Secret::default() }
}
