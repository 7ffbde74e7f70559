//! The Lease that says which process serves a realm, and from which store. It names the store by its master key: a replica
//! with another store, or with an empty volume, would serve a realm of the same name with other keys, and no ticket of one
//! would work in the other. It names the holder: the embedded store belongs to one process, so a second process with a copy
//! would fall behind unnoticed. Neither starts. The holder alone writes for the cluster.

use crate::labels;
use crate::store_mark::StoreMark;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kennel_wire::message;
use kube::api::PostParams;
use kube::{Api, Client};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a holder may stay silent before the Lease is free, seconds.
const DURATION: i32 = 15;
/// Interval at which the holder renews the Lease.
const RENEW: Duration = Duration::from_secs(5);
/// Time limit of each request to the API server at the start.
const PATIENCE: Duration = Duration::from_secs(10);
/// Interval at which the start looks at a Lease that another process holds.
const LOOK: Duration = Duration::from_secs(1);
/// Time that a stop spends on giving the Lease back.
const GOODBYE: Duration = Duration::from_secs(2);

/// The store that this process would serve the realm from.
#[derive(Debug, Clone, Copy)]
pub enum LocalStore<'a> {
    /// A store whose master key has this id.
    Existing(&'a str),
    /// No store yet: the start would make one.
    Missing,
}

/// Why this process must not serve the realm.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The role of the KDC lacks the right to read the Lease.
    #[error("the Lease {lease} cannot be read: {message}: see deploy/base/rbac.yaml")]
    Forbidden {
        /// Name of the Lease.
        lease: String,
        /// The answer of the API server.
        message: String,
    },
    /// The API server answers with an error, and only its answer could allow a new realm.
    #[error("a new realm is not made while the API server cannot be asked for another one")]
    NewRealmUnchecked(#[source] Box<kube::Error>),
    /// As [`NewRealmUnchecked`](LeaseError::NewRealmUnchecked), without any answer.
    #[error("a new realm is not made while the API server does not answer")]
    NewRealmUnanswered,
    /// The realm lives in another store.
    #[error(
        "the realm is in another store (master key {theirs}, this one has {ours}): a second replica cannot serve it, \
         as the embedded store is of one process. Scale the StatefulSet to 1, or mount the realm's own volume and \
         master key; if this store is the right one, delete the Lease {lease}"
    )]
    OtherStore {
        /// Id of the other store's master key.
        theirs: String,
        /// Id of this store's master key.
        ours: String,
        /// Name of the Lease.
        lease: String,
    },
    /// The realm has a store, and this process has none.
    #[error(
        "the realm has a store already (master key {theirs}), and this one is empty: mount the realm's own volume, or \
         scale the StatefulSet to 1; if that store is lost, delete the Lease {lease} to begin a new realm"
    )]
    EmptyStore {
        /// Id of the existing store's master key.
        theirs: String,
        /// Name of the Lease.
        lease: String,
    },
    /// Another process serves the realm from a copy of the store.
    #[error(
        "{holder} serves this realm now, and renews the Lease {lease}: the embedded store is of one process, and a copy of \
         it would fall behind. Stop the other one, or scale the StatefulSet to 1"
    )]
    ServedElsewhere {
        /// Identity of the other process.
        holder: String,
        /// Name of the Lease.
        lease: String,
    },
}

/// The Lease of one realm, as one process sees it.
pub struct RealmLease {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: message::Clock,
    mark: Arc<StoreMark>,
}

impl RealmLease {
    /// The Lease of a realm in the KDC's own namespace. `identity` names this process, and names it again after a restart, so
    /// that a process that was killed waits for nobody.
    #[must_use]
    pub fn new(client: &Client, realm: &str, identity: String, clock: message::Clock) -> RealmLease {
        let name = format!("kennel-{}", realm.to_ascii_lowercase());
        RealmLease { api: Api::default_namespaced(client.clone()), name, identity, clock, mark: Arc::default() }
    }

    /// Returns the high-water mark of the store's revision, which [`RealmLease::check`] reads and each renewal writes.
    #[must_use]
    pub fn mark(&self) -> Arc<StoreMark> {
        self.mark.clone()
    }

