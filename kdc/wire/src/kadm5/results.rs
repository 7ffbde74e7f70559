//! The results of every procedure: an API version, a status, and more where the status is good.

use crate::error::WireError;
use crate::kadm5::keys::{KeyData, LEAST_KEY, MAX_KEYS, read_key, write_key};
use crate::kadm5::policy::PolicyEntry;
use crate::kadm5::principal::PrincipalEntry;
use crate::kadm5::procedure::{ApiVersion, Procedure};
use crate::kadm5::status::Kadm5Status;
use crate::kadm5::text;
use crate::message::EncryptionKey;
use crate::xdr::{XdrReader, XdrWriter};
use zeroize::Zeroizing;

/// Most names of a reply that is read.
const MAX_NAMES: usize = 1 << 22;

/// What a procedure that went well returns.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of the procedures say it")]
pub enum Results {
    /// Of every procedure that returns nothing.
    Done,
    Principal(Box<PrincipalEntry>),
    /// Of principals or policies.
    Names(Vec<String>),
    /// Of [`Procedure::RandomizeKeys`]: the new version alone (CVE-2014-5351).
    Keys(Vec<EncryptionKey>),
    KeyData(Vec<KeyData>),
    Strings(Vec<(String, String)>),
    Policy(Box<PolicyEntry>),
    /// Bits: 1 get, 2 add, 4 modify, 8 delete.
    Privileges(u32),
}

/// The results that a reply carries.
#[derive(Debug, Clone)]
pub struct Response {
    /// Number of the request's API version.
    pub version: u32,
    /// What went well, or why nothing did.
    pub outcome: Result<Results, Kadm5Status>,
}

impl Response {
    /// The results as octets.
    #[must_use]
    pub fn encode(&self, procedure: Procedure) -> Zeroizing<Vec<u8>> {
        let mut writer = XdrWriter::new();
        writer.u32(self.version);
        match &self.outcome {
            Err(status) => {
                writer.u32(status.0);
                // The one procedure whose results have their full form in any case.
                if procedure == Procedure::GetPrivileges {
                    writer.u32(0);
                }
            }
            Ok(results) => {
                writer.u32(Kadm5Status::OK.0);
                results.write(ApiVersion::from_number(self.version).unwrap_or(ApiVersion::V2), &mut writer);
            }
        }
        writer.finish()
    }

    /// Reads the results of a procedure.
    ///
    /// # Errors
    /// Torn, or octets behind.
    pub fn decode(procedure: Procedure, octets: &[u8]) -> Result<Response, WireError> {
        let mut reader = XdrReader::new(octets);
        let version = reader.u32()?;
        let status = Kadm5Status(reader.u32()?);
        let outcome = if status == Kadm5Status::OK {
            let api = ApiVersion::from_number(version).map_err(|_| reader.wrong("an API version that is unknown"))?;
            Ok(Results::read(procedure, api, &mut reader)?)
        } else {
            if procedure == Procedure::GetPrivileges {
                reader.u32()?;
            }
            Err(status)
        };
        reader.finish()?;
        Ok(Response { version, outcome })
    }
}

impl Results {
    fn write(&self, version: ApiVersion, w: &mut XdrWriter) {
        match self {
            Results::Done => {}
            Results::Principal(entry) => entry.write(w),
            Results::Names(names) => {
                counts(w, names.len());
                names.iter().for_each(|name| text::write(w, Some(name.as_bytes())));
            }
            Results::Keys(keys) => {
                w.count(keys.len());
                keys.iter().for_each(|key| write_key(w, key));
            }
            Results::KeyData(keys) => {
                w.count(keys.len());
                keys.iter().for_each(|key| key.write(w));
            }
            Results::Strings(strings) => {
                counts(w, strings.len());
                for (key, value) in strings {
                    text::write(w, Some(key.as_bytes()));
                    text::write(w, Some(value.as_bytes()));
                }
            }
            Results::Policy(entry) => entry.write(w, version),
            Results::Privileges(privileges) => w.u32(*privileges),
        }
    }

    fn read(procedure: Procedure, version: ApiVersion, r: &mut XdrReader<'_>) -> Result<Results, WireError> {
        Ok(match procedure {
            Procedure::GetPrincipal => Results::Principal(Box::new(PrincipalEntry::read(r)?)),
            Procedure::GetPrincipals | Procedure::GetPolicies => {
                r.u32()?;
                Results::Names(r.array(MAX_NAMES, text::LEAST, text::required)?)
            }
            Procedure::RandomizeKeys | Procedure::RandomizeKeys3 => {
                Results::Keys(r.array(MAX_KEYS, LEAST_KEY, read_key)?)
            }
            Procedure::ExtractKeys => Results::KeyData(r.array(MAX_KEYS, KeyData::LEAST, KeyData::read)?),
            Procedure::GetStrings => {
                r.u32()?;
                let pair = |r: &mut XdrReader<'_>| Ok((text::required(r)?, text::required(r)?));
                Results::Strings(r.array(MAX_NAMES, 2 * text::LEAST, pair)?)
            }
            Procedure::GetPolicy => Results::Policy(Box::new(PolicyEntry::read(r, version)?)),
            Procedure::GetPrivileges => Results::Privileges(r.u32()?),
            _ => Results::Done,
        })
    }
}

/// The number of elements stands in front of an array twice.
fn counts(w: &mut XdrWriter, count: usize) {
    w.count(count);
    w.count(count);
}
