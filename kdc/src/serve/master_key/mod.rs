//! The master key while the KDC serves: its state, and its rotation. The next key is in a file beside that of the key, with the ending
//! `.next`: an operator adds it to the Secret, and takes the old one out when nothing is under it.
//!
//! Order of a rotation, so that a process that is killed anywhere leaves a realm that opens with both keys, and the next process goes
//! on by itself:
//! 1. the store's header names both keys; from then on every write is under the next one;
//! 2. every record is wrapped anew;
//! 3. the mark beside the master key and the file of the certificate authority are wrapped anew;
//! 4. the header names the next key alone;
//! 5. the next key takes the file of the old one, where the KDC may write there.
//!
//! The Lease names the store by the key of the header, and by the one before until its next renewal: a start accepts either.
//!
//! | module | what |
//! |---|---|
//! | [`files`] | what the files hold, against what the store needs: what is wrong, and what to do next; pure |

mod files;

use crate::serve::authority_file::AuthorityFile;
use crate::serve::keys_in_use::KeysInUse;
use crate::serve::mark::MarkFile;
use crate::serve::master_key::files::{KeyFiles, Verdict, verdict};
use anyhow::Context;
use kennel_store::sled::MasterKeyIds;
use kennel_store::sled::rewrap::MasterKeyState;
use kennel_store::{SledStore, StoreError, master_key_file};
use kennel_wire::master_key::{MasterKeyPhase, MasterKeyStatus};
use rand::rngs::OsRng;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Interval at which the files are compared with the store, and pause before a rotation that failed goes on.
const LOOK: Duration = Duration::from_secs(60);

/// The master key of the open store.
pub(crate) struct MasterKeyRotation {
    realm: String,
    store: Arc<SledStore>,
    /// File of the key.
    path: PathBuf,
    /// `None` where nothing keeps a mark.
    mark: Option<Arc<MarkFile>>,
    authority: Arc<AuthorityFile>,
    /// Records a second.
    rate: NonZeroU32,
    begun: Notify,
    /// Why a rotation that is under way does not go on.
    failed: Mutex<Option<String>>,
    /// Why the KDC would not start again, as of the last look at the files.
    files: Mutex<Option<String>>,
}

/// Why a rotation does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRotated {
    /// The request has to be another one, or the operator has something to do first.
    #[error("{0}")]
    Refused(String),
    /// The store fails.
    #[error(transparent)]
    Store(StoreError),
}

impl MasterKeyRotation {
    /// `path`: the file of the master key.
    pub(crate) fn new(
        realm: &str,
        store: Arc<SledStore>,
        path: PathBuf,
        mark: Option<Arc<MarkFile>>,
        authority: PathBuf,
        rate: NonZeroU32,
    ) -> MasterKeyRotation {
        let authority = Arc::new(AuthorityFile::new(authority, realm, KeysInUse::of(store.clone())));
        let realm = realm.to_owned();
        let (begun, failed, files) = (Notify::new(), Mutex::default(), Mutex::default());
        MasterKeyRotation { realm, store, path, mark, authority, rate, begun, failed, files }
    }

    /// The ids of the keys of the store.
    pub(crate) fn ids(&self) -> MasterKeyIds {
        self.store.master_key_ids()
    }

    /// Whether something is wrong that an operator has to mend, as of the last look.
    pub(crate) fn has_problem(&self) -> bool {
        [&self.failed, &self.files].iter().any(|problem| lock(problem).is_some())
    }

    /// The file of Kennel's own certificate authority.
    pub(crate) fn authority(&self) -> &Arc<AuthorityFile> {
        &self.authority
    }

    /// The keys, the progress of a rotation, and what to do.
    pub(crate) async fn status(&self) -> Result<MasterKeyStatus, StoreError> {
        let MasterKeyState { ids, records, under_newest } = self.store.master_key_state().await?;
        let files = KeyFiles::read(&self.path);
        let Verdict { problem, next_step } = verdict(&ids, &files);
        let failed = lock(&self.failed).clone();
        Ok(MasterKeyStatus {
            realm: self.realm.clone(),
            phase: match &ids.next {
                None => MasterKeyPhase::Settled,
                Some(_) if under_newest < records => MasterKeyPhase::Rewrapping,
                Some(_) => MasterKeyPhase::Completing,
            },
            next: ids.next.clone().or_else(|| files.candidate(&ids.current)),
            current: ids.current,
            previous: ids.previous,
            records,
            rewrapped: under_newest,
            problem: problem.or(failed),
            next_step,
        })
    }

