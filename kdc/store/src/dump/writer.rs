//! Writes a dump, piece by piece.

use crate::dump::secret::DumpSecret;
use crate::dump::{Manifest, plaintext};
use crate::error::StoreError;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use std::io::{self, Write};
use zeroize::Zeroizing;

/// Octets of records after which a piece ends.
const PIECE: usize = 64 * 1024;

/// Writes a dump of these records, whose number the manifest has. Takes a third of a second with a passphrase, before anything is
/// written. Reports the number of records that are written.
///
/// # Errors
/// Those of `out`; a record that cannot be encoded.
pub fn write<'a>(
    out: &mut dyn Write,
    secret: &DumpSecret,
    manifest: &Manifest,
    records: impl ExactSizeIterator<Item = &'a Record>,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    let (header, key) = secret.begin(&mut OsRng).map_err(of_store)?;
    let header = header.encode();
    out.write_all(&header)?;
    let mut piece = Zeroizing::new(plaintext::manifest(manifest).map_err(io::Error::other)?);
    let (mut number, mut written) = (0, 0);
    // A piece is written when it is known whether another one follows.
    for record in records {
        if number == 0 || piece.len() >= PIECE {
            seal(out, &key, &header, (number, false), &piece)?;
            progress(written);
            number += 1;
            piece = Zeroizing::new(Vec::with_capacity(PIECE * 2));
        }
        plaintext::push(&mut piece, record).map_err(io::Error::other)?;
        written += 1;
    }
    seal(out, &key, &header, (number, true), &piece)?;
    progress(written);
    out.flush()
}

/// Writes one piece: its number, and whether it is the last.
fn seal(
    out: &mut dyn Write,
    key: &MasterKey,
    header: &[u8],
    (number, last): (u64, bool),
    plaintext: &[u8],
) -> io::Result<()> {
    let wrapped = key.wrap(&associated(header, number, last), plaintext, &mut OsRng);
    let length = u32::try_from(wrapped.len()).map_err(|_| io::Error::other("a record is too long"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&wrapped)
}

/// The associated data of a piece. Nothing else under a master key has data that begin like these.
pub(super) fn associated(header: &[u8], number: u64, last: bool) -> Vec<u8> {
    [&b"kennel dump piece"[..], header, &number.to_be_bytes(), &[u8::from(last)]].concat()
}

fn of_store(error: StoreError) -> io::Error {
    io::Error::other(error)
}
