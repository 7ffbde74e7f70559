//! The bodies of the admin API about whole realms. They are served on the admin socket of the KDC's own machine alone: a dump has every
//! key.

use serde::{Deserialize, Serialize};

/// The API's paths.
pub mod path {
    /// POST: a dump of all records at one revision. Body: [`DumpRequest`](super::DumpRequest); the answer is the file, encrypted.
    pub const DUMP: &str = "/v1/admin/dump";
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
