//! The store on one machine's disk, in sled 0.34.
//!
//! | module | what |
//! |---|---|
//! | [`open`] | the folder of a store, and how it is made and opened |
//! | [`header`] | format and master keys, checked before anything is changed |
//! | `counters` | revision and fingerprint of all records, sealed |
//! | `snapshot` | torn snapshots of sled, set aside |
//! | `aliases` | which aliases a principal has |
//! | `table` | what sled holds, and what readers see of it |
//! | `writer` | the one thread that writes; one flush for all that wait |
//! | [`replace`] | all records replaced at once |
//! | `staging` | the folders of the files, and how whole files take the place of others |
//! | [`rewrap`] | every record under the next master key, while the store serves |
//!
//! When the medium fails (disk full, IO error), the store refuses everything until it is opened again; then it shows what
//! is durable. The entry cache in front of the store keeps answering for the entries that it holds.

pub mod header;
pub mod open;
pub mod replace;
pub mod rewrap;

mod aliases;
mod counters;
mod failure;
mod snapshot;
mod staging;
mod table;
mod writer;

#[cfg(test)]
mod tests;

pub use header::MasterKeyIds;
pub use open::{HighWater, OpenMode, Rollback};

use crate::error::StoreError;
use crate::feed::{Feed, RETAINED};
use crate::key::key_of;
use crate::master_keys::MasterKeys;
use crate::principal_store::{Expect, Listing, PrincipalStore, Revision, VersionedRecord, Watch};
use crate::record;
use crate::sled::failure::medium;
use crate::sled::open::OpenStore;
use crate::sled::table::Table;
use crate::sled::writer::{LARGEST_COMMIT, Request, Write, WriteRequest};
use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot, watch};

/// Principals on one machine's disk. Dropping it ends its thread and closes the files, which takes a moment.
pub struct SledStore {
    table: Arc<Table>,
    feed: Arc<Feed>,
    /// `None` only while the store is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    set_aside: Vec<PathBuf>,
    accepted_rollback: Option<Revision>,
}

impl SledStore {
    /// Whether there is a store in the folder `path`.
    ///
    /// # Errors
    /// [`StoreError::Medium`] where the folder cannot be read.
    pub fn exists(path: &Path) -> Result<bool, StoreError> {
        open::exists(path)
    }

    /// The ids of the master keys of the store in the folder `path`; `None` where there is no store. Opens nothing.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::NewerFormat`] and [`StoreError::OlderFormat`] of its header; [`StoreError::Medium`].
    pub fn master_key_ids_in(path: &Path) -> Result<Option<MasterKeyIds>, StoreError> {
        open::master_key_ids(path)
    }

    /// Checks that the given master keys are those of the store in the folder `path`, where there is one: what else is under the
    /// master key says only that it is not. Opens nothing.
    ///
    /// # Errors
    /// [`StoreError::WrongMasterKey`], [`StoreError::MissingMasterKey`], and those of [`SledStore::master_key_ids_in`].
    pub fn check_keys(path: &Path, given: &MasterKeys) -> Result<(), StoreError> {
        open::check_keys(path, given)
    }

    /// Opens the store in the folder `path`, or creates one there if `mode` allows that. Of the given master keys it takes those that
    /// it is under, and a new one takes the current. Blocks while sled reads its log.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NewerFormat`], [`StoreError::OlderFormat`], [`StoreError::WrongMasterKey`],
    /// [`StoreError::MissingMasterKey`] and [`StoreError::Locked`] before anything is changed; [`StoreError::Damaged`] where records are missing or exchanged, or sled
    /// refuses its log; [`StoreError::Medium`].
    pub fn open(path: &Path, given: impl Into<MasterKeys>, mode: OpenMode) -> Result<SledStore, StoreError> {
        SledStore::open_known(path, given, mode, HighWater::UNKNOWN)
    }

