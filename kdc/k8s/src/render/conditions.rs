//! Conditions, as kstatus and `kubectl wait` read them: each with the generation that it is about, and a time that changes
//! with the status alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// What is true, false or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// True.
    True,
    /// False.
    False,
    /// Unknown.
    Unknown,
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

/// What should stand in the status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its type: `Ready`.
    pub kind: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// In CamelCase.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// The conditions that should stand in place of the `old` ones, at the time `now` (seconds since the epoch). Those of other
/// types stay: they are somebody else's.
#[must_use]
pub fn merged(old: &[Condition], wanted: &[Wanted], generation: Option<i64>, now: i64) -> Vec<Condition> {
    let time = Time(Timestamp::from_second(now).unwrap_or_default());
    let new = |wanted: &Wanted| {
        let status = match wanted.truth {
            Truth::True => "True",
            Truth::False => "False",
            Truth::Unknown => "Unknown",
        };
        let before = old.iter().find(|c| c.type_ == wanted.kind && c.status == status);
        Condition {
            type_: wanted.kind.to_owned(),
            status: status.to_owned(),
            observed_generation: generation,
            last_transition_time: before.map_or_else(|| time.clone(), |c| c.last_transition_time.clone()),
            reason: wanted.reason.clone(),
            message: wanted.message.clone(),
        }
    };
    let others = old.iter().filter(|c| wanted.iter().all(|w| w.kind != c.type_)).cloned();
    wanted.iter().map(new).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(truth: Truth, message: &str) -> [Wanted; 1] {
        [Wanted { kind: "Ready", truth, reason: "R".into(), message: message.into() }]
    }

    #[test]
    fn the_time_changes_with_the_status_and_not_with_the_message() {
        let first = merged(&[], &ready(Truth::False, "a"), Some(1), 100);
        let second = merged(&first, &ready(Truth::False, "b"), Some(2), 200);
        assert_eq!(second[0].last_transition_time.0.as_second(), 100);
        assert_eq!((second[0].observed_generation, &*second[0].message), (Some(2), "b"));
        let third = merged(&second, &ready(Truth::True, "b"), Some(2), 300);
        assert_eq!(third[0].last_transition_time.0.as_second(), 300);
    }

    #[test]
    fn what_has_not_changed_is_equal_so_that_nothing_is_written() {
        let first = merged(&[], &ready(Truth::True, ""), Some(1), 100);
        assert_eq!(merged(&first, &ready(Truth::True, ""), Some(1), 900), first);
    }

    #[test]
    fn conditions_of_others_stay() {
        let theirs = merged(
            &[],
            &[Wanted { kind: "Theirs", truth: Truth::True, reason: "X".into(), message: String::new() }],
            None,
            1,
        );
        let both = merged(&theirs, &ready(Truth::True, ""), None, 2);
        assert_eq!(both.iter().map(|c| &*c.type_).collect::<Vec<_>>(), ["Ready", "Theirs"]);
    }
}
