//! Policies that somebody else keeps changing. Each drift is put back at once; after the third within five minutes the
//! policy is contended, and put back after pauses that grow, since two writers that fight at full speed help nobody.

use kennel_k8s::policy::kind::PolicyKey;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time within which drifts are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// Drifts within that time that make a policy contended.
const CONTENDED: usize = 3;
/// First and longest pause before a contended policy is put back.
const PAUSES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// The drifts of the last minutes, by policy.
#[derive(Debug, Default)]
pub(crate) struct Contention(BTreeMap<PolicyKey, Drifts>);

#[derive(Debug, Default)]
struct Drifts {
    /// Within the window.
    recent: Vec<Instant>,
    /// Zero: not contended.
    pause: Duration,
}

impl Contention {
    /// Notes that a policy has drifted. Returns the pause before the policy may be put back.
    pub(crate) fn note(&mut self, key: &PolicyKey, now: Instant) -> Duration {
        let drifts = self.0.entry(key.clone()).or_default();
        drifts.recent.retain(|then| now.duration_since(*then) < WINDOW);
        drifts.recent.push(now);
        if drifts.pause > Duration::ZERO || drifts.recent.len() >= CONTENDED {
            let (first, longest) = PAUSES;
            drifts.pause = (drifts.pause * 2).clamp(first, longest);
        }
        drifts.pause
    }

    /// Whether a policy is contended.
    pub(crate) fn is_contended(&self, key: &PolicyKey) -> bool {
        self.0.get(key).is_some_and(|drifts| drifts.pause > Duration::ZERO)
    }

    /// Number of contended policies.
    pub(crate) fn count(&self) -> usize {
        self.0.values().filter(|drifts| drifts.pause > Duration::ZERO).count()
    }

    /// Forgets policies that did not drift for a window and their pause. Returns whether one of them was contended.
    pub(crate) fn settle(&mut self, now: Instant) -> bool {
        let before = self.count();
        self.0.retain(|_, drifts| {
            drifts.recent.last().is_some_and(|last| now.duration_since(*last) < WINDOW + drifts.pause)
        });
        self.count() != before
    }

    /// The time at which [`Contention::settle`] has something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().filter_map(|drifts| Some(*drifts.recent.last()? + WINDOW + drifts.pause)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PolicyKey {
        PolicyKey::network("shop", "web")
    }

    #[test]
    fn the_third_drift_within_five_minutes_makes_a_policy_contended_and_pauses_grow_from_there() {
        let (mut contention, begin) = (Contention::default(), Instant::now());
        let mut note = |seconds: u64| contention.note(&key(), begin + Duration::from_secs(seconds)).as_secs();
        assert_eq!([note(0), note(1), note(2), note(20), note(60)], [0, 0, 10, 20, 40]);
        assert!(contention.is_contended(&key()) && contention.count() == 1);
    }

    #[test]
    fn drifts_that_are_far_apart_are_each_put_back_at_once() {
        let (mut contention, begin) = (Contention::default(), Instant::now());
        for hours in 0..9 {
            assert_eq!(contention.note(&key(), begin + Duration::from_secs(hours * 3600)), Duration::ZERO);
        }
        assert_eq!(contention.count(), 0);
    }

    #[test]
    fn the_pause_has_an_end() {
        let (mut contention, begin) = (Contention::default(), Instant::now());
        let last = (0..60).map(|n| contention.note(&key(), begin + Duration::from_secs(n))).last();
        assert_eq!(last, Some(PAUSES.1));
    }

    #[test]
    fn a_policy_that_nobody_touches_any_more_is_not_contended() {
        let (mut contention, begin) = (Contention::default(), Instant::now());
        (0..3).for_each(|_| _ = contention.note(&key(), begin));
        assert!(!contention.settle(begin + WINDOW));
        let end = contention.next().unwrap();
        assert_eq!(end, begin + WINDOW + PAUSES.0);
        assert!(contention.settle(end) && !contention.is_contended(&key()));
        assert_eq!(contention.next(), None);
    }
}
