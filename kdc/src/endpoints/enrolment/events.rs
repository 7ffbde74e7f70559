//! Reports refusals as Events on the pod (`kubectl describe pod`) and on the KerberosPrincipal of its account. A refusal that
//! passes by itself causes no Event, and no answer waits for an Event.

use kennel_core::enrolment::{EnrolmentRefusal, Review};
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::problem::ENROLMENT_REFUSED;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Refusals that are reported at a time. Others get no Event: the audit trail has all of them.
const AT_A_TIME: usize = 8;

/// Writes Events on refusals.
pub(super) struct RefusalEvents {
    events: EventWriter,
    index: SharedIndex,
    under_way: Arc<Semaphore>,
}

impl RefusalEvents {
    pub(super) fn new(events: EventWriter, index: SharedIndex) -> RefusalEvents {
        RefusalEvents { events, index, under_way: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Reports a refusal from a task of its own.
    pub(super) fn report(&self, review: &Review, refusal: EnrolmentRefusal) {
        if !is_news(refusal) {
            return;
        }
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else { return };
        let principal = {
            let index = self.index.read();
            index.principal_object(&review.namespace, &review.account).map(|fact| fact.meta.clone())
        };
        let (events, review) = (self.events.clone(), review.clone());
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
