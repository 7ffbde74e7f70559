//! Who serves a realm from its store, kept in a Lease beside the KDC. It names the store: a replica with another one, or with an
//! empty volume, would be a realm of the same name with other keys, and no ticket of the one would work in the other. It names
//! the holder: the embedded store is of one process, so a second one with a copy of it would fall behind unnoticed. Neither
//! starts. The holder is who writes for the cluster.

use crate::clock;
use anyhow::{Context, bail};
use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Which store the realm is in.
const STORE: &str = "kennel.dev/store";
/// A holder that is not heard of for so long is gone, seconds.
const DURATION: i32 = 15;
/// How often the holder says that it is there.
const RENEW: Duration = Duration::from_secs(5);
/// The API server is asked for so long at the start.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a Lease that another process holds is looked at, at the start.
const LOOK: Duration = Duration::from_secs(1);
/// A stop waits so long for the Lease to be given back.
const GOODBYE: Duration = Duration::from_secs(2);

/// The Lease of a realm.
pub(crate) struct Lease {
    api: Api<Object>,
    name: String,
    identity: String,
}

/// What this process has of a store.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Store<'a> {
    /// One whose master key has this id.
    There(&'a str),
    /// None yet: it would be made.
    Missing,
}

impl Lease {
    /// That of a realm, in the KDC's own namespace, for who serves it from the store in this folder. A process that starts again
    /// is the same holder: the host (a pod's name) and the folder tell who it is.
    pub(crate) fn of_realm(client: &Client, realm: &str, store: &Path) -> Lease {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        let folder = Sha256::digest(store.as_os_str().as_encoded_bytes());
        let folder: String = folder.iter().take(4).map(|octet| format!("{octet:02x}")).collect();
        let identity = format!("{}_{folder}", host.unwrap_or_else(|| "kennel-kdc".into()));
        let name = format!("kennel-{}", realm.to_ascii_lowercase());
        Lease { api: Api::default_namespaced(client.clone()), name, identity }
    }

    /// Refuses to serve from another store than the realm's, or beside another process that serves from a copy of it. Without an
    /// API server, a store that is there is served: tickets go on; none is made.
    pub(crate) async fn check(&self, store: Store<'_>) -> anyhow::Result<()> {
        let found = timeout(PATIENCE, self.api.get_opt(&self.name)).await;
        let found = match (found, store) {
            (Ok(Ok(found)), _) => found,
            (Ok(Err(kube::Error::Api(status))), _) if status.is_forbidden() => {
                bail!("the Lease {} cannot be read: {}: see deploy/base/rbac.yaml", self.name, status.message)
            }
            (_, Store::There(_)) => {
                tracing::warn!(
                    lease = self.name,
                    "the API server is away: whether another store has this realm is not known"
                );
                return Ok(());
            }
            (Ok(Err(error)), Store::Missing) => {
                return Err(error)
                    .context("a new realm is not made while the API server cannot be asked for another one");
            }
            (Err(_), Store::Missing) => bail!("a new realm is not made while the API server does not answer"),
        };
        let theirs = found.as_ref().and_then(|lease| lease.metadata.annotations.as_ref()?.get(STORE));
        match (theirs, store) {
            (Some(theirs), Store::There(ours)) if theirs != ours => bail!(
                "the realm is in another store (master key {theirs}, this one has {ours}): a second replica cannot serve it, \
                 as the embedded store is of one process. Scale the StatefulSet to 1, or mount the realm's own volume and \
                 master key; if this store is the right one, delete the Lease {}",
                self.name
            ),
            (Some(theirs), Store::Missing) => bail!(
                "the realm has a store already (master key {theirs}), and this one is empty: mount the realm's own volume, or \
                 scale the StatefulSet to 1; if that store is lost, delete the Lease {} to begin a new realm",
                self.name
            ),
            _ => match found.and_then(|lease| lease.spec) {
                Some(spec) => self.await_end_of_other(spec).await,
                None => Ok(()),
            },
        }
    }

