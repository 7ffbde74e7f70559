//! Whole realms, on the store of a KDC that does not run: `dump`, `load`, `import-mit`.
//!
//! | module | what |
//! |---|---|
//! | [`dump`] | all records into an encrypted file |
//! | [`load`] | such a file into a store |
//! | [`import`] | a dump of MIT Kerberos or Heimdal into a store |
//! | [`mit`] | such a dump, read whole |
//! | [`report`] | what an import has to say |
//! | `store` | where the store is, and how it is opened |
//! | `secret` | what a dump is encrypted under |
//! | `input` | files, or what comes by standard input |
//! | `progress` | a line now and then on standard error |
//!
//! `load` and `import-mit` replace all records at once (`kennel_store::sled::replace`): a process that is killed leaves all of the old
//! records or all of the new ones.

pub(crate) mod dump;
pub(crate) mod import;
pub(crate) mod load;
pub(crate) mod mit;
pub(crate) mod report;
pub(crate) mod store;

mod input;
mod progress;
mod secret;
