//! All records of the store replaced while the KDC serves, by one order at a time. The old records are served until the new ones are whole
//! on the disk; one step then decides (`kennel_store::sled::replace`), so that a process that is killed leaves all of one or all of the
//! other. The work goes on where its client is gone, who asks for its progress.

use crate::clock;
use crate::endpoints::admin_api::refusal::AdminRefusal;
use crate::serve::store::check_realm;
use kennel_controller::Live;
use kennel_store::administration::Administration;
use kennel_store::{EntryCache, SledStore};
use kennel_wire::realm_dump::LoadState;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The store of a realm that is served, and the progress of what replaces its records.
pub(crate) struct RealmReplacement {
    pub(super) store: Arc<SledStore>,
    pub(super) live: Arc<Live>,
    cache: Arc<EntryCache>,
    administration: Arc<Administration>,
    progress: ReplacementProgress,
}

impl RealmReplacement {
    /// `cache` is the one in front of `store` by which requests are answered.
    pub(crate) fn new(
        store: Arc<SledStore>,
        cache: Arc<EntryCache>,
        live: Arc<Live>,
        administration: Arc<Administration>,
    ) -> RealmReplacement {
        RealmReplacement { store, cache, live, administration, progress: ReplacementProgress::default() }
    }

    /// The progress, which outlives each order.
    pub(super) fn progress(&self) -> &ReplacementProgress {
        &self.progress
    }

    /// Has everything that was read from the store follow the new records, and does what a start does: these may be of an earlier version,
    /// and of the middle of a renaming.
    pub(super) async fn serve_new_records(&self) -> anyhow::Result<()> {
        self.cache.forget_all();
        check_realm(&*self.cache, &self.live.realm(), false).await?;
        self.administration.finish_renamings(clock::now()).await?;
        Ok(())
    }
}

/// Reads the first line of a body, JSON that says `what`. Returns it and the octets behind it.
///
/// # Errors
/// [`AdminRefusal::QueryMalformed`], without a part of the line: the errors of serde may quote a secret.
pub(super) fn read_order<'b, T: DeserializeOwned>(body: &'b [u8], what: &str) -> Result<(T, &'b [u8]), AdminRefusal> {
    let malformed = || AdminRefusal::QueryMalformed(format!("the first line does not say {what}"));
    let end = body.iter().position(|octet| *octet == b'\n').ok_or_else(malformed)?;
    let (line, rest) = (body.get(..end).unwrap_or_default(), body.get(end + 1..).unwrap_or_default());
    Ok((serde_json::from_slice(line).map_err(|_| malformed())?, rest))
}

/// The progress of the present replacement, or the end of the last one.
#[derive(Clone)]
pub(super) struct ReplacementProgress(Arc<Mutex<LoadState>>);

impl Default for ReplacementProgress {
    fn default() -> ReplacementProgress {
        ReplacementProgress(Arc::new(Mutex::new(LoadState::Idle)))
    }
}

impl ReplacementProgress {
    /// The state at this moment.
    pub(super) fn state(&self) -> LoadState {
        self.lock().clone()
    }

    /// Begins a replacement and carries out `work` in the background. The state is that of its end, or says that there was none: a task
    /// that panics does not keep others from loading.
    ///
    /// # Errors
    /// [`AdminRefusal::NotLoaded`] while another one goes on.
    pub(super) fn begin(
        &self,
        records: usize,
        work: impl Future<Output = anyhow::Result<LoadState>> + Send + 'static,
    ) -> Result<LoadState, AdminRefusal> {
        {
            let mut state = self.lock();
            if let LoadState::Loading { written, records } = &*state {
                let why = format!("another realm is being loaded ({written} of {records} records)");
                return Err(AdminRefusal::NotLoaded(why));
            }
            *state = LoadState::Loading { written: 0, records };
        }
        let unfinished = Unfinished(self.clone());
        tokio::spawn(async move {
            let end = work.await.unwrap_or_else(|error| {
                tracing::error!(error = format!("{error:#}"), "the records were not replaced");
                LoadState::Failed { reason: format!("{error:#}") }
            });
            unfinished.0.set(end);
        });
        Ok(self.state())
    }

    /// Takes note of the number of records, which is known once they are merged.
    pub(super) fn set_records(&self, records: usize) {
        self.set(LoadState::Loading { written: 0, records });
    }

    /// Takes note of the records that are written.
    pub(super) fn set_written(&self, count: usize) {
        if let LoadState::Loading { written, .. } = &mut *self.lock() {
            *written = count;
        }
    }

    fn set(&self, state: LoadState) {
        *self.lock() = state;
    }

    /// The state is whole after each change, so a poisoned lock still guards sound data.
    fn lock(&self) -> MutexGuard<'_, LoadState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the state of a replacement whose task ends without a word.
struct Unfinished(ReplacementProgress);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(&*state, LoadState::Loading { .. }) {
            tracing::error!("the records were not replaced: the work ended before its time");
            let reason = "the KDC broke off the work by a fault of its own, of which its standard error says more: it serves all of the \
                          old records or all of the new ones";
            *state = LoadState::Failed { reason: reason.to_owned() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn end(progress: &ReplacementProgress) -> LoadState {
        for _ in 0..1000 {
            match progress.state() {
                LoadState::Loading { .. } => tokio::time::sleep(Duration::from_millis(1)).await,
                state => return state,
            }
        }
        progress.state()
    }

    fn failed(state: &LoadState, why: &str) -> bool {
        matches!(state, LoadState::Failed { reason } if reason.contains(why))
    }

    #[tokio::test]
    async fn one_replacement_goes_on_at_a_time_and_its_progress_is_seen() {
        let progress = ReplacementProgress::default();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let begun = progress.begin(5, async { Ok(receiver.await?) }).unwrap();
        assert_eq!(begun, LoadState::Loading { written: 0, records: 5 });
        progress.set_written(2);
        let error = progress.begin(7, async { Ok(LoadState::Idle) }).unwrap_err();
        assert_eq!(error, AdminRefusal::NotLoaded("another realm is being loaded (2 of 5 records)".into()));
        sender.send(LoadState::Idle).unwrap();
        assert_eq!(end(&progress).await, LoadState::Idle);
        progress.set_written(3);
        assert_eq!(progress.state(), LoadState::Idle, "a late word changes no end");
    }

    #[tokio::test]
    async fn work_that_fails_or_panics_ends_and_the_next_one_begins() {
        let progress = ReplacementProgress::default();
        progress.begin(1, async { anyhow::bail!("the disk is full") }).unwrap();
        assert!(failed(&end(&progress).await, "the disk is full"));
        progress.begin(1, async { panic!("of this test") }).unwrap();
        assert!(failed(&end(&progress).await, "a fault of its own"), "{:?}", progress.state());
        progress.begin(1, async { Ok(LoadState::Idle) }).unwrap();
        assert_eq!(end(&progress).await, LoadState::Idle);
    }
}