    /// Begins to wrap everything anew under the key of the file `.next`; goes on with a rotation that is under way. `generate`: makes
    /// that key where there is no file.
    pub(crate) async fn rotate(&self, generate: bool) -> Result<(), NotRotated> {
        if self.ids().next.is_none() {
            let next = tokio::task::block_in_place(|| self.next_key(generate))?;
            self.store.begin_rewrap(Arc::new(next)).await.map_err(|error| match error {
                StoreError::NotRewrapped { .. } => NotRotated::Refused(error.to_string()),
                error => NotRotated::Store(error),
            })?;
        }
        self.begun.notify_one();
        Ok(())
    }

    /// Reads the next key, or makes it.
    fn next_key(&self, generate: bool) -> Result<kennel_crypto::MasterKey, NotRotated> {
        let refused = |error: StoreError| NotRotated::Refused(error.to_string());
        let files = KeyFiles::read(&self.path);
        let ids = self.ids();
        if let Some(problem) = verdict(&ids, &files).problem {
            return Err(NotRotated::Refused(problem));
        }
        let file = master_key_file::next_of(&self.path);
        match master_key_file::load_next(&self.path).map_err(refused)? {
            Some(next) if next.id() == ids.current => {
                let next_step = verdict(&ids, &files).next_step.unwrap_or_default();
                Err(NotRotated::Refused(format!(
                    "the store is under the key of {} already: {next_step}",
                    file.display()
                )))
            }
            Some(next) => Ok(next),
            None if generate => master_key_file::create(&file, &mut OsRng).map_err(|error| {
                NotRotated::Refused(format!(
                    "{error}. A mounted Secret is read-only: add the next key to the Secret, under the name {}",
                    file.file_name().unwrap_or_default().to_string_lossy()
                ))
            }),
            None => Err(NotRotated::Refused(format!(
                "there is no next key: put one into {} (one line: kennel-master-key-v1 and 64 random hexadecimal digits), or let the \
                 KDC make it (--generate) where the folder is not that of a mounted Secret",
                file.display()
            ))),
        }
    }

    /// Performs rotations, goes on with one that an earlier process began, and compares the files with the store. Runs without end; may
    /// be aborted at any point.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            if self.ids().next.is_some() {
                self.try_rotation().await;
            }
            tokio::task::block_in_place(|| self.look_at_files());
            tokio::select! {
                () = self.begun.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn try_rotation(&self) {
        let MasterKeyIds { current, next, .. } = self.ids();
        tracing::info!(from = current, to = next, "the store is wrapped anew under the next master key");
        let result = self.perform().await;
        let failed = result.err().map(|error| format!("the rotation does not go on: {error:#}"));
        match &failed {
            None => tracing::info!(key = self.ids().current, "the store is under its next master key"),
            Some(problem) => tracing::error!(problem, "the master key is not rotated yet: the KDC tries again"),
        }
        *lock(&self.failed) = failed;
    }

    /// The steps of a rotation from the records on.
    async fn perform(&self) -> anyhow::Result<()> {
        self.store.rewrap_records(self.rate).await?;
        if let Some(mark) = &self.mark {
            mark.follow_key(*self.store.revisions().borrow())?;
        }
        tokio::task::block_in_place(|| self.authority.follow_key())?;
        self.store.finish_rewrap().await.context("the store")
    }

    /// Puts the next key in the place of the old one, where that is possible, and reports what is wrong with the files, once.
    fn look_at_files(&self) {
        let ids = self.ids();
        let files = KeyFiles::read(&self.path);
        if files.hold_previous_and_current(&ids) {
            match master_key_file::replace_by_next(&self.path) {
                Ok(()) => tracing::info!(path = %self.path.display(), "the file of the master key holds the new key"),
                Err(error) => {
                    tracing::debug!(%error, "the files of the master keys stay as they are: a mounted Secret")
                }
            }
        }
        let problem = verdict(&ids, &KeyFiles::read(&self.path)).problem;
        let mut reported = lock(&self.files);
        if problem != *reported {
            match &problem {
                Some(problem) => tracing::error!(problem, "the KDC would not start again"),
                None => tracing::info!("the files hold the master keys of the store again"),
            }
            *reported = problem;
        }
    }
}

/// Each problem is one assignment, so a poisoned lock still guards sound data.
fn lock(problem: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    problem.lock().unwrap_or_else(PoisonError::into_inner)
}
