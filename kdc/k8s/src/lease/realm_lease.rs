//! Checks, takes, renews and releases the Lease of a realm.

use crate::labels;
use crate::lease::error::LeaseError;
use crate::lease::held::{HeldLease, LeaseClocks, Term};
use crate::lease::spec::{Observations, is_free, renewed_spec};
use crate::store_mark::StoreMark;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Interval at which the holder renews the Lease.
const RENEW: Duration = Duration::from_secs(5);
/// Pause after a renewal that failed.
const RETRY: Duration = Duration::from_secs(1);
/// Time limit of a renewal.
const ANSWER: Duration = Duration::from_secs(4);
/// Time limit of each request to the API server at the start.
const PATIENCE: Duration = Duration::from_secs(10);
/// Interval at which a process looks at a Lease that another one holds.
const LOOK: Duration = Duration::from_secs(1);
/// Time that a stop spends on giving the Lease back.
const GOODBYE: Duration = Duration::from_secs(2);

/// The store that this process would serve the realm from.
#[derive(Debug, Clone, Copy)]
pub enum LocalStore<'a> {
    /// A store that is known by these ids of master keys: its own, and during and after a re-wrap the other one.
    Existing(&'a [String]),
    /// No store yet: the start would make one.
    Missing,
}

/// The Lease of one realm, before this process knows whether it may serve the realm.
pub struct RealmLease {
    /// The namespace of the KDC, in which this process takes the Lease.
    own: Api<Lease>,
    /// All namespaces: a KDC in another one would serve the same realm to the same cluster.
    all: Api<Lease>,
    namespace: String,
    name: String,
    identity: String,
    clocks: LeaseClocks,
    mark: Arc<StoreMark>,
}

/// The Lease of a realm that this process may serve.
pub struct CheckedLease {
    lease: RealmLease,
    term: Arc<Term>,
    /// What the check saw: a Lease that has run out by it is free at once.
    observed: Observations,
}

impl RealmLease {
    /// The Lease of a realm. `identity` names this process, and no process that may run at the same time: the UID of a pod is
    /// good, as the containers of a pod run one after the other; the name of a host or of a folder is not.
    #[must_use]
    pub fn new(client: &Client, realm: &str, identity: String, clocks: LeaseClocks) -> RealmLease {
        RealmLease {
            own: Api::default_namespaced(client.clone()),
            all: Api::all(client.clone()),
            namespace: client.default_namespace().to_owned(),
            name: format!("kennel-{}", realm.to_ascii_lowercase()),
            identity,
            clocks,
            mark: Arc::default(),
        }
    }

    /// Makes sure that no other store has the realm, and that no other process serves it from a copy of this one, in whatever
    /// namespace; waits for a Lease of another process to run out. Without an API server an existing store is served, so that
    /// tickets go on, and a new one is not made.
    ///
    /// # Errors
    /// [`LeaseError`]: this process must not serve the realm.
    pub async fn check(self, store: LocalStore<'_>) -> Result<CheckedLease, LeaseError> {
        let mut observed = Observations::default();
        match (timeout(PATIENCE, self.list()).await, store) {
            (Ok(Ok(found)), _) => {
                found.iter().try_for_each(|lease| has_no_other_store(lease, store))?;
                self.await_end_of_others(found, &mut observed).await?;
            }
            (Ok(Err(kube::Error::Api(status))), _) if status.is_forbidden() => {
                return Err(LeaseError::Forbidden { lease: self.name, message: status.message });
            }
            (_, LocalStore::Existing(_)) => {
                tracing::warn!(
                    lease = self.name,
                    "the API server is away: whether another store has this realm is not known"
                );
            }
            (Ok(Err(error)), LocalStore::Missing) => return Err(LeaseError::NewRealmUnchecked(Box::new(error))),
            (Err(_), LocalStore::Missing) => return Err(LeaseError::NewRealmUnanswered),
        }
        let term = Term::new(self.clocks);
        Ok(CheckedLease { lease: self, term, observed })
    }

