//! When to ask again: pure. `luck` is a random number from 0 to 1, so that the pods of a cluster do not ask together.

use std::time::Duration;

/// Shortest pause between enrolments, whatever the KDC asks for.
const SHORTEST: Duration = Duration::from_secs(10);
/// Pauses after failures grow from the first to the last.
const FIRST_PAUSE: f64 = 1.0;
const LAST_PAUSE: f64 = 60.0;

/// Time until the next refresh: 80 to 95 percent of the time that is left.
pub(crate) fn until_refresh(now: i64, refetch_before: i64, luck: f64) -> Duration {
    let left = u64::try_from(refetch_before.saturating_sub(now)).unwrap_or(0);
    Duration::from_secs(left).mul_f64(0.8 + 0.15 * luck.clamp(0.0, 1.0)).max(SHORTEST)
}

/// Pause before an enrolment that the KDC asks for at once, at most: the pods of a service do not come in one moment.
const URGENT: Duration = Duration::from_secs(2);
/// Longest time before an enrolment that the KDC asks for.
const ASKED: Duration = Duration::from_secs(60);

/// Time until an enrolment that the KDC asks for. `at_once`: how often in a row it has asked right after one: such enrolments help
/// nobody, and the pauses between them grow.
pub(crate) fn until_asked(now: i64, refetch_before: i64, urgent: bool, at_once: u32, luck: f64) -> Duration {
    let left = Duration::from_secs(u64::try_from(refetch_before.saturating_sub(now)).unwrap_or(0)).min(ASKED);
    let spread = if urgent { URGENT } else { left };
    let pause = if at_once > 1 { until_retry(at_once, None, luck) } else { Duration::ZERO };
    spread.mul_f64(luck.clamp(0.0, 1.0)).max(pause)
}

/// Time until the next try, after a number of failures in a row; at least the pause that the KDC asked for.
pub(crate) fn until_retry(failures: u32, asked: Option<Duration>, luck: f64) -> Duration {
    let pause = (FIRST_PAUSE * 2_f64.powi(i32::try_from(failures.min(16)).unwrap_or(16))).min(LAST_PAUSE);
    Duration::from_secs_f64(pause * (0.5 + 0.5 * luck.clamp(0.0, 1.0))).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_comes_before_the_deadline_and_not_too_often() {
        for luck in [0.0, 0.5, 1.0] {
            let wait = until_refresh(1000, 4600, luck);
            assert!((2880..=3420).contains(&wait.as_secs()), "{wait:?}");
        }
        assert_eq!(until_refresh(5000, 4600, 0.5), SHORTEST, "a deadline that is past");
        assert!(until_refresh(i64::MIN, i64::MAX, 0.0) > SHORTEST);
    }

    #[test]
    fn an_enrolment_that_the_kdc_asks_for_comes_in_its_time_and_ever_later_where_it_helps_nobody() {
        let asked = |before, urgent, at_once, luck| until_asked(1000, before, urgent, at_once, luck).as_secs();
        assert_eq!([0.0, 0.5, 1.0].map(|luck| asked(1060, false, 0, luck)), [0, 30, 60]);
        assert_eq!([0.0, 0.5, 1.0].map(|luck| asked(1000, true, 0, luck)), [0, 1, 2]);
        assert_eq!(asked(1030, true, 0, 1.0), 2, "whatever the clocks say");
        assert_eq!([900, 90_000].map(|before| asked(before, false, 0, 1.0)), [0, 60]);
        assert_eq!([1, 3, 9].map(|at_once| asked(1000, true, at_once, 1.0)), [2, 8, 60]);
    }

    #[test]
    fn pauses_grow_to_a_minute_and_heed_the_kdc() {
        let pauses: Vec<u64> = (0..9).map(|n| until_retry(n, None, 1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(until_retry(0, None, 0.0) < until_retry(0, None, 1.0));
        assert_eq!(until_retry(0, Some(Duration::from_secs(7)), 0.0), Duration::from_secs(7));
        assert!(until_retry(u32::MAX, None, 1.0).as_secs() <= 60);
    }
}
