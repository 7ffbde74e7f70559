//! The high-water mark of the store's revision: what is known of it at the start, and the file that a running process keeps. The mark
//! of the realm's Lease is `kennel_k8s::store_mark`; either one alone is enough to notice an older copy of the store.
//!
//! The mark lags behind the store, by a few seconds while the process runs, and never runs ahead of what is durable.

use crate::serve::keys_in_use::KeysInUse;
use anyhow::{Context, bail};
use kennel_store::sled::Rollback;
use kennel_store::{MasterKeys, Revision, mark_file};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Shortest time between two writings of the file. Within this time, an older copy is not noticed.
const INTERVAL: Duration = Duration::from_secs(5);

/// The highest revision that the store is known to have reached.
#[derive(Debug)]
pub(crate) struct KnownMark {
    pub(crate) revision: Revision,
    /// Where the mark was found, for messages.
    pub(crate) source: String,
}

impl KnownMark {
    /// Takes the higher one of the mark beside the master key and that of the Lease. A file that cannot be read is an error, except
    /// where the operator accepts a rollback.
    pub(crate) fn read(
        master_key: &Path,
        keys: &MasterKeys,
        lease: Revision,
        rollback: Rollback,
    ) -> anyhow::Result<KnownMark> {
        let path = mark_file::beside(master_key);
        let file = match mark_file::load(&path, keys) {
            Ok(mark) => mark.unwrap_or(Revision(0)),
            Err(error) if rollback == Rollback::Accept => {
                tracing::warn!(%error, "the mark is not used, as --accept-rollback asks, and written anew");
                Revision(0)
            }
            Err(error) => bail!(
                "{error}: put the mark's file back, or start once with --accept-rollback if you know that the store is the newest copy"
            ),
        };
        Ok(if lease > file {
            KnownMark { revision: lease, source: "the realm's Lease".to_owned() }
        } else {
            KnownMark { revision: file, source: path.display().to_string() }
        })
    }
}

/// The task that keeps the file of the mark.
pub(crate) struct MarkKeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl MarkKeeper {
    /// Starts it. `revisions`: those of the open store.
    pub(crate) fn start(file: Arc<MarkFile>, revisions: watch::Receiver<Revision>) -> MarkKeeper {
        let (stop, stopped) = oneshot::channel();
        MarkKeeper { stop, task: tokio::spawn(keep(file, revisions, stopped)) }
    }

    /// Writes the last revision and ends the task.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if self.task.await.is_err() {
            tracing::error!("the mark of the store's revision was not written at the end");
        }
    }
}

async fn keep(file: Arc<MarkFile>, mut revisions: watch::Receiver<Revision>, mut stopped: oneshot::Receiver<()>) {
    loop {
        let revision = *revisions.borrow_and_update();
        file.write(revision);
        let next = async {
            tokio::time::sleep(INTERVAL).await;
            revisions.changed().await
        };
        let goes_on = tokio::select! {
            _ = &mut stopped => false,
            // An error: the store is closed.
            changed = next => changed.is_ok(),
        };
        if !goes_on {
            let last = *revisions.borrow();
            return file.write(last);
        }
    }
}

/// The file of the mark.
pub(crate) struct MarkFile {
    path: PathBuf,
    keys: KeysInUse,
    /// Held while the file is written, so that no mark under an older key follows one under a newer. Whether the last writing failed.
    fails: Mutex<bool>,
}

impl MarkFile {
    /// The file beside that of the master key.
    pub(crate) fn beside(master_key: &Path, keys: KeysInUse) -> MarkFile {
        MarkFile { path: mark_file::beside(master_key), keys, fails: Mutex::new(false) }
    }

    /// Writes the mark: a millisecond or so, and at most once in [`INTERVAL`]. A failure stops nothing.
    fn write(&self, revision: Revision) {
        tokio::task::block_in_place(|| {
            let mut fails = self.fails.lock().unwrap_or_else(PoisonError::into_inner);
            let failed = mark_file::write(&self.path, self.keys.get().newest(), revision).err();
            match &failed {
                Some(_) if *fails => {}
                Some(error) => report(&self.path, error),
                None if *fails => {
                    tracing::info!(path = %self.path.display(), "the mark of the store's revision is written again")
                }
                None => {}
            }
            *fails = failed.is_some();
        });
    }

