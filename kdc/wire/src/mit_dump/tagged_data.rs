//! The tagged data of a principal: what MIT's database grew after its first version. Numbers have their lowest octet first.

use crate::error::WireError;
use crate::message::time::KerberosTime;
use crate::mit_dump::kadm_data::KadmData;
use crate::mit_dump::principal::{DumpKey, DumpPrincipal};

const LAST_PASSWORD_CHANGE: i32 = 1;
const MODIFIED: i32 = 2;
const KADM_DATA: i32 = 3;
const MASTER_KVNO: i32 = 8;
const MASTER_KEY_AUX: i32 = 10;
const STRINGS: i32 = 11;
const ALIAS_TARGET: i32 = 12;

/// Who changed a principal last, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modification {
    /// When.
    pub time: KerberosTime,
    /// Who, in MIT's text form; empty where it cannot be read.
    pub by: String,
}

impl DumpPrincipal {
    /// When the password or key was changed last.
    #[must_use]
    pub fn last_password_change(&self) -> Option<KerberosTime> {
        // Heimdal writes eight octets.
        let seconds = u32::from_le_bytes(*self.tagged(LAST_PASSWORD_CHANGE)?.first_chunk()?);
        Some(KerberosTime(i64::from(seconds)))
    }

    /// Who changed it last, and when.
    #[must_use]
    pub fn modification(&self) -> Option<Modification> {
        let (seconds, by) = self.tagged(MODIFIED)?.split_first_chunk()?;
        // Heimdal writes four octets without a meaning behind the time.
        let by = text(by).or_else(|| text(by.get(4..)?)).unwrap_or_default();
        Some(Modification { time: KerberosTime(i64::from(u32::from_le_bytes(*seconds))), by })
    }

    /// The version of the master key that its keys are encrypted under; `None`: the lowest.
    #[must_use]
    pub fn master_kvno(&self) -> Option<u32> {
        self.tagged(MASTER_KVNO)?.first_chunk().map(|octets| u32::from(u16::from_le_bytes(*octets)))
    }

    /// The newest master key, encrypted under older ones: only `K/M` has it. Each of the keys bears the version of the newest.
    #[must_use]
    pub fn newest_master_keys(&self) -> Vec<DumpKey> {
        let mut found = Vec::new();
        let Some((&[1, 0], mut rest)) = self.tagged(MASTER_KEY_AUX).and_then(|octets| octets.split_first_chunk())
        else {
            return found;
        };
        // Version of the older key, of the newest, its enctype, its length.
        while let Some((head, tail)) = rest.split_first_chunk::<8>() {
            let [_, _, kvno_low, kvno_high, type_low, type_high, length_low, length_high] = *head;
            let length = usize::from(u16::from_le_bytes([length_low, length_high]));
            let Some((sealed, tail)) = tail.split_at_checked(length) else { break };
            found.push(DumpKey {
                kvno: u32::from(u16::from_le_bytes([kvno_low, kvno_high])),
                enctype: i32::from(i16::from_le_bytes([type_low, type_high])),
                sealed: sealed.to_vec(),
                salt: None,
            });
            rest = tail;
        }
        found
    }

    /// String attributes, by name; `None` where they cannot be read.
    #[must_use]
    pub fn strings(&self) -> Option<Vec<(String, String)>> {
        let Some(octets) = self.tagged(STRINGS).filter(|octets| !octets.is_empty()) else { return Some(Vec::new()) };
        let octets = octets.strip_suffix(&[0])?;
        let parts = octets.split(|octet| *octet == 0).map(|part| String::from_utf8(part.to_vec()).ok());
        let parts: Vec<String> = parts.collect::<Option<_>>()?;
        let (pairs, odd) = parts.as_chunks::<2>();
        odd.is_empty().then(|| pairs.iter().map(|[name, value]| (name.clone(), value.clone())).collect())
    }

    /// The principal that it is an alias of, in MIT's text form; `None` where it is a principal of its own.
    #[must_use]
    pub fn alias_target(&self) -> Option<String> {
        text(self.tagged(ALIAS_TARGET)?)
    }

    /// What kadmin keeps of it.
    ///
    /// # Errors
    /// The datum is not the one that MIT Kerberos writes.
    pub fn kadm_data(&self) -> Result<Option<KadmData>, WireError> {
        self.tagged(KADM_DATA).map(KadmData::decode).transpose()
    }

    /// The octets of one kind; none where they are empty.
    fn tagged(&self, kind: i32) -> Option<&[u8]> {
        let datum = self.tagged.iter().find(|datum| datum.kind == kind)?;
        Some(&*datum.octets).filter(|octets| !octets.is_empty())
    }
}

/// Text that ends with NUL and has no other control character.
fn text(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets.strip_suffix(&[0])?).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}