    /// Makes sure that no other store has the realm, and that no other process serves it from a copy of this one; waits for
    /// a Lease of another process to run out. Without an API server an existing store is served, so that tickets go on, and
    /// a new one is not made.
    ///
    /// # Errors
    /// [`LeaseError`]: this process must not serve the realm.
    pub async fn check(&self, store: LocalStore<'_>) -> Result<(), LeaseError> {
        let lease = || self.name.clone();
        let found = timeout(PATIENCE, self.api.get_opt(&self.name)).await;
        let found = match (found, store) {
            (Ok(Ok(found)), _) => found,
            (Ok(Err(kube::Error::Api(status))), _) if status.is_forbidden() => {
                return Err(LeaseError::Forbidden { lease: lease(), message: status.message });
            }
            (_, LocalStore::Existing(_)) => {
                tracing::warn!(
                    lease = self.name,
                    "the API server is away: whether another store has this realm is not known"
                );
                return Ok(());
            }
            (Ok(Err(error)), LocalStore::Missing) => return Err(LeaseError::NewRealmUnchecked(Box::new(error))),
            (Err(_), LocalStore::Missing) => return Err(LeaseError::NewRealmUnanswered),
        };
        found.iter().for_each(|lease| self.mark.see(lease));
        let theirs = found.as_ref().and_then(|lease| lease.metadata.annotations.as_ref()?.get(labels::STORE)).cloned();
        match (theirs, store) {
            (Some(theirs), LocalStore::Existing(ours)) if theirs != ours => {
                Err(LeaseError::OtherStore { theirs, ours: ours.to_owned(), lease: lease() })
            }
            (Some(theirs), LocalStore::Missing) => Err(LeaseError::EmptyStore { theirs, lease: lease() }),
            _ => match found.and_then(|lease| lease.spec) {
                Some(spec) => self.await_end_of_other(spec).await,
                None => Ok(()),
            },
        }
    }

    /// Waits until the Lease of another process has run out, since that process may have just ended. A process that goes on
    /// renewing it is alive.
    async fn await_end_of_other(&self, seen: LeaseSpec) -> Result<(), LeaseError> {
        if is_free(&seen, &self.identity, self.now()) {
            return Ok(());
        }
        let since = Instant::now();
        let holder = seen.holder_identity.unwrap_or_default();
        tracing::info!(lease = self.name, holder, "another process holds the Lease: waiting until it runs out");
        // By this process's clock too: the other clock may be ahead.
        while since.elapsed() <= Duration::from_secs(DURATION.unsigned_abs().into()) {
            sleep(LOOK).await;
            let Ok(Ok(Some(Lease { spec: Some(now), .. }))) = timeout(PATIENCE, self.api.get_opt(&self.name)).await
            else {
                // The Lease is gone, or the API server is away: an existing store is served.
                return Ok(());
            };
            if is_free(&now, &self.identity, self.now()) {
                return Ok(());
            }
            if now.renew_time != seen.renew_time {
                return Err(LeaseError::ServedElsewhere { holder, lease: self.name.clone() });
            }
        }
        Ok(())
    }

