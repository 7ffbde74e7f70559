//! The folder of a store, and how it is made and opened.
//!
//! ```text
//! PATH/lock           locked while the store is open
//! PATH/data/header    format and master keys
//! PATH/data/...       sled's own files
//! PATH/spare/         a copy of sled's snapshot
//! PATH/set-aside/     torn snapshots
//! ```
//! sled repairs a log that it takes for torn by wiping the log. So each opening is tried on a copy first, in
//! `PATH/data.trial`: a store that would lose records there is refused, and stays as it is.
//!
//! Files may also be put into the place of others, whole: see [`staging`].
//!
//! A new store is made whole in `PATH/data.unfinished` and then renamed: a folder `data` is always a whole store.

use crate::error::StoreError;
use crate::files;
use crate::master_keys::MasterKeys;
use crate::principal_store::Revision;
use crate::sled::failure::{from_sled, medium};
use crate::sled::header::{self, Header, MasterKeyIds};
use crate::sled::snapshot::Snapshots;
use crate::sled::staging::{self, data, remove_folder};
use crate::sled::table::{Table, check};
use kennel_crypto::MasterKey;
use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Octets of pages that sled keeps in memory. The entry cache in front answers nearly all reads.
const PAGE_CACHE: u64 = 64 << 20;
/// Longest wait for sled's threads to release a store that was just closed.
const HANDOVER: Duration = Duration::from_secs(20);

/// What to do where there is no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Refuse.
    Existing,
    /// Make a new, empty one.
    CreateIfMissing,
}

/// What to do with a store that was at a higher revision already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollback {
    /// Refuse.
    #[default]
    Refuse,
    /// Open, and go on above every revision that was.
    Accept,
}

/// What is known of a store's history from outside its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HighWater {
    /// A revision that the store has reached.
    pub mark: Revision,
    /// What to do with a store below the mark.
    pub rollback: Rollback,
}

impl HighWater {
    /// Nothing is known: every store is as good.
    pub const UNKNOWN: HighWater = HighWater { mark: Revision(0), rollback: Rollback::Refuse };

    fn check(self, path: &Path, found: Revision) -> Result<(), StoreError> {
        if found >= self.mark || self.rollback == Rollback::Accept {
            return Ok(());
        }
        Err(StoreError::RolledBack { path: path.to_owned(), found: found.0, mark: self.mark.0 })
    }
}

/// The files of an open store.
pub(super) struct OpenStore {
    pub(super) db: ::sled::Db,
    /// Keeps other processes out while it lives.
    pub(super) lock: File,
    /// Torn snapshots that were set aside.
    pub(super) set_aside: Vec<PathBuf>,
    /// The master keys of the store, out of the given ones.
    pub(super) keys: MasterKeys,
    pub(super) ids: MasterKeyIds,
}

/// Whether there is a store in `path`.
pub(super) fn exists(path: &Path) -> Result<bool, StoreError> {
    staging::exists(path).map_err(|error| medium(path, &error))
}

/// The ids of the master keys of the store in `path`; `None` where there is no store. Opens nothing.
pub(super) fn master_key_ids(path: &Path) -> Result<Option<MasterKeyIds>, StoreError> {
    if exists(path)? { Header::read(path).map(|header| Some(header.ids)) } else { Ok(None) }
}

/// Checks that the given master keys are those of the store in `path`, where there is one. Opens nothing.
pub(super) fn check_keys(path: &Path, given: &MasterKeys) -> Result<(), StoreError> {
    if exists(path)? { Header::read(path)?.keys(path, given).map(|_| ()) } else { Ok(()) }
}

