//! Reports refusals as Events on the pod (`kubectl describe pod`) and on the KerberosPrincipal of its account. A refusal that
//! passes by itself causes no Event, and no answer waits for an Event.

use kennel_core::enrolment::{EnrolmentRefusal, Review};
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::problem::ENROLMENT_REFUSED;
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// Refusals that are reported at a time. Others get no Event: the audit trail has all of them.
const AT_A_TIME: usize = 8;

/// The writer of Events, which exists once this process holds the realm's Lease.
#[derive(Clone, Default)]
pub(crate) struct LeasedEvents(Arc<OnceLock<EventWriter>>);

impl LeasedEvents {
    /// Begins to write.
    pub(crate) fn begin(&self, writer: EventWriter) {
        // A second writer would be the same one: a process takes the Lease once.
        let _ = self.0.set(writer);
    }
}

/// Writes Events on refusals.
pub(super) struct RefusalEvents {
    events: LeasedEvents,
    index: SharedIndex,
    under_way: Arc<Semaphore>,
}

impl RefusalEvents {
    pub(super) fn new(events: LeasedEvents, index: SharedIndex) -> RefusalEvents {
        RefusalEvents { events, index, under_way: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Reports a refusal from a task of its own.
    pub(super) fn report(&self, review: &Review, refusal: EnrolmentRefusal) {
        if !is_news(refusal) {
            return;
        }
        let Some(events) = self.events.0.get().cloned() else { return };
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else { return };
        let principal = {
            let index = self.index.read();
            index.principal_object(&review.namespace, &review.account).map(|fact| fact.meta.clone())
        };
        let review = review.clone();
        tokio::spawn(async move {
            let _permit = permit;
            let (namespace, why) = (&*review.namespace, format!("{}: {refusal}", refusal.name()));
            let subject = match &review.pod {
                Some((name, uid)) => EventSubject::Pod { namespace, name, uid },
                None => EventSubject::Account { namespace, name: &review.account, uid: &review.account_uid },
            };
            events.warn(subject, ENROLMENT_REFUSED, &why).await;
            if let Some(meta) = principal {
                let who = review.pod.as_ref().map_or("a token without a pod", |(name, _)| name);
                events.warn(EventSubject::Principal(&meta), ENROLMENT_REFUSED, &format!("{who}: {why}")).await;
            }
        });
    }
}

/// Whether a refusal needs action, and the pod still exists to carry the Event.
fn is_news(refusal: EnrolmentRefusal) -> bool {
    use EnrolmentRefusal as R;
    !refusal.retryable() && !matches!(refusal, R::PodUnknown | R::PodReplaced | R::PodEnded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_no_news() {
        for refusal in [EnrolmentRefusal::NotReady, EnrolmentRefusal::RateLimited, EnrolmentRefusal::PodEnded] {
            assert!(!is_news(refusal), "{}", refusal.name());
        }
        for refusal in [EnrolmentRefusal::NamespaceNotEnrolled, EnrolmentRefusal::NoPrincipal] {
            assert!(is_news(refusal), "{}", refusal.name());
        }
    }
}
