//! The log of the process: standard error, as text or JSON. What was decided is not here but in the audit trail.

use crate::config::log::{LogFormat, LogSettings};
use anyhow::{Context, anyhow};
use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;

/// Starts logging. Once for each process.
pub(crate) fn start(settings: &LogSettings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.level).with_context(|| {
        format!("log.level: {:?} is no level (error, warn, info, debug, trace) and no filter", settings.level)
    })?;
    // A log that cannot be written (a full disk) is no reason to end the thread that says something: by default it
    // would be told about on standard error, which is the log, and which panics then.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match settings.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(|e| anyhow!("logging cannot be started: {e}"))
}