    /// Makes sure that nothing of the file is under an older key than the newest; a file that does not exist need not. `revision` must be
    /// durable in the store.
    pub(crate) fn follow_key(&self, revision: Revision) -> anyhow::Result<()> {
        self.write(revision);
        let newest = MasterKeys::from(self.keys.get().newest().clone());
        mark_file::load(&self.path, &newest)
            .context("the mark is not under the next master key yet: make the file writable")?;
        Ok(())
    }
}

/// A folder that cannot be written to is how a Secret is mounted; anything else is a fault.
fn report(path: &Path, error: &io::Error) {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => tracing::info!(
            %path,
            %error,
            "no mark of the store's revision is kept beside the master key: only the realm's Lease shows whether the store is an older \
             copy"
        ),
        _ => tracing::warn!(
            %path,
            %error,
            "the mark of the store's revision cannot be written: an older copy of the store may go unnoticed; the KDC tries again"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_crypto::MasterKey;
    use rand::rngs::OsRng;

    fn key(folder: &Path) -> (PathBuf, MasterKeys) {
        (folder.join("master.key"), MasterKey::generate(&mut OsRng).into())
    }

    fn file(path: &Path, keys: &MasterKeys) -> Arc<MarkFile> {
        Arc::new(MarkFile::beside(path, KeysInUse::fixed(keys.clone())))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_mark_follows_a_new_master_key_and_says_where_it_cannot() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = key(dir.path());
        let (_, new) = key(dir.path());
        let both = MasterKeys::new(old.current().clone(), Some(new.current().clone()));
        let under_both = file(&path, &both);
        assert!(!mark_file::beside(&path).exists());
        file(&path, &old).write(Revision(4));
        assert_eq!(mark_file::load(&mark_file::beside(&path), &both), Ok(Some(Revision(4))));
        under_both.follow_key(Revision(5)).unwrap();
        assert_eq!(mark_file::load(&mark_file::beside(&path), &new), Ok(Some(Revision(5))));
        // A folder in the place of the mark: root may write everywhere.
        std::fs::remove_file(mark_file::beside(&path)).unwrap();
        std::fs::create_dir(mark_file::beside(&path)).unwrap();
        let error = format!("{:#}", under_both.follow_key(Revision(6)).unwrap_err());
        assert!(error.contains("not under the next master key yet") && error.contains("master.key.mark"), "{error}");
    }

    #[test]
    fn the_higher_mark_counts_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = key(dir.path());
        let read = |lease| KnownMark::read(&path, &key, Revision(lease), Rollback::Refuse).unwrap();
        assert_eq!(read(0).revision, Revision(0));
        assert_eq!(read(3).source, "the realm's Lease");
        mark_file::write(&mark_file::beside(&path), key.newest(), Revision(7)).unwrap();
        assert_eq!(read(6).revision, Revision(7));
        assert!(read(6).source.ends_with("master.key.mark"));
        assert_eq!(read(8).revision, Revision(8));
    }

    #[test]
    fn a_mark_that_cannot_be_read_is_refused_unless_a_rollback_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = key(dir.path());
        std::fs::write(mark_file::beside(&path), "kennel-store-mark 1\nrevision 1\nseal 00\n").unwrap();
        let error = format!("{:#}", KnownMark::read(&path, &key, Revision(3), Rollback::Refuse).unwrap_err());
        assert!(error.contains("master.key.mark") && error.contains("--accept-rollback"), "{error}");
        assert_eq!(KnownMark::read(&path, &key, Revision(3), Rollback::Accept).unwrap().revision, Revision(3));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_mark_is_written_at_the_start_and_at_the_end_and_not_for_each_write() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = key(dir.path());
        let mark = || mark_file::load(&mark_file::beside(&path), &key).unwrap();
        let (sender, revisions) = watch::channel(Revision(5));
        let keeper = MarkKeeper::start(file(&path, &key), revisions);
        while mark().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sender.send_replace(Revision(6));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(mark(), Some(Revision(5)), "at most once in an interval");
        keeper.stop().await;
        assert_eq!(mark(), Some(Revision(6)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_folder_that_cannot_be_written_to_stops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, key) = key(dir.path());
        // A folder in the place of the mark: root may write everywhere.
        std::fs::create_dir(mark_file::beside(&path)).unwrap();
        let (_sender, revisions) = watch::channel(Revision(5));
        let keeper = MarkKeeper::start(file(&path, &key), revisions);
        tokio::time::sleep(Duration::from_millis(20)).await;
        keeper.stop().await;
    }
}
