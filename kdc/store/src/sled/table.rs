//! What sled holds, and what readers may see of it.
//!
//! One tree: `r` and the key of a name -> revision (eight octets), sealed record; `c` -> the sealed counters. Every commit
//! writes its records and the counters in one atomic batch.
//!
//! Readers see only what is durable. While a batch is in flight, [`View::in_flight`] holds the values that the batch
//! replaces, and readers receive those; the flush of the batch removes them. If the flush fails, the store refuses
//! everything until it is opened again (sled itself refuses to read then), and shows what is durable.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::master_keys::MasterKeys;
use crate::principal_store::{Change, Listing, Revision, VersionedRecord};
use crate::sled::aliases::AliasIndex;
use crate::sled::counters::{self, Counters};
use crate::sled::failure::{from_sled, words};
use crate::sled::header::{self, MasterKeyIds};
use crate::{key, record};
use ::sled::{Batch, IVec};
use kennel_crypto::MasterKey;
use kennel_wire::message::Principal;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const RECORD: u8 = b'r';
const COUNTERS: &[u8] = b"c";

/// The records of an open store.
pub(super) struct Table {
    /// Taken after the lock of the view, where both are.
    db: RwLock<::sled::Db>,
    path: PathBuf,
    view: RwLock<View>,
    /// Dropped last: sled releases its files before another process may open them.
    _lock: File,
}

struct View {
    counters: Counters,
    /// Every value that a reader finds under this lock is under one of these.
    keys: Arc<MasterKeys>,
    ids: MasterKeyIds,
    /// The durable value of each key that a batch in flight writes.
    in_flight: BTreeMap<Vec<u8>, Option<IVec>>,
    /// The aliases, once somebody has asked for them.
    aliases: Option<AliasIndex>,
    /// Why the medium failed.
    failed: Option<String>,
}

/// Writes to become durable together.
#[derive(Default)]
pub(super) struct Commit {
    /// By the key of the name: the new value, or nothing to delete it.
    pub(super) writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// The values that the writes replace.
    pub(super) before: BTreeMap<Vec<u8>, Option<IVec>>,
    /// Changes for the watchers, in order.
    pub(super) changes: Vec<(Revision, Change)>,
}

/// What a listing is made of: all values of one revision, and the keys that they are under.
struct DurableValues {
    values: BTreeMap<Vec<u8>, IVec>,
    keys: Arc<MasterKeys>,
    revision: Revision,
}

impl Table {
    /// Makes the tables of a new store.
    pub(super) fn create(db: &::sled::Db, master: &MasterKey, path: &Path) -> Result<(), StoreError> {
        write_counters(db, Counters::NEW, master, path)
    }

    /// The table of opened files (`lock` keeps other processes out), if every record is there as it was written last.
    pub(super) fn new(
        db: ::sled::Db,
        lock: File,
        keys: MasterKeys,
        ids: MasterKeyIds,
        path: PathBuf,
    ) -> Result<Table, StoreError> {
        let counters = check(&db, &keys, &path)?;
        let view =
            View { counters, keys: Arc::new(keys), ids, in_flight: BTreeMap::new(), aliases: None, failed: None };
        Ok(Table { db: RwLock::new(db), path, view: RwLock::new(view), _lock: lock })
    }

    pub(super) fn master_keys(&self) -> Arc<MasterKeys> {
        self.view().keys.clone()
    }

    pub(super) fn master_key_ids(&self) -> MasterKeyIds {
        self.view().ids.clone()
    }

    /// Changes the master keys: the header first, durably, then what is written from now on. For the writer alone.
    ///
    /// # Errors
    /// [`StoreError::Medium`]; the keys stay as they are then.
    pub(super) fn change_keys(&self, keys: MasterKeys, ids: MasterKeyIds) -> Result<(), StoreError> {
        header::replace(&self.path, &ids)?;
        let mut view = self.view_mut();
        (view.keys, view.ids) = (Arc::new(keys), ids);
        Ok(())
    }

    pub(super) fn revision(&self) -> Revision {
        self.view().counters.revision
    }

    /// Skips all revisions up to `revision`, durably. For an open store that nobody uses yet.
    ///
    /// # Errors
    /// [`StoreError::Medium`].
    pub(super) fn advance(&self, revision: Revision) -> Result<(), StoreError> {
        let mut view = self.view_mut();
        let counters = Counters { revision: view.counters.revision.max(revision), ..view.counters };
        write_counters(&self.db(), counters, view.keys.newest(), &self.path)?;
        view.counters = counters;
        Ok(())
    }

