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
//! | [`access`] | status and Events of KerberosAccesses |
//! | [`realm`] | status and Events of KerberosRealms |
//! | [`readiness`] | Events where a condition changes |
//! | [`config_map`] | the ConfigMap of each enrolled namespace |

mod access;
mod account;
pub(crate) mod config_map;
mod keytab_secret;
mod principal;
mod readiness;
mod realm;
mod report;
mod written;

use crate::access::snapshot::{AccessSnapshot, Programmed};
use crate::publish::access::{AccessPublisher, changed_accesses};
use crate::publish::account::AccountPublisher;
use crate::publish::config_map::{ConfigMapPublisher, Published};
use crate::publish::keytab_secret::KeytabSecretPublisher;
use crate::publish::principal::PrincipalPublisher;
use crate::publish::realm::RealmPublisher;
use crate::publish::report::{namespace_report, realms_report};
use crate::rotation::book::RotationBook;
use crate::state::States;
use futures_util::stream::{self, StreamExt};
use kennel_k8s::apply::Applier;
use kennel_k8s::guards::report::GuardReport;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::index::view::SharedIndex;
use kennel_store::PrincipalStore;
use kennel_wire::message::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Time during which changes gather before a round.
const GATHER: Duration = Duration::from_millis(100);
/// Pause before a round that failed is repeated.
const RETRY: Duration = Duration::from_secs(5);
/// Namespaces that are written at a time.
const AT_A_TIME: usize = 8;

/// The clients of servers in mode Observe that Enforce would deny.
pub(crate) type DeniedClients = BTreeMap<ObjectKey, Vec<String>>;

/// Writes to the cluster, in rounds.
pub(crate) struct Publisher {
    index: SharedIndex,
    states: States,
    /// What is programmed of accesses.
    programmed: Programmed,
    /// Progress of rotations.
    book: Arc<RotationBook>,
    /// The admission policies of the cluster, where they are known.
    guards: Mutex<Option<GuardReport>>,
    /// Clients that Enforce would deny, by server.
    denied: Mutex<DeniedClients>,
    accounts: AccountPublisher,
    principals: PrincipalPublisher,
    accesses: AccessPublisher,
    realms: RealmPublisher,
    config_maps: ConfigMapPublisher,
    due: Mutex<Due>,
    wake: Notify,
}

/// What the next round writes.
#[derive(Default)]
struct Due {
    namespaces: BTreeSet<String>,
    accesses: BTreeSet<ObjectKey>,
    realms: bool,
}

impl Publisher {
    #[expect(clippy::too_many_arguments, reason = "each is a part of its own")]
    pub(crate) fn new(
        applier: Applier,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
        states: States,
        programmed: Programmed,
        published: Published,
        book: Arc<RotationBook>,
        clock: Clock,
    ) -> Publisher {
        let secrets = KeytabSecretPublisher::new(applier.keytab_secrets, index.clone(), store, clock);
        Publisher {
            index,
            states,
            programmed,
            book,
            guards: Mutex::default(),
            denied: Mutex::default(),
            accounts: AccountPublisher::new(applier.events.clone()),
            principals: PrincipalPublisher::new(applier.statuses.clone(), applier.events.clone(), secrets, clock),
            accesses: AccessPublisher::new(applier.statuses.clone(), applier.events.clone(), clock),
            realms: RealmPublisher::new(applier.statuses, applier.events, clock),
            config_maps: ConfigMapPublisher::new(applier.config_maps, published),
            due: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Makes namespaces, and with `realms` the realms, due for the next round.
    pub(crate) fn touch<S: Into<String>>(&self, namespaces: impl IntoIterator<Item = S>, realms: bool) {
        let namespaces = namespaces.into_iter().map(Into::into).collect();
        self.add(Due { namespaces, realms, ..Due::default() });
    }

    /// Makes what differs between two snapshots of accesses due.
    pub(crate) fn touch_access(&self, old: &AccessSnapshot, new: &AccessSnapshot) {
        let mut due = Due { accesses: changed_accesses(old, new), ..Due::default() };
        if !Arc::ptr_eq(&old.rendered, &new.rendered) {
            let (old, new) = (&old.rendered, &new.rendered);
            let gone = old.servers.keys().filter(|key| !new.servers.contains_key(*key));
            let changed = new.servers.iter().filter(|(key, server)| old.servers.get(*key) != Some(*server));
            due.namespaces = gone.chain(changed.map(|(key, _)| key)).map(|(namespace, _)| namespace.clone()).collect();
            due.realms = old.realm != new.realm;
        }
        self.add(due);
    }

    /// Takes in the admission policies of the cluster.
    pub(crate) fn set_guards(&self, guards: GuardReport) {
        *self.guards.lock().unwrap_or_else(PoisonError::into_inner) = Some(guards);
        self.touch([""; 0], true);
    }

    /// Takes in the clients that Enforce would deny, and makes the namespaces due where they differ.
    pub(crate) fn set_denied(&self, denied: DeniedClients) {
        let old = std::mem::replace(&mut *self.denied.lock().unwrap_or_else(PoisonError::into_inner), denied.clone());
        let changed = old.iter().filter(|(key, clients)| denied.get(*key) != Some(*clients));
        let new = denied.iter().filter(|(key, clients)| old.get(*key) != Some(*clients));
        let namespaces: BTreeSet<&String> = changed.chain(new).map(|((namespace, _), _)| namespace).collect();
        if !namespaces.is_empty() {
            self.touch(namespaces, false);
        }
    }

    fn denied(&self, namespace: &str, name: &str) -> Vec<String> {
        let denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        denied.get(&(namespace.to_owned(), name.to_owned())).cloned().unwrap_or_default()
    }

    fn add(&self, more: Due) {
        {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            due.namespaces.extend(more.namespaces);
            due.accesses.extend(more.accesses);
            due.realms |= more.realms;
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
                self.add(due);
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
        let accesses = due.accesses.iter().cloned().map(|key| async move { self.access(&key).await });
        results.extend(stream::iter(accesses).buffer_unordered(AT_A_TIME).collect::<Vec<_>>().await);
        if due.realms {
            let guards = self.guards.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let report = realms_report(&self.index.read(), &self.book, self.programmed.load().as_deref(), guards);
            results.push(self.realms.publish(report).await);
        }
        results.into_iter().collect()
    }

    async fn access(&self, key: &ObjectKey) -> kube::Result<()> {
        let fact = {
            let index = self.index.read();
            index.access_object(&key.0, &key.1).filter(|_| !index.is_of_other_realm(&key.0)).cloned()
        };
        match (fact, self.programmed.load()) {
            (Some(fact), Some(snapshot)) => self.accesses.publish(key, &fact, &snapshot).await,
            _ => Ok(()),
        }
    }

    async fn namespace(&self, namespace: String) -> kube::Result<()> {
        if self.index.read().is_of_other_realm(&namespace) {
            return self.config_maps.publish(&namespace, false).await;
        }
        let snapshot = self.programmed.load();
        let report = namespace_report(&self.index.read(), &self.states, &self.book, snapshot.as_deref(), &namespace);
        self.accounts.publish(&namespace, report.refused).await;
        for mut principal in report.principals {
            principal.denied = self.denied(&namespace, &principal.name);
            self.principals.publish(&namespace, principal).await?;
        }
        self.config_maps.publish(&namespace, report.enrolled).await
    }
}
