//! Events: what `kubectl describe` shows of an object's history.

use crate::apply::workload::WorkloadRef;
use crate::crd::access::KerberosAccess;
use crate::crd::principal::KerberosPrincipal;
use crate::crd::realm::KerberosRealm;
use crate::labels::FIELD_MANAGER;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Client;
use kube::api::ApiResource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// Longest note, characters: the API server refuses longer ones.
const LONGEST_NOTE: usize = 1000;

/// The object that an Event is about.
pub enum EventSubject<'a> {
    /// A KerberosPrincipal, by its metadata.
    Principal(&'a ObjectMeta),
    /// A KerberosAccess, by its metadata.
    Access(&'a ObjectMeta),
    /// A KerberosRealm, by its metadata.
    Realm(&'a ObjectMeta),
    /// A pod.
    Pod {
        /// `metadata.namespace`.
        namespace: &'a str,
        /// `metadata.name`.
        name: &'a str,
        /// `metadata.uid`.
        uid: &'a str,
    },
    /// A workload, in its namespace.
    Workload(&'a str, &'a WorkloadRef),
    /// A service account.
    Account {
        /// `metadata.namespace`.
        namespace: &'a str,
        /// `metadata.name`.
        name: &'a str,
        /// `metadata.uid`.
        uid: &'a str,
    },
}

impl EventSubject<'_> {
    fn reference(&self) -> ObjectReference {
        match self {
            EventSubject::Principal(meta) => own_reference(meta, ApiResource::erase::<KerberosPrincipal>(&())),
            EventSubject::Access(meta) => own_reference(meta, ApiResource::erase::<KerberosAccess>(&())),
            EventSubject::Realm(meta) => own_reference(meta, ApiResource::erase::<KerberosRealm>(&())),
            EventSubject::Pod { namespace, name, uid } => core_reference("Pod", namespace, name, uid),
            EventSubject::Workload(namespace, workload) => ObjectReference {
                api_version: Some("apps/v1".into()),
                ..core_reference(&workload.kind, namespace, &workload.name, &workload.uid)
            },
            EventSubject::Account { namespace, name, uid } => core_reference("ServiceAccount", namespace, name, uid),
        }
    }
}

fn own_reference(meta: &ObjectMeta, kind: ApiResource) -> ObjectReference {
    ObjectReference {
        api_version: Some(kind.api_version),
        kind: Some(kind.kind),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        ..ObjectReference::default()
    }
}

fn core_reference(kind: &str, namespace: &str, name: &str, uid: &str) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".into()),
        kind: Some(kind.into()),
        namespace: Some(namespace.into()),
        name: Some(name.into()),
        uid: Some(uid.into()),
        ..ObjectReference::default()
    }
}

/// Publishes Events.
#[derive(Clone)]
pub struct EventWriter {
    recorder: Recorder,
}

impl EventWriter {
    /// Publishes with this client, that of an [`Applier`](crate::apply::Applier); each Event names `instance`, this process, as
    /// its reporter.
    pub(super) fn new(client: Client, instance: String) -> EventWriter {
        let reporter = Reporter { controller: FIELD_MANAGER.into(), instance: Some(instance) };
        EventWriter { recorder: Recorder::new(client, reporter) }
    }

    /// Publishes an Event about something that somebody has to mend.
    pub async fn warn(&self, subject: EventSubject<'_>, reason: &str, message: &str) {
        self.publish(&subject, EventType::Warning, reason, message).await;
    }

    /// Publishes an Event about something that is well.
    pub async fn note(&self, subject: EventSubject<'_>, reason: &str, message: &str) {
        self.publish(&subject, EventType::Normal, reason, message).await;
    }

    /// A failure is logged and has no other effect: Events are for people.
    async fn publish(&self, subject: &EventSubject<'_>, type_: EventType, reason: &str, message: &str) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(message.chars().take(LONGEST_NOTE).collect()),
            action: "Reconcile".into(),
            secondary: None,
        };
        if let Err(error) = self.recorder.publish(&event, &subject.reference()).await {
            tracing::debug!(%error, reason, "an Event could not be published");
        }
    }
}
