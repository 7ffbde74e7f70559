//! MIT keytab files, version 2 (0x0502): reading and writing.

use crate::WireError;
use crate::message::{EncryptionKey, KerberosTime, Principal};

/// One entry.
#[derive(Debug, Clone)]
pub struct KeytabEntry {
    /// Whose key.
    pub principal: Principal,
    /// When it was written.
    pub timestamp: KerberosTime,
    /// Key version (the 32-bit one where the file has it).
    pub kvno: u32,
    /// The key.
    pub key: EncryptionKey,
}

/// Reads a keytab; deleted entries (holes) are passed over.
///
/// # Errors
/// Another version, or a torn entry.
pub fn decode(_bytes: &[u8]) -> Result<Vec<KeytabEntry>, WireError> {
    todo!()
}

/// Writes a keytab.
#[must_use]
pub fn encode(_entries: &[KeytabEntry]) -> zeroize::Zeroizing<Vec<u8>> {
    todo!()
}
