//! Why a store cannot serve.

use std::path::PathBuf;

/// Why a store refused. No variant carries anything of a record but its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum StoreError {
    /// The expectation of a write does not hold.
    #[error("the record was changed meanwhile: read it again")]
    Conflict,
    /// A name that no store keeps (it contains NUL).
    #[error("{name:?} cannot be the name of a record: it contains NUL")]
    Name { name: String },
    /// There is no store, and the caller did not allow the store to be created.
    #[error(
        "there is no store in {path}: give the right folder, or allow a new store to be created (nothing was changed)"
    )]
    Missing { path: PathBuf },
    /// The master key is not the one that the store is under.
    #[error(
        "the store {path} is under master key {stored}, but the given key is {given}: give the right key file, that of the key or the \
         one beside it with the ending .next (nothing was changed)"
    )]
    WrongMasterKey {
        path: PathBuf,
        /// Id of the store's key.
        stored: String,
        /// Id of the given key, or of both.
        given: String,
    },
    /// The store is wrapped anew from one master key to the other, and one of them was not given.
    #[error(
        "the store {path} is being re-wrapped from master key {from} to {to}, and {missing} is missing among the given ones ({given}): \
         put both back, {from} as the key file and {to} beside it with the ending .next, until the re-wrap has ended (nothing was \
         changed)"
    )]
    MissingMasterKey {
        path: PathBuf,
        from: String,
        to: String,
        /// Id of the missing key.
        missing: String,
        /// Id of the given key, or of both.
        given: String,
    },
    /// A re-wrap cannot begin.
    #[error("the store is not re-wrapped under master key {next}: {reason}")]
    NotRewrapped {
        /// Id of the next key.
        next: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// The file of the master key cannot be used.
    #[error("the master key file {path} {reason} (nothing was changed)")]
    MasterKeyFile {
        path: PathBuf,
        /// The rest of the sentence that begins with the path.
        reason: String,
    },
    /// A newer Kennel wrote the store.
    #[error(
        "the store {path} has format {found}, this kennel-kdc knows formats up to {known}: use a newer one (nothing was changed)"
    )]
    NewerFormat {
        path: PathBuf,
        found: u32,
        /// The newest format that this version reads.
        known: u32,
    },
    /// An older Kennel wrote the store, in a format that is not read any more.
    #[error(
        "the store {path} has format {found}, which this kennel-kdc (format {known}) reads no longer: begin a new realm in another folder, or \
         go on with the version that wrote the store (nothing was changed)"
    )]
    OlderFormat {
        path: PathBuf,
        found: u32,
        /// The format that this version writes.
        known: u32,
    },
    /// The store was at a higher revision already.
    #[error(
        "the store {path} is at revision {found}, but it was at revision {mark} already: an older copy was put in its place. What \
         was revoked or changed since that copy would be undone, and key versions would repeat (nothing was changed)"
    )]
    RolledBack {
        path: PathBuf,
        /// Revision of the store.
        found: u64,
        /// High-water mark of the revision, from outside the store.
        mark: u64,
    },
    /// The file of the store's high-water mark cannot be used.
    #[error("the file {path}, the high-water mark of the store's revision, {reason}")]
    MarkFile {
        path: PathBuf,
        /// The rest of the sentence.
        reason: String,
    },
    /// A newer Kennel wrote this record.
    #[error("the record of {name} has format {found}, this kennel-kdc knows formats up to {known}: use a newer one")]
    NewerRecord {
        name: String,
        found: u8,
        /// The newest format that this version reads.
        known: u8,
    },
    /// Another process has the store open.
    #[error("the store {path} is in use by another process: stop that one first")]
    Locked { path: PathBuf },
    /// A record that cannot be read: it was stored under another name, or its octets were changed.
    #[error("the record of {name} cannot be read: {reason}")]
    Corrupt { name: String, reason: &'static str },
    /// The files of the store are damaged, and the store cannot repair them.
    #[error("the store {path} is damaged: {reason}: restore it from a backup")]
    Damaged { path: PathBuf, reason: String },
    /// The medium failed (disk full, IO error), now or earlier: the store must be opened again. Only then do reads show
    /// whether a write that ended with this error has happened.
    #[error("the store {path} failed: {reason}")]
    Medium {
        path: PathBuf,
        /// Message of the operating system.
        reason: String,
    },
    /// A dump cannot be read.
    #[error("the dump cannot be read: {reason} (nothing was changed)")]
    Dump {
        /// Why not.
        reason: &'static str,
    },
    /// This process may not write now.
    #[error("nothing is written to the store: {reason}")]
    NotWritable {
        /// Why not.
        reason: String,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}
