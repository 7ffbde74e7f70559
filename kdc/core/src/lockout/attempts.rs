//! The attempts to log in as one principal, by source.
//!
//! A source is counted by itself, in one of a few places. Sources that the principal has logged in from keep their places against all
//! others. Sources without a place share one counter, which noise from many addresses can fill: then only those are locked out that
//! the principal has not logged in from.

use crate::admin::logins::Logins;
use crate::lockout::guard::{LockedOut, Proof};
use crate::password_policy::PasswordPolicy;
use kennel_wire::message::{KerberosTime, Timestamp};
use kennel_wire::source::Source;

/// Sources that are counted apart.
const PLACES: usize = 8;
/// Longest time for which failures lock a source out, seconds: a day, also where the policy says "until an administrator unlocks it".
/// Noise could keep a principal out for ever otherwise.
pub const LONGEST_LOCKOUT: u32 = 86_400;

/// The attempts on one principal since the process started.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    last_success: Option<Timestamp>,
    last_failure: Option<Timestamp>,
    places: Vec<Place>,
    /// Of all sources without a place.
    others: Counter,
}

#[derive(Debug, Clone)]
struct Place {
    source: Source,
    /// The last login from here; `None`: there was none.
    login: Option<Timestamp>,
    counter: Counter,
}

/// Failures in a row.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    failures: u32,
    last: KerberosTime,
    /// Hash of the last wrong proof.
    fingerprint: Option<u64>,
    locked: bool,
}

impl Counter {
    /// Forgets failures whose time is over.
    fn refresh(&mut self, policy: &PasswordPolicy, now: KerberosTime) {
        let after = |seconds: u32| self.last.plus(seconds.into()) <= now;
        let lockout = if policy.lockout_duration == 0 { LONGEST_LOCKOUT } else { policy.lockout_duration };
        let interval = policy.failure_count_interval;
        let over = match self.locked {
            true => policy.max_failures == 0 || after(lockout.min(LONGEST_LOCKOUT)),
            false => interval > 0 && after(interval),
        };
        if over {
            *self = Counter::default();
        }
    }

    fn fail(&mut self, fingerprint: u64, policy: &PasswordPolicy, now: KerberosTime) -> bool {
        if self.fingerprint == Some(fingerprint) {
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        (self.last, self.fingerprint) = (now, Some(fingerprint));
        self.locked = policy.max_failures > 0 && self.failures >= policy.max_failures;
        true
    }
}

impl Attempts {
    /// Whether a source may try.
    ///
    /// # Errors
    /// [`LockedOut`].
    pub fn admit(&mut self, source: Source, policy: &PasswordPolicy, now: Timestamp) -> Result<(), LockedOut> {
        let is_room = self.places.len() < PLACES;
        let counter = match self.places.iter_mut().find(|place| place.source == source) {
            Some(place) => &mut place.counter,
            // A source that would get a place of its own has not failed yet.
            None if is_room => return Ok(()),
            None => &mut self.others,
        };
        counter.refresh(policy, now.time);
        if counter.locked { Err(LockedOut) } else { Ok(()) }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`LockedOut`].
    pub fn settle(
        &mut self,
        source: Source,
        proof: Proof,
        policy: &PasswordPolicy,
        now: Timestamp,
    ) -> Result<(), LockedOut> {
        self.admit(source, policy, now)?;
        match proof {
            Proof::Old => {}
            Proof::Good => {
                self.last_success = Some(now);
                *self.counter(source, policy, now) = Counter::default();
                self.keep(source, now);
            }
            Proof::Wrong { fingerprint } => {
                if self.counter(source, policy, now).fail(fingerprint, policy, now.time) {
                    self.last_failure = Some(now);
                }
            }
        }
        Ok(())
    }