    /// The counters and the master keys, for the next commit.
    ///
    /// # Errors
    /// [`StoreError::Medium`] once the medium failed.
    pub(super) fn begin_commit(&self) -> Result<(Counters, Arc<MasterKeys>), StoreError> {
        let view = self.working_view()?;
        Ok((view.counters, view.keys.clone()))
    }

    /// The record under a key.
    pub(super) fn read(&self, key: &[u8]) -> Result<Option<VersionedRecord>, StoreError> {
        let (value, keys) = {
            let view = self.working_view()?;
            let value = match view.in_flight.get(key) {
                Some(before) => before.clone(),
                // Still under the view's lock, so that no batch is committed between the look into the view and this read.
                None => self.stored(key)?,
            };
            (value, view.keys.clone())
        };
        value.map(|value| decode(&keys, key, &value)).transpose()
    }

    /// What sled holds under a key, durable or not: for the writer alone.
    pub(super) fn stored(&self, key: &[u8]) -> Result<Option<IVec>, StoreError> {
        self.db().get(record_key(key)).map_err(|error| from_sled(&self.path, &error))
    }

    /// All records, at one revision.
    pub(super) fn list(&self) -> Result<Listing, StoreError> {
        let DurableValues { values, keys, revision } = self.durable_values()?;
        let records = values.iter().map(|(key, value)| decode(&keys, key, value)).collect::<Result<_, _>>()?;
        Ok(Listing { records, revision })
    }

    /// What sled holds, durable or not, in the order of the keys: after a key, or all.
    pub(super) fn scan(&self, after: Option<&[u8]>) -> impl Iterator<Item = Result<(Vec<u8>, IVec), StoreError>> {
        let begin = after.map_or_else(|| Bound::Included(vec![RECORD]), |key| Bound::Excluded(record_key(key)));
        self.db().range::<Vec<u8>, _>((begin, Bound::Excluded(vec![RECORD + 1]))).map(|entry| {
            let (key, value) = entry.map_err(|error| from_sled(&self.path, &error))?;
            Ok((key.get(1..).unwrap_or_default().to_vec(), value))
        })
    }

    /// The aliases of a principal, where they are indexed.
    pub(super) fn indexed_aliases(&self, target: &Principal) -> Result<Option<Vec<Principal>>, StoreError> {
        Ok(self.working_view()?.aliases.as_ref().map(|aliases| aliases.of(target)))
    }

    /// The aliases of a principal by a look at all records, which indexes them unless the store was written to meanwhile.
    pub(super) fn listed_aliases(&self, target: &Principal) -> Result<Vec<Principal>, StoreError> {
        let Listing { records, revision } = self.list()?;
        let aliases = AliasIndex::of_records(&records);
        let found = aliases.of(target);
        let mut view = self.view_mut();
        if view.counters.revision == revision {
            view.aliases = Some(aliases);
        }
        Ok(found)
    }

