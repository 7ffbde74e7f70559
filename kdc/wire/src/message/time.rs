//! KerberosTime (RFC 4120, section 5.2.3) and the instants that the shell hands to the core.

/// Seconds since 1970-01-01T00:00:00Z; what KerberosTime carries (`YYYYMMDDHHMMSSZ`, years 1970 to 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KerberosTime(pub i64);

impl KerberosTime {
    /// The epoch, which some clients send as `till` to ask for the longest life.
    pub const EPOCH: KerberosTime = KerberosTime(0);

    /// This time plus so many seconds, saturating at the ends of what KerberosTime can carry.
    #[must_use]
    pub fn plus(self, seconds: i64) -> KerberosTime {
        // 9999-12-31T23:59:59Z
        KerberosTime(self.0.saturating_add(seconds).clamp(0, 253_402_300_799))
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
    /// Microseconds since the epoch.
    #[must_use]
    pub fn as_micros(self) -> i128 {
        i128::from(self.time.0) * 1_000_000 + i128::from(self.micros)
    }
}
