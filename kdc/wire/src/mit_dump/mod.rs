//! Dumps of an MIT realm (`kdb5_util dump`, and Heimdal's `kadmin -l dump --format=MIT`), read: text, a line for each principal and policy.
//!
//! | module | what |
//! |---|---|
//! | `fields` | the fields of a line |
//! | [`principal`] | a principal as the dump has it |
//! | [`tagged_data`] | the tagged data of a principal, each kind by its encoding |
//! | [`kadm_data`] | policy and password history of a principal (XDR) |
//! | [`policy`] | a policy |
//! | [`stash`] | the file of the master key |
//!
//! The versions of the file differ in what they say of policies: 4 (beta 7), 5 (release 1.3), 6 (1.8), 7 (1.11). The keys of a dump are
//! encrypted under the master key of the realm, which is not in it.

pub mod kadm_data;
pub mod policy;
pub mod principal;
pub mod stash;
pub mod tagged_data;

mod fields;

use crate::error::WireError;
use crate::mit_dump::fields::Fields;
use crate::mit_dump::policy::{DumpPolicy, PolicyFields};
use crate::mit_dump::principal::DumpPrincipal;

const HEADER: &[u8] = b"kdb5_util load_dump version ";

/// One line of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpEntry {
    /// `princ`.
    Principal(Box<DumpPrincipal>),
    /// `policy`.
    Policy(Box<DumpPolicy>),
}

/// Reads the entries of a dump, one after the other: nothing of the file is held but the entry.
#[derive(Debug, Clone)]
pub struct DumpReader<'a> {
    fields: Fields<'a>,
    policies: PolicyFields,
    failed: bool,
}

impl<'a> DumpReader<'a> {
    /// Begins to read a file.
    ///
    /// # Errors
    /// [`WireError::Line`] where the first line is not that of a dump of the versions 4 to 7.
    pub fn new(file: &'a [u8]) -> Result<DumpReader<'a>, WireError> {
        let mut fields = Fields::new(file);
        let policies = match fields.rest_of_line().strip_prefix(HEADER) {
            Some(b"4" | b"5") => PolicyFields::Beta7,
            Some(b"6") => PolicyFields::Release18,
            Some(b"7") => PolicyFields::Release111,
            Some(_) => return Err(fields.wrong_before("a dump of a version other than 4, 5, 6 and 7")),
            None => {
                return Err(fields.wrong_before(
                    "not the first line of kdb5_util dump: dumps of kprop, iprop and OpenV*Secure are not read",
                ));
            }
        };
        Ok(DumpReader { fields, policies, failed: false })
    }

    /// Number of octets that are read already, of those of the file.
    #[must_use]
    pub fn position(&self) -> usize {
        self.fields.position()
    }

    fn entry(&mut self) -> Result<DumpEntry, WireError> {
        match self.fields.word()? {
            b"princ" => Ok(DumpEntry::Principal(Box::new(DumpPrincipal::read(&mut self.fields)?))),
            b"policy" => Ok(DumpEntry::Policy(Box::new(DumpPolicy::read(&mut self.fields, self.policies)?))),
            _ => Err(self.fields.wrong("neither princ nor policy begins the line")),
        }
    }
}

impl Iterator for DumpReader<'_> {
    type Item = Result<DumpEntry, WireError>;

    /// The next entry; the first error ends the dump.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.fields.is_at_end() {
            return None;
        }
        let entry = self.entry();
        self.failed = entry.is_err();
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
