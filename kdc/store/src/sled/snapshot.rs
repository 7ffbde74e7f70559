//! Torn snapshots. sled writes a snapshot of its page table when it opens, and refuses to open again if a crash tore that
//! file. It is only a cache of the log: without it sled reads the log from the start. So a torn one is set aside.

use crate::files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Length and checksum behind the content.
const TRAILER: usize = 12;

/// Moves each torn snapshot of the sled folder `data` into the folder `aside`, and says where they went.
/// Nobody may have the store open.
pub(super) fn set_torn_ones_aside(data: &Path, aside: &Path) -> io::Result<Vec<PathBuf>> {
    let mut moved = Vec::new();
    for entry in fs::read_dir(data)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        // `snap.X`, and `snap.X.generating` where a crash met sled while it wrote: sled reads the last of them all.
        if name.starts_with("snap.") && !is_whole(&fs::read(&path)?) {
            files::make_folder(aside)?;
            let place = free_place(aside, name)?;
            fs::rename(&path, &place)?;
            moved.push(place);
        }
    }
    if !moved.is_empty() {
        files::sync_folder(aside)?;
        files::sync_folder(data)?;
    }
    Ok(moved)
}

/// Whether sled 0.34 would take it: content, its length (eight octets), its CRC-32 (four octets, little-endian).
fn is_whole(snapshot: &[u8]) -> bool {
    let Some((content, trailer)) = snapshot.len().checked_sub(TRAILER).and_then(|at| snapshot.split_at_checked(at))
    else {
        return false;
    };
    let Some(checksum) = trailer.last_chunk::<4>() else { return false };
    !content.is_empty() && crc32fast::hash(content) == u32::from_le_bytes(*checksum)
}

/// A name that is not taken: a snapshot may be torn again under the name of an earlier one.
fn free_place(aside: &Path, name: &str) -> io::Result<PathBuf> {
    for number in 1_u64.. {
        let place = aside.join(format!("{name}.{number}"));
        if !place.try_exists()? {
            return Ok(place);
        }
    }
    Err(io::ErrorKind::StorageFull.into())
}
