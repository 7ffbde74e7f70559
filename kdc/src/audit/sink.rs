//! Where audit lines go.

use crate::config::AuditSink;
use anyhow::Context;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// An open sink.
pub(crate) enum Sink {
    /// A file, appended to; 0600 where it is made here.
    File {
        /// Its path.
        path: PathBuf,
        /// The file.
        file: File,
        /// A write ended in the middle of a line: the next one starts a new line first.
        torn: bool,
    },
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Sink {
    /// Opens a sink.
    pub(crate) fn open(which: &AuditSink) -> anyhow::Result<Sink> {
        Ok(match which {
            AuditSink::Stdout => Sink::Stdout,
            AuditSink::Stderr => Sink::Stderr,
            AuditSink::File(path) => {
                let file = File::options()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(path)
                    .with_context(|| format!("the audit file {} cannot be opened", path.display()))?;
                Sink::File { path: path.clone(), file, torn: false }
            }
        })
    }

    /// Writes whole lines.
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
