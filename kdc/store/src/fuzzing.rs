//! Entry points of the fuzz targets: records without their wrapping.

use crate::record::format;
use kennel_core::principal::Record;
use zeroize::Zeroizing;

/// Decodes the plaintext of a record.
///
/// # Errors
/// The plaintext is not a record.
pub fn decode(plaintext: &[u8]) -> Result<Record, &'static str> {
    format::decode(plaintext)
}

/// Encodes the plaintext of a record.
///
/// # Errors
/// The record has no encoding.
pub fn encode(record: &Record) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    format::encode(record)
}
