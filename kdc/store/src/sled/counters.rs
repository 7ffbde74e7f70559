//! What a store says of itself as a whole: its revision, and a fingerprint of all records. Both are sealed under the master key and
//! written with every commit, so an opening notices records that are missing, older than the last write, or put there by somebody
//! else: a set of records that were never in the store together has no counters that fit.
//!
//! ```text
//! counters    = MasterKey::wrap(associated = "kennel store counters"; plaintext = revision (8), fingerprint (16))
//! fingerprint = sum over all records of the first 16 octets of MasterKey::authenticate(record, key of the name), modulo 2^128
//! record      = "kennel store record", revision (8), tag of the sealed record (16)
//! ```
//! During a re-wrap, each record is authenticated under the key that it is wrapped under, and the counters are under the next key from
//! the first commit on. Either key opens them.
//!
//! The sum is secret, and so is each summand. Who had seen the differences of two sums could look for another set of records with the
//! same one.

use crate::error::StoreError;
use crate::master_keys::MasterKeys;
use crate::principal_store::Revision;
use crate::record;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use std::path::Path;

/// Associated data of the sealed counters. No record's begins like this one: it begins with 0x80, or with the octet of a format.
const COUNTERS: &[u8] = b"kennel store counters";
const RECORD: &[u8] = b"kennel store record";
/// Octets of the tag at the end of a sealed record.
const TAG: usize = 16;

/// What identifies the state of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) revision: Revision,
    pub(super) fingerprint: Fingerprint,
}

/// A keyed fingerprint of one record, or the sum of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Fingerprint(u128);

impl Counters {
    /// The counters of a new store.
    pub(super) const NEW: Counters = Counters { revision: Revision(0), fingerprint: Fingerprint(0) };

    /// Seals the counters for storing.
    pub(super) fn seal(self, master: &MasterKey) -> Vec<u8> {
        let mut plaintext = self.revision.0.to_be_bytes().to_vec();
        plaintext.extend_from_slice(&self.fingerprint.0.to_be_bytes());
        master.wrap(COUNTERS, &plaintext, &mut OsRng)
    }

    /// Opens what [`Counters::seal`] made under one of these master keys.
    pub(super) fn open(keys: &MasterKeys, sealed: &[u8]) -> Option<Counters> {
        let plaintext = keys.unwrap(COUNTERS, sealed).ok()?;
        let (revision, fingerprint) = plaintext.split_first_chunk::<8>()?;
        let fingerprint = u128::from_be_bytes(fingerprint.try_into().ok()?);
        Some(Counters { revision: Revision(u64::from_be_bytes(*revision)), fingerprint: Fingerprint(fingerprint) })
    }
}

impl Fingerprint {
    /// The fingerprint of a stored value under the key of its name; `None` where the value is too short for a sealed record, or under
    /// another master key.
    pub(super) fn of_record(keys: &MasterKeys, key: &[u8], value: &[u8]) -> Option<Fingerprint> {
        let (revision, sealed) = value.split_first_chunk::<8>()?;
        let tag = sealed.last_chunk::<TAG>()?;
        let master = record::master_key_of(keys, sealed)?;
        let authenticated = master.authenticate(&[RECORD, revision, tag, key]);
        authenticated.first_chunk().map(|first| Fingerprint(u128::from_be_bytes(*first)))
    }

    pub(super) fn plus(self, other: Fingerprint) -> Fingerprint {
        Fingerprint(self.0.wrapping_add(other.0))
    }

    pub(super) fn minus(self, other: Fingerprint) -> Fingerprint {
        Fingerprint(self.0.wrapping_sub(other.0))
    }
}

