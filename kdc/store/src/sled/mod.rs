//! The store on one machine's disk, in sled 0.34.
//!
//! | module | what |
//! |---|---|
//! | [`open`] | the folder of a store, and how it is made and opened |
//! | `header` | format and master key, checked before anything is changed |
//! | `snapshot` | torn snapshots of sled, set aside |
//! | `table` | what sled holds, and what readers see of it |
//! | `writer` | the one thread that writes; one flush for all that wait |
//!
//! When the medium fails (disk full, IO error), the store refuses everything until it is opened again; then it shows what
//! is durable. The entry cache in front of the store keeps answering for the entries that it holds.

pub mod open;

mod failure;
mod header;
mod snapshot;
mod table;
mod writer;

#[cfg(test)]
mod tests;

pub use open::OpenMode;

use crate::error::StoreError;
use crate::feed::{Feed, RETAINED};
use crate::key::key_of;
use crate::principal_store::{Expect, Listing, PrincipalStore, Revision, VersionedRecord, Watch};
use crate::record;
use crate::sled::failure::medium;
use crate::sled::open::OpenStore;
use crate::sled::table::Table;
use crate::sled::writer::{LARGEST_COMMIT, Request, Write};
use async_trait::async_trait;
use kennel_core::principal::Record;
use kennel_crypto::MasterKey;
use kennel_wire::message::Principal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Principals on one machine's disk. Dropping it ends its thread and closes the files, which takes a moment.
pub struct SledStore {
    table: Arc<Table>,
    feed: Arc<Feed>,
    /// `None` only while the store is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    set_aside: Vec<PathBuf>,
}

impl SledStore {
    /// Whether there is a store in the folder `path`.
    ///
    /// # Errors
    /// [`StoreError::Medium`] where the folder cannot be read.
    pub fn exists(path: &Path) -> Result<bool, StoreError> {
        open::exists(path)
    }

    /// Opens the store in the folder `path`, or creates one there if `mode` allows that. Blocks while sled reads its log.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::NewerFormat`], [`StoreError::WrongMasterKey`] and [`StoreError::Locked`]
    /// before anything is changed; [`StoreError::Damaged`] where records are missing or sled refuses its log;
    /// [`StoreError::Medium`].
    pub fn open(path: &Path, master: Arc<MasterKey>, mode: OpenMode) -> Result<SledStore, StoreError> {
        let OpenStore { db, lock, set_aside } = open::open(path, master.id(), mode)?;
        let table = Arc::new(Table::new(db, lock, master, path.to_owned())?);
        let feed = Arc::new(Feed::new(table.revision(), RETAINED));
        let (sender, requests) = mpsc::channel(LARGEST_COMMIT);
        let writer = thread::Builder::new().name("store-writer".to_owned()).spawn({
            let (table, feed) = (table.clone(), feed.clone());
            move || writer::run(&table, &feed, requests)
        });
        let writer = Some(writer.map_err(|error| medium(path, &error))?);
        Ok(SledStore { table, feed, requests: Some(sender), writer, set_aside })
    }

    /// Paths of the torn snapshots that were set aside at opening. No record is lost with them.
    #[must_use]
    pub fn set_aside(&self) -> &[PathBuf] {
        &self.set_aside
    }

    async fn write(&self, key: Vec<u8>, expect: Expect, write: Write) -> Result<Revision, StoreError> {
        let (reply, outcome) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
        let request = Request { key, expect, write, reply };
        requests.send(request).await.map_err(|_| StoreError::Closed)?;
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
        let sealed = record::seal(self.table.master(), record)?;
        self.write(key, expect, Write::Put { record: record.clone(), sealed }).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.write(key_of(name)?, Expect::Revision(expect), Write::Delete(name.clone())).await
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let table = self.table.clone();
        tokio::task::spawn_blocking(move || table.list()).await.map_err(|_| StoreError::Closed)?
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
