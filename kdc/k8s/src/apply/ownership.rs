//! How Kennel owns what it writes: its field manager, the label on objects that it made, and deletions that hit exactly the
//! object that was seen.

use crate::labels::{FIELD_MANAGER, KDC_ACCOUNT, MANAGED_BY};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Longest name of a field manager, octets: the API server refuses longer ones.
const LONGEST_MANAGER: usize = 128;

/// The field manager of the status that the KDC of a realm writes, `kennel-kdc/REALM`: an object that two realms report on has the
/// conditions of each under its own manager.
pub(super) fn status_manager(realm: &str) -> String {
    let mut manager = format!("{FIELD_MANAGER}/{realm}");
    let end = (0..=LONGEST_MANAGER.min(manager.len())).rev().find(|end| manager.is_char_boundary(*end));
    manager.truncate(end.unwrap_or_default());
    manager
}

/// Parameters of a server-side apply that takes over our fields from whoever changed them.
pub(super) fn apply_params() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

/// Parameters of an update of a whole object under our field manager.
pub(super) fn put_params() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() }
}

/// Returns the KDC's service account, `NAMESPACE:NAME`, as deploy/base names it in the KDC's own namespace.
pub(super) fn kdc_account(client: &Client) -> String {
    format!("{}:{KDC_ACCOUNT}", client.default_namespace())
}

/// Labels of an object that we make.
pub(super) fn managed_labels() -> BTreeMap<String, String> {
    BTreeMap::from([MANAGED_BY.entry()])
}

/// Whether we made an object, by its label.
pub(super) fn is_managed(meta: &ObjectMeta) -> bool {
    let label = meta.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY.key));
    label.is_some_and(|value| value == MANAGED_BY.value)
}

/// Deletes exactly the object that was seen: an object of the same name that came later stays.
pub(super) async fn delete_seen<K>(api: &Api<K>, name: &str, meta: &ObjectMeta) -> kube::Result<()>
where
    K: Clone + Debug + DeserializeOwned,
{
    let preconditions = Preconditions { uid: meta.uid.clone(), resource_version: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match api.delete(name, &params).await {
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        other => other.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_realm_has_its_own_manager_of_a_length_that_the_api_server_takes() {
        assert_eq!(status_manager("DEV.KENNEL"), "kennel-kdc/DEV.KENNEL");
        assert_eq!(status_manager(&"R".repeat(253)).len(), 128);
        assert!(status_manager(&"\u{e9}".repeat(100)).len() <= 128);
    }
}
