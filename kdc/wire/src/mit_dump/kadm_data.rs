//! What kadmin keeps of a principal (`osa_princ_ent_rec`): its policy, and the keys of earlier passwords, in XDR (RFC 4506).

use crate::error::WireError;
use crate::file::Reader;
use crate::mit_dump::principal::{DumpKey, DumpSalt};

const VERSION: u32 = 0x1234_5c01;
/// The bit that says that the principal has a policy.
const HAS_POLICY: u32 = 0x0000_0800;

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
    /// [`WireError::File`].
    pub fn decode(octets: &[u8]) -> Result<KadmData, WireError> {
        let mut reader = Reader::new("kadmin datum of a principal", octets);
        if reader.u32()? != VERSION {
            return Err(reader.wrong("another version"));
        }
        let policy = policy_name(&mut reader)?;
        let attributes = reader.u32()?;
        let next = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        // The version of kadmin/history: every one of its keys is tried.
        reader.u32()?;
        let count = reader.u32()?;
        // No capacity is taken from the count: each element takes octets of the datum.
        let mut history = Vec::new();
        for _ in 0..count {
            let keys = reader.u32()?;
            history.push((0..keys).map(|_| key(&mut reader)).collect::<Result<Vec<_>, _>>()?);
        }
        // A ring: `next` is the oldest where it is full, and one past the newest in every case.
        let oldest = if next < history.len() { next } else { 0 };
        history.rotate_left(oldest);
        history.reverse();
        Ok(KadmData { policy: policy.filter(|_| attributes & HAS_POLICY != 0), history })
    }
}

/// A text with its NUL; of length 0 where there is none.
fn policy_name(reader: &mut Reader<'_>) -> Result<Option<String>, WireError> {
    let octets = opaque(reader)?;
    if octets.is_empty() {
        return Ok(None);
    }
    let text = octets.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok());
    text.map(|text| Some(text.to_owned())).ok_or_else(|| reader.wrong("a name of a policy that is no text"))
}

fn key(reader: &mut Reader<'_>) -> Result<DumpKey, WireError> {
    let (parts, kvno) = (reader.u32()?, reader.u32()?);
    let (enctype, salt_kind) = (reader.i32()?, reader.i32()?);
    // The lengths again.
    (reader.u32()?, reader.u32()?);
    let (sealed, salt) = (opaque(reader)?.to_vec(), opaque(reader)?.to_vec());
    let salt = (parts > 1).then_some(DumpSalt { kind: salt_kind, octets: salt });
    Ok(DumpKey { kvno, enctype, sealed, salt })
}

/// Octets behind their count, filled up to a multiple of four.
fn opaque<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let octets = reader.counted32()?;
    reader.take(octets.len().wrapping_neg() % 4)?;
    Ok(octets)
}
