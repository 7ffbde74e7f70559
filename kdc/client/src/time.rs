//! The offset between the KDC's clock and the local clock.

use kennel_wire::message::{KerberosTime, Timestamp};

/// Largest difference between two clocks of a realm, seconds, as RFC 4120 suggests.
pub const DEFAULT_MAX_SKEW: i64 = 300;

const MICROS: i128 = 1_000_000;

/// The difference that turns the local time into the KDC's; zero until a reply proves another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeOffset {
    micros: i64,
}

impl TimeOffset {
    /// The offset that makes `local` into `kdc`.
    #[must_use]
    pub fn between(local: Timestamp, kdc: Timestamp) -> TimeOffset {
        TimeOffset::from_micros(clamp(kdc.as_micros() - local.as_micros()))
    }

    /// Creates an offset in microseconds; positive where the KDC is ahead.
    #[must_use]
    pub const fn from_micros(micros: i64) -> TimeOffset {
        TimeOffset { micros }
    }

    /// Microseconds; positive where the KDC is ahead.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.micros
    }

    /// The KDC's time at the local instant `now`. Never before the epoch, never after what KerberosTime can carry.
    #[must_use]
    pub fn apply(self, now: Timestamp) -> Timestamp {
        let micros = (now.as_micros() + i128::from(self.micros)).max(0);
        let seconds = i64::try_from(micros / MICROS).unwrap_or(i64::MAX);
        let rest = u32::try_from(micros % MICROS).unwrap_or(0);
        Timestamp { time: KerberosTime::EPOCH.plus(seconds), micros: rest }
    }

    /// Seconds and microseconds with one sign, as the header of a credential cache carries them.
    #[must_use]
    pub fn to_ccache(self) -> Option<(i32, i32)> {
        let seconds = i32::try_from(self.micros / 1_000_000).ok()?;
        let micros = i32::try_from(self.micros % 1_000_000).ok()?;
        (self.micros != 0).then_some((seconds, micros))
    }

    /// The offset that the header of a credential cache carries.
    #[must_use]
    pub fn from_ccache((seconds, micros): (i32, i32)) -> TimeOffset {
        TimeOffset::from_micros(i64::from(seconds) * 1_000_000 + i64::from(micros))
    }
}

fn clamp(micros: i128) -> i64 {
    i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, micros: u32) -> Timestamp {
        Timestamp { time: KerberosTime(seconds), micros }
    }

    #[test]
    fn an_offset_turns_the_local_instant_into_the_instant_it_was_learned_from() {
        let (local, kdc) = (at(1_000, 900_000), at(700, 100_000));
        assert_eq!(TimeOffset::between(local, kdc).apply(local), kdc);
        assert_eq!(TimeOffset::between(kdc, local).apply(kdc), local);
    }

    #[test]
    fn an_offset_survives_the_credential_cache() {
        for micros in [-300_000_001, -1, 1, 86_400_999_999] {
            let offset = TimeOffset::from_micros(micros);
            assert_eq!(offset.to_ccache().map(TimeOffset::from_ccache), Some(offset));
        }
        assert_eq!(TimeOffset::default().to_ccache(), None);
    }

    #[test]
    fn times_before_the_epoch_and_far_offsets_are_clamped() {
        assert_eq!(TimeOffset::from_micros(i64::MIN).apply(at(5, 0)), at(0, 0));
        let far = TimeOffset::from_micros(i64::MAX).apply(at(i64::MAX, 999_999));
        assert_eq!(far.time, KerberosTime::EPOCH.plus(i64::MAX));
    }
}
