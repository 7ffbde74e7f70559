//! The content of a Lease: whether it is free, and its renewal.

use crate::lease::held::Moment;
use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Time that a holder may be silent before the Lease is free, seconds.
pub(super) const DURATION: i32 = 15;
/// Difference between the clocks of two nodes at most, seconds. Kerberos demands no less of the machines of a realm.
const SKEW: i64 = 300;

/// What this process has seen of the Leases of other holders. Their clocks may differ from its own, so it measures their silence
/// by its own clock.
#[derive(Debug, Clone, Default)]
pub(super) struct Observations(BTreeMap<String, (Seen, Duration)>);

/// The parts of a Lease that change when its holder renews it.
type Seen = (Option<String>, Option<MicroTime>, Option<i32>);

impl Observations {
    /// Takes note of a Lease, and returns the time for which it has been unchanged.
    pub(super) fn observe(&mut self, lease: &str, spec: &LeaseSpec, now: Moment) -> Duration {
        let seen = (spec.holder_identity.clone(), spec.renew_time.clone(), spec.lease_transitions);
        match self.0.get(lease) {
            Some((before, since)) if *before == seen => now.boot.saturating_sub(*since),
            _ => {
                self.0.insert(lease.to_owned(), (seen, now.boot));
                Duration::ZERO
            }
        }
    }
}

/// Whether the Lease has no holder, is held by `identity`, or has a holder that was silent for its duration. `unchanged`: time
/// for which this process has seen no renewal.
pub(super) fn is_free(spec: &LeaseSpec, identity: &str, unchanged: Duration, now: Moment) -> bool {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or(DURATION));
    let renewed = spec.renew_time.as_ref().map_or(0, |time| time.0.as_second());
    holder.is_empty()
        || holder == identity
        || unchanged > Duration::from_secs(u64::try_from(duration).unwrap_or(0))
        || now.wall / 1_000_000 > renewed.saturating_add(duration).saturating_add(SKEW)
}

/// Returns the spec that holds the Lease for `identity`. A change of holder counts as a transition.
pub(super) fn renewed_spec(old: Option<&LeaseSpec>, identity: &str, now: Moment) -> LeaseSpec {
    let time = MicroTime(Timestamp::from_microsecond(now.wall).unwrap_or_default());
    let ours = old.is_some_and(|spec| spec.holder_identity.as_deref() == Some(identity));
    let acquired = old.and_then(|spec| spec.acquire_time.clone()).filter(|_| ours).unwrap_or_else(|| time.clone());
    let transitions = old.and_then(|spec| spec.lease_transitions).unwrap_or(0).saturating_add(i32::from(!ours));
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(DURATION),
        acquire_time: Some(acquired),
        renew_time: Some(time),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Moment {
        Moment { wall: second * 1_000_000, boot: Duration::from_secs(second.unsigned_abs()) }
    }

    fn micro(second: i64) -> Option<MicroTime> {
        Some(MicroTime(Timestamp::from_second(second).unwrap()))
    }

    fn held_by_a() -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some("a".into()),
            lease_duration_seconds: Some(15),
            acquire_time: micro(900),
            renew_time: micro(1000),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_its_holder_s_until_that_one_is_silent_for_its_duration() {
        let (spec, seconds) = (held_by_a(), Duration::from_secs);
        assert!(is_free(&spec, "a", seconds(0), at(1000)));
        assert!(!is_free(&spec, "b", seconds(15), at(1000)));
        assert!(is_free(&spec, "b", seconds(16), at(1000)));
        assert!(is_free(&LeaseSpec::default(), "b", seconds(0), at(1000)));
    }

    #[test]
    fn a_lease_that_looks_old_by_another_clock_is_watched_first_unless_it_is_older_than_clocks_may_differ() {
        let spec = held_by_a();
        assert!(!is_free(&spec, "b", Duration::ZERO, at(1000 + 15 + SKEW)));
        assert!(is_free(&spec, "b", Duration::ZERO, at(1000 + 15 + SKEW + 1)));
    }

    #[test]
    fn silence_is_measured_since_the_last_change_that_was_seen() {
        let mut seen = Observations::default();
        assert_eq!(seen.observe("n/l", &held_by_a(), at(2000)), Duration::ZERO);
        assert_eq!(seen.observe("n/l", &held_by_a(), at(2010)), Duration::from_secs(10));
        assert_eq!(seen.observe("other/l", &held_by_a(), at(2010)), Duration::ZERO);
        let renewed = LeaseSpec { renew_time: micro(1005), ..held_by_a() };
        assert_eq!(seen.observe("n/l", &renewed, at(2011)), Duration::ZERO);
    }

    #[test]
    fn a_renewal_keeps_the_time_of_acquisition_and_a_change_of_holder_counts() {
        let same = renewed_spec(Some(&held_by_a()), "a", at(1005));
        assert_eq!((same.acquire_time, same.lease_transitions), (micro(900), Some(3)));
        assert_eq!(same.renew_time, micro(1005));
        let other = renewed_spec(Some(&held_by_a()), "b", at(1020));
        assert_eq!((other.acquire_time, other.lease_transitions), (micro(1020), Some(4)));
        assert_eq!(renewed_spec(None, "a", at(1)).lease_transitions, Some(1));
    }
}
