//! What the fuzz targets call: records past their wrapping.

use crate::record::format;
use kennel_core::principal::Record;
use zeroize::Zeroizing;

/// The record of a plaintext.
///
/// # Errors
/// It is none.
pub fn decode(plaintext: &[u8]) -> Result<Record, &'static str> {
    format::decode(plaintext)
}

/// The plaintext of a record.
///
/// # Errors
/// It has no encoding.
pub fn encode(record: &Record) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    format::encode(record)
}
