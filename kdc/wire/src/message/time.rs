//! KerberosTime (RFC 4120, section 5.2.3) and the instants that the shell hands to the core.

use crate::der::calendar::LAST_SECOND;
use crate::message::asn1::Reason;

/// Seconds since 1970-01-01T00:00:00Z; what KerberosTime carries (`YYYYMMDDHHMMSSZ`, years 1970 to 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KerberosTime(pub i64);

impl KerberosTime {
    /// The epoch, which some clients send as `till` to ask for the longest life.
    pub const EPOCH: KerberosTime = KerberosTime(0);

    /// This time plus so many seconds, saturating at the ends of what KerberosTime can carry.
    #[must_use]
    pub fn plus(self, seconds: i64) -> KerberosTime {
        KerberosTime(self.0.saturating_add(seconds).clamp(0, LAST_SECOND))
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
}