/// Opens the store in `path`. Everything that can be refused is refused before anything is changed.
pub(super) fn open(path: &Path, given: &MasterKeys, mode: OpenMode, known: HighWater) -> Result<OpenStore, StoreError> {
    let is_there = exists(path)?;
    if is_there {
        Header::read(path)?.keys(path, given)?;
    } else if mode == OpenMode::Existing {
        return Err(StoreError::Missing { path: path.to_owned() });
    } else {
        // A new store in place of the one that was is a rollback to its beginning.
        known.check(path, Revision(0))?;
    }
    files::make_folder(path).map_err(|error| medium(path, &error))?;
    let lock = lock(path)?;
    staging::complete(path)?;
    // Another process may have made the store, or wrapped it anew, before the lock was ours.
    if !exists(path)? {
        create(path, given.current())?;
    }
    let header = Header::read(path)?;
    let keys = header.keys(path, given)?;
    let still = hold_still(path)?;
    let snapshots = snapshots(path);
    let set_aside = snapshots.repair(path)?;
    for place in &set_aside {
        tracing::warn!(path = %place.display(), "a torn snapshot of the store was set aside; no record is lost with it");
    }
    known.check(path, try_on_copy(path, &keys)?)?;
    drop(still);
    if header.is_old() {
        // Before the first record that names its master key, which an older Kennel does not read.
        header::replace(path, &header.ids)?;
    }
    let db = open_sled(path, &data(path))?;
    snapshots.copy().map_err(|error| medium(path, &error))?;
    Ok(OpenStore { db, lock, set_aside, keys, ids: header.ids })
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::options().create(true).truncate(false).write(true).open(path.join("lock"));
    let file = file.map_err(|error| medium(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(medium(path, &error)),
    }
}

/// Waits until sled's threads have released a store that this process has just closed, and keeps sled out while the guard
/// lives, because the files must not change while they are checked and copied. Returns `None` where sled's file is missing;
/// the trial reports that.
pub(super) fn hold_still(path: &Path) -> Result<Option<File>, StoreError> {
    let file = match File::open(data(path).join("db")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| medium(path, &error))?,
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(medium(path, &error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > HANDOVER => {
                return Err(StoreError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// The snapshots of the files of a store.
pub(super) fn snapshots(path: &Path) -> Snapshots {
    Snapshots { data: data(path), spare: staging::spare(path), aside: path.join("set-aside") }
}

fn create(path: &Path, master: &MasterKey) -> Result<(), StoreError> {
    let unfinished = path.join("data.unfinished");
    let made = remove_folder(&unfinished).and_then(|()| files::make_folder(&unfinished));
    made.map_err(|error| medium(path, &error))?;
    Table::create(&open_sled(path, &unfinished)?, master, path)?;
    // The second opening writes the first snapshot: a whole store always has one.
    drop(open_sled(path, &unfinished)?);
    header::write(&unfinished, &MasterKeyIds::of_new_store(master.id())).map_err(|error| medium(path, &error))?;
    fs::rename(&unfinished, data(path)).map_err(|error| medium(path, &error))?;
    files::sync_folder(path)
        .and_then(|()| files::sync_folder(files::parent(path)))
        .map_err(|error| medium(path, &error))
}

/// Opens a copy, checks that every record is there, and returns the revision.
fn try_on_copy(path: &Path, keys: &MasterKeys) -> Result<Revision, StoreError> {
    let trial = path.join("data.trial");
    let copied = remove_folder(&trial).and_then(|()| copy_folder(&data(path), &trial));
    let tried = match copied {
        Ok(()) => open_sled(path, &trial).and_then(|db| check(&db, keys, path)),
        Err(error) => Err(medium(path, &error)),
    };
    let removed = remove_folder(&trial).map_err(|error| medium(path, &error));
    let counters = tried?;
    removed.map(|()| counters.revision)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    files::make_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() { copy_folder(&from, &to)? } else { fs::copy(&from, &to).map(|_| ())? }
    }
    Ok(())
}

/// Opens the files of sled in the folder `data` of the store `path`.
pub(super) fn open_sled(path: &Path, data: &Path) -> Result<::sled::Db, StoreError> {
    let config = ::sled::Config::new().path(data).cache_capacity(PAGE_CACHE).flush_every_ms(None);
    let begun = Instant::now();
    loop {
        // sled panics over some damage that it meets while it reads its log.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened {
            Ok(Ok(db)) => return Ok(db),
            Ok(Err(error)) if is_locked(&error) => {
                if begun.elapsed() > HANDOVER {
                    return Err(StoreError::Locked { path: path.to_owned() });
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Ok(Err(error)) => return Err(from_sled(path, &error)),
            Err(_) => {
                let reason = "its log cannot be read".to_owned();
                return Err(StoreError::Damaged { path: path.to_owned(), reason });
            }
        }
    }
}

fn is_locked(error: &::sled::Error) -> bool {
    matches!(error, ::sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}
