//! One object of a file, as the events that a watch would report of it. Workloads count as the pods that they would make, with the
//! label that the admission policy would give them.

use crate::index::facts::{Fact, ObjectKey, PodFact, PodShape, SetReference};
use crate::index::table::ObjectChange;
use crate::index::tables::ClusterEvent;
use crate::labels::SERVICE_ACCOUNT;
use crate::render::offline::error::OfflineError;
use crate::render::policy::parts::NAMESPACE_NAME;
use k8s_openapi::api::core::v1::{Namespace, PodSpec};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most pods that one workload counts as: they differ in name alone.
const MOST_PODS: u32 = 100;

/// An object of a kind that decides access.
pub(super) struct Manifest {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) object: Value,
    path: PathBuf,
}

/// A kind that decides access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Namespace,
    ServiceAccount,
    Service,
    NetworkPolicy,
    StatefulSet,
    Pod,
    /// A workload with a pod template: `spec.template`.
    Workload,
    CronJob,
    Realm,
    Principal,
    Access,
}

impl Kind {
    fn of(version: &str, kind: &str) -> Option<Kind> {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        Some(match (group, kind) {
            ("", "Namespace") => Kind::Namespace,
            ("", "ServiceAccount") => Kind::ServiceAccount,
            ("", "Service") => Kind::Service,
            ("", "Pod") => Kind::Pod,
            ("networking.k8s.io", "NetworkPolicy") => Kind::NetworkPolicy,
            ("apps", "StatefulSet") => Kind::StatefulSet,
            ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => {
                Kind::Workload
            }
            ("batch", "CronJob") => Kind::CronJob,
            ("kennel.dev", "KerberosRealm") => Kind::Realm,
            ("kennel.dev", "KerberosPrincipal") => Kind::Principal,
            ("kennel.dev", "KerberosAccess") => Kind::Access,
            _ => return None,
        })
    }

    fn is_namespaced(self) -> bool {
        !matches!(self, Kind::Namespace | Kind::Realm)
    }
}

