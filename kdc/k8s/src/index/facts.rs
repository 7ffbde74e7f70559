//! What the index keeps of each object: only what decides something, since a cluster has many pods.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{DeserializeGuard, Resource};
use std::collections::BTreeMap;

/// Namespace and name; the namespace of cluster-wide objects is empty.
pub type ObjectKey = (String, String);

/// The part of an object that the index keeps.
pub trait Fact: Sized {
    /// The object as the API server sends it.
    type Object;

    /// Returns the fact under its key; `None` for an object without a name or UID, which no API server sends.
    fn from_object(object: Self::Object) -> Option<(ObjectKey, Self)>;
}

/// Of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceFact {
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub ending: bool,
}

/// Of a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFact {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`, seconds since the epoch.
    pub created: i64,
}

/// Of a Service: only that it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceFact;

/// Of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFact {
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.serviceAccountName`.
    pub account: String,
    /// Whether it is being deleted, or its phase is Succeeded or Failed.
    pub ended: bool,
    /// The StatefulSet that controls it.
    pub stateful_set: Option<SetReference>,
    /// `metadata.creationTimestamp`, seconds since the epoch; 0 without one.
    pub created: i64,
}

/// The StatefulSet in the owner references of a pod. Whoever creates the pod writes them: the UID proves nothing by itself, but a
/// StatefulSet of another UID does not own the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetReference {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
}

/// Of a StatefulSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatefulSetFact {
    /// `metadata.uid`.
    pub uid: String,
    /// `spec.serviceName`: the Service that its pods have their names from.
    pub service: String,
    /// `spec.ordinals.start`: ordinal of the first pod, 0 by default.
    pub start: u32,
    /// `spec.replicas`: number of pods, 1 by default.
    pub replicas: u32,
}

/// Of one of our own resources: the object, or why it cannot be read.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnFact<K> {
    /// The object, or the decoder's message.
    pub object: Result<K, String>,
    /// `metadata`, without `managedFields`.
    pub meta: ObjectMeta,
}

impl<K> OwnFact<K> {
    /// `metadata.creationTimestamp`, seconds since the epoch; the end of time without one.
    #[must_use]
    pub fn created(&self) -> i64 {
        created(&self.meta).unwrap_or(i64::MAX)
    }
}

fn created(meta: &ObjectMeta) -> Option<i64> {
    meta.creation_timestamp.as_ref().map(|time| time.0.as_second())
}

fn key(meta: &mut ObjectMeta) -> Option<ObjectKey> {
    Some((meta.namespace.take().unwrap_or_default(), meta.name.take()?))
}

impl Fact for NamespaceFact {
    type Object = Namespace;

    fn from_object(mut object: Namespace) -> Option<(ObjectKey, NamespaceFact)> {
        let ending = object.metadata.deletion_timestamp.is_some();
        let labels = object.metadata.labels.take().unwrap_or_default();
        Some((key(&mut object.metadata)?, NamespaceFact { labels, ending }))
    }
}

impl Fact for AccountFact {
    type Object = ServiceAccount;

    fn from_object(mut object: ServiceAccount) -> Option<(ObjectKey, AccountFact)> {
        let created = created(&object.metadata).unwrap_or(i64::MAX);
        Some((key(&mut object.metadata)?, AccountFact { uid: object.metadata.uid?, created }))
    }
}

impl Fact for ServiceFact {
    type Object = Service;

    fn from_object(mut object: Service) -> Option<(ObjectKey, ServiceFact)> {
        Some((key(&mut object.metadata)?, ServiceFact))
    }
}

impl Fact for PodFact {
    type Object = Pod;

    fn from_object(mut object: Pod) -> Option<(ObjectKey, PodFact)> {
        let phase = object.status.and_then(|status| status.phase);
        let ended =
            object.metadata.deletion_timestamp.is_some() || matches!(phase.as_deref(), Some("Succeeded" | "Failed"));
        let account = object.spec.and_then(|spec| spec.service_account_name).unwrap_or_else(|| "default".into());
        let owners = object.metadata.owner_references.take().unwrap_or_default();
        let set = |kind: &str, version: &str| kind == "StatefulSet" && version.starts_with("apps/");
        let owner = owners.into_iter().find(|o| o.controller == Some(true) && set(&o.kind, &o.api_version));
        let stateful_set = owner.map(|owner| SetReference { name: owner.name, uid: owner.uid });
        let created = created(&object.metadata).unwrap_or(0);
        let key = key(&mut object.metadata)?;
        Some((key, PodFact { uid: object.metadata.uid?, account, ended, stateful_set, created }))
    }
}

impl Fact for StatefulSetFact {
    type Object = StatefulSet;

    fn from_object(mut object: StatefulSet) -> Option<(ObjectKey, StatefulSetFact)> {
        let spec = object.spec?;
        let count = |number: i32| u32::try_from(number).unwrap_or(0);
        let fact = StatefulSetFact {
            uid: object.metadata.uid.clone()?,
            service: spec.service_name.unwrap_or_default(),
            start: spec.ordinals.and_then(|ordinals| ordinals.start).map_or(0, count),
            replicas: spec.replicas.map_or(1, count),
        };
        Some((key(&mut object.metadata)?, fact))
    }
}

impl<K: Resource> Fact for OwnFact<K> {
    type Object = DeserializeGuard<K>;

    fn from_object(object: DeserializeGuard<K>) -> Option<(ObjectKey, OwnFact<K>)> {
        let mut meta = match &object.0 {
            Ok(object) => object.meta().clone(),
            Err(invalid) => invalid.metadata.clone(),
        };
        meta.managed_fields = None;
        let key = (meta.namespace.clone().unwrap_or_default(), meta.name.clone()?);
        Some((key, OwnFact { object: object.0.map_err(|invalid| invalid.error), meta }))
    }
}
