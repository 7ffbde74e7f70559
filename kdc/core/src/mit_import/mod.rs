//! A realm of MIT Kerberos or Heimdal becomes a realm of Kennel: from the entries of a dump to records, and what could not be kept.
//!
//! | module | what |
//! |---|---|
//! | `importer` | the dump as a whole: realm, master keys, then entry after entry |
//! | [`master_keys`] | the master keys of the dump, found by one of them or by the password |
//! | `principal` | a principal as a record |
//! | `keys` | its keys, by version |
//! | `attributes` | its attributes |
//! | `policy` | a policy as a record |
//! | `error` | why a dump is not imported |
//! | `enctype_name` | names of enctypes, also of those that Kennel does not have |
//! | [`merge`] | the records of a dump beside those of a store |
//! | [`note`] | what is not kept, or kept otherwise |

pub mod master_keys;
pub mod merge;
pub mod note;

mod attributes;
mod enctype_name;
mod error;
mod importer;
mod keys;
mod policy;
mod principal;
#[cfg(test)]
mod tests;

pub use error::ImportError;
pub use importer::Importer;
