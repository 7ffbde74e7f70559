//! The Secret that holds the keytab of a KerberosPrincipal, where `spec.keytabSecretRef` asks for one.

use crate::apply::ownership::{apply_params, delete_seen, is_managed, kdc_account, managed_labels};
use crate::crd::principal::KerberosPrincipal;
use crate::labels::KEYTAB_KEY;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use std::collections::BTreeMap;

/// Why a keytab Secret was not written.
#[derive(Debug, thiserror::Error)]
pub enum KeytabSecretError {
    /// The Secret of this name was made by somebody else.
    #[error("the Secret was not made by Kennel")]
    NotOurs,
    /// The Secret of this name belongs to another KerberosPrincipal, which has this name.
    #[error("the Secret belongs to KerberosPrincipal {0}")]
    OfOther(String),
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

/// A Secret as it was seen.
#[derive(Debug, Clone)]
pub struct SeenSecret {
    name: String,
    /// `metadata.uid`.
    pub uid: String,
    resource_version: Option<String>,
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
        kdc_account(&self.client)
    }

    /// Returns the keytab Secret of a KerberosPrincipal, its owner, as it is now: the Secret is deleted with the owner. Where there is
    /// none, makes one without a keytab, so that its UID is known before it holds keys. A Secret of this name that somebody else made,
    /// or that belongs to another KerberosPrincipal, stays as it is. `exists`: whether there is a KerberosPrincipal of this namespace
    /// with this name and UID; the Secret of one that is gone is taken over.
    ///
    /// # Errors
    /// [`KeytabSecretError`].
    pub async fn prepare(
        &self,
        owner: &KerberosPrincipal,
        name: &str,
        exists: impl Fn(&str, &str) -> bool,
    ) -> Result<SeenSecret, KeytabSecretError> {
        let api = self.api(owner);
        let there = match api.get_opt(name).await? {
            Some(there) => {
                check_ownership(there.meta(), owner, exists)?;
                there
            }
            None => {
                // The write takes over no field of a Secret that somebody makes at this moment.
                let params = PatchParams { force: false, ..apply_params() };
                api.patch(name, &params, &Patch::Apply(keytab_secret(owner, name, None))).await?
            }
        };
        let ObjectMeta { uid, resource_version, .. } = there.metadata;
        Ok(SeenSecret { name: name.to_owned(), uid: uid.unwrap_or_default(), resource_version })
    }

    /// Writes a keytab into the Secret that [`KeytabSecretWriter::prepare`] returned. The write fails where the Secret was changed
    /// since: it may have another owner by now.
    ///
    /// # Errors
    /// [`KeytabSecretError`].
    pub async fn write(
        &self,
        owner: &KerberosPrincipal,
        seen: &SeenSecret,
        keytab: &[u8],
    ) -> Result<(), KeytabSecretError> {
        let mut secret = keytab_secret(owner, &seen.name, Some(keytab));
        secret.metadata.uid = Some(seen.uid.clone());
        secret.metadata.resource_version.clone_from(&seen.resource_version);
        self.api(owner).patch(&seen.name, &apply_params(), &Patch::Apply(secret)).await?;
        Ok(())
    }

    /// Deletes the keytab Secret of a KerberosPrincipal, if it is still ours and belongs to this owner.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn delete(&self, owner: &KerberosPrincipal, name: &str) -> kube::Result<()> {
        let api = self.api(owner);
        let Some(secret) = api.get_opt(name).await? else { return Ok(()) };
        if is_owned(secret.meta(), owner) && is_managed(secret.meta()) {
            delete_seen(&api, name, secret.meta()).await
        } else {
            Ok(())
        }
    }

    fn api(&self, owner: &KerberosPrincipal) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &owner.namespace().unwrap_or_default())
    }
}

/// Checks that a Secret is Kennel's and that of this owner, or of one that no longer exists. The owner reference's UID decides: names
/// of KerberosPrincipals repeat.
fn check_ownership(
    secret: &ObjectMeta,
    owner: &KerberosPrincipal,
    exists: impl Fn(&str, &str) -> bool,
) -> Result<(), KeytabSecretError> {
    if !is_managed(secret) {
        return Err(KeytabSecretError::NotOurs);
    }
    if is_owned(secret, owner) {
        return Ok(());
    }
    let references = secret.owner_references.as_deref().unwrap_or_default();
    let kind = KerberosPrincipal::kind(&());
    match references.iter().find(|reference| reference.kind == kind) {
        Some(other) if exists(&other.name, &other.uid) => Err(KeytabSecretError::OfOther(other.name.clone())),
        Some(_) => Ok(()),
        None => Err(KeytabSecretError::NotOurs),
    }
}

fn is_owned(secret: &ObjectMeta, owner: &KerberosPrincipal) -> bool {
    let mut references = secret.owner_references.iter().flatten();
    references.any(|reference| Some(&reference.uid) == owner.meta().uid.as_ref())
}

fn keytab_secret(owner: &KerberosPrincipal, name: &str, keytab: Option<&[u8]>) -> Secret {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some(managed_labels()),
        owner_references: Some(owner.controller_owner_ref(&()).into_iter().collect()),
        ..ObjectMeta::default()
    };
    let data = keytab.map(|keytab| BTreeMap::from([(KEYTAB_KEY.to_owned(), ByteString(keytab.to_vec()))]));
    Secret { metadata, data, type_: Some("Opaque".into()), ..Secret::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(name: &str, uid: &str) -> KerberosPrincipal {
        let spec = serde_json::json!({ "serviceAccountName": name });
        let mut object = KerberosPrincipal::new(name, serde_json::from_value(spec).unwrap());
        object.metadata.uid = Some(uid.to_owned());
        object
    }

    /// What becomes of a write of `web`, UID `1`, over a Secret, while the KerberosPrincipal with UID `2` exists.
    fn judged(secret: &ObjectMeta) -> Result<(), String> {
        let exists = |name: &str, uid: &str| (name, uid) == ("web", "2") || (name, uid) == ("cart", "2");
        check_ownership(secret, &principal("web", "1"), exists).map_err(|error| error.to_string())
    }

    #[test]
    fn the_uid_of_the_owner_decides_whose_secret_it_is() {
        let of = |owner: &KerberosPrincipal| keytab_secret(owner, "s", None).metadata;
        assert_eq!(judged(&of(&principal("web", "1"))), Ok(()));
        assert_eq!(judged(&of(&principal("cart", "2"))), Err("the Secret belongs to KerberosPrincipal cart".into()));
        assert_eq!(judged(&of(&principal("web", "2"))), Err("the Secret belongs to KerberosPrincipal web".into()));
        assert_eq!(judged(&of(&principal("web", "0"))), Ok(()), "of one that is gone");
    }

    #[test]
    fn a_secret_with_our_label_and_no_owner_or_with_our_owner_and_no_label_is_not_ours() {
        let mut secret = keytab_secret(&principal("web", "1"), "s", None).metadata;
        let references = secret.owner_references.take();
        assert_eq!(judged(&secret), Err("the Secret was not made by Kennel".into()));
        let secret = ObjectMeta { owner_references: references, ..ObjectMeta::default() };
        assert_eq!(judged(&secret), Err("the Secret was not made by Kennel".into()));
    }
}
