//! Torn snapshots. Whenever sled opens, it writes a snapshot of its page table, and it refuses to open again if that file
//! is torn.
//!
//! A snapshot is more than a cache of the log: once opened from one, sled wipes segments that only a reading of the log
//! from its start would need. Without the snapshot sled then takes the whole log for torn and wipes it (measured with
//! 0.34.7: most logs of a few segments, after one clean restart). So sled never opens a store without a whole snapshot
//! here. A copy of each is kept where sled does not look; a torn one is set aside and replaced by its copy. One that
//! sled was still writing (`.generating`) is only set aside: the one before is there and still good.

use crate::error::StoreError;
use crate::files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Length and checksum behind the content.
const TRAILER: usize = 12;
/// Prefix of sled's file names. A position in the log follows, hexadecimal, of fixed width, so the names sort by age.
const PREFIX: &str = "snap.";
const UNFINISHED: &str = ".generating";
const COPY: &str = ".copy";

/// Folders of a store's snapshots.
pub(super) struct Snapshots {
    /// sled's folder.
    pub(super) data: PathBuf,
    /// Folder of the copy.
    pub(super) spare: PathBuf,
    /// Folder of the torn ones.
    pub(super) aside: PathBuf,
}

/// What to do before sled opens.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// The snapshots are good once the torn ones are set aside.
    Open,
    /// Put the copy back.
    Restore,
    /// sled would wipe its log.
    Refuse,
}

impl Snapshots {
    /// Sets torn snapshots aside, so that sled opens and reads all of its log; returns their new paths. The store must not
    /// be open.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where there is no whole snapshot; nothing is changed then.
    pub(super) fn repair(&self, store: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let medium = |error: io::Error| StoreError::Medium { path: store.to_owned(), reason: error.to_string() };
        let (whole, torn) = self.snapshots().map_err(medium)?;
        let (copies, _) = self.copies().map_err(medium)?;
        let (newest, copy) = (whole.last().map(String::as_str), copies.last().map(String::as_str));
        let plan = plan(newest, &torn, copy);
        if plan == Plan::Refuse {
            let reason = "its snapshot and the copy of it are torn or missing".to_owned();
            return Err(StoreError::Damaged { path: store.to_owned(), reason });
        }
        let set_aside = self.set_aside(&torn).map_err(medium)?;
        if let (Plan::Restore, Some(name)) = (plan, copy) {
            let content = fs::read(self.copy_of(name)).map_err(medium)?;
            files::write_new(&self.data.join(name), &content).map_err(medium)?;
        }
        Ok(set_aside)
    }

    /// Makes a copy of the snapshot that sled has just opened from, before anything else is written.
    pub(super) fn copy(&self) -> io::Result<()> {
        let (whole, _) = self.snapshots()?;
        let (copies, torn) = self.copies()?;
        let Some(newest) = whole.last() else { return Ok(()) };
        for name in &torn {
            fs::remove_file(self.copy_of(name))?;
        }
        if !copies.contains(newest) {
            files::make_folder(&self.spare)?;
            files::write_new(&self.copy_of(newest), &fs::read(self.data.join(newest))?)?;
        }
        for old in copies.iter().filter(|name| *name != newest) {
            fs::remove_file(self.copy_of(old))?;
        }
        Ok(())
    }

    fn set_aside(&self, torn: &[String]) -> io::Result<Vec<PathBuf>> {
        let mut places = Vec::new();
        for name in torn {
            files::make_folder(&self.aside)?;
            let place = free_place(&self.aside, name)?;
            fs::rename(self.data.join(name), &place)?;
            places.push(place);
        }
        if !places.is_empty() {
            files::sync_folder(&self.aside)?;
            files::sync_folder(&self.data)?;
        }
        Ok(places)
    }

    /// The names of whole and of torn snapshots, oldest first. sled takes any name with this prefix.
    fn snapshots(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        whole_and_torn(&self.data, |file| file.starts_with(PREFIX).then(|| file.to_owned()))
    }

