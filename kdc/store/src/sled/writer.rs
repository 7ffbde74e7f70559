//! The one thread that writes. Requests that wait together are made durable together: one flush for all of them.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::master_keys::MasterKeys;
use crate::principal_store::{Change, Expect, Revision, VersionedRecord};
use crate::record;
use crate::sled::counters::{Counters, Fingerprint};
use crate::sled::table::{Commit, Table, split_value, too_short, value};
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// Requests that share a flush, at most. As many again may wait.
pub(super) const LARGEST_COMMIT: usize = 256;

/// Work that no commit may run beside, such as a change of the master keys.
pub(super) type LoneWork = Box<dyn FnOnce(&Table, &Feed) + Send>;

/// What the writer does, one after the other.
pub(super) enum Request {
    Write(WriteRequest),
    Alone(LoneWork),
}

/// A write that waits for its turn.
pub(super) struct WriteRequest {
    /// Key of the record's name.
    pub(super) key: Vec<u8>,
    pub(super) write: Write,
    pub(super) reply: oneshot::Sender<Result<Revision, StoreError>>,
}

/// What to write.
pub(super) enum Write {
    /// The record and its encoding, which is sealed when the record gets its revision.
    Put {
        expect: Expect,
        record: Record,
        plaintext: Zeroizing<Vec<u8>>,
    },
    Delete {
        expect: Revision,
        name: Principal,
    },
    /// What is there, under the newest master key, at its own revision. Nobody is to notice: a record that is not there, or is under
    /// that key already, stays as it is.
    Rewrap,
}

type Reply = (oneshot::Sender<Result<Revision, StoreError>>, Result<Revision, StoreError>);

/// Handles requests until no sender is left.
pub(super) fn run(table: &Table, feed: &Arc<Feed>, mut requests: mpsc::Receiver<Request>) {
    let mut waiting = Vec::with_capacity(LARGEST_COMMIT);
    let mut writes = Vec::with_capacity(LARGEST_COMMIT);
    while requests.blocking_recv_many(&mut waiting, LARGEST_COMMIT) > 0 {
        for request in waiting.drain(..) {
            match request {
                Request::Write(write) => writes.push(write),
                Request::Alone(work) => {
                    write_together(table, feed, writes.drain(..));
                    work(table, feed);
                }
            }
        }
        write_together(table, feed, writes.drain(..));
    }
}

fn write_together(table: &Table, feed: &Feed, requests: impl Iterator<Item = WriteRequest>) {
    let (counters, keys) = match table.begin_commit() {
        Ok(begun) => begun,
        Err(error) => return requests.for_each(|request| answer(request.reply, Err(error.clone()))),
    };
    let mut batch = BatchWriter { table, keys: &keys, counters, commit: Commit::default() };
    let replies: Vec<Reply> = requests
        .map(|WriteRequest { key, write, reply }| {
            let outcome = match write {
                Write::Put { expect, record, plaintext } => batch.put(key, expect, record, &plaintext),
                Write::Delete { expect, name } => batch.delete(key, expect, name),
                Write::Rewrap => batch.rewrap(key),
            };
            (reply, outcome)
        })
        .collect();
    let BatchWriter { counters, commit, .. } = batch;
    // Also those whose expectation failed wait for the flush: they may have failed for a write of this very commit.
    let committed = if commit.writes.is_empty() { Ok(()) } else { table.commit(commit, counters, feed) };
    for (reply, outcome) in replies {
        answer(reply, committed.clone().and(outcome));
    }
}

/// Sends the outcome; the caller may have stopped waiting.
fn answer(reply: oneshot::Sender<Result<Revision, StoreError>>, outcome: Result<Revision, StoreError>) {
    let _ = reply.send(outcome);
}

/// The writes that become durable together, and the counters after them.
struct BatchWriter<'t> {
    table: &'t Table,
    keys: &'t MasterKeys,
    counters: Counters,
    commit: Commit,
}

