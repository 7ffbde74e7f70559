//! Records as octets: encoded in a versioned form, then wrapped under a master key with revision and name as associated data. Each
//! says which master key it is under, so that a store may have two while one replaces the other.
//!
//! ```text
//! stored     = WRAPPING (1 octet, 0x80), id of the master key (8), format (1), wrapped
//! wrapped    = MasterKey::wrap(associated = WRAPPING, id, format, revision (8), key of the name; plaintext = CBOR of that format)
//!
//! before ids = format (1 octet, below 0x80), wrapped; associated = format, revision (8), key of the name
//! ```
//! A record that was moved under another name or revision, or whose first octets were changed, does not unwrap. One from before ids
//! is under the key that its store was made with: the first re-wrap gives each record an id.
//!
//! | module | what |
//! |---|---|
//! | [`format`](mod@format) | the CBOR of a record |
//! | `policy`, `holder` | that of policies, and of holders of keys |
//! | `parts` | what these are made of |

pub(crate) mod format;
mod holder;
mod parts;
mod policy;
#[cfg(test)]
mod tests;

use crate::error::StoreError;
use crate::key::{display_key, key_of};
use crate::master_keys::MasterKeys;
use crate::principal_store::Revision;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use kennel_crypto::wrap::MASTER_KEY_ID;
use rand_core::OsRng;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The first octet of a record that names its master key. Smaller octets are formats of records that do not.
const WRAPPING: u8 = 0x80;
/// The format that this version writes. Any change of what is stored, even one more field, is a new format: an older
/// Kennel would otherwise drop the field when it writes the record again. Newer formats than 3 must keep 3 readable.
pub(crate) const FORMAT: u8 = 5;
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
    seal_format(master, FORMAT, key, revision, plaintext)
}

fn seal_format(master: &MasterKey, format: u8, key: &[u8], revision: Revision, plaintext: &[u8]) -> Vec<u8> {
    let mut stored = vec![WRAPPING];
    stored.extend_from_slice(&master.id_octets());
    stored.push(format);
    let associated = associated(&stored, revision, key);
    stored.extend_from_slice(&master.wrap(&associated, plaintext, &mut OsRng));
    stored
}

/// Unwraps what was stored under `key` at `revision`.
///
/// # Errors
/// [`StoreError::NewerRecord`]; [`StoreError::Corrupt`] where [`seal`] did not make `stored` for this name, revision and master key.
pub(crate) fn open(keys: &MasterKeys, key: &[u8], revision: Revision, stored: &[u8]) -> Result<Record, StoreError> {
    let (_, plaintext) = unwrap(keys, key, revision, stored)?;
    let record = format::decode(&plaintext).map_err(|reason| corrupt(key, reason))?;
    if key_of(record.name())? == key { Ok(record) } else { Err(corrupt(key, "it bears another name inside")) }
}

/// Wraps what was stored under `key` at `revision` anew under the newest key. The record and its format stay as they are.
///
/// # Errors
/// As [`open`].
pub(crate) fn rewrap(keys: &MasterKeys, key: &[u8], revision: Revision, stored: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (format, plaintext) = unwrap(keys, key, revision, stored)?;
    Ok(seal_format(keys.newest(), format, key, revision, &plaintext))
}

/// The master key that a stored record is under; `None` where it names a key that the store does not have.
pub(crate) fn master_key_of<'k>(keys: &'k MasterKeys, stored: &[u8]) -> Option<&'k Arc<MasterKey>> {
    match stored.split_first() {
        Some((&WRAPPING, rest)) => {
            let id = rest.first_chunk::<MASTER_KEY_ID>()?;
            keys.newest_first().find(|key| key.id_octets() == *id)
        }
        _ => Some(keys.current()),
    }
}

/// The format of a record and its plaintext.
fn unwrap(
    keys: &MasterKeys,
    key: &[u8],
    revision: Revision,
    stored: &[u8],
) -> Result<(u8, Zeroizing<Vec<u8>>), StoreError> {
    let head = match stored.first() {
        None => return Err(corrupt(key, "it is empty")),
        Some(&WRAPPING) => 1 + MASTER_KEY_ID + 1,
        Some(_) => 1,
    };
    let (head, wrapped) = stored.split_at_checked(head).ok_or_else(|| corrupt(key, "it is too short"))?;
    let format = head.last().copied().unwrap_or_default();
    if format > FORMAT {
        return Err(StoreError::NewerRecord { name: display_key(key), found: format, known: FORMAT });
    }
    if format < OLDEST {
        return Err(corrupt(key, "its format is older than those that this kennel-kdc reads"));
    }
    let master = master_key_of(keys, stored).ok_or_else(|| corrupt(key, "it is under another master key"))?;
    let plaintext = master.unwrap(&associated(head, revision, key), wrapped).map_err(|_| {
        corrupt(key, "it was changed, stored under another name or revision, or wrapped with another master key")
    })?;
    Ok((format, plaintext))
}

/// The associated data of a record whose first octets are `head`.
fn associated(head: &[u8], revision: Revision, key: &[u8]) -> Vec<u8> {
    let mut associated = Vec::with_capacity(head.len() + 8 + key.len());
    associated.extend_from_slice(head);
    associated.extend_from_slice(&revision.0.to_be_bytes());
    associated.extend_from_slice(key);
    associated
}

fn corrupt(key: &[u8], reason: &'static str) -> StoreError {
    StoreError::Corrupt { name: display_key(key), reason }
}
