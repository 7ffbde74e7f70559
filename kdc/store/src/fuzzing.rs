//! Entry points of the fuzz targets: records without their wrapping, and dumps past their encryption.

use crate::dump::reader::read;
use crate::dump::secret::DumpSecret;
use crate::dump::{Manifest, plaintext};
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

/// Reads a dump as a store does.
///
/// # Errors
/// The file is not a dump under this secret.
pub fn dump(file: &[u8], secret: &DumpSecret) -> Result<Manifest, String> {
    read(file, secret, |_| {}).map(|(manifest, _)| manifest).map_err(|error| error.to_string())
}

/// Reads the plaintext of a dump's first piece, and that of another one.
///
/// # Errors
/// They are no manifest, or no records.
pub fn dump_pieces(manifest: &[u8], records: &[u8]) -> Result<(Manifest, Vec<Record>), &'static str> {
    Ok((plaintext::read_manifest(manifest)?, plaintext::read_records(records)?))
}