    /// Waits until a Lease of another process has run out; that process may just have ended. One that goes on renewing it lives.
    async fn await_end_of_other(&self, seen: LeaseSpec) -> anyhow::Result<()> {
        if is_free(&seen, &self.identity, micro_now()) {
            return Ok(());
        }
        let since = Instant::now();
        let holder = seen.holder_identity.unwrap_or_default();
        tracing::info!(lease = self.name, holder, "another process holds the Lease: waiting until it runs out");
        // By our own clock too: the other's may be ahead of it.
        while since.elapsed() <= Duration::from_secs(DURATION.unsigned_abs().into()) {
            sleep(LOOK).await;
            let Ok(Ok(Some(Object { spec: Some(now), .. }))) = timeout(PATIENCE, self.api.get_opt(&self.name)).await
            else {
                // Gone, or the API server is: as above.
                return Ok(());
            };
            if is_free(&now, &self.identity, micro_now()) {
                return Ok(());
            }
            if now.renew_time != seen.renew_time {
                bail!(
                    "{holder} serves this realm now, and renews the Lease {}: the embedded store is of one process, and a copy of \
                     it would fall behind. Stop the other one, or scale the StatefulSet to 1",
                    self.name
                );
            }
        }
        Ok(())
    }

    /// Takes the Lease, once nobody else has it.
    pub(crate) async fn acquire(&self, store: &str) {
        loop {
            match self.renewed(store).await {
                Ok(true) => return tracing::info!(lease = self.name, holder = self.identity, "the Lease is held"),
                Ok(false) => {}
                Err(error) => tracing::warn!(lease = self.name, %error, "the Lease cannot be taken; it is tried again"),
            }
            sleep(RENEW).await;
        }
    }

    /// Keeps it; ends when somebody else has taken it.
    pub(crate) async fn keep(&self, store: &str) {
        loop {
            sleep(RENEW).await;
            match self.renewed(store).await {
                Ok(true) => {}
                Ok(false) => return tracing::error!(lease = self.name, "another process has taken the Lease"),
                Err(error) => {
                    tracing::debug!(lease = self.name, %error, "the Lease cannot be renewed; it is tried again")
                }
            }
        }
    }

    /// Gives it back, so that whoever comes next need not wait. It goes on saying which store the realm is in.
    pub(crate) async fn release(&self) {
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

    /// Writes that we hold it; false: somebody else does.
    async fn renewed(&self, store: &str) -> kube::Result<bool> {
        let time = micro_now();
        let found = self.api.get_opt(&self.name).await?;
        let old = found.as_ref().and_then(|lease| lease.spec.as_ref());
        if old.is_some_and(|spec| !is_free(spec, &self.identity, time)) {
            return Ok(false);
        }
        let ours = old.is_some_and(|spec| spec.holder_identity.as_ref() == Some(&self.identity));
        let acquired = old.and_then(|spec| spec.acquire_time.clone()).filter(|_| ours).unwrap_or(MicroTime(time));
        let changes = old.and_then(|spec| spec.lease_transitions).unwrap_or(0).saturating_add(i32::from(!ours));
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(DURATION),
            acquire_time: Some(acquired),
            renew_time: Some(MicroTime(time)),
            lease_transitions: Some(changes),
            ..LeaseSpec::default()
        };
        let metadata = found.map_or_else(ObjectMeta::default, |lease| lease.metadata);
        let annotations = [(STORE.to_owned(), store.to_owned())].into();
        let is_new = metadata.resource_version.is_none();
        let metadata = ObjectMeta { name: Some(self.name.clone()), annotations: Some(annotations), ..metadata };
        let lease = Object { metadata, spec: Some(spec) };
        let params = PostParams::default();
        let written = if is_new {
            self.api.create(&params, &lease).await
        } else {
            // With the version that was read: of two that try, one fails.
            self.api.replace(&self.name, &params, &lease).await
        };
        written.map(|_| true)
    }
}

fn micro_now() -> Timestamp {
    let now = clock::now();
    let micros = now.time.0.saturating_mul(1_000_000).saturating_add(now.micros.into());
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// Nobody holds it, we do, or its holder is not heard of any more.
fn is_free(spec: &LeaseSpec, identity: &str, now: Timestamp) -> bool {
    let holder = spec.holder_identity.as_deref().unwrap_or_default();
    let duration = i64::from(spec.lease_duration_seconds.unwrap_or(DURATION));
    let heard = spec.renew_time.as_ref().map_or(0, |time| time.0.as_second());
    holder.is_empty() || holder == identity || now.as_second() > heard.saturating_add(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_its_holder_s_until_that_one_is_silent_for_its_duration() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let spec = LeaseSpec {
            holder_identity: Some("a".into()),
            lease_duration_seconds: Some(15),
            renew_time: Some(MicroTime(at(1000))),
            ..LeaseSpec::default()
        };
        assert!(is_free(&spec, "a", at(1000)));
        assert!(!is_free(&spec, "b", at(1015)));
        assert!(is_free(&spec, "b", at(1016)));
        assert!(is_free(&LeaseSpec::default(), "b", at(1000)));
    }
}
