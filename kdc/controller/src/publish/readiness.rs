//! Events on changes of conditions, which `kubectl describe` shows with the object.

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
    let (before, Some(now)) = (old.and_then(|old| find(old, ConditionType::Ready)), find(new, ConditionType::Ready))
    else {
        return;
    };
    if is_progress(now) || before.is_some_and(|before| before.reason == now.reason) {
        return;
    }
    write(events, subject, now, now.status == "True").await;
}

/// Writes an Event where a condition beside Ready tells of something else to do than before, or of nothing any more.
pub(crate) async fn publish_change(
    events: &EventWriter,
    subject: EventSubject<'_>,
    kind: ConditionType,
    old: Option<&[Condition]>,
    new: &[Condition],
) {
    let is_well = |condition: &&Condition| (condition.status == "True") != (kind == ConditionType::Contended);
    let bad = |conditions| find(conditions, kind).filter(|condition| !is_well(condition) && !is_progress(condition));
    match (old.and_then(bad), bad(new)) {
        (before, Some(now)) if before.is_none_or(|before| before.message != now.message) => {
            write(events, subject, now, false).await;
        }
        (Some(before), None) if find(new, kind).is_none_or(|now| is_well(&now)) => {
            let over = format!("no longer: {}", before.message);
            events.note(subject, &format!("{}Over", before.reason), &over).await;
        }
        _ => {}
    }
}

fn find(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == kind.name())
}

fn is_progress(condition: &Condition) -> bool {
    [HealthyReason::PROGRESSING, HealthyReason::POLICIES_PENDING].contains(&&*condition.reason)
}

async fn write(events: &EventWriter, subject: EventSubject<'_>, condition: &Condition, is_well: bool) {
    if is_well {
        events.note(subject, &condition.reason, &condition.message).await;
    } else {
        events.warn(subject, &condition.reason, &condition.message).await;
    }
}
