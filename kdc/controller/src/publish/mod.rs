//! Reports results back to the cluster: status of Kennel's resources, Events on changes of readiness, the ConfigMap of each
//! enrolled namespace, keytab Secrets. The publisher writes only changes, and repeats writes that failed.
//!
//! | module | what |
//! |---|---|
//! | [`report`] | computes the report of a namespace and of the realms, pure |
//! | [`written`] | which answers of the API server count as written, and the memory of writes |
//! | [`account`] | Events on accounts without a principal |
//! | [`principal`] | status and Events of KerberosPrincipals |
//! | [`keytab_secret`] | the keytab Secrets that KerberosPrincipals ask for |
//! | [`realm`] | status and Events of KerberosRealms |
//! | [`readiness`] | Events where the condition Ready changes |
//! | [`config_map`] | the ConfigMap of each enrolled namespace |

mod account;
pub(crate) mod config_map;
mod keytab_secret;
mod principal;
mod readiness;
mod realm;
mod report;
mod written;

use crate::publish::account::AccountPublisher;
use crate::publish::config_map::{ConfigMapPublisher, Published};
use crate::publish::keytab_secret::KeytabSecretPublisher;
use crate::publish::principal::PrincipalPublisher;
use crate::publish::realm::RealmPublisher;
use crate::publish::report::{namespace_report, realms_report};
use crate::state::States;
use futures_util::stream::{self, StreamExt};
use kennel_k8s::apply::Applier;
use kennel_k8s::index::view::SharedIndex;
use kennel_store::PrincipalStore;
use kennel_wire::message::Clock;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Time during which changes gather before a round.
const GATHER: Duration = Duration::from_millis(100);
/// Pause before a round that failed is repeated.
const RETRY: Duration = Duration::from_secs(5);
/// Namespaces that are written at a time.
const AT_A_TIME: usize = 8;

/// Writes to the cluster, in rounds.
pub(crate) struct Publisher {
    index: SharedIndex,
    states: States,
    accounts: AccountPublisher,
    principals: PrincipalPublisher,
    realms: RealmPublisher,
    config_maps: ConfigMapPublisher,
    due: Mutex<Due>,
    wake: Notify,
}

/// The namespaces, and whether the realms, that the next round writes.
#[derive(Default)]
struct Due {
    namespaces: BTreeSet<String>,
    realms: bool,
}

impl Publisher {
    pub(crate) fn new(
        applier: Applier,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
        states: States,
        published: Published,
        clock: Clock,
    ) -> Publisher {
        let secrets = KeytabSecretPublisher::new(applier.keytab_secrets, index.clone(), store);
        Publisher {
            index,
            states,
            accounts: AccountPublisher::new(applier.events.clone()),
            principals: PrincipalPublisher::new(applier.statuses.clone(), applier.events.clone(), secrets, clock),
            realms: RealmPublisher::new(applier.statuses, applier.events, clock),
            config_maps: ConfigMapPublisher::new(applier.config_maps, published),
            due: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Makes namespaces, and with `realms` the realms, due for the next round.
    pub(crate) fn touch<S: Into<String>>(&self, namespaces: impl IntoIterator<Item = S>, realms: bool) {
        {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.namespaces.extend(namespaces.into_iter().map(Into::into));
            due.realms |= realms;
        }
        self.wake.notify_one();
    }

    /// Forgets the writes of ConfigMaps and Secrets, which are not watched: somebody may have changed or deleted them. Each is
    /// written anew in the next round in which it is due.
    pub(crate) fn forget(&self) {
        self.principals.forget_secrets();
        self.config_maps.forget();
    }

    /// Runs without end.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(GATHER).await;
            let due = std::mem::take(&mut *self.due.lock().unwrap_or_else(PoisonError::into_inner));
            if let Err(error) = self.round(&due).await {
                tracing::warn!(%error, "results cannot be written to the cluster: trying again");
                tokio::time::sleep(RETRY).await;
                self.touch(due.namespaces, due.realms);
            }
        }
    }

    /// Writes all that is due, and returns the first error at the end.
    async fn round(&self, due: &Due) -> kube::Result<()> {
        let abandoned = self.config_maps.find_abandoned(&self.index).await?;
        if !abandoned.is_empty() {
            self.touch(abandoned, false);
        }
        let namespaces = due.namespaces.iter().cloned().map(|namespace| self.namespace(namespace));
        let mut results: Vec<kube::Result<()>> = stream::iter(namespaces).buffer_unordered(AT_A_TIME).collect().await;
        if due.realms {
            let report = realms_report(&self.index.read());
            results.push(self.realms.publish(report).await);
        }
        results.into_iter().collect()
    }

    async fn namespace(&self, namespace: String) -> kube::Result<()> {
        let report = namespace_report(&self.index.read(), &self.states, &namespace);
        self.accounts.publish(&namespace, report.refused).await;
        for principal in report.principals {
            self.principals.publish(&namespace, principal).await?;
        }
        self.config_maps.publish(&namespace, report.enrolled).await
    }
}
