//! Why the trail cannot start.

use std::io;
use std::path::PathBuf;

/// An error at the start of the audit trail.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file of the trail cannot be opened.
    #[error("the audit file {path} cannot be opened: {error}", path = path.display())]
    #[expect(missing_docs, reason = "the text says it")]
    Open { path: PathBuf, error: io::Error },
    /// The system refuses a thread.
    #[error("the audit thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}
