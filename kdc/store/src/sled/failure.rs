//! What the failures of sled and of the file system mean for a store.

use crate::error::StoreError;
use std::io;
use std::path::Path;

/// A failure of sled: of the medium, or damage of what is on it.
pub(super) fn from_sled(path: &Path, error: &::sled::Error) -> StoreError {
    let (path, reason) = (path.to_owned(), words(error));
    match error {
        ::sled::Error::Io(_) => StoreError::Medium { path, reason },
        _ => StoreError::Damaged { path, reason },
    }
}

/// The message of an error: the operating system's, where sled wraps one in its own.
pub(super) fn words(error: &::sled::Error) -> String {
    match error {
        ::sled::Error::Io(error) if error.kind() != io::ErrorKind::Other => error.kind().to_string(),
        ::sled::Error::Corruption { .. } => "octets of its log were changed".to_owned(),
        other => other.to_string(),
    }
}

/// A failure of the file system.
pub(super) fn medium(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Medium { path: path.to_owned(), reason: error.to_string() }
}
