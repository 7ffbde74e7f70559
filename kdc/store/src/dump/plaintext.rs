//! The pieces of a dump before they are encrypted: CBOR of the manifest; records in the encoding of the store, each behind its length.

use crate::dump::Manifest;
use crate::principal_store::Revision;
use crate::record::{self, format};
use kennel_core::principal::Record;
use kennel_wire::message::{KerberosTime, Timestamp};
use minicbor::{CborLen, Decode, Encode};
use zeroize::Zeroizing;

/// The manifest. A field may be added at the end, with a new format of the file.
#[derive(Encode, Decode, CborLen)]
struct ManifestForm<'a> {
    /// The format of the records.
    #[n(0)]
    record_format: u8,
    #[b(1)]
    realm: &'a str,
    #[n(2)]
    revision: u64,
    #[n(3)]
    created: i64,
    #[n(4)]
    records: u64,
}

/// The encoding of a manifest.
pub(crate) fn manifest(manifest: &Manifest) -> Result<Vec<u8>, &'static str> {
    let form = ManifestForm {
        record_format: record::FORMAT,
        realm: &manifest.realm,
        revision: manifest.revision.0,
        created: manifest.created.time.0,
        records: manifest.records,
    };
    minicbor::to_vec(&form).map_err(|_| "its manifest cannot be encoded")
}

/// Reads a manifest.
pub(crate) fn read_manifest(plaintext: &[u8]) -> Result<Manifest, &'static str> {
    let form: ManifestForm<'_> = minicbor::decode(plaintext).map_err(|_| "its manifest cannot be read")?;
    if form.record_format > record::FORMAT {
        return Err("a newer Kennel made it: use that one");
    }
    Ok(Manifest {
        realm: form.realm.to_owned(),
        revision: Revision(form.revision),
        created: Timestamp { time: KerberosTime(form.created), micros: 0 },
        records: form.records,
    })
}

/// Appends a record to a piece.
pub(crate) fn push(piece: &mut Zeroizing<Vec<u8>>, record: &Record) -> Result<(), &'static str> {
    let encoded = format::encode(record)?;
    let length = u32::try_from(encoded.len()).map_err(|_| "a record is too long")?;
    let needed = piece.len() + 4 + encoded.len();
    if piece.capacity() < needed {
        // A buffer that grows would leave a copy of keys behind.
        let mut larger = Zeroizing::new(Vec::with_capacity(needed * 2));
        larger.extend_from_slice(piece);
        *piece = larger;
    }
    piece.extend_from_slice(&length.to_be_bytes());
    piece.extend_from_slice(&encoded);
    Ok(())
}

/// Reads the records of a piece.
pub(crate) fn read_records(mut plaintext: &[u8]) -> Result<Vec<Record>, &'static str> {
    let mut records = Vec::new();
    while let Some((length, rest)) = plaintext.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (encoded, rest) = rest.split_at_checked(length).ok_or("a record is longer than its piece")?;
        records.push(format::decode(encoded)?);
        plaintext = rest;
    }
    if plaintext.is_empty() { Ok(records) } else { Err("octets follow the last record of a piece") }
}
