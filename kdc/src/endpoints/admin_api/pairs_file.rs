//! The file of the pairs, beside the store: who asked for whom is known beyond the end of the process. Written every few minutes and at
//! the stop, and never for a ticket: a crash loses the last minutes.

use crate::clock;
use anyhow::Context;
use kennel_audit::{DecisionLog, PairsSnapshot, new_recording};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Shortest time between two writings.
const INTERVAL: Duration = Duration::from_secs(300);
/// Version of the form of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct PairsFile {
    version: u32,
    realm: String,
    recording: PairsSnapshot,
}

/// The task that keeps the file.
pub(crate) struct PairsKeeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Returns the pairs of the file. Where there is none, or one that cannot be read, the recording begins now.
pub(crate) fn load(path: &Path, realm: &str) -> PairsSnapshot {
    let now = new_recording(clock::now());
    match read(path, realm) {
        Ok(found) => found.unwrap_or(now),
        Err(error) => {
            tracing::warn!(
                path = %path.display(),
                error = format!("{error:#}"),
                "who asked for whom before this start is not known any more: the recording of pairs begins anew"
            );
            now
        }
    }
}

fn read(path: &Path, realm: &str) -> anyhow::Result<Option<PairsSnapshot>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let file: PairsFile = serde_json::from_slice(&text).context("the file of the pairs is damaged")?;
    anyhow::ensure!(file.version == VERSION, "the file is of another version: {}", file.version);
    anyhow::ensure!(file.realm == realm, "the file is of another realm: {}", file.realm);
    Ok(Some(file.recording))
}

impl PairsKeeper {
    /// Starts the task.
    pub(crate) fn start(path: PathBuf, realm: String, log: Arc<DecisionLog>) -> PairsKeeper {
        let (stop, stopped) = oneshot::channel();
        PairsKeeper { stop, task: tokio::spawn(keep(path, realm, log, stopped)) }
    }

    /// Writes the last pairs and ends the task.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if self.task.await.is_err() {
            tracing::error!("the pairs of clients and servers were not written at the end");
        }
    }
}

async fn keep(path: PathBuf, realm: String, log: Arc<DecisionLog>, mut stopped: oneshot::Receiver<()>) {
    let mut written = 0;
    loop {
        let goes_on = tokio::select! {
            _ = &mut stopped => false,
            () = tokio::time::sleep(INTERVAL) => true,
        };
        let (path, realm, log) = (path.clone(), realm.clone(), log.clone());
        let writing = tokio::task::spawn_blocking(move || write(&path, realm, &log, written));
        written = writing.await.unwrap_or(written);
        if !goes_on {
            return;
        }
    }
}

/// Writes the pairs where they changed since `written`. Returns the version that the file has now.
fn write(path: &Path, realm: String, log: &DecisionLog, written: u64) -> u64 {
    let Some((version, recording)) = log.snapshot_of_pairs(written) else { return written };
    let file = PairsFile { version: VERSION, realm, recording };
    let octets = serde_json::to_vec(&file).map_err(std::io::Error::from);
    match octets.and_then(|octets| kennel_store::files::replace(path, &octets)) {
        Ok(()) => version,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "who asked for whom cannot be written: the KDC tries again");
            written
        }
    }
}
