//! The header of a store: its format and the id of its master key. A text file beside sled's own, read before sled opens
//! anything, because opening is a write for sled.
//!
//! ```text
//! kennel-store 2
//! master-key 0123456789abcdef
//! ```

use crate::error::StoreError;
use crate::files;
use std::fs;
use std::io;
use std::path::Path;

/// The format of new stores, and the only one that this version reads. Format 1 bound no record to its revision, and its counters
/// were not sealed; nothing in such a store shows that it is not an older copy.
const FORMAT: u32 = 2;
const FILE: &str = "header";

/// Writes the header of a new store.
pub(super) fn write(data: &Path, master_key_id: &str) -> io::Result<()> {
    files::write_new(&data.join(FILE), format!("kennel-store {FORMAT}\nmaster-key {master_key_id}\n").as_bytes())
}

/// Checks the header in the folder `data` of the store `store`: its format must be known, and its master key the given one.
///
/// # Errors
/// [`StoreError::NewerFormat`], [`StoreError::OlderFormat`], [`StoreError::WrongMasterKey`]; [`StoreError::Damaged`] where the
/// header is missing or cannot be read.
pub(super) fn check(store: &Path, data: &Path, master_key_id: &str) -> Result<(), StoreError> {
    let damaged = |reason: String| StoreError::Damaged { path: store.to_owned(), reason };
    let file = data.join(FILE);
    let text =
        fs::read_to_string(&file).map_err(|error| damaged(format!("{} cannot be read: {error}", file.display())))?;
    let mut lines = text.lines();
    let format = lines.next().and_then(|line| line.strip_prefix("kennel-store ")?.parse::<u32>().ok());
    let found = format.ok_or_else(|| damaged(format!("{} names no format", file.display())))?;
    if found > FORMAT {
        return Err(StoreError::NewerFormat { path: store.to_owned(), found, known: FORMAT });
    }
    if found < FORMAT {
        return Err(StoreError::OlderFormat { path: store.to_owned(), found, known: FORMAT });
    }
    let stored = lines.next().and_then(|line| line.strip_prefix("master-key "));
    let stored = stored.ok_or_else(|| damaged(format!("{} names no master key", file.display())))?;
    if stored != master_key_id {
        let (stored, given) = (stored.to_owned(), master_key_id.to_owned());
        return Err(StoreError::WrongMasterKey { path: store.to_owned(), stored, given });
    }
    Ok(())
}
