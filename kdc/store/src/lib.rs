//! Where principals are kept: the trait and its promises, the backends, the cache in front of them.
//!
//! | module | what |
//! |---|---|
//! | `principal_store` | the trait |
//! | `error` | why a store cannot serve |
//! | [`administration`] | the operations of administration on a store |
//! | [`cache`] | decoded entries with prepared keys, bounded; the hot path touches nothing else |
//! | [`holders`] | the records of holders of keys, as they are written |
//! | [`memory`] | a store in memory, for tests and throw-away realms |
//! | [`sled`] | the store on one machine's disk |
//! | [`master_keys`] | the keys that wrap the records: one, or two during a re-wrap |
//! | [`master_key_file`] | the file of the key that wraps the records, and of the next one |
//! | [`dump`] | all records in one encrypted file |
//! | [`mark_file`] | the high-water mark of the store's revision, beside the master key |
//! | `record` | a record as octets: versioned, wrapped |
//! | `key` | the octets that a name is stored under |
//! | [`follow`](mod@follow) | what is kept of a store in memory, in step with it |
//! | `feed` | the changes of a store, for its watchers |
//! | [`files`] | files that are there whole or not at all |
//! | `fuzzing` | entry points of the fuzzer into `record` (feature `battery`) |
//! | `battery` | the tests that every backend passes (feature `battery`) |
//!
//! Promises of every [`PrincipalStore`] (the shared battery holds each backend to them):
//! - a write that was acknowledged survives kill -9 and power loss (flushed before it is acknowledged);
//! - a write that was not acknowledged happened whole or not at all;
//! - a write with an expectation happens only if the expectation holds at that moment (compare-and-swap);
//! - revisions grow with every change of the store and are never reused, not even after a delete and a restart;
//! - a listing is consistent: all of one revision, in name order;
//! - no reader sees a write that is not durable yet;
//! - no caller may assume that it is the only writer or the only process.
//!
//! All records may be replaced at once ([`sled`], `replace`): a change like others, which a watcher sees as lost changes.
//!
//! To wrap the records anew under another master key ([`sled`], `rewrap`) is no change: revisions stay, and no watcher wakes.

pub mod administration;
#[cfg(any(test, feature = "battery"))]
pub mod battery;
pub mod cache;
pub mod dump;
pub mod files;
pub mod follow;
#[cfg(feature = "battery")]
#[doc(hidden)]
pub mod fuzzing;
pub mod holders;
pub mod mark_file;
pub mod master_key_file;
pub mod master_keys;
pub mod memory;
pub mod sled;

mod error;
mod feed;
mod key;
mod principal_store;
mod record;

pub use self::sled::SledStore;
pub use cache::EntryCache;
pub use error::StoreError;
pub use master_keys::MasterKeys;
pub use memory::MemoryStore;
pub use principal_store::{Change, Expect, Listing, PrincipalStore, Revision, VersionedRecord, Watch};
