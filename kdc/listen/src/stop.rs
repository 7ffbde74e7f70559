//! The stop of a listener, as its tasks wait for it.

use tokio::sync::watch;

/// Completes at the stop.
pub(crate) async fn stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
