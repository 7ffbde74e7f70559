//! The watches of policies of kinds that only some clusters serve: each runs while the KDC may write the kind.

use futures_util::StreamExt;
use kennel_k8s::index::surroundings::PolicySupport;
use kennel_k8s::policy::kind::PolicyKind;
use kennel_k8s::watch::{WatchReport, no_policies, watch_policies};
use kube::Client;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// The watches, which end with this value.
pub(crate) struct OptionalWatches {
    client: Client,
    reports: mpsc::Sender<WatchReport>,
    tasks: JoinSet<()>,
    running: BTreeMap<PolicyKind, AbortHandle>,
}

impl OptionalWatches {
    pub(crate) fn new(client: Client, reports: mpsc::Sender<WatchReport>) -> OptionalWatches {
        OptionalWatches { client, reports, tasks: JoinSet::new(), running: BTreeMap::new() }
    }

    /// Starts the watches of kinds that can be written, and ends those of others.
    pub(crate) async fn follow(&mut self, support: &BTreeMap<PolicyKind, PolicySupport>) {
        for (kind, support) in support {
            match (*support == PolicySupport::Writable, self.running.get(kind).cloned()) {
                (true, None) => self.start(*kind),
                (false, Some(task)) => {
                    task.abort();
                    self.running.remove(kind);
                    for report in no_policies(*kind) {
                        // Without a receiver, the process ends.
                        _ = self.reports.send(report).await;
                    }
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, kind: PolicyKind) {
        let (mut watch, reports) = (watch_policies(&self.client, kind), self.reports.clone());
        let task = self.tasks.spawn(async move {
            while let Some(report) = watch.next().await {
                if reports.send(report).await.is_err() {
                    return;
                }
            }
        });
        self.running.insert(kind, task);
    }
}
