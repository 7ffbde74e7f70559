//! Section `[audit]`: the audit trail.

use kennel_audit::{LineFormat, SinkTarget};
use serde::Deserialize;
use std::path::PathBuf;

/// Section `[audit]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditSettings {
    pub(crate) sink: AuditSink,
    pub(crate) format: AuditFormat,
}

/// Destination of audit lines: `stdout`, `stderr` or a path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum AuditSink {
    #[default]
    Stdout,
    Stderr,
    File(PathBuf),
}

/// The form of audit lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AuditFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// `name=value` pairs.
    Text,
}

impl From<String> for AuditSink {
    fn from(text: String) -> Self {
        match text.as_str() {
            "stdout" => AuditSink::Stdout,
            "stderr" => AuditSink::Stderr,
            _ => AuditSink::File(PathBuf::from(text)),
        }
    }
}

impl AuditSink {
    /// Converts the setting for the trail.
    pub(crate) fn target(&self) -> SinkTarget {
        match self {
            AuditSink::Stdout => SinkTarget::Stdout,
            AuditSink::Stderr => SinkTarget::Stderr,
            AuditSink::File(path) => SinkTarget::File(path.clone()),
        }
    }
}

impl From<AuditFormat> for LineFormat {
    fn from(format: AuditFormat) -> LineFormat {
        match format {
            AuditFormat::Json => LineFormat::Json,
            AuditFormat::Text => LineFormat::Text,
        }
    }
}