    fn durable_values(&self) -> Result<DurableValues, StoreError> {
        let view = self.working_view()?;
        let mut values: BTreeMap<Vec<u8>, IVec> = self.scan(None).collect::<Result<_, _>>()?;
        for (key, before) in &view.in_flight {
            match before {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        Ok(DurableValues { values, keys: view.keys.clone(), revision: view.counters.revision })
    }

    /// Makes the commit durable, then shows it to readers and watchers, both at once.
    ///
    /// # Errors
    /// [`StoreError::Medium`].
    pub(super) fn commit(&self, commit: Commit, counters: Counters, feed: &Feed) -> Result<(), StoreError> {
        let keys = {
            let mut view = self.view_mut();
            view.in_flight = commit.before;
            view.keys.clone()
        };
        let batch = batch(commit.writes, counters.seal(keys.newest()));
        let db = self.db();
        let flushed = db.apply_batch(batch).and_then(|()| db.flush());
        let mut view = self.view_mut();
        if let Err(error) = flushed {
            let reason = format!("{}; it must be opened again", words(&error));
            tracing::error!(path = %self.path.display(), reason, "the store failed");
            view.failed = Some(reason.clone());
            return Err(StoreError::Medium { path: self.path.clone(), reason });
        }
        view.in_flight.clear();
        view.counters = counters;
        if let Some(aliases) = &mut view.aliases {
            commit.changes.iter().for_each(|(_, change)| aliases.apply(change));
        }
        // Under the lock, so that a watch can continue from every revision that a listing names.
        for (revision, change) in commit.changes {
            feed.publish(revision, change);
        }
        Ok(())
    }

    /// Goes on with other files, which `open` puts into the place of the present ones, and shows them to readers and watchers at once.
    /// For the writer alone.
    ///
    /// # Errors
    /// Those of `open`: the store must be opened again then, and shows all of the old records or all of the new ones.
    pub(super) fn switch(
        &self,
        counters: Counters,
        feed: &Feed,
        open: impl FnOnce() -> Result<::sled::Db, StoreError>,
    ) -> Result<(), StoreError> {
        let mut view = self.view_mut();
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        match open() {
            Ok(opened) => *db = opened,
            Err(error) => {
                view.failed = Some(format!("{error}; it must be opened again"));
                return Err(error);
            }
        }
        (view.counters, view.aliases) = (counters, None);
        feed.restart(counters.revision);
        Ok(())
    }

    /// The path of the store.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn db(&self) -> ::sled::Db {
        self.db.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn working_view(&self) -> Result<RwLockReadGuard<'_, View>, StoreError> {
        let view = self.view();
        match &view.failed {
            Some(reason) => Err(StoreError::Medium { path: self.path.clone(), reason: reason.clone() }),
            None => Ok(view),
        }
    }

    /// The view is whole after each statement that changes it, so a poisoned lock still guards sound data.
    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decode(keys: &MasterKeys, key: &[u8], value: &[u8]) -> Result<VersionedRecord, StoreError> {
    let (revision, sealed) = split_value(value).ok_or_else(|| too_short(key))?;
    Ok(VersionedRecord { record: record::open(keys, key, revision, sealed)?, revision })
}

/// The error of a value that is no revision and record.
pub(super) fn too_short(key: &[u8]) -> StoreError {
    StoreError::Corrupt { name: key::display_key(key), reason: "it is too short" }
}

/// Checks that every record is there as it was written last, and returns the counters.
///
/// # Errors
/// [`StoreError::Damaged`], [`StoreError::Medium`].
pub(super) fn check(db: &::sled::Db, keys: &MasterKeys, path: &Path) -> Result<Counters, StoreError> {
    let sealed = db.get(COUNTERS).map_err(|error| from_sled(path, &error))?;
    let records = db.scan_prefix([RECORD]).map(|entry| {
        let (key, value) = entry.map_err(|error| from_sled(path, &error))?;
        Ok((key.subslice(1, key.len() - 1), value))
    });
    counters::check(keys, path, sealed.as_deref(), records)
}

/// Writes the sealed counters, and flushes.
pub(super) fn write_counters(
    db: &::sled::Db,
    counters: Counters,
    master: &MasterKey,
    path: &Path,
) -> Result<(), StoreError> {
    let written = db.insert(COUNTERS, counters.seal(master)).and_then(|_| db.flush());
    written.map(|_| ()).map_err(|error| from_sled(path, &error))
}

fn batch(writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>, counters: Vec<u8>) -> Batch {
    let mut batch = Batch::default();
    batch.insert(COUNTERS, counters);
    for (key, value) in writes {
        match value {
            Some(value) => batch.insert(record_key(&key), value),
            None => batch.remove(record_key(&key)),
        }
    }
    batch
}

/// The key of sled that a record lies under.
pub(super) fn record_key(key: &[u8]) -> Vec<u8> {
    let mut record_key = Vec::with_capacity(1 + key.len());
    record_key.push(RECORD);
    record_key.extend_from_slice(key);
    record_key
}

/// A value: the revision of the record, then the sealed record.
pub(super) fn value(revision: Revision, sealed: &[u8]) -> Vec<u8> {
    let mut value = revision.0.to_be_bytes().to_vec();
    value.extend_from_slice(sealed);
    value
}

/// The parts of a [`value`].
pub(super) fn split_value(value: &[u8]) -> Option<(Revision, &[u8])> {
    let (revision, sealed) = value.split_first_chunk::<8>()?;
    Some((Revision(u64::from_be_bytes(*revision)), sealed))
}
