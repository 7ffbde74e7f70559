//! When an authority follows the other: pure. There are at most two, one of which signs; clients are to trust both.
//!
//! ```text
//!  A signs ---- announce B ------ B signs ------------ forget A
//!               A and B published  A and B published    B published
//! ```
//! B is published for a long time before anything is under it: clients read the published certificates anew for each enrolment. A stays
//! published until the last certificate under it has ended.
//!
//! The clock may be wrong and jump. So the two never change places before both were published for some time of a clock that does not
//! jump, whatever the clock of the day says; and an authority that is not valid now signs nothing while the other one is.

use std::time::Duration;

/// Time that a change of the published certificates needs at most to reach every client: the resync of the controller, the kubelet, and
/// an attempt that is under way.
const SPREAD: Duration = Duration::from_secs(30 * 60);

/// Lives of certificates, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// Life of an authority. Its successor is announced when a fifth is left.
    pub authority: i64,
    /// Life of a serving certificate. It is renewed when a third is left.
    pub certificate: i64,
}

impl Lives {
    /// Ten years and thirty days.
    pub const DEFAULT: Lives = Lives { authority: 3650 * 86_400, certificate: 30 * 86_400 };

    /// Time after which a serving certificate is renewed.
    pub(crate) fn renewed_after(self) -> i64 {
        self.certificate - self.certificate / 3
    }

    /// Remaining life of an authority at which the next one is announced.
    fn announced_before(self) -> i64 {
        self.authority / 5
    }

    /// Time for which the next authority is published before it signs: half of what is left, thirty days at most.
    fn overlap(self) -> i64 {
        (self.authority / 10).min(30 * 86_400)
    }

    /// Time of a clock that does not jump for which two authorities are published before they may change places.
    #[must_use]
    pub fn spread(self) -> Duration {
        SPREAD.min(Duration::from_secs(u64::try_from(self.overlap()).unwrap_or(0)) / 2)
    }
}

/// When a certificate is valid, seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: i64,
    /// The last second.
    pub not_after: i64,
}

