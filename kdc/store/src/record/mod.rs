//! Records as octets: encoded in a versioned form, then wrapped under the master key with the name as associated data.
//!
//! ```text
//! stored  = format (1 octet), wrapped
//! wrapped = MasterKey::wrap(associated = format, key of the name; plaintext = CBOR of that format)
//! ```
//! A record that was moved under another name, or whose format octet was changed, does not unwrap.

pub(crate) mod format;
#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::key::{display_key, key_of};
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use zeroize::Zeroizing;

/// The format that this version writes. Any change of what is stored, even one more field, is a new format: an older
/// Kennel would otherwise drop the field when it writes the record again. Older formats stay readable.
pub(crate) const FORMAT: u8 = 2;

/// Wraps a record for storing.
///
/// # Errors
/// [`StoreError::Name`], and [`StoreError::Corrupt`] for a record that has no encoding.
pub(crate) fn seal(master: &MasterKey, record: &Record) -> Result<Vec<u8>, StoreError> {
    let key = key_of(record.name())?;
    let plaintext = format::encode(record).map_err(|reason| corrupt(&key, reason))?;
    let mut stored = vec![FORMAT];
    stored.extend_from_slice(&master.wrap(&associated(FORMAT, &key), &plaintext, &mut OsRng));
    Ok(stored)
}

/// Unwraps what was stored under `key`.
///
/// # Errors
/// [`StoreError::NewerRecord`]; [`StoreError::Corrupt`] where [`seal`] did not make `stored` for this name and master key.
pub(crate) fn open(master: &MasterKey, key: &[u8], stored: &[u8]) -> Result<Record, StoreError> {
    let (format, wrapped) = stored.split_first().ok_or_else(|| corrupt(key, "it is empty"))?;
    if *format > FORMAT {
        return Err(StoreError::NewerRecord { name: display_key(key), found: *format, known: FORMAT });
    }
    let plaintext: Zeroizing<Vec<u8>> = master
        .unwrap(&associated(*format, key), wrapped)
        .map_err(|_| corrupt(key, "it was changed, stored under another name, or wrapped with another master key"))?;
    let record = match format {
        1 | 2 => format::decode(&plaintext).map_err(|reason| corrupt(key, reason))?,
        _ => return Err(corrupt(key, "its format never existed")),
    };
    if key_of(record.name())? == key { Ok(record) } else { Err(corrupt(key, "it bears another name inside")) }
}

fn associated(format: u8, key: &[u8]) -> Vec<u8> {
    let mut associated = Vec::with_capacity(1 + key.len());
    associated.push(format);
    associated.extend_from_slice(key);
    associated
}

fn corrupt(key: &[u8], reason: &'static str) -> StoreError {
    StoreError::Corrupt { name: display_key(key), reason }
}