    /// The names of the snapshots of which there are whole copies, and of those with torn copies.
    fn copies(&self) -> io::Result<(Vec<String>, Vec<String>)> {
        if !self.spare.try_exists()? {
            return Ok((Vec::new(), Vec::new()));
        }
        whole_and_torn(&self.spare, |file| Some(format!("{PREFIX}{}", file.strip_suffix(COPY)?)))
    }

    fn copy_of(&self, name: &str) -> PathBuf {
        self.spare.join(format!("{}{COPY}", name.trim_start_matches(PREFIX)))
    }
}

/// Chooses what to do from the newest whole snapshot, the torn ones, and the copy, each by the name of the snapshot.
fn plan(whole: Option<&str>, torn: &[String], copy: Option<&str>) -> Plan {
    // A snapshot with its final name was in use: an older one cannot replace it.
    let torn = torn.iter().map(String::as_str).filter(|name| !name.ends_with(UNFINISHED)).max();
    match (whole, copy) {
        // A whole snapshot as new as the copy: sled crashed while it opened, before the copy was replaced.
        (Some(whole), Some(copy)) if whole >= copy => Plan::Open,
        (Some(whole), None) if torn.is_none_or(|torn| torn < whole) => Plan::Open,
        (_, Some(copy)) if torn.is_none_or(|torn| torn <= copy) => Plan::Restore,
        _ => Plan::Refuse,
    }
}

/// The snapshots in a folder, oldest first: whole ones and torn ones. `name` maps a file name to the snapshot's name.
fn whole_and_torn(folder: &Path, name: impl Fn(&str) -> Option<String>) -> io::Result<(Vec<String>, Vec<String>)> {
    let (mut whole, mut torn) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().and_then(&name) else { continue };
        if is_whole(&fs::read(entry.path())?) { whole.push(name) } else { torn.push(name) }
    }
    whole.sort();
    torn.sort();
    Ok((whole, torn))
}

/// Whether sled 0.34 would accept it: content, its length (eight octets), its CRC-32 (four octets, little-endian).
fn is_whole(snapshot: &[u8]) -> bool {
    let Some((content, trailer)) = snapshot.len().checked_sub(TRAILER).and_then(|at| snapshot.split_at_checked(at))
    else {
        return false;
    };
    let Some(checksum) = trailer.last_chunk::<4>() else { return false };
    !content.is_empty() && crc32fast::hash(content) == u32::from_le_bytes(*checksum)
}

/// Returns a free path: a snapshot may be torn again under the name of an earlier one.
fn free_place(aside: &Path, name: &str) -> io::Result<PathBuf> {
    for number in 1_u64.. {
        let place = aside.join(format!("{name}.{number}"));
        if !place.try_exists()? {
            return Ok(place);
        }
    }
    Err(io::ErrorKind::StorageFull.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_snapshot_that_is_known_to_be_good_is_opened_from() {
        let torn = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        // (newest whole one, torn ones, copy) -> what to do
        let cases = [
            (Some("snap.5"), torn(&[]), Some("snap.5"), Plan::Open),
            (Some("snap.5"), torn(&["snap.6.generating"]), Some("snap.5"), Plan::Open),
            (Some("snap.6"), torn(&[]), Some("snap.5"), Plan::Open),
            (Some("snap.5"), torn(&[]), None, Plan::Open),
            (Some("snap.5"), torn(&["snap.6.generating"]), None, Plan::Open),
            (None, torn(&["snap.5"]), Some("snap.5"), Plan::Restore),
            (None, torn(&[]), Some("snap.5"), Plan::Restore),
            (Some("snap.4"), torn(&["snap.5"]), Some("snap.5"), Plan::Restore),
            (None, torn(&["snap.5"]), None, Plan::Refuse),
            (None, torn(&[]), None, Plan::Refuse),
            (None, torn(&["snap.6"]), Some("snap.5"), Plan::Refuse),
            (Some("snap.4"), torn(&["snap.5"]), None, Plan::Refuse),
        ];
        for (whole, torn, copy, expected) in cases {
            assert_eq!(plan(whole, &torn, copy), expected, "{whole:?} {torn:?} {copy:?}");
        }
    }
}
