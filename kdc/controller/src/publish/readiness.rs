//! Events on changes of the condition Ready, which `kubectl describe` shows with the object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::problem::{ConditionType, HealthyReason};

/// Writes an Event where Ready has another reason than before. Skips progress, which passes by itself.
pub(crate) async fn publish_readiness(
    events: &EventWriter,
    subject: EventSubject<'_>,
    old: Option<&[Condition]>,
    new: &[Condition],
) {
    let ready = |conditions: &[Condition]| conditions.iter().find(|c| c.type_ == ConditionType::Ready.name()).cloned();
    let (before, Some(now)) = (old.and_then(ready), ready(new)) else { return };
    if now.reason == HealthyReason::PROGRESSING || before.is_some_and(|before| before.reason == now.reason) {
        return;
    }
    if now.status == "True" {
        events.note(subject, &now.reason, &now.message).await;
    } else {
        events.warn(subject, &now.reason, &now.message).await;
    }
}
