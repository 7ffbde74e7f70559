//! Events about policies that somebody else has changed: at the KerberosPrincipal that owns the policy, at the KerberosAccesses
//! that need it, or, where neither is, at the KerberosRealm.

use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::policy::kind::PolicyKey;
use kennel_k8s::problem::POLICY_RESTORED;
use kennel_k8s::render::access::rendered::Rendered;
use kube::api::ObjectMeta;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// KerberosAccesses that one drift is reported at.
const ACCESSES: usize = 4;
/// Drifts that are reported at a time. Others get no Event: the metric counts all of them.
const AT_A_TIME: usize = 8;

/// Reports drifts.
pub(crate) struct DriftEvents {
    events: EventWriter,
    index: SharedIndex,
    under_way: Arc<Semaphore>,
}

/// An object that a drift is reported at.
enum Concerned {
    Principal(ObjectMeta),
    Access(ObjectMeta),
    Realm(ObjectMeta),
}

impl Concerned {
    fn subject(&self) -> EventSubject<'_> {
        match self {
            Concerned::Principal(meta) => EventSubject::Principal(meta),
            Concerned::Access(meta) => EventSubject::Access(meta),
            Concerned::Realm(meta) => EventSubject::Realm(meta),
        }
    }
}

impl DriftEvents {
    pub(crate) fn new(events: EventWriter, index: SharedIndex) -> DriftEvents {
        DriftEvents { events, index, under_way: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Reports a drift from a task of its own. `pause`: the time until the policy is put back.
    pub(crate) fn report(&self, rendered: &Rendered, key: &PolicyKey, pause: Duration) {
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else { return };
        let (events, concerned) = (self.events.clone(), self.concerned(rendered, key));
        let when = match pause.as_secs() {
            0 => "it is put back".to_owned(),
            seconds => {
                format!("it is put back in {seconds} s, since that happens again and again: find out who does it")
            }
        };
        let message = format!("somebody has changed or deleted {key}: {when}");
        tokio::spawn(async move {
            let _permit = permit;
            for object in concerned {
                events.warn(object.subject(), POLICY_RESTORED, &message).await;
            }
        });
    }

    fn concerned(&self, rendered: &Rendered, key: &PolicyKey) -> Vec<Concerned> {
        let index = self.index.read();
        let owners = rendered.policies.get(key).and_then(|policy| policy.metadata().owner_references.as_deref());
        let principals = owners.unwrap_or_default().iter();
        let principals = principals.filter_map(|owner| index.principal_object(&key.namespace, &owner.name));
        let needing = rendered.accesses.iter().filter(|(_, outcome)| outcome.policies.contains(key)).take(ACCESSES);
        let accesses = needing.filter_map(|((namespace, name), _)| index.access_object(namespace, name));
        let mut concerned: Vec<Concerned> = principals
            .map(|fact| Concerned::Principal(fact.meta.clone()))
            .chain(accesses.map(|fact| Concerned::Access(fact.meta.clone())))
            .collect();
        if concerned.is_empty() {
            concerned.extend(index.followed_realm().map(|realm| Concerned::Realm(realm.metadata.clone())));
        }
        concerned
    }
}