impl Validity {
    fn contains(self, now: i64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

/// The authority that does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standby {
    /// It will sign.
    Next {
        /// Since when it is published, seconds since the epoch.
        since: i64,
    },
    /// It signed before.
    Previous {
        /// Since when it signs no more, seconds since the epoch.
        since: i64,
    },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollOverStep {
    /// Make the next authority, and publish it beside the present one.
    Announce,
    /// The two change places.
    Sign,
    /// Forget the one that does not sign.
    Forget,
}

/// The step that is due now, if one is. `published`: time of a clock that does not jump for which this process has published both.
#[must_use]
pub(crate) fn next_step(
    signing: Validity,
    standby: Option<(Standby, Validity)>,
    now: i64,
    published: Duration,
    lives: Lives,
) -> Option<RollOverStep> {
    let signs = signing.contains(now);
    let ends_soon = now > signing.not_after - lives.announced_before();
    let Some((role, other)) = standby else {
        return (ends_soon || !signs).then_some(RollOverStep::Announce);
    };
    let settled = published >= lives.spread();
    let (is_of_no_use, is_wanted) = match role {
        // One that a wrong clock made is in the place of one that could sign.
        Standby::Next { .. } if !other.contains(now) => (true, false),
        Standby::Next { since } => (false, now >= since + lives.overlap() || ends_now(signing, now, lives)),
        Standby::Previous { .. } if !signs => (!other.contains(now), false),
        Standby::Previous { since } => {
            let last_has_ended = now > since + lives.certificate || now < since - lives.certificate;
            // No certificate under it is served here any more: a successor that is due needs its place.
            (settled && (last_has_ended || ends_soon), false)
        }
    };
    if is_of_no_use {
        return Some(RollOverStep::Forget);
    }
    (settled && other.contains(now) && (is_wanted || !signs)).then_some(RollOverStep::Sign)
}

/// Whether the authority ends before long, whatever is left of the overlap.
fn ends_now(signing: Validity, now: i64, lives: Lives) -> bool {
    now > signing.not_after - i64::try_from(2 * lives.spread().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    const DAY: i64 = 86_400;
    const LIVES: Lives = Lives::DEFAULT;
    const LONG: Duration = Duration::from_secs(86_400);

    fn from(not_before: i64) -> Validity {
        Validity { not_before, not_after: not_before + LIVES.authority }
    }

    #[test]
    fn an_authority_is_announced_two_years_before_the_end_signs_a_month_later_and_the_old_one_goes_a_month_after() {
        let (a, end) = (from(0), LIVES.authority);
        let announced = end - LIVES.authority / 5 + 1;
        assert_eq!(next_step(a, None, announced - 1, LONG, LIVES), None);
        assert_eq!(next_step(a, None, announced, LONG, LIVES), Some(RollOverStep::Announce));
        let (b, next) = (from(announced), Standby::Next { since: announced });
        assert_eq!(next_step(a, Some((next, b)), announced + 30 * DAY - 1, LONG, LIVES), None);
        let signs = announced + 30 * DAY;
        assert_eq!(next_step(a, Some((next, b)), signs, LONG, LIVES), Some(RollOverStep::Sign));
        let previous = Standby::Previous { since: signs };
        assert_eq!(next_step(b, Some((previous, a)), signs + 30 * DAY, LONG, LIVES), None);
        assert_eq!(next_step(b, Some((previous, a)), signs + 30 * DAY + 1, LONG, LIVES), Some(RollOverStep::Forget));
    }

    #[test]
    fn nothing_changes_places_before_both_were_published_for_a_while_whatever_the_clock_says() {
        let (a, b) = (from(0), from(8 * 365 * DAY));
        let next = Some((Standby::Next { since: 8 * 365 * DAY }, b));
        for now in [9 * 365 * DAY, LIVES.authority + DAY] {
            assert_eq!(next_step(a, next, now, Duration::from_secs(60), LIVES), None);
            assert_eq!(next_step(a, next, now, LIVES.spread(), LIVES), Some(RollOverStep::Sign));
        }
    }

    #[test]
    fn a_clock_that_was_ahead_and_is_set_back_brings_the_old_authority_back() {
        let (a, ahead) = (from(0), from(100 * 365 * DAY));
        // Set back before the new one signed: it would be of no use, and the place is needed.
        let next = Some((Standby::Next { since: ahead.not_before }, ahead));
        assert_eq!(next_step(a, next, DAY, Duration::ZERO, LIVES), Some(RollOverStep::Forget));
        // Set back after.
        let previous = Some((Standby::Previous { since: ahead.not_before }, a));
        assert_eq!(next_step(ahead, previous, DAY, Duration::ZERO, LIVES), None);
        assert_eq!(next_step(ahead, previous, DAY, LONG, LIVES), Some(RollOverStep::Sign));
    }

    /// The KDC, its file and one client that reads what is published no later than a while after.
    struct World {
        now: i64,
        signing: (u32, Validity),
        standby: Option<(Standby, Validity, u32)>,
        made: u32,
        published: Duration,
        /// Each set that was published lately, with its age.
        lately: Vec<(Vec<u32>, Duration)>,
    }

    impl World {
        fn trusted(&self) -> Vec<u32> {
            let mut all = vec![self.signing.0];
            all.extend(self.standby.map(|(_, _, name)| name));
            all
        }

        fn advance(&mut self, by: Duration, jump: i64) {
            self.now += i64::try_from(by.as_secs()).unwrap() + jump;
            self.published += by;
            self.lately.iter_mut().for_each(|(_, age)| *age += by);
            // The last one that is older than the lag is what the slowest client has.
            while self.lately.get(1).is_some_and(|(_, age)| *age >= LIVES.spread()) {
                self.lately.remove(0);
            }
        }

        fn step(&mut self) -> Option<RollOverStep> {
            let standby = self.standby.map(|(role, validity, _)| (role, validity));
            let step = next_step(self.signing.1, standby, self.now, self.published, LIVES)?;
            match step {
                RollOverStep::Announce => {
                    assert!(self.standby.is_none(), "two are replaced at once");
                    self.made += 1;
                    self.standby = Some((Standby::Next { since: self.now }, from(self.now), self.made));
                }
                RollOverStep::Sign => {
                    let (_, validity, name) = self.standby.unwrap();
                    let (old, was) = self.signing;
                    self.signing = (name, validity);
                    self.standby = Some((Standby::Previous { since: self.now }, was, old));
                }
                RollOverStep::Forget => self.standby = None,
            }
            if step != RollOverStep::Sign {
                self.published = Duration::ZERO;
                self.lately.push((self.trusted(), Duration::ZERO));
            }
            Some(step)
        }
    }

    #[test]
    fn over_random_histories_every_client_trusts_whoever_signs_and_a_clock_that_is_right_again_ends_well() {
        let mut steps = [0; 3];
        for seed in 0..300 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut world = World {
                now: 0,
                signing: (0, from(0)),
                standby: None,
                made: 0,
                published: Duration::ZERO,
                lately: vec![(vec![0], LIVES.spread())],
            };
            for _ in 0..400 {
                let jump = if rng.gen_bool(0.05) { rng.gen_range(-15 * 365 * DAY..15 * 365 * DAY) } else { 0 };
                world.advance(Duration::from_secs(rng.gen_range(1..60 * 86_400)), jump);
                if rng.gen_bool(0.1) {
                    // A restart.
                    world.published = Duration::ZERO;
                }
                for _ in 0..3 {
                    let step = world.step();
                    step.into_iter().for_each(|step| steps[step as usize] += 1);
                    for (trusted, _) in &world.lately {
                        assert!(
                            trusted.contains(&world.signing.0),
                            "seed {seed}: {trusted:?}, {} signs",
                            world.signing.0
                        );
                    }
                    world.advance(Duration::from_secs(rng.gen_range(0..3600)), 0);
                }
            }
            // The clock runs well from now on: soon one signs that is valid, and so it stays.
            for hour in 0..2000 {
                world.advance(Duration::from_secs(3600), 0);
                world.step();
                assert!(hour < 3 || world.signing.1.contains(world.now), "seed {seed}, hour {hour}");
            }
        }
        assert!(steps.iter().all(|count| *count > 100), "{steps:?}");
    }
}
