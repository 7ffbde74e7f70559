//! What kadmin keeps of a principal (`osa_princ_ent_rec`): its policy, and the keys of earlier passwords, in XDR (RFC 4506).

use crate::error::WireError;
use crate::mit_dump::principal::{DumpKey, DumpSalt};
use crate::xdr::XdrReader;

const VERSION: u32 = 0x1234_5c01;
/// The bit that says that the principal has a policy.
const HAS_POLICY: u32 = 0x0000_0800;
/// Octets of a count, and of a key at least.
const COUNT: usize = 4;
const LEAST_KEY: usize = 32;

/// Policy and password history of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KadmData {
    /// Name of its policy.
    pub policy: Option<String>,
    /// Keys of earlier passwords, newest first. They are encrypted under a key of `kadmin/history`.
    pub history: Vec<Vec<DumpKey>>,
}

impl KadmData {
    /// Reads the datum.
    ///
    /// # Errors
    /// [`WireError::Xdr`].
    pub fn decode(octets: &[u8]) -> Result<KadmData, WireError> {
        let mut reader = XdrReader::new(octets);
        if reader.u32()? != VERSION {
            return Err(reader.wrong("another version"));
        }
        let policy = policy_name(&mut reader)?;
        let attributes = reader.u32()?;
        let next = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        // The version of kadmin/history: every one of its keys is tried.
        reader.u32()?;
        let mut history = reader.array(usize::MAX, COUNT, |reader| reader.array(usize::MAX, LEAST_KEY, key))?;
        // A ring: `next` is the oldest where it is full, and one past the newest in every case.
        let oldest = if next < history.len() { next } else { 0 };
        history.rotate_left(oldest);
        history.reverse();
        Ok(KadmData { policy: policy.filter(|_| attributes & HAS_POLICY != 0), history })
    }
}

/// A text with its NUL; of length 0 where there is none.
fn policy_name(reader: &mut XdrReader<'_>) -> Result<Option<String>, WireError> {
    let octets = reader.opaque(usize::MAX)?;
    if octets.is_empty() {
        return Ok(None);
    }
    let text = octets.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok());
    text.map(|text| Some(text.to_owned())).ok_or_else(|| reader.wrong("a name of a policy that is no text"))
}

fn key(reader: &mut XdrReader<'_>) -> Result<DumpKey, WireError> {
    let (parts, kvno) = (reader.u32()?, reader.u32()?);
    let (enctype, salt_kind) = (reader.i32()?, reader.i32()?);
    // The lengths again.
    reader.u32()?;
    reader.u32()?;
    let (sealed, salt) = (reader.opaque(usize::MAX)?.to_vec(), reader.opaque(usize::MAX)?.to_vec());
    let salt = (parts > 1).then_some(DumpSalt { kind: salt_kind, octets: salt });
    Ok(DumpKey { kvno, enctype, sealed, salt })
}