    /// As [`SledStore::open`], for a store of which something is known from elsewhere. An accepted rollback makes the store go on far
    /// above the mark, so that no revision comes again and the history that was left behind is refused from then on.
    ///
    /// # Errors
    /// Also [`StoreError::RolledBack`] where the store, or the new one in its place, is below the mark.
    pub fn open_known(
        path: &Path,
        given: impl Into<MasterKeys>,
        mode: OpenMode,
        known: HighWater,
    ) -> Result<SledStore, StoreError> {
        let OpenStore { db, lock, set_aside, keys, ids } = open::open(path, &given.into(), mode, known)?;
        let table = Arc::new(Table::new(db, lock, keys, ids, path.to_owned())?);
        let found = table.revision();
        let accepted_rollback = (found < known.mark).then_some(found);
        if accepted_rollback.is_some() {
            table.advance(known.mark.beyond_lost_history())?;
        }
        let feed = Arc::new(Feed::new(table.revision(), RETAINED));
        let (sender, requests) = mpsc::channel(LARGEST_COMMIT);
        let writer = thread::Builder::new().name("store-writer".to_owned()).spawn({
            let (table, feed) = (table.clone(), feed.clone());
            move || writer::run(&table, &feed, requests)
        });
        let writer = Some(writer.map_err(|error| medium(path, &error))?);
        Ok(SledStore { table, feed, requests: Some(sender), writer, set_aside, accepted_rollback })
    }

    /// Paths of the torn snapshots that were set aside at opening. No record is lost with them.
    #[must_use]
    pub fn set_aside(&self) -> &[PathBuf] {
        &self.set_aside
    }

    /// The revision of the store that was opened, where it was below the mark and the caller accepted that.
    #[must_use]
    pub fn accepted_rollback(&self) -> Option<Revision> {
        self.accepted_rollback
    }

    /// The revision of the store, as it grows. Each value is durable before it shows.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.feed.revisions()
    }

    async fn send(&self, request: Request) -> Result<(), StoreError> {
        let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
        requests.send(request).await.map_err(|_| StoreError::Closed)
    }

    async fn write(&self, key: Vec<u8>, write: Write) -> Result<Revision, StoreError> {
        let (reply, outcome) = oneshot::channel();
        self.send(Request::Write(WriteRequest { key, write, reply })).await?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// Has the writer do what no commit may run beside.
    async fn alone<E: From<StoreError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Table, &Feed) -> Result<(), E> + Send + 'static,
    ) -> Result<(), E> {
        let (reply, outcome) = oneshot::channel();
        let work = move |table: &Table, feed: &Feed| {
            // The caller may have stopped waiting.
            let _ = reply.send(work(table, feed));
        };
        self.send(Request::Alone(Box::new(work))).await?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }
}

#[async_trait]
impl PrincipalStore for SledStore {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        let Ok(key) = key_of(name) else { return Ok(None) };
        self.table.read(&key)
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        let key = key_of(record.name())?;
        let plaintext = record::encode(&key, record)?;
        self.write(key, Write::Put { expect, record: record.clone(), plaintext }).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.write(key_of(name)?, Write::Delete { expect, name: name.clone() }).await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let table = self.table.clone();
        tokio::task::spawn_blocking(move || table.list()).await.map_err(|_| StoreError::Closed)?
    }

    async fn aliases(&self, target: &Principal) -> Result<Vec<Principal>, StoreError> {
        if let Some(found) = self.table.indexed_aliases(target)? {
            return Ok(found);
        }
        let (table, target) = (self.table.clone(), target.clone());
        tokio::task::spawn_blocking(move || table.listed_aliases(&target)).await.map_err(|_| StoreError::Closed)?
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn Watch>, StoreError> {
        Ok(Box::new(self.feed.watch(since)))
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        // Without a sender the writer finishes the waiting requests and ends.
        self.requests = None;
        if let Some(Err(_)) = self.writer.take().map(JoinHandle::join) {
            tracing::error!("the thread that writes the store had panicked");
        }
    }
}
