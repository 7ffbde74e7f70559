//! What can go wrong with a store.

use std::path::PathBuf;

/// Why a store refused. Nothing of a record but its name is in any of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The expectation of a write does not hold.
    #[error("the record was changed meanwhile: read it again")]
    Conflict,
    /// A name that no store keeps (it contains NUL).
    #[error("{name:?} cannot be the name of a record: it contains NUL")]
    Name {
        /// The name.
        name: String,
    },
    /// There is no store, and the caller did not allow to make one.
    #[error("there is no store in {path}: give the right folder, or let a new store be made (nothing was changed)")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The master key is not the one that the store was made with.
    #[error(
        "the store {path} is under master key {stored}, and the given one is {given}: give the right key file (nothing was changed)"
    )]
    WrongMasterKey {
        /// The store.
        path: PathBuf,
        /// Id of its key.
        stored: String,
        /// Id of the given key.
        given: String,
    },
    /// The file of the master key cannot be used.
    #[error("the master key file {path} {reason} (nothing was changed)")]
    MasterKeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as the rest of a sentence.
        reason: String,
    },
    /// A newer Kennel wrote the store.
    #[error(
        "the store {path} has format {found}, this kennel-kdc knows formats up to {known}: use a newer one (nothing was changed)"
    )]
    NewerFormat {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A newer Kennel wrote this record.
    #[error("the record of {name} has format {found}, this kennel-kdc knows formats up to {known}: use a newer one")]
    NewerRecord {
        /// Its name.
        name: String,
        /// Its format.
        found: u8,
        /// The newest that is known here.
        known: u8,
    },
    /// Another process has the store open.
    #[error("the store {path} is in use by another process: stop that one first")]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// A record that cannot be read: wrong associated name or changed octets.
    #[error("the record of {name} cannot be read: {reason}")]
    Corrupt {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The files of the store are damaged beyond what is repaired by itself.
    #[error("the store {path} is damaged: {reason}: restore it from a backup")]
    Damaged {
        /// The store.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The medium failed (disk full, IO error), now or earlier: the store must be opened again. Then shows whether a
    /// write that ended so has happened; until then nothing of it is visible.
    #[error("the store {path} failed: {reason}")]
    Medium {
        /// The store.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
