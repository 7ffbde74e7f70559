//! Errors at the start of the audit trail.

use std::io;
use std::path::PathBuf;

/// An error at the start of the audit trail.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The audit file cannot be opened.
    #[error("the audit file {path} cannot be opened: {error}", path = path.display())]
    #[expect(missing_docs, reason = "the error text names every field")]
    Open { path: PathBuf, error: io::Error },
    /// The system refuses a thread.
    #[error("the audit thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}
