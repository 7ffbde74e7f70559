//! The ports of `dev`, as offsets from the KDC's port.

/// kpasswd, UDP and TCP.
pub(super) const KPASSWD: u16 = 1;
/// kadmin, TCP.
pub(super) const KADMIN: u16 = 2;
/// The enrolment API.
pub(super) const HTTPS: u16 = 3;
/// Metrics and health.
pub(super) const METRICS: u16 = 4;