impl Manifest {
    /// An object; its kind where the kind decides nothing. `kustomize`: the namespace that kustomize gives every object.
    pub(super) fn new(
        object: Value,
        kustomize: Option<&str>,
        path: &Path,
    ) -> Result<Result<Manifest, String>, OfflineError> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind_name, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        let Some(kind) = Kind::of(&version, &kind_name) else {
            return Ok(Err(if kind_name.is_empty() { "without a kind".to_owned() } else { kind_name }));
        };
        let own = Some(text("/metadata/namespace")).filter(|own| !own.is_empty());
        let namespace = kustomize.map(str::to_owned).or(own).unwrap_or_else(|| "default".to_owned());
        let namespace = if kind.is_namespaced() { namespace } else { String::new() };
        if name.is_empty() {
            let error = "has no metadata.name".to_owned();
            return Err(OfflineError::Malformed { path: path.to_owned(), kind: kind_name, name, error });
        }
        let mut manifest = Manifest { kind, namespace, name, object, path: path.to_owned() };
        manifest.complete();
        Ok(Ok(manifest))
    }

    /// Fills in what the API server would: the namespace, a UID, a namespace's own label. Our own objects get no UID, so that no
    /// policy names one that no cluster has.
    fn complete(&mut self) {
        let Some(metadata) = self.object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if self.kind.is_namespaced() {
            metadata.insert("namespace".into(), json!(self.namespace));
        }
        if !matches!(self.kind, Kind::Realm | Kind::Principal | Kind::Access) {
            metadata.insert("uid".into(), json!(format!("offline:{:?}:{}:{}", self.kind, self.namespace, self.name)));
        }
        if self.kind == Kind::Namespace {
            let labels = metadata.entry("labels").or_insert_with(|| json!({}));
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(NAMESPACE_NAME.into(), json!(self.name));
            }
        }
    }

    /// The labels of a namespace.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.object.pointer("/metadata/labels").cloned().unwrap_or_default();
        serde_json::from_value(labels).unwrap_or_default()
    }

    /// The pod template of a workload, or a pod itself.
    pub(super) fn template(&self) -> Option<&Value> {
        match self.kind {
            Kind::Pod => Some(&self.object),
            Kind::StatefulSet | Kind::Workload => self.object.pointer("/spec/template"),
            Kind::CronJob => self.object.pointer("/spec/jobTemplate/spec/template"),
            _ => None,
        }
    }

    /// The events of the object.
    pub(super) fn events(&self) -> Result<Vec<ClusterEvent>, OfflineError> {
        let mut events = match self.kind {
            Kind::Namespace => vec![ClusterEvent::Namespace(self.put()?)],
            Kind::ServiceAccount => vec![ClusterEvent::Account(self.put()?)],
            Kind::Service => vec![ClusterEvent::Service(self.put()?)],
            Kind::NetworkPolicy => vec![ClusterEvent::NetworkPolicy(self.put()?)],
            Kind::StatefulSet => vec![ClusterEvent::StatefulSet(self.put()?)],
            Kind::Realm => vec![ClusterEvent::realm(self.put()?)],
            Kind::Principal => vec![ClusterEvent::principal(self.put()?)],
            Kind::Access => vec![ClusterEvent::access(self.put()?)],
            Kind::Pod | Kind::Workload | Kind::CronJob => Vec::new(),
        };
        events.extend(self.pods()?);
        Ok(events)
    }

    fn put<F: Fact>(&self) -> Result<ObjectChange<F>, OfflineError>
    where
        F::Object: DeserializeOwned,
    {
        let object = serde_json::from_value(self.object.clone()).map_err(|error| self.malformed(&error))?;
        let (key, fact) =
            F::from_object(object).ok_or_else(|| self.malformed(&"lacks a part that every object has"))?;
        Ok(ObjectChange::Put(key, fact))
    }

    fn pods(&self) -> Result<Vec<ClusterEvent>, OfflineError> {
        let Some(template) = self.template() else { return Ok(Vec::new()) };
        let labels = template.pointer("/metadata/labels").cloned().filter(|labels| !labels.is_null());
        let labels: Option<BTreeMap<String, String>> =
            labels.map(serde_json::from_value).transpose().map_err(|error| self.malformed(&error))?;
        let spec = template.get("spec").cloned().unwrap_or_else(|| json!({ "containers": [] }));
        let spec: PodSpec = serde_json::from_value(spec).map_err(|error| self.malformed(&error))?;
        let mut shape = PodShape::new(labels.unwrap_or_default(), Some(&spec));
        shape.labels.insert(SERVICE_ACCOUNT.to_owned(), shape.account.clone());
        let shape = Arc::new(shape);
        let pod = |(name, set): (String, Option<SetReference>)| {
            let uid = format!("offline:Pod:{}:{name}", self.namespace);
            let fact = PodFact {
                uid,
                shape: shape.clone(),
                ended: false,
                finished: false,
                stateful_set: set,
                rollout: None,
                created: 0,
            };
            ClusterEvent::Pod(ObjectChange::Put((self.namespace.clone(), name), fact))
        };
        Ok(self.pod_names().into_iter().map(pod).collect())
    }

    /// The names of the pods: those of a StatefulSet by their numbers, one of any other workload.
    fn pod_names(&self) -> Vec<(String, Option<SetReference>)> {
        let number = |pointer: &str| self.object.pointer(pointer).and_then(Value::as_u64);
        let number = |pointer: &str| number(pointer).and_then(|number| u32::try_from(number).ok());
        match self.kind {
            Kind::StatefulSet => {
                let start = number("/spec/ordinals/start").unwrap_or(0);
                let uid = self.object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
                let set = SetReference { name: self.name.clone(), uid: uid.to_owned() };
                let replicas = number("/spec/replicas").unwrap_or(1).min(MOST_PODS);
                let numbers = start..start.saturating_add(replicas);
                numbers.map(|number| (format!("{}-{number}", self.name), Some(set.clone()))).collect()
            }
            Kind::Pod => vec![(self.name.clone(), None)],
            _ => vec![(format!("{}-pod", self.name), None)],
        }
    }

    pub(super) fn key(&self) -> ObjectKey {
        (self.namespace.clone(), self.name.clone())
    }

    fn malformed(&self, error: &dyn std::fmt::Display) -> OfflineError {
        let name =
            if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) };
        let kind = self.object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        OfflineError::Malformed { path: self.path.clone(), kind, name, error: error.to_string() }
    }
}

/// A namespace that files do not hold.
pub(super) fn namespace(name: &str, labels: BTreeMap<String, String>) -> Option<ClusterEvent> {
    let mut labels = labels;
    labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
    let object = json!({ "metadata": { "name": name, "uid": format!("offline:Namespace:{name}"), "labels": labels } });
    let object: Namespace = serde_json::from_value(object).ok()?;
    let (key, fact) = Fact::from_object(object)?;
    Some(ClusterEvent::Namespace(ObjectChange::Put(key, fact)))
}
