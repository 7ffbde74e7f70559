//! The one place that reads the system's clock for the core.

use chrono::{DateTime, Datelike, Timelike};
use kennel_wire::message::{KerberosTime, Timestamp};
use std::fmt::{self, Display, Write};
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
pub(crate) fn text(at: Timestamp) -> impl Display {
    Rfc3339 { seconds: at.time.0, micros: Some(at.micros) }
}

/// `2026-11-23T16:00:00Z`.
pub(crate) fn text_seconds(at: KerberosTime) -> impl Display {
    Rfc3339 { seconds: at.0, micros: None }
}

/// Writes a time without making a text of its own first: audit lines hold up to five.
struct Rfc3339 {
    seconds: i64,
    micros: Option<u32>,
}

impl Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = DateTime::from_timestamp(self.seconds, 0) else { return write!(f, "{}", self.seconds) };
        let (date, time) = (at.date_naive(), at.time());
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())?;
        write!(f, "T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
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
        assert_eq!(text(at).to_string(), "2026-11-23T16:00:00.000042Z");
        assert_eq!(text_seconds(at.time).to_string(), "2026-11-23T16:00:00Z");
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(now().time > KerberosTime(1_700_000_000));
        assert!(check().is_ok());
    }
}
