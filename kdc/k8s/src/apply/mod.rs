//! What is written to the cluster: the status of our resources, Events, the ConfigMap of each enrolled namespace, keytab
//! Secrets. Everything by server-side apply under our own name, so that a write repeated is a write done.

use crate::crd::{KerberosPrincipal, KerberosRealm};
use crate::labels::{CONFIG_MAP, FIELD_MANAGER, KEYTAB_KEY, MANAGED_BY};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, ObjectReference, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, Preconditions};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use std::collections::BTreeMap;

/// Writes to the cluster.
#[derive(Clone)]
pub struct Applier {
    client: Client,
    recorder: Recorder,
}

/// What an Event is about.
pub enum Subject<'a> {
    /// A KerberosPrincipal, by its metadata.
    Principal(&'a ObjectMeta),
    /// A KerberosRealm, likewise.
    Realm(&'a ObjectMeta),
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
        /// Its UID.
        uid: &'a str,
    },
    /// A service account.
    Account {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
        /// Its UID.
        uid: &'a str,
    },
}

impl Subject<'_> {
    fn reference(&self) -> ObjectReference {
        let own = |meta: &ObjectMeta, kind: ApiResource| ObjectReference {
            api_version: Some(kind.api_version),
            kind: Some(kind.kind),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            ..ObjectReference::default()
        };
        let core = |kind: &str, namespace: &str, name: &str, uid: &str| ObjectReference {
            api_version: Some("v1".into()),
            kind: Some(kind.into()),
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            uid: Some(uid.into()),
            ..ObjectReference::default()
        };
        match self {
            Subject::Principal(meta) => own(meta, ApiResource::erase::<KerberosPrincipal>(&())),
            Subject::Realm(meta) => own(meta, ApiResource::erase::<KerberosRealm>(&())),
            Subject::Pod { namespace, name, uid } => core("Pod", namespace, name, uid),
            Subject::Account { namespace, name, uid } => core("ServiceAccount", namespace, name, uid),
        }
    }
}

impl Applier {
    /// Writes with this client; `instance` is this process, in Events.
    #[must_use]
    pub fn new(client: Client, instance: Option<String>) -> Applier {
        let recorder = Recorder::new(client.clone(), Reporter { controller: FIELD_MANAGER.into(), instance });
        Applier { client, recorder }
    }

