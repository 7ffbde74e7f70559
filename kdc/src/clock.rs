//! Reads the system's clock, for the core and for all other parts.

use kennel_wire::message::{KerberosTime, Timestamp};
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Returns the current time. A clock that is set before 1970 while the server runs reads as 1970: every request then fails with a
/// clock skew.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Timestamp { time: KerberosTime::EPOCH.plus(seconds), micros: since_epoch.subsec_micros() }
}

/// Returns the time since boot, which includes the time that the machine was suspended. Nobody can set this clock.
pub(crate) fn since_boot() -> Duration {
    // Linux has this clock since 2.6.39, and reading it cannot fail there.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// Refuses to start where the clock shows a time before 1970.
pub(crate) fn check() -> anyhow::Result<()> {
    anyhow::ensure!(
        SystemTime::now() >= UNIX_EPOCH,
        "the system's clock shows a time before 1970: set the clock, tickets depend on it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_after_this_was_written() {
        assert!(now().time > KerberosTime(1_700_000_000));
        assert!(check().is_ok());
    }

    #[test]
    fn the_time_since_boot_goes_on() {
        let before = since_boot();
        std::thread::sleep(Duration::from_millis(2));
        assert!(before > Duration::ZERO && since_boot() > before);
    }
}
