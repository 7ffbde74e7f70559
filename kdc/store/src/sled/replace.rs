//! Replaces all records at once: by a dump that is loaded, or a realm that is imported. Whoever opens the store after a crash finds all
//! of the old records or all of the new ones.
//!
//! The new files are made whole beside those of the store, while the store serves; then one rename decides ([`staging`]). Writes wait
//! meanwhile, reads wait for the last moment of it. Watchers list again.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::files;
use crate::key::key_of;
use crate::principal_store::Revision;
use crate::record;
use crate::sled::SledStore;
use crate::sled::counters::{Counters, Fingerprint};
use crate::sled::failure::{from_sled, medium};
use crate::sled::header;
use crate::sled::open::{open_sled, snapshots};
use crate::sled::staging;
use crate::sled::table::{Table, check, record_key, value, write_counters};
use kennel_core::principal::Record;
use std::path::Path;

/// Records between two reports of the progress.
const REPORT: usize = 1000;

/// Called with the number of records that are written.
pub type Progress = Box<dyn FnMut(usize) + Send>;

impl SledStore {
    /// Puts these records in the place of all that the store holds, each at a revision of its own, above `above` and above every
    /// revision of the store. Returns the store's.
    ///
    /// # Errors
    /// [`StoreError::Name`], and [`StoreError::Corrupt`] for a name that occurs twice; failures of the medium. The old records stay,
    /// but after a failure of the medium, which the next opening decides.
    pub async fn replace_all(
        &self,
        records: Vec<Record>,
        above: Revision,
        progress: Progress,
    ) -> Result<Revision, StoreError> {
        self.alone(move |table, feed| replace(table, feed, &records, above, progress)).await?;
        Ok(self.table.revision())
    }

    /// As [`SledStore::replace_all`], with the records that `merge` makes of those that the store holds. No write comes in between.
    ///
    /// # Errors
    /// That of `merge`, after which nothing is changed, and those of [`SledStore::replace_all`].
    pub async fn replace_merged<E: From<StoreError> + Send + 'static>(
        &self,
        merge: impl FnOnce(Vec<Record>) -> Result<Vec<Record>, E> + Send + 'static,
        progress: Progress,
    ) -> Result<Revision, E> {
        self.alone(move |table, feed| {
            let present = table.list()?.records.into_iter().map(|versioned| versioned.record).collect();
            Ok::<(), E>(replace(table, feed, &merge(present)?, Revision(0), progress)?)
        })
        .await?;
        Ok(self.table.revision())
    }
}

fn replace(
    table: &Table,
    feed: &Feed,
    records: &[Record],
    above: Revision,
    progress: Progress,
) -> Result<(), StoreError> {
    let path = table.path();
    let made = make(table, records, above, progress).and_then(|counters| {
        staging::decide(path)?;
        Ok(counters)
    });
    match made {
        Ok(counters) => table.switch(counters, feed, || open_decided(path)),
        Err(error) => {
            // The reason of the failure is the one to report; the next opening removes what is left.
            let _ = staging::remove_folder(&staging::loading(path));
            Err(error)
        }
    }
}

/// Puts the new files into the place of the old ones, and opens them.
fn open_decided(path: &Path) -> Result<::sled::Db, StoreError> {
    staging::end(path).map_err(|error| medium(path, &error))?;
    let db = open_sled(path, &staging::data(path))?;
    snapshots(path).copy().map_err(|error| medium(path, &error))?;
    Ok(db)
}

/// Makes the files of a store with these records, whole and flushed.
fn make(table: &Table, records: &[Record], above: Revision, progress: Progress) -> Result<Counters, StoreError> {
    let (path, (before, keys)) = (table.path(), table.begin_commit()?);
    let folder = staging::loading(path);
    let made = staging::remove_folder(&folder).and_then(|()| files::make_folder(&folder));
    made.map_err(|error| medium(path, &error))?;
    let mut counters = Counters { revision: before.revision.max(above), fingerprint: Fingerprint::default() };
    let db = open_sled(path, &folder)?;
    let mut progress = progress;
    for (number, record) in records.iter().enumerate() {
        counters.revision = counters.revision.next();
        let key = key_of(record.name())?;
        let plaintext = record::encode(&key, record)?;
        let value = value(counters.revision, &record::seal(keys.newest(), &key, counters.revision, &plaintext));
        let fingerprint = Fingerprint::of_record(&keys, &key, &value);
        counters.fingerprint = counters.fingerprint.plus(fingerprint.unwrap_or_default());
        let occupied = db.insert(record_key(&key), value).map_err(|error| from_sled(path, &error))?;
        if occupied.is_some() {
            let name = record.name().to_string();
            return Err(StoreError::Corrupt { name, reason: "the name occurs twice" });
        }
        if (number + 1) % REPORT == 0 {
            progress(number + 1);
        }
    }
    write_counters(&db, counters, keys.newest(), path)?;
    drop(db);
    finish(path, &folder, table)?;
    // As an opening would: nothing that does not read well takes the place of what does.
    let found = check(&open_sled(path, &folder)?, &keys, path)?;
    progress(records.len());
    if found == counters { Ok(found) } else { Err(damaged(path)) }
}

/// Opens the files once more, which writes the first snapshot, and writes their header.
fn finish(path: &Path, folder: &Path, table: &Table) -> Result<(), StoreError> {
    drop(open_sled(path, folder)?);
    header::write(folder, &table.master_key_ids()).map_err(|error| medium(path, &error))?;
    files::sync_folder(folder).map_err(|error| medium(path, &error))
}

fn damaged(path: &Path) -> StoreError {
    let reason = "records that were just written are not there".to_owned();
    StoreError::Damaged { path: path.to_owned(), reason }
}