    /// Waits until the Leases of other processes have run out, since those processes may have just ended. A process that goes
    /// on renewing its Lease is alive.
    async fn await_end_of_others(&self, first: Vec<Lease>, observed: &mut Observations) -> Result<(), LeaseError> {
        let mut found = first.clone();
        let mut announced = false;
        while let Some((lease, spec)) = self.held_elsewhere(&found, observed) {
            let before = first.iter().find(|before| before.namespace() == lease.namespace());
            let renewed = before.and_then(|before| before.spec.as_ref()?.renew_time.clone());
            let holder = spec.holder_identity.clone().unwrap_or_default();
            if renewed.is_some() && renewed != spec.renew_time {
                return Err(LeaseError::ServedElsewhere { holder, lease: full_name(lease) });
            }
            if !std::mem::replace(&mut announced, true) {
                tracing::info!(
                    lease = full_name(lease),
                    holder,
                    "another process holds the Lease: waiting until it runs out"
                );
            }
            sleep(LOOK).await;
            let Ok(Ok(now)) = timeout(PATIENCE, self.list()).await else {
                // The API server is away: an existing store is served.
                return Ok(());
            };
            found = now;
        }
        Ok(())
    }

    /// Lists the Leases of this realm in all namespaces.
    async fn list(&self) -> kube::Result<Vec<Lease>> {
        let named = ListParams::default().fields(&format!("metadata.name={}", self.name));
        let found = self.all.list(&named).await?.items;
        found.iter().for_each(|lease| self.mark.see(lease));
        Ok(found)
    }

    /// Returns the first Lease that another process holds.
    fn held_elsewhere<'a>(
        &self,
        found: &'a [Lease],
        observed: &mut Observations,
    ) -> Option<(&'a Lease, &'a LeaseSpec)> {
        let now = self.clocks.now();
        let mut held = found.iter().filter_map(|lease| {
            let spec = lease.spec.as_ref()?;
            let unchanged = observed.observe(&full_name(lease), spec, now);
            (!is_free(spec, &self.identity, unchanged, now)).then_some((lease, spec))
        });
        let first = held.next();
        // Observes all of them.
        held.for_each(drop);
        first
    }

    /// Writes that this process holds the Lease. `found`: the Lease as it was read.
    async fn write(&self, found: Option<&Lease>, store: &str) -> kube::Result<Lease> {
        let old = found.and_then(|lease| lease.spec.as_ref());
        let mut metadata = found.map_or_else(ObjectMeta::default, |lease| lease.metadata.clone());
        let is_new = metadata.resource_version.is_none();
        metadata.name = Some(self.name.clone());
        found.into_iter().for_each(|lease| self.mark.see(lease));
        let named = (labels::STORE.to_owned(), store.to_owned());
        metadata.annotations.get_or_insert_default().extend(std::iter::once(named).chain(self.mark.annotation()));
        let lease = Lease { metadata, spec: Some(renewed_spec(old, &self.identity, self.clocks.now())) };
        let params = PostParams::default();
        if is_new {
            self.own.create(&params, &lease).await
        } else {
            // With the version that was read: of two processes that try, one fails.
            self.own.replace(&self.name, &params, &lease).await
        }
    }
}

impl CheckedLease {
    /// Returns the high-water mark of the store's revision, which was read from the Leases and is written by each renewal.
    #[must_use]
    pub fn mark(&self) -> Arc<StoreMark> {
        self.lease.mark.clone()
    }

