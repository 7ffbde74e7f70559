//! The header of a store: which format, under which master key. A text file beside sled's own, read before sled opens
//! anything: opening is a write for sled.
//!
//! ```text
//! kennel-store 1
//! master-key 0123456789abcdef
//! ```

use crate::error::StoreError;
use crate::files;
use std::fs;
use std::io;
use std::path::Path;

/// The format of a store that is made here, and the newest that is known.
const FORMAT: u32 = 1;
const FILE: &str = "header";

/// Writes the header of a new store.
pub(super) fn write(data: &Path, master_key_id: &str) -> io::Result<()> {
    files::write_new(&data.join(FILE), format!("kennel-store {FORMAT}\nmaster-key {master_key_id}\n").as_bytes())
}

/// Holds the header in the folder `data` of the store `store` against what is known and given.
///
/// # Errors
/// [`StoreError::NewerFormat`], [`StoreError::WrongMasterKey`]; [`StoreError::Damaged`] where it is missing or no header.
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
    let stored = lines.next().and_then(|line| line.strip_prefix("master-key "));
    let stored = stored.ok_or_else(|| damaged(format!("{} names no master key", file.display())))?;
    if stored != master_key_id {
        let (stored, given) = (stored.to_owned(), master_key_id.to_owned());
        return Err(StoreError::WrongMasterKey { path: store.to_owned(), stored, given });
    }
    Ok(())
}