/// The record that a write finds.
#[derive(Clone, Copy)]
struct Found {
    revision: Revision,
    fingerprint: Fingerprint,
}

impl BatchWriter<'_> {
    fn put(&mut self, key: Vec<u8>, expect: Expect, record: Record, plaintext: &[u8]) -> Result<Revision, StoreError> {
        let found = self.expected(&key, expect)?;
        let revision = self.counters.revision.next();
        let value = value(revision, &record::seal(self.keys.newest(), &key, revision, plaintext));
        let change = Change::Put(VersionedRecord { record, revision });
        self.change(key, found, Some(value), change, revision)
    }

    fn delete(&mut self, key: Vec<u8>, expect: Revision, name: Principal) -> Result<Revision, StoreError> {
        let found = self.expected(&key, Expect::Revision(expect))?;
        let revision = self.counters.revision.next();
        self.change(key, found, None, Change::Deleted { name, revision }, revision)
    }

    fn rewrap(&mut self, key: Vec<u8>) -> Result<Revision, StoreError> {
        let revision = self.counters.revision;
        // What this commit writes is under the newest key.
        if self.commit.writes.contains_key(&key) {
            return Ok(revision);
        }
        let Some(before) = self.table.stored(&key)? else { return Ok(revision) };
        let (at, sealed) = split_value(&before).ok_or_else(|| too_short(&key))?;
        if is_under_newest(self.keys, sealed) {
            return Ok(revision);
        }
        let anew = value(at, &record::rewrap(self.keys, &key, at, sealed)?);
        let (old, new) = (self.fingerprint(&key, &before), self.fingerprint(&key, &anew));
        self.counters.fingerprint = self.counters.fingerprint.minus(old).plus(new);
        self.commit.before.insert(key.clone(), Some(before));
        self.commit.writes.insert(key, Some(anew));
        Ok(revision)
    }

    /// The record under a key, as it will be after the writes that are in the commit already, if that is the expected one.
    fn expected(&mut self, key: &[u8], expect: Expect) -> Result<Option<Found>, StoreError> {
        let found = match self.commit.writes.get(key) {
            Some(written) => written.as_deref().and_then(|value| self.of_value(key, value)),
            None => {
                let before = self.table.stored(key)?;
                let found = before.as_deref().and_then(|value| self.of_value(key, value));
                self.commit.before.insert(key.to_vec(), before);
                found
            }
        };
        expect.check(found.map(|found| found.revision))?;
        Ok(found)
    }

    fn of_value(&self, key: &[u8], value: &[u8]) -> Option<Found> {
        let (revision, _) = split_value(value)?;
        Some(Found { revision, fingerprint: Fingerprint::of_record(self.keys, key, value)? })
    }

    fn fingerprint(&self, key: &[u8], value: &[u8]) -> Fingerprint {
        Fingerprint::of_record(self.keys, key, value).unwrap_or_default()
    }

    /// Adds a change at a revision.
    fn change(
        &mut self,
        key: Vec<u8>,
        replaced: Option<Found>,
        value: Option<Vec<u8>>,
        change: Change,
        revision: Revision,
    ) -> Result<Revision, StoreError> {
        self.counters.revision = revision;
        if let Some(replaced) = replaced {
            self.counters.fingerprint = self.counters.fingerprint.minus(replaced.fingerprint);
        }
        if let Some(value) = &value {
            self.counters.fingerprint = self.counters.fingerprint.plus(self.fingerprint(&key, value));
        }
        self.commit.writes.insert(key, value);
        self.commit.changes.push((revision, change));
        Ok(revision)
    }
}

/// Whether a sealed record is under the newest master key.
pub(super) fn is_under_newest(keys: &MasterKeys, sealed: &[u8]) -> bool {
    record::master_key_of(keys, sealed).is_some_and(|key| key.id() == keys.newest().id())
}
