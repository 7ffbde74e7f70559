//! The trait of a store of principals, and what its methods take and return. The promises are in the crate's documentation.

use crate::error::StoreError;
use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;

/// Revisions that are skipped where a history may have gone on unseen: after a rollback, as the mark lags behind the store, and when a
/// dump is loaded. No revision that was ever used may come again.
const LOST_HISTORY: u64 = 1 << 32;

/// A point in the store's history. A new store is at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The number that versions of new keys are above: 65,536 for each time that an older copy of the store was served, which skips
    /// 2^32 revisions. No key has so many versions, so that none of those that the copy does not know has the number of a new one.
    #[must_use]
    pub fn kvno_floor(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX).min(u32::MAX >> 17) << 16
    }

    /// Returns a revision beyond every one that a history can have reached which was at this one and went on unseen. The numbers of new
    /// keys are above those of that history then: see [`Revision::kvno_floor`].
    #[must_use]
    pub fn beyond_lost_history(self) -> Revision {
        Revision(self.0.saturating_add(LOST_HISTORY))
    }

    /// Returns the next revision. The numbers do not run out: at a million writes a second they last half a million years.
    pub(crate) fn next(self) -> Revision {
        Revision(self.0.saturating_add(1))
    }
}

/// A record and the revision of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the name says it")]
pub struct VersionedRecord {
    pub record: Record,
    /// Revision of the record's last change.
    pub revision: Revision,
}

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing under that name.
    Absent,
    /// The record at this revision.
    Revision(Revision),
}

impl Expect {
    /// Compares the expectation with `found`, the revision of the record under that name, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`].
    pub fn check(self, found: Option<Revision>) -> Result<(), StoreError> {
        let expected = match self {
            Expect::Absent => None,
            Expect::Revision(revision) => Some(revision),
        };
        if expected == found { Ok(()) } else { Err(StoreError::Conflict) }
    }
}

/// A consistent listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Records in name order: by the octets of the realm, then of each component.
    pub records: Vec<VersionedRecord>,
    /// Revision of the store that the listing shows; [`PrincipalStore::watch`] continues from it.
    pub revision: Revision,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Created or replaced.
    Put(VersionedRecord),
    /// Deleted.
    Deleted {
        /// Name of the deleted record.
        name: Principal,
        /// Revision of the deletion.
        revision: Revision,
    },
    /// This watcher lost changes (it was too slow, or asked from too far back) and continues from the present: list again.
    Lagged,
}

/// The changes of a store, in the order of their revisions.
#[async_trait]
pub trait Watch: Send {
    /// The next change; `None` when the store is closed. Dropping the future loses nothing.
    async fn next(&mut self) -> Option<Change>;
}

/// Principals by name. Names are equal whatever their name type (RFC 4120, section 6.2).
///
/// Reads of a store whose records are on this machine complete without waiting (`now_or_never` returns the answer).
/// A write continues when its future is dropped; a later read shows whether the write happened.
#[async_trait]
pub trait PrincipalStore: Send + Sync {
    /// The record under exactly this name (an alias is a record of its own).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::NewerRecord`] where the record cannot be read, and failures of the medium.
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError>;

    /// Writes a record under its name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the expectation does not hold; nothing is changed then. [`StoreError::Medium`]
    /// where the medium failed.
    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError>;

    /// Deletes the record at this revision. Aliases of the record stay, without a target.
    ///
    /// # Errors
    /// As [`PrincipalStore::put`].
    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError>;

    /// All records.
    ///
    /// # Errors
    /// As [`PrincipalStore::read`]: one record that cannot be read refuses the listing.
    async fn list(&self) -> Result<Listing, StoreError>;

    /// The aliases of a principal, in their order: those of every write that was acknowledged before. A store that can do better than
    /// to list everything says them itself.
    ///
    /// # Errors
    /// As [`PrincipalStore::list`].
    async fn aliases(&self, target: &Principal) -> Result<Vec<Principal>, StoreError> {
        let records = self.list().await?.records.into_iter();
        let aliases = records.filter_map(|versioned| match versioned.record {
            Record::Alias { alias, target: of, .. } if of == *target => Some(alias),
            _ => None,
        });
        Ok(aliases.collect())
    }

    /// Watches the changes after `since`. If `since` is too far back, or the store has not reached it, the first change is
    /// [`Change::Lagged`].
    ///
    /// # Errors
    /// Failures of the medium.
    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_older_copy_that_was_served_moves_new_keys_by_65536_versions() {
        let floor = |revision| Revision(revision).kvno_floor();
        assert_eq!((floor(0), floor((1 << 32) - 1)), (0, 0));
        assert_eq!((floor(1 << 32), floor((3 << 32) + 7)), (1 << 16, 3 << 16));
        assert!(floor(u64::MAX) < i32::MAX as u32, "below the sign of clients that read 32 bits as a signed number");
    }
}