/// Compares records with the sealed counters that were stored with them: sled skips damaged parts of its log and would continue
/// with records missing or older than the last acknowledged write, and who can write to the files may have exchanged some.
///
/// # Errors
/// [`StoreError::Damaged`], and those of `records`.
pub(super) fn check<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    keys: &MasterKeys,
    path: &Path,
    sealed: Option<&[u8]>,
    records: impl Iterator<Item = Result<(K, V), StoreError>>,
) -> Result<Counters, StoreError> {
    let damaged = |reason: &str| StoreError::Damaged { path: path.to_owned(), reason: reason.to_owned() };
    let sealed = sealed.ok_or_else(|| damaged("its counters are missing"))?;
    let counters = Counters::open(keys, sealed).ok_or_else(|| damaged("its counters were changed"))?;
    let mut found = Fingerprint::default();
    for record in records {
        let (key, value) = record?;
        let fingerprint = Fingerprint::of_record(keys, key.as_ref(), value.as_ref());
        found = found.plus(
            fingerprint
                .ok_or_else(|| damaged("a record is too short, or under a master key that the store never had"))?,
        );
    }
    if found == counters.fingerprint {
        Ok(counters)
    } else {
        Err(damaged("records are missing, changed, or older than the last write"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MasterKeys {
        MasterKey::generate(&mut OsRng).into()
    }

    fn value(revision: u64, tag: u8) -> Vec<u8> {
        [&revision.to_be_bytes()[..], &[3; 20], &[tag; TAG]].concat()
    }

    #[test]
    fn sealed_counters_come_back_under_their_own_master_key_alone() {
        let (master, other) = (key(), key());
        let counters = Counters { revision: Revision(7), fingerprint: Fingerprint(u128::MAX) };
        let sealed = counters.seal(master.newest());
        assert_eq!(Counters::open(&master, &sealed), Some(counters));
        assert_eq!(Counters::open(&other, &sealed), None);
        assert_eq!(Counters::open(&master, &sealed[1..]), None);
        assert_eq!(Counters::open(&master, &counters.seal(other.newest())), None);
    }

    #[test]
    fn a_fingerprint_depends_on_name_revision_tag_and_master_key() {
        let master = key();
        let base = Fingerprint::of_record(&master, b"R\0a", &value(1, 1));
        assert!(base.is_some());
        assert_eq!(base, Fingerprint::of_record(&master, b"R\0a", &value(1, 1)));
        for (key, value) in [(b"R\0b", value(1, 1)), (b"R\0a", value(2, 1)), (b"R\0a", value(1, 2))] {
            assert_ne!(base, Fingerprint::of_record(&master, key, &value));
        }
        assert_ne!(base, Fingerprint::of_record(&key(), b"R\0a", &value(1, 1)));
        assert_eq!(Fingerprint::of_record(&master, b"R\0a", &[0; 23]), None);
    }

    #[test]
    fn records_that_were_never_there_together_do_not_fit_any_counters() {
        let (master, path) = (key(), Path::new("store"));
        let record = |key: &'static [u8], revision: u64| (key, value(revision, revision as u8));
        let sum = |records: &[(&'static [u8], Vec<u8>)]| {
            let each = records.iter().filter_map(|(key, value)| Fingerprint::of_record(&master, key, value));
            each.fold(Fingerprint::default(), Fingerprint::plus)
        };
        let [old, new] = [[record(b"a", 1), record(b"b", 2)], [record(b"a", 3), record(b"b", 4)]];
        let sealed = |records: &_| Counters { revision: Revision(4), fingerprint: sum(records) }.seal(master.newest());
        let fits = |records: &[(&'static [u8], Vec<u8>)], sealed: &[u8]| {
            check(&master, path, Some(sealed), records.iter().cloned().map(Ok)).is_ok()
        };
        assert!(fits(&old, &sealed(&old)) && fits(&new, &sealed(&new)));
        for mixed in [[old[0].clone(), new[1].clone()], [new[0].clone(), old[1].clone()]] {
            assert!(!fits(&mixed, &sealed(&old)) && !fits(&mixed, &sealed(&new)));
        }
        assert!(!fits(&new[..1], &sealed(&new)));
        assert!(check(&master, path, None, new.into_iter().map(Ok)).is_err());
    }
}
