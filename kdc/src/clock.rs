//! The one place that reads the system's clock for the core.

use kennel_wire::message::{KerberosTime, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Now. A clock that is set before 1970 while the server runs reads as 1970: every request then fails by its skew.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp { time: KerberosTime::EPOCH.plus(seconds), micros: since_epoch.subsec_micros() }
}

/// Refuses to start where the clock cannot be right.
pub(crate) fn check() -> anyhow::Result<()> {
    anyhow::ensure!(
        SystemTime::now() >= UNIX_EPOCH,
        "the system's clock says a time before 1970: set it, tickets depend on it"
    );
    Ok(())
}

/// `2026-11-23T16:00:00.123456Z`.
pub(crate) fn text(at: Timestamp) -> String {
    format(at.time, at.micros, chrono::SecondsFormat::Micros)
}

/// `2026-11-23T16:00:00Z`.
pub(crate) fn text_seconds(at: KerberosTime) -> String {
    format(at, 0, chrono::SecondsFormat::Secs)
}

fn format(at: KerberosTime, micros: u32, precision: chrono::SecondsFormat) -> String {
    chrono::DateTime::from_timestamp(at.0, micros.saturating_mul(1000))
        .map_or_else(|| at.0.to_string(), |t| t.to_rfc3339_opts(precision, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_in_utc() {
        let at = Timestamp { time: KerberosTime(1_795_449_600), micros: 42 };
        assert_eq!(text(at), "2026-11-23T16:00:00.000042Z");
        assert_eq!(text_seconds(at.time), "2026-11-23T16:00:00Z");
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(now().time > KerberosTime(1_700_000_000));
        assert!(check().is_ok());
    }
}
