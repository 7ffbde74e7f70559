//! The queue of policies to write. One request at a time is under way for a policy; a policy that failed or is contended waits.

use kennel_k8s::policy::kind::PolicyKey;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// First and longest pause before a write that failed is repeated.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// What to do with a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyJob {
    /// Write it as it is rendered.
    Apply,
    /// Delete it.
    Delete,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct PolicyWork {
    ready: VecDeque<(PolicyKey, PolicyJob)>,
    /// Policies that may not be written before a time.
    held_back: BTreeMap<PolicyKey, HeldBack>,
    running: BTreeSet<PolicyKey>,
}

#[derive(Debug)]
struct HeldBack {
    until: Instant,
    /// Pause of the last failure.
    pause: Duration,
    /// The error of the last failure.
    error: Option<String>,
}

impl PolicyWork {
    /// Replaces what is due. `jobs` come in the order in which they are done.
    pub(crate) fn replace(&mut self, jobs: impl IntoIterator<Item = (PolicyKey, PolicyJob)>) {
        self.ready = jobs.into_iter().collect();
    }

    /// Takes the next job. It stays in work until [`PolicyWork::finished`].
    pub(crate) fn begin(&mut self, now: Instant) -> Option<(PolicyKey, PolicyJob)> {
        let is_held = |key: &PolicyKey| self.held_back.get(key).is_some_and(|held| held.until > now);
        let at = self.ready.iter().position(|(key, _)| !self.running.contains(key) && !is_held(key))?;
        let job = self.ready.remove(at)?;
        self.running.insert(job.0.clone());
        Some(job)
    }

    /// Records that a write has ended well.
    pub(crate) fn finished(&mut self, key: &PolicyKey) {
        self.running.remove(key);
        self.held_back.remove(key);
    }

    /// Records that a write has failed: it is repeated after a pause, which doubles with each failure.
    pub(crate) fn failed(&mut self, key: &PolicyKey, error: String, now: Instant) {
        self.running.remove(key);
        let before = self.held_back.get(key).map_or(Duration::ZERO, |held| held.pause);
        let pause = (before * 2).clamp(PAUSES.0, PAUSES.1);
        self.held_back.insert(key.clone(), HeldBack { until: now + pause, pause, error: Some(error) });
    }

    /// Keeps a policy from being written before a time.
    pub(crate) fn hold_back(&mut self, key: &PolicyKey, until: Instant) {
        self.held_back.insert(key.clone(), HeldBack { until, pause: Duration::ZERO, error: None });
    }

    /// Forgets pauses and failures of policies for which `keep` is false.
    pub(crate) fn retain(&mut self, keep: impl Fn(&PolicyKey) -> bool) {
        self.held_back.retain(|key, _| keep(key));
    }

    /// The error of the last write of a policy, where that failed.
    pub(crate) fn error(&self, key: &PolicyKey) -> Option<&str> {
        self.held_back.get(key)?.error.as_deref()
    }

    /// The errors of all policies whose last write failed.
    pub(crate) fn errors(&self) -> BTreeMap<PolicyKey, String> {
        self.held_back.iter().filter_map(|(key, held)| Some((key.clone(), held.error.clone()?))).collect()
    }

    /// Whether no policy may be written now.
    pub(crate) fn is_idle(&self, now: Instant) -> bool {
        self.ready.iter().all(|(key, _)| self.held_back.get(key).is_some_and(|held| held.until > now))
    }

    /// The time at which a policy that is held back may be written.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let waits = |(key, _): &(PolicyKey, PolicyJob)| Some(self.held_back.get(key)?.until);
        if self.held_back.is_empty() { None } else { self.ready.iter().filter_map(waits).min() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> PolicyKey {
        PolicyKey::network("shop", name)
    }

    fn apply(names: &[&str]) -> Vec<(PolicyKey, PolicyJob)> {
        names.iter().map(|name| (key(name), PolicyJob::Apply)).collect()
    }

    #[test]
    fn a_policy_that_is_under_way_is_not_begun_again() {
        let (mut work, now) = (PolicyWork::default(), Instant::now());
        work.replace(apply(&["b", "a"]));
        assert_eq!(work.begin(now), Some((key("b"), PolicyJob::Apply)), "in the order of the jobs");
        work.replace(apply(&["b", "a"]));
        assert_eq!(work.begin(now).unwrap().0, key("a"));
        assert_eq!(work.begin(now), None);
        work.finished(&key("b"));
        assert_eq!(work.begin(now).unwrap().0, key("b"));
        assert!(work.running.contains(&key("a")));
    }

    #[test]
    fn a_failure_holds_one_policy_back_and_no_other_and_pauses_grow() {
        let (mut work, mut now) = (PolicyWork::default(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            work.replace(apply(&["a", "b"]));
            assert_eq!(work.begin(now).unwrap().0, key("a"));
            work.failed(&key("a"), "no".into(), now);
            assert_eq!(work.begin(now).unwrap().0, key("b"));
            work.finished(&key("b"));
            work.replace(apply(&["a"]));
            let then = work.next_due().unwrap();
            pauses.push(then - now);
            now = then;
        }
        assert_eq!((pauses[0], pauses[1], pauses[11]), (PAUSES.0, PAUSES.0 * 2, PAUSES.1));
        assert_eq!(work.error(&key("a")), Some("no"));
        work.begin(now);
        work.finished(&key("a"));
        assert_eq!((work.error(&key("a")), work.next_due()), (None, None));
    }

    #[test]
    fn a_contended_policy_waits() {
        let (mut work, now) = (PolicyWork::default(), Instant::now());
        let then = now + Duration::from_secs(10);
        work.hold_back(&key("a"), then);
        work.replace(apply(&["a"]));
        assert_eq!((work.begin(now), work.next_due()), (None, Some(then)));
        assert!(work.begin(then).is_some());
    }
}
