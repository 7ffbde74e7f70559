//! All records of a store in one encrypted file, which another store can take up.
//!
//! | module | what |
//! |---|---|
//! | `header` | the beginning of the file: how it is encrypted |
//! | [`secret`] | a key or a passphrase, and the key of a file |
//! | `plaintext` | the manifest and the records, before they are encrypted |
//! | [`writer`], [`reader`] | the file, piece by piece |
//!
//! ```text
//! file  = header, piece 0, piece 1, ...
//! piece = length (4 octets), MasterKey::wrap(associated = "kennel dump piece", header, number (8), last (1); plaintext)
//! ```
//! Piece 0 is the manifest, each other one holds records. A piece that is missing, torn, exchanged or from another file does not
//! unwrap; and the last one says that it is the last, so that a file that ends early is refused.

pub mod reader;
pub mod secret;
pub mod writer;

mod header;
pub(crate) mod plaintext;
#[cfg(test)]
mod tests;

use crate::principal_store::Revision;
use kennel_wire::message::Timestamp;

/// What a dump says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The realm.
    pub realm: String,
    /// Revision of the store that the records show.
    pub revision: Revision,
    /// When the dump was made.
    pub created: Timestamp,
    /// Number of records.
    pub records: u64,
}
