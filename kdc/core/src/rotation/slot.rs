//! Spreads the rotations of many principals. Each has a moment of its own in every eighth of the interval, so that keys that were
//! made in one minute, or are overdue because the leader stopped or the policy is new, do not change in one minute.

use kennel_wire::message::{KerberosTime, Principal};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Shortest time for which a moment lasts, seconds: whoever looks at all principals one after the other does not miss it.
const MOMENT: i64 = 60;

/// When a key that was made at `created` is due to change: now or earlier where it is due now. The first change comes within a
/// sixteenth of the interval before or after its end, every later one an interval after the last, unless a moment passed unseen.
pub(super) fn next_slot(
    principal: &Principal,
    created: KerberosTime,
    interval: u32,
    now: KerberosTime,
) -> KerberosTime {
    let period = (i64::from(interval) / 8).max(1);
    let phase = i64::try_from(number_of(principal)).unwrap_or(0) % period;
    let since_slot = |time: KerberosTime| time.0.saturating_sub(phase).rem_euclid(period);
    let ready = created.plus(i64::from(interval) - period / 2);
    let first = ready.plus((period - since_slot(ready)) % period);
    let moment = (period / 64).max(MOMENT);
    match since_slot(now) {
        _ if now < first => first,
        late if late < moment => now.plus(-late),
        late => now.plus(period - late),
    }
}

/// A number of a name, the same in every process of one build: below 2^63.
fn number_of(principal: &Principal) -> u64 {
    let mut hasher = DefaultHasher::new();
    principal.hash(&mut hasher);
    hasher.finish() >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotation::policy::RotationPolicy;
    use std::collections::BTreeMap;

    const START: KerberosTime = KerberosTime(1_800_000_000);
    const INTERVAL: u32 = RotationPolicy::INTERVAL;
    const ALL: i64 = INTERVAL as i64;

    fn principal(number: u32) -> Principal {
        Principal::parse(&format!("web-{number}.shop"), "R").unwrap()
    }

    #[test]
    fn a_key_changes_when_it_is_as_old_as_the_interval() {
        for number in 0..1000 {
            let next = next_slot(&principal(number), START, INTERVAL, START);
            assert!(next >= START.plus(ALL / 16 * 15) && next < START.plus(ALL / 16 * 17), "{next:?}");
            assert_eq!(
                next_slot(&principal(number), next.plus(90), INTERVAL, next.plus(90)),
                next.plus(ALL),
                "then each time"
            );
            assert_eq!(next_slot(&principal(number), START, INTERVAL, next), next, "due when it has come");
            assert_eq!(next_slot(&principal(number), START, INTERVAL, next.plus(59)), next, "and a moment later");
        }
    }

    #[test]
    fn keys_that_are_all_due_since_long_change_one_after_the_other() {
        let now = START.plus(50 * ALL);
        let mut by_hour = BTreeMap::new();
        for number in 0..10_000 {
            let next = next_slot(&principal(number), START, INTERVAL, now);
            assert!(next < now.plus(ALL / 8), "within an eighth of the interval");
            *by_hour.entry((next.0 - now.0).max(-1).div_euclid(3600)).or_insert(0) += 1;
        }
        assert!(by_hour.values().all(|keys| *keys < 300), "{by_hour:?}");
    }

    #[test]
    fn intervals_of_seconds_and_times_at_the_ends_of_the_calendar_have_moments_too() {
        for interval in [0, 1, 7, 8, 9, 100, u32::MAX] {
            for (created, now) in [(0, 0), (0, i64::MAX), (i64::MAX, 0), (START.0, START.0 + 10), (i64::MIN, i64::MAX)]
            {
                next_slot(&principal(1), KerberosTime(created), interval, KerberosTime(now));
            }
            if interval < 480 {
                let due = START.plus(i64::from(interval) * 2 + 1);
                assert!(next_slot(&principal(1), START, interval, due) <= due, "{interval}");
            }
        }
    }
}
