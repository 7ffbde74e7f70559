//! Deletes the records of holders that are gone, since a holder counts as long as it has a record: a rotation waits for a pod that
//! nobody can see, until it is sure that the pod is no more.

use crate::rotation::book::RotationBook;
use crate::rotation::holders::FoundHolder;
use futures_util::stream::{self, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kennel_core::pods::{PodRef, PodState};
use kennel_core::rotation::holder::HolderId;
use kennel_k8s::index::view::SharedIndex;
use kennel_store::{PrincipalStore, StoreError};
use kube::Api;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Interval of the search for holders that are gone.
const INTERVAL: Duration = Duration::from_secs(5);
/// Pods that the API server is asked about at a time.
const AT_A_TIME: usize = 8;
/// Time limit of such a question.
const PATIENCE: Duration = Duration::from_secs(5);

/// The search.
pub(crate) struct HolderSweep {
    pub(crate) client: kube::Client,
    pub(crate) index: SharedIndex,
    pub(crate) book: Arc<RotationBook>,
    pub(crate) store: Arc<dyn PrincipalStore>,
}

impl HolderSweep {
    /// Runs without end. The caller aborts the task at a stop, which is safe at any point.
    pub(crate) async fn run(self) {
        loop {
            tokio::time::sleep(INTERVAL).await;
            let found = self.missing();
            stream::iter(&found).for_each_concurrent(AT_A_TIME, |holder| self.delete_if_gone(holder)).await;
        }
    }

    /// The holders that the index does not have.
    fn missing(&self) -> Vec<FoundHolder> {
        let newest = newest_secrets(&self.book);
        let index = self.index.clone();
        if !index.read().is_synced() {
            return Vec::new();
        }
        self.book.holders_where(|record| match &record.id {
            HolderId::Pod(pod) => index.holder_state(pod) == PodState::Gone,
            HolderId::Secret { namespace, name, uid } => {
                let is_replaced = newest.get(&(namespace.clone(), name.clone())).is_some_and(|newest| newest != uid);
                is_replaced || !index.read().names_secret(namespace, name)
            }
        })
    }

    async fn delete_if_gone(&self, holder: &FoundHolder) {
        let is_gone = match &holder.id {
            HolderId::Pod(pod) => self.is_gone(pod).await,
            // The KDC may not read Secrets. The one that no object asks for was deleted with it.
            HolderId::Secret { .. } => true,
        };
        if !is_gone {
            return;
        }
        match self.store.delete(&holder.name, holder.revision).await {
            Ok(_) => tracing::debug!(holder = ?holder.id, "a holder of keys is gone"),
            // It has come back, or is deleted already.
            Err(StoreError::Conflict) => {}
            Err(error) => {
                tracing::warn!(holder = ?holder.id, %error, "the record of a holder cannot be deleted: trying again")
            }
        }
    }

    /// Asks the API server, since the index may be late. Without an answer the pod counts as there.
    async fn is_gone(&self, pod: &PodRef) -> bool {
        let api = Api::<Pod>::namespaced(self.client.clone(), &pod.namespace);
        match tokio::time::timeout(PATIENCE, api.get_opt(&pod.name)).await {
            Ok(Ok(None)) => true,
            Ok(Ok(Some(found))) => {
                let phase = found.status.and_then(|status| status.phase);
                let is_finished = matches!(phase.as_deref(), Some("Succeeded" | "Failed"));
                is_finished || found.metadata.uid.as_deref() != Some(&pod.uid)
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

/// The UID of each Secret by namespace and name: of two records of one name, the later one is of the Secret that exists.
fn newest_secrets(book: &RotationBook) -> BTreeMap<(String, String), String> {
    let mut secrets = book.holders_where(|record| matches!(record.id, HolderId::Secret { .. }));
    secrets.sort_by_key(|holder| holder.created);
    let newest = secrets.into_iter().filter_map(|holder| match holder.id {
        HolderId::Secret { namespace, name, uid } => Some(((namespace, name), uid)),
        HolderId::Pod(_) => None,
    });
    newest.collect()
}
