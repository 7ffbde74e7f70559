//! Restarts of workloads whose programs read their keytab once, as `kubectl rollout restart` does it: an annotation of the pod template
//! changes, and the controller of the Deployment, StatefulSet or DaemonSet replaces its pods by its own rules. The owner of the workload
//! has asked for it by an annotation of the template, and the namespace allows it by a RoleBinding (`deploy/components/rollout`).

use crate::apply::ownership::kdc_account;
use crate::labels::{FIELD_MANAGER, ON_CHANGE, RESTARTED_AT, ROLLOUT};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kennel_core::pods::PodRef;
use kennel_wire::message::KerberosTime;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::fmt::{self, Debug};

/// Restarts workloads.
#[derive(Clone)]
pub struct WorkloadWriter {
    client: Client,
}

/// A workload of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadRef {
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What became of the wish to replace a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestartOutcome {
    /// The template of the workload has changed.
    Restarted(WorkloadRef),
    /// The pod is gone, or is of an older template than its workload has: it is being replaced already.
    UnderWay,
}

/// Why a pod is not replaced.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// The controller of the pod is none whose pods can be replaced so.
    #[error(
        "its pods are of no Deployment, StatefulSet or DaemonSet: restart them, or choose another kennel.dev/on-change"
    )]
    NoWorkload,
    /// The template does not have the annotation, whoever gave it to the pod.
    #[error("the template of {0} does not have the annotation {ON_CHANGE}: {ROLLOUT}, as its pods do")]
    NotAsked(WorkloadRef),
    /// Nobody has given the role to the KDC.
    #[error(
        "the KDC may not restart workloads of this namespace: create a RoleBinding for it (kubectl -n {namespace} create rolebinding \
         kennel-kdc-rollout --clusterrole=kennel-kdc-rollout --serviceaccount={account}; the role is in deploy/components/rollout)"
    )]
    Forbidden {
        /// The namespace of the workload.
        namespace: String,
        /// The KDC's service account, `NAMESPACE:NAME`.
        account: String,
    },
    /// The API server cannot be asked, or refuses for another reason.
    #[error("the API server: {0}")]
    Api(kube::Error),
}

impl WorkloadWriter {
    /// Writes with this client, that of an [`Applier`](crate::apply::Applier).
    pub(super) fn new(client: Client) -> WorkloadWriter {
        WorkloadWriter { client }
    }

    /// Has the pods of a pod's workload replaced, unless they are being replaced already. A repetition, also by another process, changes
    /// nothing: a pod has the annotation of the template that it was made from, and one of an older template is left alone.
    ///
    /// # Errors
    /// Those of [`RestartError`]. Where somebody else changes the workload in the same moment, [`RestartError::Api`].
    pub async fn restart(&self, pod: &PodRef, now: KerberosTime) -> Result<RestartOutcome, RestartError> {
        let in_namespace = |error| match error {
            kube::Error::Api(status) if status.is_forbidden() => {
                RestartError::Forbidden { namespace: pod.namespace.clone(), account: kdc_account(&self.client) }
            }
            other => RestartError::Api(other),
        };
        let Some(meta) = self.metadata::<Pod>(&pod.namespace, &pod.name, &pod.uid).await.map_err(in_namespace)? else {
            return Ok(RestartOutcome::UnderWay);
        };
        let owner = self.workload_of(&pod.namespace, &meta).await.map_err(in_namespace)?;
        let (kind, owner) = owner.ok_or(RestartError::NoWorkload)?;
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), &pod.namespace, &kind);
        let workload = WorkloadRef { kind: kind.kind, name: owner.name, uid: owner.uid };
        let Some(found) = api.get_opt(&workload.name).await.map_err(in_namespace)? else {
            return Ok(RestartOutcome::UnderWay);
        };
        if found.metadata.uid.as_ref() != Some(&workload.uid) {
            return Ok(RestartOutcome::UnderWay);
        }
        let annotations = found.data.pointer("/spec/template/metadata/annotations");
        let of_template = |key: &str| annotations.and_then(|annotations| annotations.get(key)?.as_str());
        if of_template(ON_CHANGE) != Some(ROLLOUT) {
            return Err(RestartError::NotAsked(workload));
        }
        let of_pod = meta.annotations.as_ref().and_then(|annotations| annotations.get(RESTARTED_AT));
        if of_template(RESTARTED_AT) != of_pod.map(String::as_str) {
            return Ok(RestartOutcome::UnderWay);
        }
        let annotation = json!({ RESTARTED_AT: now.to_rfc3339().to_string() });
        let patch = Patch::Merge(json!({
            "metadata": { "resourceVersion": found.metadata.resource_version },
            "spec": { "template": { "metadata": { "annotations": annotation } } }
        }));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        api.patch(&workload.name, &params, &patch).await.map_err(in_namespace)?;
        Ok(RestartOutcome::Restarted(workload))
    }

    /// The workload that made a pod, with its kind.
    async fn workload_of(
        &self,
        namespace: &str,
        pod: &ObjectMeta,
    ) -> kube::Result<Option<(ApiResource, OwnerReference)>> {
        let kinds = [
            ApiResource::erase::<Deployment>(&()),
            ApiResource::erase::<StatefulSet>(&()),
            ApiResource::erase::<DaemonSet>(&()),
        ];
        let Some(mut owner) = controller(pod).cloned() else { return Ok(None) };
        if is_kind(&owner, &ApiResource::erase::<ReplicaSet>(&())) {
            let Some(set) = self.metadata::<ReplicaSet>(namespace, &owner.name, &owner.uid).await? else {
                return Ok(None);
            };
            let Some(of_set) = controller(&set) else { return Ok(None) };
            owner = of_set.clone();
        }
        Ok(kinds.into_iter().find(|kind| is_kind(&owner, kind)).map(|kind| (kind, owner)))
    }

    /// The metadata of an object, where there is one of this name with this UID.
    async fn metadata<K>(&self, namespace: &str, name: &str, uid: &str) -> kube::Result<Option<ObjectMeta>>
    where
        K: Clone + Debug + DeserializeOwned + Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        let api = Api::<K>::namespaced(self.client.clone(), namespace);
        let found = api.get_metadata_opt(name).await?.map(|found| found.metadata);
        Ok(found.filter(|meta| meta.uid.as_deref() == Some(uid)))
    }
}

fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

fn is_kind(owner: &OwnerReference, kind: &ApiResource) -> bool {
    owner.kind == kind.kind && owner.api_version == kind.api_version
}
