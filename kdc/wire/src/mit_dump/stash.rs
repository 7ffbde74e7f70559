//! The file of a master key: `kdb5_util stash` writes a keytab; versions before 1.7 wrote one key without a name.

use crate::error::WireError;
use crate::keytab;
use zeroize::Zeroizing;

/// Longest key, octets.
const LONGEST_KEY: usize = 1024;

/// A master key.
#[derive(Debug, Clone)]
pub struct StashedKey {
    /// Its version.
    pub kvno: u32,
    /// Number of its enctype.
    pub enctype: i32,
    /// Its octets.
    pub octets: Zeroizing<Vec<u8>>,
}

/// Reads a stash: of a keytab the keys of `K/M`, and all where it has none (Heimdal).
///
/// # Errors
/// [`WireError::File`] for a file that is neither a keytab nor an old stash.
pub fn decode(file: &[u8]) -> Result<Vec<StashedKey>, WireError> {
    match file.first() {
        Some(5) => {
            let entries = keytab::decode(file)?;
            let is_master = |components: &[String]| components == ["K", "M"];
            let has_master = entries.iter().any(|entry| is_master(&entry.principal.name.components));
            let keys = entries.into_iter().filter(|entry| !has_master || is_master(&entry.principal.name.components));
            let stashed =
                keys.map(|e| StashedKey { kvno: e.kvno, enctype: e.key.keytype, octets: e.key.keyvalue.clone() });
            Ok(stashed.collect())
        }
        _ => old(file).map(|key| vec![key]).ok_or(WireError::File {
            file: "stash of a master key",
            offset: 0,
            reason: "neither a keytab nor an enctype, a length and a key",
        }),
    }
}

/// Enctype (2 octets) and length (4), in the order of the machine, which was one with the lowest octet first; then the key.
fn old(file: &[u8]) -> Option<StashedKey> {
    let (enctype, rest) = file.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let octets = rest.get(..length).filter(|octets| (1..=LONGEST_KEY).contains(&octets.len()))?;
    let enctype = i32::from(i16::from_le_bytes(*enctype));
    Some(StashedKey { kvno: 1, enctype, octets: Zeroizing::new(octets.to_vec()) })
}
