//! Refusals, told where people look: as Events of the pod (`kubectl describe pod`) and of its account's KerberosPrincipal.
//! What passes by itself is not told, and the answer never waits for it.

use kennel_core::enrolment::{EnrolmentRefusal, Review};
use kennel_k8s::apply::{Applier, Subject};
use kennel_k8s::index::SharedIndex;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Refusals that are being told at a time; more are left out: the audit trail has them all.
const AT_A_TIME: usize = 8;
/// The reason of these Events.
const REASON: &str = "EnrolmentRefused";

/// Writes the Events.
pub(super) struct RefusalEvents {
    applier: Applier,
    index: SharedIndex,
    under_way: Arc<Semaphore>,
}

impl RefusalEvents {
    pub(super) fn new(client: kube::Client, index: SharedIndex) -> RefusalEvents {
        let applier = Applier::new(client, std::env::var("HOSTNAME").ok());
        RefusalEvents { applier, index, under_way: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// Tells of a refusal, a moment later.
    pub(super) fn report(&self, review: &Review, refusal: EnrolmentRefusal) {
        if !is_news(refusal) {
            return;
        }
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else { return };
        let principal = {
            let index = self.index.read();
            index.principal_object(&review.namespace, &review.account).map(|fact| fact.meta.clone())
        };
        let (applier, review) = (self.applier.clone(), review.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let (namespace, why) = (&*review.namespace, format!("{}: {refusal}", refusal.name()));
            let subject = match &review.pod {
                Some((name, uid)) => Subject::Pod { namespace, name, uid },
                None => Subject::Account { namespace, name: &review.account, uid: &review.account_uid },
            };
            applier.event(subject, true, REASON, &why).await;
            if let Some(meta) = principal {
                let who = review.pod.as_ref().map_or("a token without a pod", |(name, _)| name);
                applier.event(Subject::Principal(&meta), true, REASON, &format!("{who}: {why}")).await;
            }
        });
    }
}

/// Whether somebody has to do something, and there is an object to look at.
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
