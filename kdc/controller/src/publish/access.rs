//! Status and Events of KerberosAccesses.

use crate::access::snapshot::AccessSnapshot;
use crate::publish::readiness::{publish_change, publish_readiness};
use crate::publish::written::{Memory, is_written};
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::apply::own_status::StatusWriter;
use kennel_k8s::crd::access::{KerberosAccess, KerberosAccessStatus};
use kennel_k8s::index::facts::{ObjectKey, OwnFact};
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::problem::Problem;
use kennel_k8s::problem::condition::ConditionType;
use kennel_k8s::render::access::rendered::AccessOutcome;
use kennel_k8s::render::access_status::{AccessProgress, access_status};
use kennel_wire::message::Clock;
use std::collections::{BTreeMap, BTreeSet};

/// Problems of policies that one status names.
const MOST_NAMED: usize = 4;

/// Writes the status of KerberosAccesses.
pub(crate) struct AccessPublisher {
    statuses: StatusWriter,
    events: EventWriter,
    clock: Clock,
    /// The written status of objects that cannot be decoded, whose present status is therefore unknown.
    written: Memory<BTreeMap<ObjectKey, KerberosAccessStatus>>,
}

impl AccessPublisher {
    pub(crate) fn new(statuses: StatusWriter, events: EventWriter, clock: Clock) -> AccessPublisher {
        AccessPublisher { statuses, events, clock, written: Memory::default() }
    }

    /// Publishes one KerberosAccess.
    pub(crate) async fn publish(
        &self,
        key: &ObjectKey,
        fact: &OwnFact<KerberosAccess>,
        snapshot: &AccessSnapshot,
    ) -> kube::Result<()> {
        let Some(outcome) = snapshot.rendered.accesses.get(key) else { return Ok(()) };
        let old = match &fact.object {
            Ok(object) => object.status.clone(),
            Err(_) => self.written.lock().get(key).cloned(),
        };
        let progress = progress(key, outcome, snapshot);
        let status = access_status(&fact.meta, old.as_ref(), outcome, &progress, (self.clock)().time.0);
        if old.as_ref() == Some(&status) {
            return Ok(());
        }
        if is_written(self.statuses.write_access(&key.0, &key.1, &status).await)? {
            let old = old.as_ref().map(|old| &*old.conditions);
            let subject = || EventSubject::Access(&fact.meta);
            publish_readiness(&self.events, subject(), old, &status.conditions).await;
            for kind in [ConditionType::Contended, ConditionType::DNSNotFound] {
                publish_change(&self.events, subject(), kind, old, &status.conditions).await;
            }
        }
        if fact.object.is_err() {
            self.written.lock().insert(key.clone(), status);
        }
        Ok(())
    }
}

/// Returns the progress of one KerberosAccess.
fn progress(key: &ObjectKey, outcome: &AccessOutcome, snapshot: &AccessSnapshot) -> AccessProgress {
    let among = |set: &BTreeSet<PolicyKey>| outcome.policies.iter().filter(|policy| set.contains(*policy)).count();
    let errors = outcome.policies.iter().filter_map(|policy| Some((policy, snapshot.errors.get(policy)?)));
    let errors =
        errors.map(|(policy, error)| Problem::PolicyNotWritten { policy: policy.to_string(), error: error.clone() });
    let contended = outcome.policies.iter().filter(|policy| snapshot.contended.contains(*policy));
    let contended = contended.map(|policy| Problem::PolicyContended { policy: policy.to_string() });
    AccessProgress {
        missing: among(&snapshot.missing),
        waiting: snapshot.waiting.contains(&*format!("{}/{}", key.0, key.1)),
        problems: errors.take(MOST_NAMED).chain(contended.take(MOST_NAMED)).collect(),
    }
}

/// Returns the KerberosAccesses whose status may differ between two snapshots.
pub(crate) fn changed_accesses(old: &AccessSnapshot, new: &AccessSnapshot) -> BTreeSet<ObjectKey> {
    let same_rendering = std::sync::Arc::ptr_eq(&old.rendered, &new.rendered);
    let is_changed = |key: &ObjectKey, outcome: &AccessOutcome| {
        let differs =
            || old.generations.get(key) != new.generations.get(key) || old.rendered.accesses.get(key) != Some(outcome);
        (!same_rendering && differs()) || progress(key, outcome, old) != progress(key, outcome, new)
    };
    new.rendered.accesses.iter().filter(|(key, outcome)| is_changed(key, outcome)).map(|(key, _)| key.clone()).collect()
}
