//! Where principals are kept: the trait and its promises, the backends, the cache in front of them.
//!
//! | module | what |
//! |---|---|
//! | [`cache`] | decoded entries with prepared keys, bounded; the hot path touches nothing else |
//!
//! Promises of every [`PrincipalStore`] (the shared battery holds each backend to them):
//! - a write that was acknowledged survives kill -9 and power loss (flushed before it is acknowledged);
//! - a write with an expectation happens only if the expectation holds at that moment (compare-and-swap);
//! - revisions grow with every change of the store and are never reused, not even after a delete and a restart;
//! - a listing is consistent: all of one revision, in name order;
//! - nothing above may assume one writer or one process.

pub mod cache;

mod error;

pub use error::StoreError;

use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;

/// A point in the store's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A record and the revision of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
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

/// A consistent listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Records in name order.
    pub records: Vec<Versioned>,
    /// The revision of the store that it shows; [`PrincipalStore::watch`] goes on from here.
    pub revision: Revision,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Created or replaced.
    Put(Versioned),
    /// Deleted.
    Deleted {
        /// What was deleted.
        name: Principal,
        /// When.
        revision: Revision,
    },
    /// Changes were lost to this watcher (it was too slow, or asked from too far back): list again.
    Lagged,
}

/// The changes of a store, in order.
#[async_trait]
pub trait Watch: Send {
    /// The next change; `None` when the store is closed.
    async fn next(&mut self) -> Option<Change>;
}

/// Principals by name.
#[async_trait]
pub trait PrincipalStore: Send + Sync {
    /// The record under exactly this name (an alias is a record of its own).
    async fn read(&self, name: &Principal) -> Result<Option<Versioned>, StoreError>;

    /// Writes a record under its name.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the expectation does not hold; nothing is changed then.
    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError>;

    /// Deletes the record at this revision.
    ///
    /// # Errors
    /// As [`PrincipalStore::put`].
    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError>;

    /// All records.
    async fn list(&self) -> Result<Listing, StoreError>;

    /// Changes after `since`.
    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError>;
}
