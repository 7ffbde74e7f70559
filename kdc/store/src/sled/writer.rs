//! The one thread that writes. Requests that wait together are made durable together: one flush for all of them.

use crate::error::StoreError;
use crate::feed::Feed;
use crate::principal_store::{Change, Expect, Revision, VersionedRecord};
use crate::sled::table::{Commit, Table, fingerprint, split_value, value};
use kennel_core::principal::Record;
use kennel_wire::message::Principal;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

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
    Put { record: Record, sealed: Vec<u8> },
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
        let revision = counters.revision.next();
        let outcome = found(table, &mut commit, &key).and_then(|found| expect.check(found).map(|()| found));
        if let Ok(replaced) = outcome {
            counters.revision = revision;
            if let Some(replaced) = replaced {
                counters.fingerprint = counters.fingerprint.wrapping_sub(fingerprint(&key, replaced));
            }
            if let Write::Put { .. } = write {
                counters.fingerprint = counters.fingerprint.wrapping_add(fingerprint(&key, revision));
            }
            add(&mut commit, key, revision, write);
        }
        replies.push((reply, outcome.map(|_| revision)));
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

/// The revision of the record under a key, as it will be after the writes that are in the commit already.
fn found(table: &Table, commit: &mut Commit, key: &[u8]) -> Result<Option<Revision>, StoreError> {
    if let Some(written) = commit.writes.get(key) {
        return Ok(written.as_deref().and_then(split_value).map(|(revision, _)| revision));
    }
    let before = table.stored(key)?;
    let revision = before.as_deref().and_then(split_value).map(|(revision, _)| revision);
    commit.before.insert(key.to_vec(), before);
    Ok(revision)
}

fn add(commit: &mut Commit, key: Vec<u8>, revision: Revision, write: Write) {
    let (value, change) = match write {
        Write::Put { record, sealed } => {
            (Some(value(revision, &sealed)), Change::Put(VersionedRecord { record, revision }))
        }
        Write::Delete(name) => (None, Change::Deleted { name, revision }),
    };
    commit.writes.insert(key, value);
    commit.changes.push((revision, change));
}
