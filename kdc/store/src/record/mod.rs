//! Records as octets: encoded in a versioned form, then wrapped under the master key with revision and name as associated data.
//!
//! ```text
//! stored  = format (1 octet), wrapped
//! wrapped = MasterKey::wrap(associated = format, revision (8 octets), key of the name; plaintext = CBOR of that format)
//! ```
//! A record that was moved under another name or revision, or whose format octet was changed, does not unwrap.

pub(crate) mod format;
#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::key::{display_key, key_of};
use crate::principal_store::Revision;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use zeroize::Zeroizing;

/// The format that this version writes. Any change of what is stored, even one more field, is a new format: an older
/// Kennel would otherwise drop the field when it writes the record again. Newer formats than 3 must keep 3 readable.
pub(crate) const FORMAT: u8 = 4;
/// The oldest format that is read. Formats 1 and 2 did not bind a record to its revision: as long as they are read, a record of last
/// week can be put back.
const OLDEST: u8 = 3;

/// Encodes a record; [`seal`] wraps the encoding once the record has a revision.
///
/// # Errors
/// [`StoreError::Corrupt`] for a record that has no encoding.
pub(crate) fn encode(key: &[u8], record: &Record) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    format::encode(record).map_err(|reason| corrupt(key, reason))
}

/// Wraps an encoded record for storing it under `key` at `revision`.
pub(crate) fn seal(master: &MasterKey, key: &[u8], revision: Revision, plaintext: &[u8]) -> Vec<u8> {
    let mut stored = vec![FORMAT];
    stored.extend_from_slice(&master.wrap(&associated(FORMAT, revision, key), plaintext, &mut OsRng));
    stored
}

/// Unwraps what was stored under `key` at `revision`.
///
/// # Errors
/// [`StoreError::NewerRecord`]; [`StoreError::Corrupt`] where [`seal`] did not make `stored` for this name, revision and master key.
pub(crate) fn open(master: &MasterKey, key: &[u8], revision: Revision, stored: &[u8]) -> Result<Record, StoreError> {
    let (format, wrapped) = stored.split_first().ok_or_else(|| corrupt(key, "it is empty"))?;
    if *format > FORMAT {
        return Err(StoreError::NewerRecord { name: display_key(key), found: *format, known: FORMAT });
    }
    if *format < OLDEST {
        return Err(corrupt(key, "its format is older than those that this kennel-kdc reads"));
    }
    let plaintext = master.unwrap(&associated(*format, revision, key), wrapped).map_err(|_| {
        corrupt(key, "it was changed, stored under another name or revision, or wrapped with another master key")
    })?;
    let record = format::decode(&plaintext).map_err(|reason| corrupt(key, reason))?;
    if key_of(record.name())? == key { Ok(record) } else { Err(corrupt(key, "it bears another name inside")) }
}

fn associated(format: u8, revision: Revision, key: &[u8]) -> Vec<u8> {
    let mut associated = Vec::with_capacity(1 + 8 + key.len());
    associated.push(format);
    associated.extend_from_slice(&revision.0.to_be_bytes());
    associated.extend_from_slice(key);
    associated
}

fn corrupt(key: &[u8], reason: &'static str) -> StoreError {
    StoreError::Corrupt { name: display_key(key), reason }
}
