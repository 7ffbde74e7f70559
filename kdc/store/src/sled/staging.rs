//! The folders of a store's files, and how whole files take the place of others.
//!
//! ```text
//! PATH/data            the files of the store
//! PATH/data.loading    files that are being made; of no meaning
//! PATH/data.loaded     whole files that are the store from now on, whatever `data` is
//! PATH/data.replaced   the files before; of no meaning
//! ```
//! One rename decides, that of `data.loading` to `data.loaded`: a process that is killed before leaves the old files, one that is killed
//! after leaves the new ones, and the next opening ends what is left to do.

use crate::error::StoreError;
use crate::files;
use crate::sled::failure::medium;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder of the files, which is there whole or not at all.
pub(super) fn data(store: &Path) -> PathBuf {
    store.join("data")
}

/// The folder of files that are being made.
pub(super) fn loading(store: &Path) -> PathBuf {
    store.join("data.loading")
}

fn loaded(store: &Path) -> PathBuf {
    store.join("data.loaded")
}

/// The folder of sled's snapshots that are copied, which belong to the files in `data`.
pub(super) fn spare(store: &Path) -> PathBuf {
    store.join("spare")
}

/// The folder that has the files now: [`data`], but for the moment after a process was killed.
pub(super) fn current(store: &Path) -> PathBuf {
    let loaded = loaded(store);
    if loaded.is_dir() { loaded } else { data(store) }
}

/// Whether there is a store.
pub(super) fn exists(store: &Path) -> io::Result<bool> {
    Ok(loaded(store).try_exists()? || data(store).try_exists()?)
}

/// Makes what is in `data.loading`, whole and flushed, the files of the store.
pub(super) fn decide(store: &Path) -> Result<(), StoreError> {
    let decided = fs::rename(loading(store), loaded(store)).and_then(|()| files::sync_folder(store));
    decided.map_err(|error| medium(store, &error))
}

/// Ends what a [`decide`] began, and removes what is of no meaning. Nobody may have the files open.
pub(super) fn complete(store: &Path) -> Result<(), StoreError> {
    let unfinished = loading(store).is_dir();
    let decided = loaded(store).is_dir();
    end(store).map_err(|error| medium(store, &error))?;
    if decided {
        tracing::warn!(path = %store.display(), "records were being replaced when the process ended: all are the new ones");
    } else if unfinished {
        tracing::warn!(path = %store.display(), "records were being replaced when the process ended: all are the old ones");
    }
    Ok(())
}

/// Puts the decided files into the place of those before.
pub(super) fn end(store: &Path) -> io::Result<()> {
    let replaced = store.join("data.replaced");
    remove_folder(&loading(store))?;
    if loaded(store).is_dir() {
        if data(store).is_dir() {
            remove_folder(&replaced)?;
            fs::rename(data(store), &replaced)?;
        }
        // A copy of the other files' snapshot must not be taken for one of these.
        remove_folder(&spare(store))?;
        files::sync_folder(store)?;
        fs::rename(loaded(store), data(store))?;
        files::sync_folder(store)?;
    }
    remove_folder(&replaced)
}

/// Removes a folder that a crash may have left; a missing folder is no error.
pub(super) fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
