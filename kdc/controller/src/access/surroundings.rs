//! What no object tells of the cluster: which kinds the API server serves, and which guards it has. Asked at the start and every
//! ten minutes; what cannot be asked stays as it was.

use crate::access::inbox::AccessInbox;
use crate::publish::Publisher;
use kennel_k8s::discover::served_kinds;
use kennel_k8s::guards::found::read_guards;
use kennel_k8s::guards::report::GuardReport;
use kennel_k8s::index::surroundings::{KdcPods, Surroundings};
use kennel_k8s::index::view::SharedIndex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Interval between two looks.
const INTERVAL: Duration = Duration::from_secs(600);
/// Pause before a look that failed is repeated.
const RETRY: Duration = Duration::from_secs(10);

/// Follows the surroundings.
pub(crate) struct SurroundingsWatch {
    pub(crate) client: kube::Client,
    pub(crate) kdc: Option<KdcPods>,
    pub(crate) index: SharedIndex,
    pub(crate) inbox: Arc<AccessInbox>,
    /// Held while the index is written: see [`AccessParts`](crate::access::programmer::AccessParts).
    pub(crate) turn: Arc<Mutex<()>>,
    pub(crate) publisher: Arc<Publisher>,
}

impl SurroundingsWatch {
    /// Runs without end.
    pub(crate) async fn run(self) {
        self.set(BTreeSet::new()).await;
        loop {
            match self.look().await {
                Ok(()) => tokio::time::sleep(INTERVAL).await,
                Err(error) => {
                    tracing::warn!(%error, "the API server's kinds and admission policies cannot be read: trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn look(&self) -> kube::Result<()> {
        self.set(served_kinds(&self.client).await?).await;
        let guards = read_guards(&self.client).await?;
        match GuardReport::compare(&guards) {
            Ok(report) => self.publisher.set_guards(report),
            Err(error) => tracing::error!(%error, "the admission policies of this version cannot be read"),
        }
        Ok(())
    }

    async fn set(&self, kinds: BTreeSet<kennel_k8s::index::surroundings::ServedKind>) {
        let surroundings = Surroundings { kdc: self.kdc.clone(), kinds, offline: false };
        let _turn = self.turn.lock().await;
        if let Some(changes) = self.index.set_surroundings(surroundings) {
            self.inbox.note(&changes);
        }
    }
}
