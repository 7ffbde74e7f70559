//! Conditions, as kstatus and `kubectl wait` read them: each carries the generation that it describes, and a time that changes
//! with its status alone.

use crate::problem::Problem;
use crate::problem::condition::ConditionType;
use crate::problem::healthy::HealthyReason;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// Most problems that the message of a condition lists.
const MOST_LISTED: usize = 5;

/// A condition that a status should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredCondition {
    /// The type: `Ready`.
    pub kind: ConditionType,
    /// Whether the condition holds.
    pub holds: bool,
    /// The stable reason, in CamelCase.
    pub reason: &'static str,
    /// The text for people.
    pub message: String,
}

/// A condition that is false for the reason of the first problem, and true without problems.
pub(super) fn condition(problems: &[&Problem], healthy: HealthyReason) -> DesiredCondition {
    let (reason, message) = match problems.first() {
        Some(first) => (first.reason(), list(problems)),
        None => (healthy.reason(), healthy.to_string()),
    };
    DesiredCondition { kind: healthy.condition(), holds: problems.is_empty(), reason, message }
}

fn list(problems: &[&Problem]) -> String {
    let mut parts: Vec<String> = problems.iter().take(MOST_LISTED).map(ToString::to_string).collect();
    let rest = problems.len().saturating_sub(MOST_LISTED);
    if rest > 0 {
        parts.push(format!("and {rest} more of the kind"));
    }
    parts.join("; ")
}

/// The condition `Ready` while names are being made.
pub(super) fn progressing(waiting: usize) -> DesiredCondition {
    DesiredCondition { holds: false, ..condition(&[], HealthyReason::Progressing { waiting }) }
}

/// The condition `Reconciling`, true where the object waits for other objects or for the store.
pub(super) fn reconciling(problems: &[&Problem], waiting: usize) -> DesiredCondition {
    let missing: Vec<&Problem> = problems.iter().copied().filter(|problem| problem.is_missing_referent()).collect();
    if missing.is_empty() && problems.is_empty() && waiting > 0 {
        return DesiredCondition { kind: ConditionType::Reconciling, holds: true, ..progressing(waiting) };
    }
    DesiredCondition { holds: !missing.is_empty(), ..condition(&missing, HealthyReason::Settled) }
}

/// The condition `Stalled`, true where an edit alone mends the object.
pub(super) fn stalled(problems: &[&Problem]) -> DesiredCondition {
    let lasting: Vec<&Problem> = problems.iter().copied().filter(|problem| !problem.is_missing_referent()).collect();
    DesiredCondition { holds: !lasting.is_empty(), ..condition(&lasting, HealthyReason::NotStalled) }
}

/// Returns the conditions that replace the `old` ones at the time `now` (seconds since the epoch). Conditions of other types
/// stay, since other controllers wrote them, and each keeps its place: the API server decides the order.
#[must_use]
pub fn merge_conditions(
    old: &[Condition],
    desired: &[DesiredCondition],
    generation: Option<i64>,
    now: i64,
) -> Vec<Condition> {
    let time = Time(Timestamp::from_second(now).unwrap_or_default());
    let new = |desired: &DesiredCondition| {
        let status = if desired.holds { "True" } else { "False" };
        let before = old.iter().find(|c| c.type_ == desired.kind.name() && c.status == status);
        Condition {
            type_: desired.kind.name().to_owned(),
            status: status.to_owned(),
            observed_generation: generation,
            last_transition_time: before.map_or_else(|| time.clone(), |c| c.last_transition_time.clone()),
            reason: desired.reason.to_owned(),
            message: desired.message.clone(),
        }
    };
    let of_type = |condition: &Condition| desired.iter().find(|desired| desired.kind.name() == condition.type_);
    let kept = old.iter().map(|condition| of_type(condition).map_or_else(|| condition.clone(), new));
    let added =
        desired.iter().filter(|desired| old.iter().all(|condition| condition.type_ != desired.kind.name())).map(new);
    kept.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(holds: bool, message: &str) -> [DesiredCondition; 1] {
        [DesiredCondition { kind: ConditionType::Ready, holds, reason: "R", message: message.into() }]
    }

    #[test]
    fn the_time_changes_with_the_status_and_not_with_the_message() {
        let first = merge_conditions(&[], &ready(false, "a"), Some(1), 100);
        let second = merge_conditions(&first, &ready(false, "b"), Some(2), 200);
        assert_eq!(second[0].last_transition_time.0.as_second(), 100);
        assert_eq!((second[0].observed_generation, &*second[0].message), (Some(2), "b"));
        let third = merge_conditions(&second, &ready(true, "b"), Some(2), 300);
        assert_eq!(third[0].last_transition_time.0.as_second(), 300);
    }

    #[test]
    fn what_has_not_changed_is_equal_so_that_nothing_is_written() {
        let first = merge_conditions(&[], &ready(true, ""), Some(1), 100);
        assert_eq!(merge_conditions(&first, &ready(true, ""), Some(1), 900), first);
    }

    #[test]
    fn conditions_of_others_stay() {
        let mut theirs = merge_conditions(&[], &ready(true, ""), None, 1);
        theirs[0].type_ = "Theirs".into();
        let both = merge_conditions(&theirs, &ready(true, ""), None, 2);
        assert_eq!(both.iter().map(|c| &*c.type_).collect::<Vec<_>>(), ["Theirs", "Ready"]);
        let again = merge_conditions(&both, &ready(true, ""), None, 3);
        assert_eq!(again, both, "in the order of the API server, so that nothing is written");
    }
}
