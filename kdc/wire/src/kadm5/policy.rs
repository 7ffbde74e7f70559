//! A policy as kadmin's protocol carries it.

use crate::error::WireError;
use crate::kadm5::principal::{TaggedDatum, read_tagged, write_tagged};
use crate::kadm5::procedure::ApiVersion;
use crate::kadm5::text;
use crate::xdr::{XdrReader, XdrWriter};

bitflags::bitflags! {
    /// The fields of a policy that a request is about (KADM5_*).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct PolicyMask: u32 {
        /// KADM5_POLICY.
        const POLICY = 0x0000_0800;
        /// KADM5_PW_MAX_LIFE.
        const MAX_LIFE = 0x0000_4000;
        /// KADM5_PW_MIN_LIFE.
        const MIN_LIFE = 0x0000_8000;
        /// KADM5_PW_MIN_LENGTH.
        const MIN_LENGTH = 0x0001_0000;
        /// KADM5_PW_MIN_CLASSES.
        const MIN_CLASSES = 0x0002_0000;
        /// KADM5_PW_HISTORY_NUM.
        const HISTORY = 0x0004_0000;
        /// KADM5_REF_COUNT.
        const REFERENCES = 0x0008_0000;
        /// KADM5_PW_MAX_FAILURE.
        const MAX_FAILURES = 0x0010_0000;
        /// KADM5_PW_FAILURE_COUNT_INTERVAL.
        const FAILURE_COUNT_INTERVAL = 0x0020_0000;
        /// KADM5_PW_LOCKOUT_DURATION.
        const LOCKOUT_DURATION = 0x0040_0000;
        /// KADM5_POLICY_ATTRIBUTES.
        const ATTRIBUTES = 0x0080_0000;
        /// KADM5_POLICY_MAX_LIFE.
        const TICKET_MAX_LIFE = 0x0100_0000;
        /// KADM5_POLICY_MAX_RLIFE.
        const TICKET_MAX_RENEWABLE_LIFE = 0x0200_0000;
        /// KADM5_POLICY_ALLOWED_KEYSALTS.
        const ALLOWED_KEYSALTS = 0x0400_0000;
        /// KADM5_POLICY_TL_DATA.
        const TL_DATA = 0x0800_0000;
    }
}

/// A policy. Times are seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names of kadmin's commands say it")]
pub struct PolicyEntry {
    pub name: Option<String>,
    pub min_life: i32,
    pub max_life: i32,
    pub min_length: i32,
    pub min_classes: i32,
    pub history: i32,
    /// No longer counted.
    pub references: i32,
    /// From API version 3 on.
    pub max_failures: u32,
    /// From API version 3 on.
    pub failure_count_interval: i32,
    /// From API version 3 on.
    pub lockout_duration: i32,
    /// From API version 4 on.
    pub attributes: u32,
    /// From API version 4 on.
    pub ticket_max_life: i32,
    /// From API version 4 on.
    pub ticket_max_renewable_life: i32,
    /// Pairs of enctype and salt, as kadmin writes them, separated by commas. From API version 4 on.
    pub allowed_keysalts: Option<String>,
    /// From API version 4 on.
    pub tagged: Vec<TaggedDatum>,
}

impl PolicyEntry {
    pub(super) fn read(reader: &mut XdrReader<'_>, version: ApiVersion) -> Result<PolicyEntry, WireError> {
        let mut entry = PolicyEntry {
            name: text::read(reader)?,
            min_life: reader.i32()?,
            max_life: reader.i32()?,
            min_length: reader.i32()?,
            min_classes: reader.i32()?,
            history: reader.i32()?,
            references: reader.i32()?,
            ..PolicyEntry::default()
        };
        if version >= ApiVersion::V3 {
            entry.max_failures = reader.u32()?;
            (entry.failure_count_interval, entry.lockout_duration) = (reader.i32()?, reader.i32()?);
        }
        if version >= ApiVersion::V4 {
            entry.attributes = reader.u32()?;
            (entry.ticket_max_life, entry.ticket_max_renewable_life) = (reader.i32()?, reader.i32()?);
            entry.allowed_keysalts = text::read(reader)?;
            let _tagged = reader.i32()?;
            entry.tagged = read_tagged(reader)?;
        }
        Ok(entry)
    }

    pub(super) fn write(&self, writer: &mut XdrWriter, version: ApiVersion) {
        text::write(writer, self.name.as_deref().map(str::as_bytes));
        let numbers = [self.min_life, self.max_life, self.min_length, self.min_classes, self.history, self.references];
        numbers.into_iter().for_each(|number| writer.i32(number));
        if version >= ApiVersion::V3 {
            writer.u32(self.max_failures);
            writer.i32(self.failure_count_interval);
            writer.i32(self.lockout_duration);
        }
        if version >= ApiVersion::V4 {
            writer.u32(self.attributes);
            writer.i32(self.ticket_max_life);
            writer.i32(self.ticket_max_renewable_life);
            text::write(writer, self.allowed_keysalts.as_deref().map(str::as_bytes));
            writer.count(self.tagged.len());
            write_tagged(writer, &self.tagged);
        }
    }
}
