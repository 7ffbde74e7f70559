//! The bodies of the admin API about whole realms. They are served on the admin socket of the KDC's own machine alone: a dump has every
//! key.

use crate::enrol::Blob;
use serde::{Deserialize, Serialize};

/// The API's paths.
pub mod path {
    /// POST: a dump of all records at one revision. Body: [`DumpRequest`](super::DumpRequest); the answer is the file, encrypted.
    pub const DUMP: &str = "/v1/admin/dump";
    /// POST: a dump into the place of all records. Body: [`LoadRequest`](super::LoadRequest) in one line, then the octets of the file;
    /// the answer is the [`LoadState`](super::LoadState), as that of GET, once the file is read and the work has begun.
    pub const LOAD: &str = "/v1/admin/load";
    /// POST: a dump of MIT Kerberos or Heimdal beside the records of the realm. Body: [`ImportRequest`](super::ImportRequest) in one line,
    /// then the octets of the file; the answer is an [`ImportAnswer`](super::ImportAnswer), once the file is read and the work has begun.
    /// GET: the [`LoadState`](super::LoadState), as that of [`LOAD`].
    pub const IMPORT: &str = "/v1/admin/import";
}

/// The body of [`path::DUMP`]: what the dump is encrypted under. It has no `Debug`, which would show a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DumpRequest {
    /// A passphrase.
    Passphrase(String),
    /// A key in the form of a master key's file.
    Key(String),
}

/// The first line of the body of [`path::LOAD`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadRequest {
    /// What the dump is encrypted under.
    pub secret: DumpRequest,
    /// Whether the records of the dump take the place of those that the store has. A realm that is served has some.
    pub replace: bool,
}

/// The first line of the body of [`path::IMPORT`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportRequest {
    /// What the keys of the dump are encrypted under.
    pub secret: ImportSecret,
    /// Name of the realm, where the dump does not say it.
    pub realm: Option<String>,
    /// Whose keys `krbtgt` has afterwards.
    pub krbtgt: ImportedKrbtgt,
    /// Whether records of the dump take the place of those of the same name.
    pub replace: bool,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Whether the report names every principal.
    pub verbose: bool,
}

/// What the keys of a dump of another realm are encrypted under. It has no `Debug`, which would show a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImportSecret {
    /// The file with the stash of the master key.
    Stash(Blob),
    /// The password of the newest master key.
    Password(String),
    /// Nothing.
    None,
}

/// Whose keys `krbtgt` has after an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImportedKrbtgt {
    /// Those of the dump.
    Import,
    /// Those of the realm that is served.
    Keep,
}

/// The answer to an [`ImportRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportAnswer {
    /// What is imported and what is left out, for a person.
    pub report: String,
    /// The state of the work, unless nothing is to be changed.
    pub state: Option<LoadState>,
}

/// The progress of a load or an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum LoadState {
    /// Nothing was loaded or imported since the KDC started.
    Idle,
    /// The new records are written beside the old ones, which are served.
    Loading {
        /// Records that are written.
        written: usize,
        /// Records that the realm will have.
        records: usize,
    },
    /// The records of a dump are served.
    Loaded(LoadReport),
    /// The records of another realm's dump are served, beside those that were there.
    Imported {
        /// Revision at which the store goes on.
        revision: u64,
    },
    /// The old records are served, or the store says at its next opening which they are.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

/// A load that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReport {
    /// The realm.
    pub realm: String,
    /// Records of the dump.
    pub records: usize,
    /// When the dump was made, RFC 3339.
    pub created: String,
    /// Revision of the store that the dump shows.
    pub dumped_at: u64,
    /// Revision at which the store goes on.
    pub revision: u64,
    /// New keys have versions above this one.
    pub kvno_floor: u32,
}
