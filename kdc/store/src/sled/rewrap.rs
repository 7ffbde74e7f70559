//! Wraps every record anew under the next master key, while the store serves and is written to.
//!
//! 1. [`SledStore::begin_rewrap`]: the header names the next key. From then on every write is under it, and a store opens with both keys
//!    alone.
//! 2. [`SledStore::rewrap_records`]: what is there, in batches at a bounded rate. Each record says which key it is under, so that a
//!    process that was killed goes on with the records that are left.
//! 3. The caller wraps anew what else is under the master key, outside the store.
//! 4. [`SledStore::finish_rewrap`]: nothing is under the old key, and the header names the next key as the key of the store.
//!
//! A re-wrap is no change of a record: name, content and revision stay (the revision is associated data of the new wrapping too), so
//! the store's revision stays as well, and neither caches nor watchers hear of it. What is changed is only how octets lie on the disk.
//! A mark of the revision from before is as good afterwards. A whole copy of the store from before holds the same records; without the
//! old key nobody opens it.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::master_keys::MasterKeys;
use crate::sled::SledStore;
use crate::sled::header::MasterKeyIds;
use crate::sled::table::{Commit, Table, split_value};
use crate::sled::writer::{LARGEST_COMMIT, Write, is_under_newest};
use futures_util::future::try_join_all;
use kennel_crypto::MasterKey;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Records that are wrapped anew together: one flush for all of them, and room in the writer's queue for writes of others.
const BATCH: usize = 64;
const _: () = assert!(BATCH * 2 <= LARGEST_COMMIT);

/// The master keys of an open store, and how many of its records are under which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyState {
    /// The ids of the keys.
    pub ids: MasterKeyIds,
    /// Number of all records.
    pub records: u64,
    /// Number of records that are under the newest key. During a re-wrap, the others are left.
    pub under_newest: u64,
}

impl SledStore {
    /// The master keys of the store: two during a re-wrap.
    #[must_use]
    pub fn master_keys(&self) -> Arc<MasterKeys> {
        self.table.master_keys()
    }

    /// The ids of the master keys of the store.
    #[must_use]
    pub fn master_key_ids(&self) -> MasterKeyIds {
        self.table.master_key_ids()
    }

    /// The master keys, and the number of records under each. Reads every record's head: 50 ms for 100,000 of them.
    ///
    /// # Errors
    /// [`StoreError::Medium`], [`StoreError::Closed`].
    pub async fn master_key_state(&self) -> Result<MasterKeyState, StoreError> {
        let table = self.table.clone();
        tokio::task::spawn_blocking(move || count(&table)).await.map_err(|_| StoreError::Closed)?
    }

    /// Begins to wrap the records anew under `next`: every write is under `next` when this returns. Goes on with a re-wrap under the
    /// same key.
    ///
    /// # Errors
    /// [`StoreError::NotRewrapped`] where the store is under `next` already, or on its way to another key; [`StoreError::Medium`].
    pub async fn begin_rewrap(&self, next: Arc<MasterKey>) -> Result<(), StoreError> {
        self.alone(move |table, _| begin(table, next)).await
    }

    /// Wraps every record anew that is not under the newest key, at most `rate` records a second. Returns when none is left.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a record that cannot be read: it stays as it is, and the re-wrap stops; failures of the medium.
    pub async fn rewrap_records(&self, rate: NonZeroU32) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let begun = Instant::now();
            let (table, from) = (self.table.clone(), after.take());
            let found = tokio::task::spawn_blocking(move || find_old(&table, from.as_deref()));
            let found = found.await.map_err(|_| StoreError::Closed)??;
            let Some(last) = found.last().cloned() else { return Ok(()) };
            let many = u32::try_from(found.len()).unwrap_or(u32::MAX);
            try_join_all(found.into_iter().map(|key| self.write(key, Write::Rewrap))).await?;
            after = Some(last);
            tokio::time::sleep_until(begun + Duration::from_secs(1) * many / rate.get()).await;
        }
    }

    /// Ends the re-wrap: the next key is the key of the store. Everything else that the old key wrapped must be under the next one.
    ///
    /// # Errors
    /// [`StoreError::NotRewrapped`] where records are left under the old key; [`StoreError::Medium`].
    pub async fn finish_rewrap(&self) -> Result<(), StoreError> {
        self.alone(finish).await
    }
}

fn begin(table: &Table, next: Arc<MasterKey>) -> Result<(), StoreError> {
    let (keys, mut ids) = (table.master_keys(), table.master_key_ids());
    let refused = |reason: String| Err(StoreError::NotRewrapped { next: next.id().to_owned(), reason });
    match &ids.next {
        Some(under_way) if under_way == next.id() => return Ok(()),
        Some(other) => return refused(format!("a re-wrap under {other} is under way: let it end first")),
        None if ids.current == next.id() => return refused("the store is under that key already".to_owned()),
        None => {}
    }
    ids.next = Some(next.id().to_owned());
    table.change_keys(MasterKeys::new(keys.current().clone(), Some(next)), ids)
}

fn finish(table: &Table, feed: &Feed) -> Result<(), StoreError> {
    let (counters, keys) = table.begin_commit()?;
    let Some(next) = keys.next() else { return Ok(()) };
    let MasterKeyState { ids, records, under_newest } = count(table)?;
    if under_newest < records {
        let reason = format!("{} of {records} records are still under {}", records - under_newest, ids.current);
        return Err(StoreError::NotRewrapped { next: next.id().to_owned(), reason });
    }
    // The counters, in case that nothing was written since the beginning.
    table.commit(Commit::default(), counters, feed)?;
    let ids = MasterKeyIds { current: next.id().to_owned(), next: None, previous: Some(ids.current) };
    table.change_keys(next.clone().into(), ids)
}

fn count(table: &Table) -> Result<MasterKeyState, StoreError> {
    let (keys, ids) = (table.master_keys(), table.master_key_ids());
    let mut state = MasterKeyState { ids, records: 0, under_newest: 0 };
    for entry in table.scan(None) {
        let (_, value) = entry?;
        state.records += 1;
        state.under_newest += u64::from(split_value(&value).is_some_and(|(_, sealed)| is_under_newest(&keys, sealed)));
    }
    Ok(state)
}

/// The keys of some names whose records are not under the newest master key, in order, after a key.
fn find_old(table: &Table, after: Option<&[u8]>) -> Result<Vec<Vec<u8>>, StoreError> {
    let keys = table.master_keys();
    let is_old = |value: &[u8]| split_value(value).is_some_and(|(_, sealed)| !is_under_newest(&keys, sealed));
    let old = table.scan(after).filter(|entry| entry.as_ref().map_or(true, |(_, value)| is_old(value)));
    old.take(BATCH).map(|entry| entry.map(|(key, _)| key)).collect()
}
