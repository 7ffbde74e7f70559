//! What can go wrong with a store.

use std::path::PathBuf;

/// Why a store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The expectation of a write does not hold.
    #[error("the record was changed meanwhile: read it again")]
    Conflict,
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
    /// The medium failed (disk full, IO error).
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
