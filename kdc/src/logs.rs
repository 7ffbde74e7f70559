//! The log of the process, on standard error or in a file, as text or JSON. The audit trail has the decisions; the log has none of them.
//!
//! A thread of its own writes the log: a reader of standard error that stops must not stop the threads that log. Lines beyond the
//! queue are dropped.

use crate::config::log::{LogFormat, LogSettings};
use anyhow::{Context, anyhow};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait to be written.
const QUEUE: usize = 4096;

/// The running log. Dropping it writes the lines that wait, within a second.
pub(crate) struct Log {
    _guard: WorkerGuard,
    /// The log is in a file that was moved away.
    is_moved: Arc<AtomicBool>,
}

impl Log {
    /// Goes on in a new file with the next line, where the log is in a file.
    pub(crate) fn reopen(&self) {
        self.is_moved.store(true, Ordering::Relaxed);
    }
}

/// Starts logging. The caller does this once per process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<Log> {
    let filter = EnvFilter::try_new(&settings.level).with_context(|| {
        format!("log.level: {:?} is neither a level (error, warn, info, debug, trace) nor a filter", settings.level)
    })?;
    let is_moved = Arc::new(AtomicBool::new(false));
    let out: Box<dyn Write + Send> = match &settings.file {
        Some(path) => Box::new(LogFile::open(path, is_moved.clone())?),
        None => Box::new(io::stderr()),
    };
    // A failed write of the log (a full disk) must not end the thread that logs: by default, `tracing_subscriber` would report the
    // failure on standard error, which is the log itself, and panic there.
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(QUEUE).thread_name("log").finish(out);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .log_internal_errors(false)
        .with_ansi(settings.file.is_none() && io::stderr().is_terminal());
    match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(|e| anyhow!("logging cannot be started: {e}"))?;
    Ok(Log { _guard: guard, is_moved })
}

/// A file that lines are appended to.
struct LogFile {
    path: PathBuf,
    file: File,
    is_moved: Arc<AtomicBool>,
}

impl LogFile {
    fn open(path: &Path, is_moved: Arc<AtomicBool>) -> anyhow::Result<LogFile> {
        let file = append_to(path).with_context(|| {
            format!("log.file: {} cannot be opened: name a file in a writable folder", path.display())
        })?;
        Ok(LogFile { path: path.to_owned(), file, is_moved })
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(0o640).open(path)
}

impl Write for LogFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.is_moved.swap(false, Ordering::Relaxed) {
            // Where that fails, the lines go on in the old file.
            if let Ok(file) = append_to(&self.path) {
                self.file = file;
            }
        }
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_file_that_was_moved_away_is_followed_by_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("kdc.log"), dir.path().join("kdc.log.1"));
        let is_moved = Arc::new(AtomicBool::new(false));
        let mut log = LogFile::open(&path, is_moved.clone()).unwrap();
        log.write_all(b"one\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        log.write_all(b"two\n").unwrap();
        is_moved.store(true, Ordering::Relaxed);
        log.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn a_log_file_that_cannot_be_opened_is_named() {
        let Err(error) = LogFile::open(Path::new("/no/such/folder/kdc.log"), Arc::default()) else { panic!("opened") };
        assert!(format!("{error:#}").contains("log.file: /no/such/folder/kdc.log"), "{error:#}");
    }
}