    /// The counter of a source: that of its place, which it gets where one is free.
    fn counter(&mut self, source: Source, policy: &PasswordPolicy, now: Timestamp) -> &mut Counter {
        let known = self.places.iter().position(|place| place.source == source);
        let at = known.or_else(|| self.free_place(policy, now));
        match at {
            Some(at) => {
                if known.is_none() {
                    let place = Place { source, login: None, counter: Counter::default() };
                    match self.places.get_mut(at) {
                        Some(idle) => *idle = place,
                        None => self.places.push(place),
                    }
                }
                self.places.get_mut(at).map_or(&mut self.others, |place| &mut place.counter)
            }
            None => &mut self.others,
        }
    }

    /// A place that nobody has, or whose source neither logged in nor has failures that count.
    fn free_place(&mut self, policy: &PasswordPolicy, now: Timestamp) -> Option<usize> {
        if self.places.len() < PLACES {
            return Some(self.places.len());
        }
        self.places.iter_mut().for_each(|place| place.counter.refresh(policy, now.time));
        self.places.iter().position(|place| place.login.is_none() && place.counter.failures == 0)
    }

    /// Gives a place to a source that the principal has just logged in from: that of the source that it has not logged in from, or
    /// not for the longest time.
    fn keep(&mut self, source: Source, now: Timestamp) {
        let known = self.places.iter_mut().find(|place| place.source == source);
        match known {
            Some(place) => place.login = Some(now),
            None => {
                let place = Place { source, login: Some(now), counter: Counter::default() };
                if let Some(oldest) = self.places.iter_mut().min_by_key(|place| place.login) {
                    *oldest = place;
                }
            }
        }
    }

    /// Forgets the failures of every source.
    pub fn unlock(&mut self) {
        self.others = Counter::default();
        self.places.iter_mut().for_each(|place| place.counter = Counter::default());
    }

    /// What is shown of the attempts.
    #[must_use]
    pub fn shown(&self) -> Logins {
        let failures = self.places.iter().map(|place| place.counter.failures);
        let failures = failures.fold(self.others.failures, u32::saturating_add);
        Logins { last_success: self.last_success, last_failure: self.last_failure, failures }
    }

    /// How much is lost where the attempts are forgotten: failures are worth more than logins, later ones more than earlier ones.
    pub(super) fn worth(&self) -> (bool, Option<Timestamp>) {
        (self.shown().failures > 0, self.last_failure.max(self.last_success))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const POLICY: PasswordPolicy = PasswordPolicy {
        min_life: 0,
        max_life: 0,
        min_length: 1,
        min_classes: 1,
        history: 1,
        max_failures: 3,
        failure_count_interval: 0,
        lockout_duration: 60,
        allowed_enctypes: Vec::new(),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(1_000 + seconds), micros: 0 }
    }

    fn source(number: u8) -> Source {
        IpAddr::from(Ipv4Addr::new(192, 0, 2, number)).into()
    }

    /// Wrong passwords, one after another; whether the source is locked out afterwards.
    fn fail(attempts: &mut Attempts, from: u8, times: u64, policy: &PasswordPolicy, seconds: i64) -> bool {
        for number in 0..times {
            let fingerprint = number + u64::from(from) * 1000 + seconds as u64;
            let _ = attempts.settle(source(from), Proof::Wrong { fingerprint }, policy, at(seconds));
        }
        attempts.admit(source(from), policy, at(seconds)).is_err()
    }

    #[test]
    fn after_as_many_failures_as_the_policy_says_even_the_right_password_is_refused_until_the_lockout_ends() {
        let mut attempts = Attempts::default();
        assert!(!fail(&mut attempts, 1, 2, &POLICY, 0));
        assert!(fail(&mut attempts, 1, 1, &POLICY, 9));
        assert_eq!(attempts.settle(source(1), Proof::Good, &POLICY, at(10)), Err(LockedOut));
        assert_eq!(attempts.settle(source(1), Proof::Good, &POLICY, at(68)), Err(LockedOut));
        assert_eq!(attempts.shown().failures, 3, "attempts of a locked principal do not count");
        assert_eq!(attempts.settle(source(1), Proof::Good, &POLICY, at(69)), Ok(()));
        let expected = Logins { last_success: Some(at(69)), last_failure: Some(at(9)), failures: 0 };
        assert_eq!(attempts.shown(), expected);
    }