    /// Takes the Lease as soon as no other process holds it. `store` is the id of the master key.
    pub async fn acquire(&self, store: &str) {
        loop {
            match self.renew(store).await {
                Ok(true) => return tracing::info!(lease = self.name, holder = self.identity, "the Lease is held"),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(lease = self.name, %error, "the Lease cannot be taken; the KDC tries again");
                }
            }
            sleep(RENEW).await;
        }
    }

    /// Renews the Lease until another process has taken it.
    pub async fn keep(&self, store: &str) {
        loop {
            sleep(RENEW).await;
            match self.renew(store).await {
                Ok(true) => {}
                Ok(false) => return tracing::error!(lease = self.name, "another process has taken the Lease"),
                Err(error) => {
                    tracing::debug!(lease = self.name, %error, "the Lease cannot be renewed; the KDC tries again");
                }
            }
        }
    }

    /// Gives the Lease back, so that the next process need not wait. The Lease still names the realm's store.
    pub async fn release(&self) {
        let given_back = async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else { return kube::Result::Ok(()) };
            let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(&self.identity))
            else {
                return Ok(());
            };
            spec.holder_identity = None;
            self.api.replace(&self.name, &PostParams::default(), &lease).await.map(|_| ())
        };
        match timeout(GOODBYE, given_back).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(lease = self.name, %error, "the Lease is not given back: it runs out"),
            Err(_) => tracing::debug!(lease = self.name, "the Lease is not given back in time: it runs out"),
        }
    }

    /// Writes that this process holds the Lease; false: another process holds it.
    async fn renew(&self, store: &str) -> kube::Result<bool> {
        let time = self.now();
        let found = self.api.get_opt(&self.name).await?;
        let old = found.as_ref().and_then(|lease| lease.spec.as_ref());
        if old.is_some_and(|spec| !is_free(spec, &self.identity, time)) {
            return Ok(false);
        }
        let metadata = found.as_ref().map_or_else(ObjectMeta::default, |lease| lease.metadata.clone());
        found.iter().for_each(|lease| self.mark.see(lease));
        let named = (labels::STORE.to_owned(), store.to_owned());
        let annotations = std::iter::once(named).chain(self.mark.annotation()).collect();
        let is_new = metadata.resource_version.is_none();
        let metadata = ObjectMeta { name: Some(self.name.clone()), annotations: Some(annotations), ..metadata };
        let lease = Lease { metadata, spec: Some(renewed_spec(old, &self.identity, time)) };
        let params = PostParams::default();
        let written = if is_new {
            self.api.create(&params, &lease).await
        } else {
            // With the version that was read: of two processes that try, one fails.
            self.api.replace(&self.name, &params, &lease).await
        };
        written.map(|_| true)
    }

    fn now(&self) -> Timestamp {
        let now = (self.clock)();
        let micros = now.time.0.saturating_mul(1_000_000).saturating_add(now.micros.into());
        Timestamp::from_microsecond(micros).unwrap_or_default()
    }
}

/// The spec that holds the Lease for `identity`; a change of holder counts as a transition.
fn renewed_spec(old: Option<&LeaseSpec>, identity: &str, time: Timestamp) -> LeaseSpec {
    let ours = old.is_some_and(|spec| spec.holder_identity.as_deref() == Some(identity));
    let acquired = old.and_then(|spec| spec.acquire_time.clone()).filter(|_| ours).unwrap_or(MicroTime(time));
    let transitions = old.and_then(|spec| spec.lease_transitions).unwrap_or(0).saturating_add(i32::from(!ours));
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(DURATION),
        acquire_time: Some(acquired),
        renew_time: Some(MicroTime(time)),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    }
}

/// Whether the Lease has no holder, is held by `identity`, or has a holder that was silent for its duration.
fn is_free(spec: &LeaseSpec, identity: &str, now: Timestamp) -> bool {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or(DURATION));
    let heard = spec.renew_time.as_ref().map_or(0, |time| time.0.as_second());
    holder.is_empty() || holder == identity || now.as_second() > heard.saturating_add(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn held_by_a() -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some("a".into()),
            lease_duration_seconds: Some(15),
            acquire_time: Some(MicroTime(at(900))),
            renew_time: Some(MicroTime(at(1000))),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_its_holder_s_until_that_one_is_silent_for_its_duration() {
        let spec = held_by_a();
        assert!(is_free(&spec, "a", at(1000)));
        assert!(!is_free(&spec, "b", at(1015)));
        assert!(is_free(&spec, "b", at(1016)));
        assert!(is_free(&LeaseSpec::default(), "b", at(1000)));
    }

    #[test]
    fn a_renewal_keeps_the_time_of_acquisition_and_a_change_of_holder_counts() {
        let same = renewed_spec(Some(&held_by_a()), "a", at(1005));
        assert_eq!((same.acquire_time, same.lease_transitions), (Some(MicroTime(at(900))), Some(3)));
        assert_eq!(same.renew_time, Some(MicroTime(at(1005))));
        let other = renewed_spec(Some(&held_by_a()), "b", at(1020));
        assert_eq!((other.acquire_time, other.lease_transitions), (Some(MicroTime(at(1020))), Some(4)));
        assert_eq!(renewed_spec(None, "a", at(1)).lease_transitions, Some(1));
    }
}