    /// Takes the Lease as soon as no other process holds it. `store` returns the id of the master key.
    pub async fn acquire(&self, store: impl Fn() -> String) -> HeldLease {
        let (lease, identity) = (&self.lease.name, &self.lease.identity);
        let mut observed = self.observed.clone();
        loop {
            let begun = self.lease.clocks.now();
            match timeout(PATIENCE, self.take(&store(), &mut observed)).await {
                Ok(Ok(true)) => {
                    let held = self.term.extend(begun);
                    tracing::info!(lease, holder = identity, "the Lease is held");
                    return held;
                }
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease, %error, "the Lease cannot be taken; the KDC tries again");
                    sleep(RENEW).await;
                }
                Err(_) => {
                    tracing::warn!(lease, "the API server does not answer; the KDC tries again to take the Lease")
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Takes the Lease where no other process holds one of this realm. Looks again afterwards: of two processes that take one in
    /// two namespaces at a time, at least one sees the other and gives its own back.
    async fn take(&self, store: &str, observed: &mut Observations) -> kube::Result<bool> {
        let RealmLease { namespace, .. } = &self.lease;
        let found = self.lease.list().await?;
        if self.lease.held_elsewhere(&found, observed).is_some() {
            return Ok(false);
        }
        let own = found.iter().find(|lease| lease.namespace().as_ref() == Some(namespace));
        self.lease.write(own, store).await?;
        if self.lease.held_elsewhere(&self.lease.list().await?, observed).is_some() {
            self.give_back().await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Renews the Lease until another process has taken it. `store` returns the id of the master key, which a re-wrap changes. Calls `changed` when the time of the last renewal is over, and when
    /// the Lease is regained because nobody else took it meanwhile.
    pub async fn keep(&self, held: &HeldLease, store: impl Fn() -> String, changed: impl Fn(bool)) {
        let lease = &self.lease.name;
        let (mut pause, mut is_late) = (RENEW, false);
        loop {
            sleep(pause).await;
            pause = RETRY;
            if !is_late && held.check().is_err() {
                is_late = true;
                tracing::warn!(
                    lease,
                    "the Lease was not renewed in time: the KDC writes nothing until it has renewed it"
                );
                changed(false);
            }
            let begun = self.lease.clocks.now();
            match timeout(ANSWER, self.renew(&store())).await {
                Ok(Ok(true)) => {
                    self.term.extend(begun);
                    pause = RENEW;
                    if std::mem::take(&mut is_late) {
                        tracing::info!(
                            lease,
                            "the Lease is renewed, and no other process took it: the KDC writes again"
                        );
                        changed(true);
                    }
                }
                Ok(Ok(false)) => {
                    self.term.end();
                    changed(false);
                    return tracing::error!(lease, "another process has taken the Lease");
                }
                Ok(Err(error)) => {
                    tracing::debug!(lease, %error, "the Lease cannot be renewed; the KDC tries again");
                }
                Err(_) => tracing::debug!(lease, "the Lease cannot be renewed in time; the KDC tries again"),
            }
        }
    }

    /// Renews the Lease. False: another process has taken it since, even if that one gave it back. A Lease that somebody deleted
    /// is made again.
    async fn renew(&self, store: &str) -> kube::Result<bool> {
        let found = self.lease.own.get_opt(&self.lease.name).await?;
        let holder = |lease: &Lease| lease.spec.as_ref()?.holder_identity.clone();
        if found.as_ref().is_some_and(|found| holder(found).as_ref() != Some(&self.lease.identity)) {
            return Ok(false);
        }
        self.lease.write(found.as_ref(), store).await.map(|_| true)
    }

    /// Ends the time of all writers and gives the Lease back, so that the next process need not wait. The Lease still names the
    /// realm's store.
    pub async fn release(&self) {
        self.term.end();
        let lease = &self.lease.name;
        match timeout(GOODBYE, self.give_back()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(lease, %error, "the Lease is not given back: it runs out"),
            Err(_) => tracing::debug!(lease, "the Lease is not given back in time: it runs out"),
        }
    }

    async fn give_back(&self) -> kube::Result<()> {
        let RealmLease { own, name, identity, .. } = &self.lease;
        let Some(mut lease) = own.get_opt(name).await? else { return Ok(()) };
        let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(identity)) else {
            return Ok(());
        };
        spec.holder_identity = None;
        own.replace(name, &PostParams::default(), &lease).await.map(|_| ())
    }
}

/// Compares the store that a Lease names with the one of this process.
fn has_no_other_store(lease: &Lease, ours: LocalStore<'_>) -> Result<(), LeaseError> {
    let theirs = lease.metadata.annotations.as_ref().and_then(|all| all.get(labels::STORE)).cloned();
    match (theirs, ours) {
        (Some(theirs), LocalStore::Existing(ours)) if !ours.contains(&theirs) => {
            Err(LeaseError::OtherStore { theirs, ours: ours.join(" or "), lease: full_name(lease) })
        }
        (Some(theirs), LocalStore::Missing) => Err(LeaseError::EmptyStore { theirs, lease: full_name(lease) }),
        _ => Ok(()),
    }
}

fn full_name(lease: &Lease) -> String {
    format!("{}/{}", lease.namespace().unwrap_or_default(), lease.name_any())
}
