//! The ConfigMap of each enrolled namespace: `krb5.conf`, and the certificate that agents trust.

use crate::apply::ownership::{apply_params, delete_seen, is_managed, managed_labels};
use crate::labels::{CONFIG_MAP, REALM_NAME};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, Patch};
use kube::{Api, Client, Resource, ResourceExt};
use std::collections::BTreeMap;

/// Writes the ConfigMaps of the namespaces that a realm enrols. Those of another realm, which has a KDC of its own, stay.
#[derive(Clone)]
pub struct ConfigMapWriter {
    client: Client,
    realm: String,
}

impl ConfigMapWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client, realm: &str) -> ConfigMapWriter {
        ConfigMapWriter { client, realm: realm.to_owned() }
    }

    /// Writes the ConfigMap of an enrolled namespace.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn write(&self, namespace: &str, data: &BTreeMap<String, String>) -> kube::Result<()> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
        api.patch(CONFIG_MAP, &apply_params(), &Patch::Apply(config_map(&self.realm, data))).await.map(|_| ())
    }

    /// Lists the namespaces that have a ConfigMap of this realm.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn namespaces(&self) -> kube::Result<Vec<String>> {
        // By name, since the KDC's role allows no other listing.
        let named = ListParams::default().fields(&format!("metadata.name={CONFIG_MAP}"));
        let maps = Api::<ConfigMap>::all(self.client.clone()).list(&named).await?;
        Ok(maps.into_iter().filter(|map| self.is_ours(map)).filter_map(|map| map.namespace()).collect())
    }

    /// Deletes the ConfigMap of a namespace, if it is this realm's.
    ///
    /// # Errors
    /// Those of the API server.
    pub async fn delete(&self, namespace: &str) -> kube::Result<()> {
        let api = Api::<ConfigMap>::namespaced(self.client.clone(), namespace);
        match api.get_opt(CONFIG_MAP).await? {
            Some(map) if self.is_ours(&map) => delete_seen(&api, CONFIG_MAP, map.meta()).await,
            _ => Ok(()),
        }
    }

    fn is_ours(&self, map: &ConfigMap) -> bool {
        is_managed(map.meta()) && map.annotations().get(REALM_NAME) == Some(&self.realm)
    }
}

fn config_map(realm: &str, data: &BTreeMap<String, String>) -> ConfigMap {
    let metadata = ObjectMeta {
        name: Some(CONFIG_MAP.into()),
        labels: Some(managed_labels()),
        annotations: Some([(REALM_NAME.to_owned(), realm.to_owned())].into()),
        ..ObjectMeta::default()
    };
    ConfigMap { metadata, data: Some(data.clone()), ..ConfigMap::default() }
}
