//! What no object tells of the cluster: which kinds the API server serves, which policies of them the KDC may write, who calls pods without
//! Kerberos, and which guards the cluster has. Asked at the start and every ten minutes, more often while the realm waits for a kind or
//! a server observes; what cannot be asked stays as it was.

use crate::access::inbox::AccessInbox;
use crate::access::optional::OptionalWatches;
use crate::access::snapshot::Programmed;
use crate::publish::Publisher;
use kennel_core::access::table::AccessMode;
use kennel_k8s::callers::caller::OutsideCaller;
use kennel_k8s::callers::read::read_callers;
use kennel_k8s::discover::{policy_support, served_kinds};
use kennel_k8s::guards::found::read_guards;
use kennel_k8s::guards::report::GuardReport;
use kennel_k8s::index::surroundings::{KdcPods, PolicySupport, Surroundings};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::policy::kind::PolicyKind;
use kennel_k8s::render::access::rendered::ServerOutcome;
use kennel_k8s::watch::WatchReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};

/// Interval between two looks.
const INTERVAL: Duration = Duration::from_secs(600);
/// The same while the realm asks for policies of a kind that the KDC cannot write yet.
const AWAITED: Duration = Duration::from_secs(15);
/// The same while a server is in mode Observe: its status names who calls it without Kerberos.
const OBSERVING: Duration = Duration::from_secs(60);
/// Interval of the question whether a look is due.
const STEP: Duration = Duration::from_secs(5);
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
    pub(crate) programmed: Programmed,
}

impl SurroundingsWatch {
    /// Runs without end. `reports`: where the watches of optional kinds report.
    pub(crate) async fn run(self, reports: mpsc::Sender<WatchReport>) {
        let mut watches = OptionalWatches::new(self.client.clone(), reports);
        self.set(Surroundings::default()).await;
        loop {
            match self.look(&mut watches).await {
                Ok(()) => self.pause().await,
                Err(error) => {
                    tracing::warn!(%error, "the API server's kinds and admission policies cannot be read: trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Waits for the next look. What the realm asks for may change meanwhile.
    async fn pause(&self) {
        let looked = Instant::now();
        loop {
            tokio::time::sleep(STEP).await;
            let interval = match () {
                () if self.is_awaiting() => AWAITED,
                () if self.is_observing() => OBSERVING,
                () => INTERVAL,
            };
            if looked.elapsed() >= interval {
                return;
            }
        }
    }

    async fn look(&self, watches: &mut OptionalWatches) -> kube::Result<()> {
        let kinds = served_kinds(&self.client).await?;
        let mut policies = BTreeMap::new();
        for kind in PolicyKind::OPTIONAL {
            policies.insert(kind, policy_support(&self.client, kind, &kinds).await?);
        }
        watches.follow(&policies).await;
        let callers = self.callers().await;
        self.set(Surroundings { kinds, policies, callers, ..Surroundings::default() }).await;
        let guards = read_guards(&self.client).await?;
        match GuardReport::compare(&guards) {
            Ok(report) => self.publisher.set_guards(report),
            Err(error) => tracing::error!(%error, "the admission policies of this version cannot be read"),
        }
        Ok(())
    }

    /// Whether the realm asks for policies that the KDC cannot write.
    fn is_awaiting(&self) -> bool {
        let index = self.index.read();
        let is_asked = index.followed_realm().is_some_and(|realm| realm.spec.network.cluster_policy.is_some());
        is_asked && index.surroundings().support(PolicyKind::ClusterNetworkPolicy) != PolicySupport::Writable
    }

    /// Who calls pods without Kerberos. A server of one of these kinds that does not answer stops nothing else.
    async fn callers(&self) -> Arc<[OutsideCaller]> {
        match read_callers(&self.client).await {
            Ok(found) => found.callers.into(),
            Err(error) => {
                tracing::warn!(%error, "who calls pods without Kerberos cannot be read: keeping what is known");
                self.index.read().surroundings().callers.clone()
            }
        }
    }

    /// Whether a server is in mode Observe.
    fn is_observing(&self) -> bool {
        let observes = |server: &ServerOutcome| server.mode == AccessMode::Observe;
        self.programmed.rendered().is_some_and(|rendered| rendered.servers.values().any(observes))
    }

    async fn set(&self, found: Surroundings) {
        let surroundings = Surroundings { kdc: self.kdc.clone(), ..found };
        let _turn = self.turn.lock().await;
        if let Some(changes) = self.index.set_surroundings(surroundings) {
            self.inbox.note(&changes);
        }
    }
}
