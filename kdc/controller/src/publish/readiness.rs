//! Events on changes of conditions, which `kubectl describe` shows with the object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::problem::condition::ConditionType;
use kennel_k8s::problem::healthy::HealthyReason;

/// Reason of a key that waits for its holders for too long.
const ROTATION_STALLED: &str = "RotationStalled";

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
    let tells_ill =
        matches!(kind, ConditionType::Contended | ConditionType::DNSNotFound | ConditionType::NamespacesContested);
    let is_well = |condition: &&Condition| (condition.status == "True") != tells_ill;
    let bad = |conditions| find(conditions, kind).filter(|condition| !is_well(condition) && !is_progress(condition));
    let is_over = find(new, kind).is_none_or(|now| is_well(&now));
    publish_difference(events, subject, old.and_then(bad), bad(new), is_over).await;
}

/// Writes an Event where a key begins to wait for its holders for too long, and where it waits no longer. Whatever else stalls an
/// object is reported with Ready.
pub(crate) async fn publish_rotation(
    events: &EventWriter,
    subject: EventSubject<'_>,
    old: Option<&[Condition]>,
    new: &[Condition],
) {
    let stalled = |conditions| {
        let is_stalled = |condition: &&Condition| condition.status == "True" && condition.reason == ROTATION_STALLED;
        find(conditions, ConditionType::Stalled).filter(is_stalled)
    };
    publish_difference(events, subject, old.and_then(stalled), stalled(new), true).await;
}

async fn publish_difference(
    events: &EventWriter,
    subject: EventSubject<'_>,
    before: Option<&Condition>,
    now: Option<&Condition>,
    is_over: bool,
) {
    match (before, now) {
        (before, Some(now)) if before.is_none_or(|before| before.message != now.message) => {
            write(events, subject, now, false).await;
        }
        (Some(before), None) if is_over => {
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
