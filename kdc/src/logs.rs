//! The log of the process, on standard error as text or JSON. The audit trail has the decisions; the log has none of them.
//!
//! A thread of its own writes the log: a reader of standard error that stops must not stop the threads that log. Lines beyond the
//! queue are dropped.

use crate::config::log::{LogFormat, LogSettings};
use anyhow::{Context, anyhow};
use std::io::{self, IsTerminal};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines that may wait to be written.
const QUEUE: usize = 4096;

/// Starts logging. The caller does this once per process. Dropping the guard writes the lines that wait, within a second.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(&settings.level).with_context(|| {
        format!("log.level: {:?} is neither a level (error, warn, info, debug, trace) nor a filter", settings.level)
    })?;
    // A failed write of the log (a full disk) must not end the thread that logs: by default, `tracing_subscriber` would report the
    // failure on standard error, which is the log itself, and panic there.
    let (writer, guard) =
        NonBlockingBuilder::default().buffered_lines_limit(QUEUE).thread_name("log").finish(io::stderr());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(|e| anyhow!("logging cannot be started: {e}"))?;
    Ok(guard)
}
