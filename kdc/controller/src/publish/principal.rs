//! Status and Events of KerberosPrincipals.

use crate::publish::keytab_secret::KeytabSecretPublisher;
use crate::publish::readiness::{publish_change, publish_readiness, publish_rotation};
use crate::publish::report::PrincipalReport;
use crate::publish::written::{Memory, is_written};
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::apply::own_status::StatusWriter;
use kennel_k8s::crd::principal::KerberosPrincipalStatus;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::problem::condition::ConditionType;
use kennel_k8s::render::status::{ServerState, principal_status};
use kennel_wire::message::Clock;
use std::collections::BTreeMap;

/// Writes the status of KerberosPrincipals. The keytab Secret that a status names is written first.
pub(crate) struct PrincipalPublisher {
    statuses: StatusWriter,
    events: EventWriter,
    secrets: KeytabSecretPublisher,
    clock: Clock,
    /// The written status of objects that cannot be decoded, whose present status is therefore unknown.
    written: Memory<BTreeMap<ObjectKey, KerberosPrincipalStatus>>,
}

impl PrincipalPublisher {
    pub(crate) fn new(
        statuses: StatusWriter,
        events: EventWriter,
        secrets: KeytabSecretPublisher,
        clock: Clock,
    ) -> PrincipalPublisher {
        PrincipalPublisher { statuses, events, secrets, clock, written: Memory::default() }
    }

    /// Forgets written keytab Secrets, so that each one is written anew when its object is due next.
    pub(crate) fn forget_secrets(&self) {
        self.secrets.forget();
    }

    /// Publishes one KerberosPrincipal.
    pub(crate) async fn publish(&self, namespace: &str, report: PrincipalReport) -> kube::Result<()> {
        let PrincipalReport { name, fact, outcome, mut progress, server, managed, denied } = report;
        let key = (namespace.to_owned(), name.clone());
        let old = match &fact.object {
            Ok(object) => object.status.clone(),
            Err(_) => self.written.lock().get(&key).cloned(),
        };
        if let Ok(object) = &fact.object {
            match self.secrets.publish(object, &key, &outcome, &progress).await? {
                Ok(secret) => progress.secret = secret,
                Err(problem) => progress.problems.push(problem),
            }
        }
        let server = server.as_ref().map(|outcome| ServerState { outcome, managed, denied: &denied });
        let now = (self.clock)().time.0;
        let status = principal_status(&fact.meta, old.as_ref(), &outcome, &progress, server, now);
        if old.as_ref() == Some(&status) {
            return Ok(());
        }
        if is_written(self.statuses.write_principal(namespace, &name, &status).await)? {
            let old = old.as_ref().map(|old| &*old.conditions);
            let subject = || EventSubject::Principal(&fact.meta);
            publish_readiness(&self.events, subject(), old, &status.conditions).await;
            publish_rotation(&self.events, subject(), old, &status.conditions).await;
            publish_change(&self.events, subject(), ConditionType::NetworkProgrammed, old, &status.conditions).await;
        }
        self.written.lock().insert(key, status);
        Ok(())
    }
}
