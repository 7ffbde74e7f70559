//! Reads a dump, and gives nothing of it before all of it is known to be whole.

use crate::dump::header::{self, Header};
use crate::dump::secret::DumpSecret;
use crate::dump::writer::associated;
use crate::dump::{Manifest, plaintext};
use crate::error::StoreError;
use kennel_core::principal::Record;

/// Reads a dump. Reports the number of records that are read.
///
/// # Errors
/// [`StoreError::Dump`].
pub fn read(
    file: &[u8],
    secret: &DumpSecret,
    mut progress: impl FnMut(u64),
) -> Result<(Manifest, Vec<Record>), StoreError> {
    let refused = |reason| StoreError::Dump { reason };
    let (header, mut rest) = Header::decode(file)?;
    let key = secret.key(&header)?;
    let header = file.get(..header::LENGTH).unwrap_or_default();
    let (mut number, mut manifest, mut records) = (0, None, Vec::new());
    loop {
        let (length, behind) = rest.split_first_chunk::<4>().ok_or(refused("it is torn"))?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (wrapped, behind) = behind.split_at_checked(length).ok_or(refused("it is torn"))?;
        let last = behind.is_empty();
        let opened = key.unwrap(&associated(header, number, last), wrapped);
        let opened = opened.map_err(|_| {
            refused(match number {
                0 => "the given key or passphrase is another one, or its beginning was changed",
                _ => "it is torn or was changed",
            })
        })?;
        match number {
            0 => manifest = Some(plaintext::read_manifest(&opened).map_err(refused)?),
            _ => records.extend(plaintext::read_records(&opened).map_err(refused)?),
        }
        progress(u64::try_from(records.len()).unwrap_or(u64::MAX));
        (rest, number) = (behind, number + 1);
        if last {
            break;
        }
    }
    match manifest {
        Some(manifest) if u64::try_from(records.len()) == Ok(manifest.records) => Ok((manifest, records)),
        _ => Err(refused("it does not have as many records as it says")),
    }
}
