//! The trait of a store of principals, and what its methods take and return. The promises are in the crate's documentation.

use crate::error::StoreError;
use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;

/// A point in the store's history. A new store is at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The one after. Not reachable: at a million writes a second, the last one comes after half a million years.
    pub(crate) fn next(self) -> Revision {
        Revision(self.0.saturating_add(1))
    }
}

/// A record and the revision of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionedRecord {
    /// The record.
    pub record: Record,
    /// Its last change.
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
    /// Holds the expectation against what was found: the revision of the record under that name, if there is one.
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
    /// The revision of the store that it shows; [`PrincipalStore::watch`] goes on from here.
    pub revision: Revision,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Created or replaced.
    Put(VersionedRecord),
    /// Deleted.
    Deleted {
        /// What was deleted.
        name: Principal,
        /// When.
        revision: Revision,
    },
    /// Changes were lost to this watcher (it was too slow, or asked from too far back): list again. It goes on from the
    /// present.
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
/// Reads of a store whose records are on this machine complete without waiting (`now_or_never` gives the answer).
/// A write goes on when its future is dropped: whether it happened is then seen by reading.
#[async_trait]
pub trait PrincipalStore: Send + Sync {
    /// The record under exactly this name (an alias is a record of its own).
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::NewerRecord`] where the record cannot be read, and the medium's.
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError>;

    /// Writes a record under its name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the expectation does not hold; nothing is changed then. [`StoreError::Medium`]
    /// where the medium failed.
    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError>;

    /// Deletes the record at this revision. An alias of it stays, and leads nowhere.
    ///
    /// # Errors
    /// As [`PrincipalStore::put`].
    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError>;

    /// All records.
    ///
    /// # Errors
    /// As [`PrincipalStore::read`]: one record that cannot be read refuses the listing.
    async fn list(&self) -> Result<Listing, StoreError>;

    /// Changes after `since`. A `since` that is too far back, or that the store has not reached, gives
    /// [`Change::Lagged`] first.
    ///
    /// # Errors
    /// The medium's.
    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError>;
}
