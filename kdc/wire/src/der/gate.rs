//! Refuses what is not strict DER, with the offset and the reason.

use crate::WireError;

/// Checks one complete DER value that fills `bytes`: definite canonical lengths, no value past its parent, depth and
/// size limits, only universal tags that Kerberos uses, canonical INTEGERs, and GeneralizedTimes of the exact form
/// `YYYYMMDDHHMMSSZ` that exist in the calendar.
///
/// # Errors
/// [`WireError::Der`] with the offset of the first octet that breaks a rule.
pub fn check(_bytes: &[u8]) -> Result<(), WireError> {
    todo!()
}
