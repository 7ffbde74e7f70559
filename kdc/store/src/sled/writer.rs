//! The one thread that writes. Requests that wait together are made durable together: one flush for all of them.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::principal_store::{Change, Expect, Revision, VersionedRecord};
use crate::record;
use crate::sled::counters::{Counters, Fingerprint};
use crate::sled::table::{Commit, Table, split_value, value};
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

/// Requests that share a flush, at most. As many again may wait.
pub(super) const LARGEST_COMMIT: usize = 256;

/// A write that waits for its turn.
pub(super) struct Request {
    /// Key of the record's name.
    pub(super) key: Vec<u8>,
    pub(super) expect: Expect,
    pub(super) write: Write,
    pub(super) reply: oneshot::Sender<Result<Revision, StoreError>>,
}

/// What to write.
pub(super) enum Write {
    /// The record and its encoding, which is sealed when the record gets its revision.
    Put {
        record: Record,
        plaintext: Zeroizing<Vec<u8>>,
    },
    Delete(Principal),
}

type Reply = (oneshot::Sender<Result<Revision, StoreError>>, Result<Revision, StoreError>);

/// Handles requests until no sender is left.
pub(super) fn run(table: &Table, feed: &Arc<Feed>, mut requests: mpsc::Receiver<Request>) {
    let mut waiting = Vec::with_capacity(LARGEST_COMMIT);
    while requests.blocking_recv_many(&mut waiting, LARGEST_COMMIT) > 0 {
        write_together(table, feed, waiting.drain(..));
    }
}

fn write_together(table: &Table, feed: &Feed, requests: impl Iterator<Item = Request>) {
    let mut counters = match table.counters() {
        Ok(counters) => counters,
        Err(error) => return requests.for_each(|request| answer(request.reply, Err(error.clone()))),
    };
    let mut commit = Commit::default();
    let mut replies: Vec<Reply> = Vec::new();
    for Request { key, expect, write, reply } in requests {
        let outcome = found(table, &mut commit, &key).and_then(|found| {
            expect.check(found.map(|found| found.revision))?;
            counters.revision = counters.revision.next();
            if let Some(replaced) = found {
                counters.fingerprint = counters.fingerprint.minus(replaced.fingerprint);
            }
            add(table, &mut commit, &mut counters, key, write);
            Ok(counters.revision)
        });
        replies.push((reply, outcome));
    }
    // Also those whose expectation failed wait for the flush: they may have failed for a write of this very commit.
    let committed = if commit.changes.is_empty() { Ok(()) } else { table.commit(commit, counters, feed) };
    for (reply, outcome) in replies {
        answer(reply, committed.clone().and(outcome));
    }
}

/// Sends the outcome; the caller may have stopped waiting.
fn answer(reply: oneshot::Sender<Result<Revision, StoreError>>, outcome: Result<Revision, StoreError>) {
    let _ = reply.send(outcome);
}

/// The record that a write finds.
#[derive(Clone, Copy)]
struct Found {
    revision: Revision,
    fingerprint: Fingerprint,
}

/// The record under a key, as it will be after the writes that are in the commit already.
fn found(table: &Table, commit: &mut Commit, key: &[u8]) -> Result<Option<Found>, StoreError> {
    let of_value = |value: &[u8]| {
        let (revision, _) = split_value(value)?;
        Some(Found { revision, fingerprint: Fingerprint::of_record(table.master(), key, value)? })
    };
    if let Some(written) = commit.writes.get(key) {
        return Ok(written.as_deref().and_then(of_value));
    }
    let before = table.stored(key)?;
    let found = before.as_deref().and_then(of_value);
    commit.before.insert(key.to_vec(), before);
    Ok(found)
}

/// Adds a write at the revision of the counters.
fn add(table: &Table, commit: &mut Commit, counters: &mut Counters, key: Vec<u8>, write: Write) {
    let (master, revision) = (table.master(), counters.revision);
    let (value, change) = match write {
        Write::Put { record, plaintext } => {
            let value = value(revision, &record::seal(master, &key, revision, &plaintext));
            let fingerprint = Fingerprint::of_record(master, &key, &value).unwrap_or_default();
            counters.fingerprint = counters.fingerprint.plus(fingerprint);
            (Some(value), Change::Put(VersionedRecord { record, revision }))
        }
        Write::Delete(name) => (None, Change::Deleted { name, revision }),
    };
    commit.writes.insert(key, value);
    commit.changes.push((revision, change));
}
