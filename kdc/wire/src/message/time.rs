//! KerberosTime (RFC 4120, section 5.2.3) and the instants that the shell hands to the core.

use crate::der::calendar::{LAST_SECOND, civil_from_days};
use crate::message::asn1::Reason;
use std::fmt::{self, Display, Write};

/// Seconds since 1970-01-01T00:00:00Z; what KerberosTime carries (`YYYYMMDDHHMMSSZ`, years 0 to 9999). A time of Kennel's own is never
/// before 1970, one that a peer sends may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KerberosTime(pub i64);

impl KerberosTime {
    /// The epoch, which some clients send as `till` to ask for the longest life.
    pub const EPOCH: KerberosTime = KerberosTime(0);

    /// Returns this time plus a number of seconds, clamped to the years 1970 to 9999.
    #[must_use]
    pub fn plus(self, seconds: i64) -> KerberosTime {
        KerberosTime(self.0.saturating_add(seconds).clamp(0, LAST_SECOND))
    }

    /// The form of RFC 3339 in UTC: `2026-11-23T16:00:00Z`. A time before 1970 or after 9999 is written as its number.
    #[must_use]
    pub fn to_rfc3339(self) -> impl Display {
        Rfc3339 { seconds: self.0, micros: None }
    }
}

impl From<kerberos_asn1::KerberosTime> for KerberosTime {
    fn from(time: kerberos_asn1::KerberosTime) -> KerberosTime {
        KerberosTime(time.timestamp())
    }
}

/// An instant with microseconds, as `ctime`/`cusec` and `stime`/`susec` carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds.
    pub time: KerberosTime,
    /// 0 to 999,999.
    pub micros: u32,
}

impl Timestamp {
    /// From the two fields that carry it.
    pub(super) fn from_fields(time: kerberos_asn1::KerberosTime, micros: i32) -> Result<Timestamp, Reason> {
        match u32::try_from(micros) {
            Ok(micros @ 0..=999_999) => Ok(Timestamp { time: time.into(), micros }),
            _ => Err("microseconds beyond 999,999"),
        }
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i128 {
        i128::from(self.time.0) * 1_000_000 + i128::from(self.micros)
    }

    /// The first whole second that is not before it.
    #[must_use]
    pub fn ceiling(self) -> KerberosTime {
        self.time.plus((self.micros > 0).into())
    }

    /// The form of RFC 3339 in UTC: `2026-11-23T16:00:00.123456Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> impl Display {
        Rfc3339 { seconds: self.time.0, micros: Some(self.micros) }
    }
}

/// Source of the current time. Binaries alone read the system's clock; libraries that need to know the time of an event receive
/// this function from the binary.
pub type Clock = fn() -> Timestamp;

/// Writes a time without allocating: an audit line holds up to five times.
struct Rfc3339 {
    seconds: i64,
    micros: Option<u32>,
}

impl Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !(0..=LAST_SECOND).contains(&self.seconds) {
            return write!(f, "{}", self.seconds);
        }
        let (days, second) = (self.seconds / 86_400, self.seconds % 86_400);
        let (year, month, day) = civil_from_days(days);
        write!(f, "{year:04}-{month:02}-{day:02}")?;
        write!(f, "T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)?;
        if let Some(micros) = self.micros {
            write!(f, ".{micros:06}")?;
        }
        f.write_char('Z')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_in_utc() {
        let at = Timestamp { time: KerberosTime(1_795_449_600), micros: 42 };
        assert_eq!(at.to_rfc3339().to_string(), "2026-11-23T16:00:00.000042Z");
        assert_eq!(at.time.to_rfc3339().to_string(), "2026-11-23T16:00:00Z");
        assert_eq!(KerberosTime(LAST_SECOND).to_rfc3339().to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn a_time_outside_the_calendar_of_kerberos_is_written_as_its_number() {
        for seconds in [i64::MIN, -1, LAST_SECOND + 1, i64::MAX] {
            assert_eq!(KerberosTime(seconds).to_rfc3339().to_string(), seconds.to_string());
        }
    }
}
