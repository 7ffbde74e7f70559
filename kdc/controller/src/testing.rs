//! The clock of tests.

use kennel_wire::message::{KerberosTime, Timestamp};

/// Returns 2026-11-23T16:00:00Z.
pub(crate) fn clock() -> Timestamp {
    Timestamp { time: KerberosTime(1_795_449_600), micros: 0 }
}
