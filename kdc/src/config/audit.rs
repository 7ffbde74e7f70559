//! Section `[audit]`: the audit trail.

use kennel_audit::{LineFormat, SinkTarget, TrailSettings};
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;

/// Section `[audit]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditSettings {
    #[serde(deserialize_with = "sink")]
    pub(crate) sink: SinkTarget,
    pub(crate) format: AuditFormat,
    /// Lines that one source may write in 30 seconds by requests that fail before anybody is known. Further ones are counted.
    pub(crate) noise_lines: u32,
}

/// The default of [`AuditSettings::noise_lines`]: enough to find a mistake in a client's configuration.
pub(crate) const NOISE_LINES: u32 = 20;

impl Default for AuditSettings {
    fn default() -> AuditSettings {
        AuditSettings { sink: SinkTarget::default(), format: AuditFormat::default(), noise_lines: NOISE_LINES }
    }
}

impl AuditSettings {
    /// Converts the settings for the trail.
    pub(crate) fn build(&self) -> TrailSettings {
        TrailSettings { sink: self.sink.clone(), format: self.format.into(), noise_lines: self.noise_lines }
    }
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

/// Reads the destination of audit lines: `stdout`, `stderr` or a path.
pub(crate) fn parse_sink(text: &str) -> SinkTarget {
    match text {
        "stdout" => SinkTarget::Stdout,
        "stderr" => SinkTarget::Stderr,
        _ => SinkTarget::File(PathBuf::from(text)),
    }
}

fn sink<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SinkTarget, D::Error> {
    Ok(parse_sink(&String::deserialize(deserializer)?))
}

impl From<AuditFormat> for LineFormat {
    fn from(format: AuditFormat) -> LineFormat {
        match format {
            AuditFormat::Json => LineFormat::Json,
            AuditFormat::Text => LineFormat::Text,
        }
    }
}
