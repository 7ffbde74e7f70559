//! Follows what replaces the records of a KDC that serves, to its end.

use crate::api::{AdminApi, Refused};
use anyhow::bail;
use kennel_wire::realm_dump::LoadState;
use std::time::{Duration, Instant};

/// Interval between two looks at the progress.
const LOOK: Duration = Duration::from_millis(500);
/// Time between two words on the progress.
const SAY: Duration = Duration::from_secs(2);
/// Looks that may fail one after the other: a connection ends now and then.
const FAILURES: u32 = 4;

/// Waits until the KDC has ended what it began, and returns that state. `path` answers with the state.
pub(super) async fn wait(api: &AdminApi, path: &str, begun: LoadState) -> anyhow::Result<LoadState> {
    let mut state = begun;
    let mut said = Instant::now();
    loop {
        match state {
            LoadState::Loaded(_) | LoadState::Imported { .. } => return Ok(state),
            LoadState::Failed { reason } => bail!("the dump is not loaded: {reason}"),
            LoadState::Idle => bail!(gone("the KDC was started anew")),
            LoadState::Loading { written, records } if said.elapsed() >= SAY => {
                said = Instant::now();
                eprintln!("records loaded: {written} of {records}");
            }
            LoadState::Loading { .. } => {}
        }
        state = look(api, path).await?;
    }
}

async fn look(api: &AdminApi, path: &str) -> anyhow::Result<LoadState> {
    let mut failures = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        match api.get(path, &()).await {
            Ok(state) => return Ok(state),
            Err(error) if failures >= FAILURES || error.is::<Refused>() => {
                return Err(error.context(gone("the KDC does not answer any more")));
            }
            Err(_) => failures += 1,
        }
    }
}

fn gone(what: &str) -> String {
    format!(
        "{what}, while records were being replaced: it has all of the old ones or all of the new ones, and the log of its start says which"
    )
}
