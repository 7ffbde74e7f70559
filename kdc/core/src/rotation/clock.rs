//! What time it is, and how sure that is. A wall clock that jumps must neither end a key early nor change every key: whoever
//! holds the Lease measures ages with the earlier of two clocks, and stamps with the later.

use kennel_wire::message::{KerberosTime, Timestamp};
use std::time::Duration;

/// Time for which a wall clock that has jumped is doubted: within it, a jump that is set right leaves no trace.
pub const DOUBT: Duration = Duration::from_secs(3600);

/// Difference between the clocks of two leaders that is left alone, seconds.
const DIFFERENCE: i64 = 300;

/// Steps below this many seconds are no jump: both clocks are read one after the other, and cut to whole seconds.
const JITTER: i64 = 2;

/// A moment, as two clocks show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    wall: Timestamp,
    /// The wall clock without the jump that is doubted; `wall` where none is.
    steady: Timestamp,
}

impl Moment {
    /// The stamp of what happens now: ages counted from it are never too long.
    #[must_use]
    pub fn stamp(self) -> Timestamp {
        self.wall.max(self.steady)
    }

    /// Whether this time has come for sure.
    #[must_use]
    pub fn is_past(self, time: KerberosTime) -> bool {
        time <= self.sure()
    }

    /// The time that has come for sure.
    #[must_use]
    pub fn sure(self) -> KerberosTime {
        self.wall.min(self.steady).time
    }

    /// Whether this stamp lies further in the future than the clocks of two leaders differ.
    #[must_use]
    pub fn is_future(self, stamp: Timestamp) -> bool {
        stamp.time > self.stamp().time.plus(DIFFERENCE)
    }

    /// When the wall clock says that `time`, which has not come, may have: later than now.
    pub(super) fn wake_at(self, time: KerberosTime) -> KerberosTime {
        let left = time.0.saturating_sub(self.sure().0).max(1);
        let doubted = i64::try_from(DOUBT.as_secs()).unwrap_or(i64::MAX);
        self.wall.time.plus(if self.wall == self.steady { left } else { left.min(doubted) })
    }
}

/// A clock that nobody doubts.
impl From<Timestamp> for Moment {
    fn from(now: Timestamp) -> Moment {
        Moment { wall: now, steady: now }
    }
}

/// Compares the wall clock with a monotonic one. Kept for as long as the process runs.
#[derive(Debug, Clone, Copy)]
pub struct SteadyClock {
    /// Wall clock less monotonic clock, seconds, as it is believed.
    believed: i64,
    /// The same as it was read last, and since when (monotonic) it has been so.
    read: (i64, Duration),
}

impl SteadyClock {
    /// Begins with this wall clock, which is believed, and this monotonic clock: the time since any fixed moment.
    #[must_use]
    pub fn new(wall: Timestamp, monotonic: Duration) -> SteadyClock {
        let offset = offset(wall, monotonic);
        SteadyClock { believed: offset, read: (offset, monotonic) }
    }

    /// The moment at which both clocks were read.
    pub fn observe(&mut self, wall: Timestamp, monotonic: Duration) -> Moment {
        let offset = offset(wall, monotonic);
        let near = |other: i64| offset.abs_diff(other) < JITTER.unsigned_abs();
        if !near(self.read.0) {
            self.read = (offset, monotonic);
        }
        if near(self.believed) || monotonic.saturating_sub(self.read.1) >= DOUBT {
            self.believed = self.read.0;
            return Moment::from(wall);
        }
        let time = wall.time.plus(self.believed.saturating_sub(offset));
        Moment { wall, steady: Timestamp { time, ..wall } }
    }
}

fn offset(wall: Timestamp, monotonic: Duration) -> i64 {
    wall.time.0.saturating_sub(i64::try_from(monotonic.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;
    const YEAR: i64 = 31_536_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp { time: KerberosTime(START + seconds), micros: 5 }
    }

    /// A clock that has run for these seconds, read after a jump.
    fn jumped(clock: &mut SteadyClock, run: u64, jump: i64) -> Moment {
        clock.observe(at(i64::try_from(run).unwrap() + jump), Duration::from_secs(run))
    }

    fn clock() -> SteadyClock {
        SteadyClock::new(at(0), Duration::ZERO)
    }

    #[test]
    fn a_jump_forward_makes_nothing_older_and_stamps_with_the_later_time() {
        let mut clock = clock();
        let moment = jumped(&mut clock, 10, YEAR);
        assert_eq!((moment.sure(), moment.stamp()), (at(10).time, at(10 + YEAR)));
        assert!(moment.is_past(at(10).time) && !moment.is_past(at(11).time));
        assert_eq!(jumped(&mut clock, 20, 0), Moment::from(at(20)), "set right: no doubt is left");
    }

    #[test]
    fn a_jump_backward_makes_what_happens_now_no_older_than_it_is() {
        let moment = jumped(&mut clock(), 10, -YEAR);
        assert_eq!((moment.sure(), moment.stamp()), (at(10 - YEAR).time, at(10)));
    }

    #[test]
    fn a_clock_that_stays_where_it_jumped_is_believed_after_the_time_of_doubt() {
        let doubt = DOUBT.as_secs();
        for jump in [YEAR, -YEAR] {
            let mut clock = clock();
            jumped(&mut clock, 10, jump);
            assert_ne!(jumped(&mut clock, 9 + doubt, jump), Moment::from(at(9 + DOUBT.as_secs() as i64 + jump)));
            assert_eq!(jumped(&mut clock, 10 + doubt, jump), Moment::from(at(10 + DOUBT.as_secs() as i64 + jump)));
        }
    }

    #[test]
    fn each_jump_begins_the_time_of_doubt_anew() {
        let mut clock = clock();
        for run in 1..10 {
            let moment = jumped(&mut clock, run * 1800, i64::try_from(run).unwrap() * YEAR);
            assert_eq!(moment.sure().0, START + 1800 * i64::try_from(run).unwrap());
        }
    }

    #[test]
    fn a_clock_that_creeps_is_a_clock_that_jumps() {
        let mut clock = clock();
        let moment = (1..=100).map(|run| jumped(&mut clock, run, i64::try_from(run).unwrap())).last().unwrap();
        assert!(moment.sure() <= at(100 + JITTER).time, "{moment:?}");
    }

    #[test]
    fn the_next_look_is_later_than_now_whatever_the_clocks_say() {
        for jump in [0, 1, 2, YEAR, -YEAR] {
            let moment = jumped(&mut clock(), 10, jump);
            for wait in [0, 1, 1000, YEAR] {
                let wake = moment.wake_at(moment.sure().plus(wait));
                assert!(wake > moment.wall.time, "{jump} {wait}");
                let doubted = moment.wall != moment.steady && wait > 3600;
                assert_eq!(wake, moment.wall.time.plus(if doubted { 3600 } else { wait.max(1) }));
            }
        }
    }
}
