//! Why files cannot be read as the objects of a cluster.

use std::path::PathBuf;

/// Why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read: {error}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// A file is no YAML.
    #[error("{}: is no YAML: {error}: correct it, or move it out of the folder", path.display())]
    NotYaml {
        /// The file.
        path: PathBuf,
        /// The parser's message, with the line.
        error: String,
    },
    /// An object is not as its kind is.
    #[error("{}: {kind} {name}: {error}: correct it", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The kind.
        kind: String,
        /// Namespace and name.
        name: String,
        /// The decoder's message.
        error: String,
    },
    /// The files have no KerberosRealm, and no label says which realm they are for.
    #[error("no KerberosRealm in {}, and no namespace has the label kennel.dev/realm: add one", path.display())]
    NoRealm {
        /// The folder.
        path: PathBuf,
    },
}
