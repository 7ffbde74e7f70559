//! Destinations of audit lines.

use crate::error::AuditError;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Destination of audit lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SinkTarget {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, to which lines are appended.
    File(PathBuf),
}

/// An open sink.
pub(crate) enum Sink {
    /// A file that lines are appended to, created with mode 0600.
    File {
        path: PathBuf,
        file: File,
        /// Whether the last write failed within a line: the next one starts with a newline.
        torn: bool,
    },
    Stdout,
    Stderr,
}

impl Sink {
    /// Opens a sink, and creates a missing file.
    pub(crate) fn open(target: &SinkTarget) -> Result<Sink, AuditError> {
        Ok(match target {
            SinkTarget::Stdout => Sink::Stdout,
            SinkTarget::Stderr => Sink::Stderr,
            SinkTarget::File(path) => {
                let file = File::options()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(|error| AuditError::Open { path: path.clone(), error })?;
                Sink::File { path: path.clone(), file, torn: false }
            }
        })
    }

    /// Opens the file of the trail again, under its path: the old one was moved away. Nothing but a regular file can be moved so.
    pub(crate) fn reopen(&mut self) -> Result<(), AuditError> {
        let Sink::File { path, file, .. } = self else { return Ok(()) };
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            *self = Sink::open(&SinkTarget::File(path.clone()))?;
        }
        Ok(())
    }

    /// Writes complete lines.
    pub(crate) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Sink::File { file, torn, .. } => {
                if *torn {
                    file.write_all(b"\n")?;
                }
                *torn = true;
                file.write_all(lines)?;
                *torn = false;
                Ok(())
            }
            Sink::Stdout => write_and_flush(io::stdout().lock(), lines),
            Sink::Stderr => write_and_flush(io::stderr().lock(), lines),
        }
    }
}

fn write_and_flush(mut out: impl Write, lines: &[u8]) -> io::Result<()> {
    out.write_all(lines)?;
    out.flush()
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sink::File { path, .. } => write!(f, "{}", path.display()),
            Sink::Stdout => f.write_str("standard output"),
            Sink::Stderr => f.write_str("standard error"),
        }
    }
}
