//! Status and Events of KerberosRealms.

use crate::publish::readiness::{publish_change, publish_readiness};
use crate::publish::report::RealmsReport;
use crate::publish::written::{Memory, is_written};
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::apply::own_status::StatusWriter;
use kennel_k8s::crd::realm::KerberosRealmStatus;
use kennel_k8s::problem::condition::ConditionType;
use kennel_k8s::render::status::{realm_problem, realm_status};
use kennel_wire::message::Clock;
use std::collections::BTreeMap;

/// Writes the status of every KerberosRealm, followed or not.
pub(crate) struct RealmPublisher {
    statuses: StatusWriter,
    events: EventWriter,
    clock: Clock,
    /// The written status of objects that cannot be decoded, whose present status is therefore unknown.
    written: Memory<BTreeMap<String, KerberosRealmStatus>>,
}

impl RealmPublisher {
    pub(crate) fn new(statuses: StatusWriter, events: EventWriter, clock: Clock) -> RealmPublisher {
        RealmPublisher { statuses, events, clock, written: Memory::default() }
    }

    /// Publishes the status of all KerberosRealms.
    pub(crate) async fn publish(&self, report: RealmsReport) -> kube::Result<()> {
        for fact in report.realms {
            let name = fact.meta.name.clone().unwrap_or_default();
            let problem = realm_problem(&name, &fact.object, report.followed.as_deref());
            let old = match &fact.object {
                Ok(object) => object.status.clone(),
                Err(_) => self.written.lock().get(&name).cloned(),
            };
            let now = (self.clock)().time.0;
            let status = realm_status(&fact.meta, old.as_ref(), problem.as_ref(), report.counts, &report.news, now);
            if old.as_ref() == Some(&status) {
                continue;
            }
            if is_written(self.statuses.write_realm(&name, &status).await)? {
                let old = old.as_ref().map(|old| &*old.conditions);
                let subject = || EventSubject::Realm(&fact.meta);
                publish_readiness(&self.events, subject(), old, &status.conditions).await;
                for kind in
                    [ConditionType::NetworkProgrammed, ConditionType::Guarded, ConditionType::NamespacesContested]
                {
                    publish_change(&self.events, subject(), kind, old, &status.conditions).await;
                }
            }
            self.written.lock().insert(name, status);
        }
        Ok(())
    }
}