    /// Writes the status of a KerberosPrincipal.
    ///
    /// # Errors
    /// The API server's.
    pub async fn principal_status(
        &self,
        namespace: &str,
        name: &str,
        status: &crate::crd::principal::KerberosPrincipalStatus,
    ) -> kube::Result<()> {
        // The answer is not decoded: the object may be one that cannot be.
        let kind = ApiResource::erase::<KerberosPrincipal>(&());
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &kind);
        api.patch_status(name, &params(), &Patch::Merge(json!({ "status": status }))).await.map(|_| ())
    }

    /// Writes the status of a KerberosRealm.
    ///
    /// # Errors
    /// The API server's.
    pub async fn realm_status(&self, name: &str, status: &crate::crd::realm::KerberosRealmStatus) -> kube::Result<()> {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), &ApiResource::erase::<KerberosRealm>(&()));
        api.patch_status(name, &params(), &Patch::Merge(json!({ "status": status }))).await.map(|_| ())
    }

    /// Writes the ConfigMap of an enrolled namespace.
    ///
    /// # Errors
    /// The API server's.
    pub async fn config_map(&self, namespace: &str, data: &BTreeMap<String, String>) -> kube::Result<()> {
        let metadata = ObjectMeta { name: Some(CONFIG_MAP.into()), labels: Some(managed()), ..ObjectMeta::default() };
        let map = ConfigMap { metadata, data: Some(data.clone()), ..ConfigMap::default() };
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
        api.patch(CONFIG_MAP, &applied(), &Patch::Apply(map)).await.map(|_| ())
    }

    /// The namespaces that have a ConfigMap of ours.
    ///
    /// # Errors
    /// The API server's.
    pub async fn config_maps(&self) -> kube::Result<Vec<String>> {
        // By name: that is all that our role may list.
        let named = ListParams::default().fields(&format!("metadata.name={CONFIG_MAP}"));
        let maps = Api::<ConfigMap>::all(self.client.clone()).list(&named).await?;
        Ok(maps.into_iter().filter(|map| is_managed(map.meta())).filter_map(|map| map.namespace()).collect())
    }

    /// Deletes the ConfigMap of a namespace, if it is ours.
    ///
    /// # Errors
    /// The API server's.
    pub async fn delete_config_map(&self, namespace: &str) -> kube::Result<()> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
        match api.get_opt(CONFIG_MAP).await? {
            Some(map) if is_managed(map.meta()) => delete(&api, CONFIG_MAP, map.meta()).await,
            _ => Ok(()),
        }
    }

    /// Writes the keytab Secret of a KerberosPrincipal; it goes with its owner. One of that name that is not ours stays.
    ///
    /// # Errors
    /// The API server's; [`NotOurs`](SecretError::NotOurs).
    pub async fn keytab_secret(&self, owner: &KerberosPrincipal, name: &str, keytab: &[u8]) -> Result<(), SecretError> {
        let namespace = owner.namespace().unwrap_or_default();
        let api = Api::<Secret>::namespaced(self.client.clone(), &namespace);
        if let Some(there) = api.get_opt(name).await?
            && !is_managed(there.meta())
        {
            return Err(SecretError::NotOurs);
        }
        let owners = owner.controller_owner_ref(&()).into_iter().collect::<Vec<OwnerReference>>();
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(managed()),
            owner_references: Some(owners),
            ..ObjectMeta::default()
        };
        let data = BTreeMap::from([(KEYTAB_KEY.to_owned(), ByteString(keytab.to_vec()))]);
        let secret = Secret { metadata, data: Some(data), type_: Some("Opaque".into()), ..Secret::default() };
        api.patch(name, &applied(), &Patch::Apply(secret)).await?;
        Ok(())
    }

    /// Deletes the keytab Secret of a KerberosPrincipal, if it is still ours and that one's.
    ///
    /// # Errors
    /// The API server's.
    pub async fn delete_keytab_secret(&self, owner: &KerberosPrincipal, name: &str) -> kube::Result<()> {
        let api = Api::<Secret>::namespaced(self.client.clone(), &owner.namespace().unwrap_or_default());
        let Some(secret) = api.get_opt(name).await? else { return Ok(()) };
        let owned = secret.owner_references().iter().any(|reference| Some(&reference.uid) == owner.meta().uid.as_ref());
        if owned && is_managed(secret.meta()) { delete(&api, name, secret.meta()).await } else { Ok(()) }
    }

    /// Publishes an Event. That it cannot be published is logged and no more: Events are for people.
    pub async fn event(&self, subject: Subject<'_>, warning: bool, reason: &str, note: &str) {
        let reference = subject.reference();
        let event = Event {
            type_: if warning { EventType::Warning } else { EventType::Normal },
            reason: reason.to_owned(),
            note: Some(note.chars().take(1000).collect()),
            action: "Reconcile".into(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &reference).await {
            tracing::debug!(%error, reason, "an Event could not be published");
        }
    }
}

/// Why a keytab Secret was not written.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Somebody else's Secret has the name.
    #[error(
        "there is a Secret of this name that is not Kennel's: delete it, or give another name in spec.keytabSecret"
    )]
    NotOurs,
    /// The KDC's role has no Secrets in it.
    #[error(
        "the KDC may not write Secrets here: add the component deploy/components/keytab-secrets, or let the agent fetch the keytab"
    )]
    Forbidden,
    /// The API server's.
    #[error(transparent)]
    Api(kube::Error),
}

impl From<kube::Error> for SecretError {
    fn from(error: kube::Error) -> SecretError {
        match error {
            kube::Error::Api(status) if status.is_forbidden() => SecretError::Forbidden,
            error => SecretError::Api(error),
        }
    }
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() }
}

fn applied() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

fn managed() -> BTreeMap<String, String> {
    [MANAGED_BY.entry()].into()
}

fn is_managed(meta: &ObjectMeta) -> bool {
    meta.labels.as_ref().is_some_and(|labels| labels.get(MANAGED_BY.key).map(String::as_str) == Some(MANAGED_BY.value))
}

/// Deletes exactly the object that was seen.
async fn delete<K>(api: &Api<K>, name: &str, meta: &ObjectMeta) -> kube::Result<()>
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let preconditions = Preconditions { uid: meta.uid.clone(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match api.delete(name, &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        other => other.map(|_| ()),
    }
}
