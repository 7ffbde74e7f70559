//! A policy as a dump has it. Each version of the file adds fields at the end.

use crate::error::WireError;
use crate::mit_dump::fields::Fields;
use crate::mit_dump::principal::TaggedDatum;

/// Longest name and list of enctypes, octets.
const LONGEST_TEXT: usize = 2048;

/// The fields of a policy's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyFields {
    /// Up to the number of principals that name the policy.
    Beta7,
    /// And those of the lockout.
    Release18,
    /// And lifetimes, enctypes and tagged data. Some dumps of this version have the fields of release 1.8.
    Release111,
}

/// A policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DumpPolicy {
    /// Its name.
    pub name: String,
    /// Time for which a password stays, seconds.
    pub min_life: u32,
    /// Time after which a password has to be changed, seconds; 0: never.
    pub max_life: u32,
    /// Least number of characters.
    pub min_length: u32,
    /// Least number of kinds of characters.
    pub min_classes: u32,
    /// Number of passwords of which a new one must differ.
    pub history: u32,
    /// Failed attempts after which a principal is locked out; 0: never.
    pub max_failures: u32,
    /// Time after which the counter of failed attempts starts anew, seconds.
    pub failure_count_interval: u32,
    /// Time for which a principal is locked out, seconds.
    pub lockout_duration: u32,
    /// Enctypes and salts that keys may have, as `aes256-cts:normal,...`; `None`: those of the realm.
    pub allowed_keysalts: Option<String>,
}

impl DumpPolicy {
    /// Reads the line behind `policy`.
    pub(super) fn read(fields: &mut Fields<'_>, version: PolicyFields) -> Result<DumpPolicy, WireError> {
        let mut policy = DumpPolicy { name: text(fields)?, ..DumpPolicy::default() };
        for field in [
            &mut policy.min_life,
            &mut policy.max_life,
            &mut policy.min_length,
            &mut policy.min_classes,
            &mut policy.history,
        ] {
            *field = fields.number()?;
        }
        // The number of principals that name it.
        fields.number()?;
        if version != PolicyFields::Beta7 {
            policy.max_failures = fields.number()?;
            policy.failure_count_interval = fields.number()?;
            policy.lockout_duration = fields.number()?;
        }
        if version == PolicyFields::Release111 && !fields.is_at_line_end() {
            // Attributes and lifetimes of tickets, which no version of MIT Kerberos uses.
            for _ in 0..3 {
                fields.number()?;
            }
            policy.allowed_keysalts = Some(text(fields)?).filter(|list| list != "-");
            for _ in 0..fields.count()? {
                TaggedDatum::read(fields)?;
            }
        }
        fields.line_end()?;
        Ok(policy)
    }
}

fn text(fields: &mut Fields<'_>) -> Result<String, WireError> {
    let word = fields.word()?;
    if word.len() > LONGEST_TEXT {
        return Err(fields.wrong("a name or list of more than 2048 octets"));
    }
    let text = std::str::from_utf8(word).map_err(|_| fields.wrong("a policy's text that is not UTF-8"))?;
    Ok(text.to_owned())
}