    #[test]
    fn a_login_resets_the_count_and_so_does_a_pause_where_the_policy_says_so() {
        let mut attempts = Attempts::default();
        fail(&mut attempts, 1, 2, &POLICY, 0);
        attempts.settle(source(1), Proof::Good, &POLICY, at(1)).unwrap();
        assert!(!fail(&mut attempts, 1, 2, &POLICY, 2));
        let paused = PasswordPolicy { failure_count_interval: 10, ..POLICY };
        assert!(!fail(&mut attempts, 1, 2, &paused, 12), "ten seconds later");
        assert!(fail(&mut attempts, 1, 1, &paused, 21));
    }

    #[test]
    fn an_old_proof_of_somebody_resets_nothing_and_tells_nothing_during_a_lockout() {
        let mut attempts = Attempts::default();
        fail(&mut attempts, 1, 2, &POLICY, 0);
        assert_eq!(attempts.settle(source(1), Proof::Old, &POLICY, at(1)), Ok(()));
        assert!(fail(&mut attempts, 1, 1, &POLICY, 2));
        assert_eq!(attempts.settle(source(1), Proof::Old, &POLICY, at(3)), Err(LockedOut));
    }

    #[test]
    fn a_request_that_is_sent_again_counts_once() {
        let mut attempts = Attempts::default();
        for _ in 0..9 {
            attempts.settle(source(1), Proof::Wrong { fingerprint: 7 }, &POLICY, at(0)).unwrap();
        }
        assert_eq!(attempts.shown().failures, 1);
    }

    #[test]
    fn noise_locks_out_its_own_source_and_nobody_else() {
        let mut attempts = Attempts::default();
        assert!(fail(&mut attempts, 66, 100, &POLICY, 0));
        assert_eq!(attempts.settle(source(1), Proof::Good, &POLICY, at(1)), Ok(()), "the person");
    }

    #[test]
    fn noise_from_everywhere_locks_out_nobody_at_a_place_that_the_principal_has_logged_in_from() {
        let mut attempts = Attempts::default();
        attempts.settle(source(1), Proof::Good, &POLICY, at(0)).unwrap();
        for from in 20..220 {
            fail(&mut attempts, from, 3, &POLICY, 1);
        }
        assert_eq!(attempts.admit(source(250), &POLICY, at(2)), Err(LockedOut), "a source that nobody knows");
        assert_eq!(attempts.settle(source(1), Proof::Good, &POLICY, at(2)), Ok(()));
        assert_eq!(attempts.admit(source(250), &POLICY, at(61)), Ok(()), "the lockout ends");
        assert!(attempts.places.len() <= PLACES);
    }

    #[test]
    fn many_sources_together_guess_no_more_than_the_places_allow() {
        let mut attempts = Attempts::default();
        let mut wrong = 0;
        for from in 0..250u8 {
            for number in 0..3 {
                let proof = Proof::Wrong { fingerprint: u64::from(from) * 10 + number };
                wrong += usize::from(attempts.settle(source(from), proof, &POLICY, at(0)).is_ok());
            }
        }
        assert_eq!(wrong, 3 * (PLACES + 1));
    }

    #[test]
    fn a_lockout_without_an_end_ends_after_a_day_and_by_an_administrator() {
        let endless = PasswordPolicy { lockout_duration: 0, ..POLICY };
        let mut attempts = Attempts::default();
        assert!(fail(&mut attempts, 1, 3, &endless, 0));
        assert!(attempts.admit(source(1), &endless, at(86_399)).is_err());
        assert!(attempts.admit(source(1), &endless, at(86_400)).is_ok());
        assert!(fail(&mut attempts, 1, 3, &endless, 90_000));
        attempts.unlock();
        assert!(attempts.admit(source(1), &endless, at(90_001)).is_ok());
    }

    #[test]
    fn a_policy_without_a_limit_locks_nobody_out() {
        let mut attempts = Attempts::default();
        let lenient = PasswordPolicy { max_failures: 0, ..POLICY };
        assert!(!fail(&mut attempts, 1, 100, &lenient, 0));
        assert_eq!(attempts.shown().failures, 100);
    }
}
