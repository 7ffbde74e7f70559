//! The keytab Secrets that KerberosPrincipals ask for. A Secret holds keys as a pod does: it is recorded before it is written, and has
//! arrived once the kubelets have brought it into the volumes that mount it.

use crate::publish::written::Memory;
use kennel_core::enrolment::{HeldStatement, Service};
use kennel_core::keytab::{KeytabBuilder, KeytabFile};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::rotation::holder::HolderId;
use kennel_k8s::apply::keytab_secret::{KeytabSecretError, KeytabSecretWriter};
use kennel_k8s::crd::KerberosPrincipal;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::index::namespace::PrincipalOutcome;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::problem::Problem;
use kennel_k8s::render::status::StoreProgress;
use kennel_store::holders::HolderRecords;
use kennel_store::{PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{Clock, Principal};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Time after a write in which the kubelets bring a Secret into every volume that mounts it: their sync period and the life of their
/// caches, a minute each by default.
const MOUNTED: Duration = Duration::from_secs(120);
/// Pause before the arrival is written again, where the store did not answer.
const RETRY: Duration = Duration::from_secs(10);

/// Writes the keytabs of accounts and services into Secrets, and deletes Secrets that are no longer asked for.
pub(crate) struct KeytabSecretPublisher {
    writer: KeytabSecretWriter,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    clock: Clock,
    /// The Secrets that are on their way into volumes.
    arrivals: Memory<JoinSet<()>>,
    /// Name and SHA-256 digest of each written Secret, by KerberosPrincipal.
    written: Memory<BTreeMap<ObjectKey, (String, [u8; 32])>>,
}

impl KeytabSecretPublisher {
    pub(crate) fn new(
        writer: KeytabSecretWriter,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
        clock: Clock,
    ) -> KeytabSecretPublisher {
        KeytabSecretPublisher { writer, index, store, clock, arrivals: Memory::default(), written: Memory::default() }
    }

    /// Forgets written Secrets, so that each one is written anew when its KerberosPrincipal is due next.
    pub(crate) fn forget(&self) {
        self.written.lock().clear();
    }

    /// Publishes the Secret of one KerberosPrincipal, and deletes the Secret that the object named before. Returns the name of the
    /// Secret that exists; the inner error is the problem with the Secret.
    pub(crate) async fn publish(
        &self,
        object: &KerberosPrincipal,
        key: &ObjectKey,
        outcome: &PrincipalOutcome,
        progress: &StoreProgress,
    ) -> kube::Result<Result<Option<String>, Problem>> {
        let wanted = object.spec.keytab_secret();
        let existing = object.status.as_ref().and_then(|status| Some(&*status.keytab_secret_ref.as_ref()?.name));
        if let Some(other) = existing.filter(|existing| Some(*existing) != wanted) {
            self.writer.delete(object, other).await?;
        }
        let Some(name) = wanted else { return Ok(Ok(None)) };
        let kept = existing.filter(|existing| *existing == name).map(str::to_owned);
        if progress.waiting > 0 {
            return Ok(Ok(kept));
        }
        if outcome.client.is_none() && outcome.principals.is_empty() {
            // Another problem may explain already why there is no key.
            let is_explained = !outcome.problems.is_empty() || !progress.problems.is_empty();
            return Ok(if is_explained { Ok(kept) } else { Err(Problem::NoKeys { secret: name.to_owned() }) });
        }
        let Some(keytab) = self.keytab(outcome).await else { return Ok(Ok(kept)) };
        if self.written.lock().get(key) == Some(&(name.to_owned(), digest(&keytab))) {
            return Ok(Ok(kept));
        }
        match self.write(object, key, name, outcome).await {
            Ok(true) => Ok(Ok(Some(name.to_owned()))),
            Ok(false) => Ok(Ok(kept)),
            Err(KeytabSecretError::Api(error)) => Err(error),
            Err(KeytabSecretError::OfOther(owner)) => {
                Ok(Err(Problem::SecretConflict { secret: name.to_owned(), owner }))
            }
            Err(KeytabSecretError::NotOurs) => Ok(Err(Problem::SecretNotOurs { secret: name.to_owned() })),
            Err(KeytabSecretError::Forbidden) => Ok(Err(Problem::SecretsForbidden {
                secret: name.to_owned(),
                namespace: key.0.clone(),
                account: self.writer.account(),
            })),
        }
    }

    /// Writes the Secret: first the store says that the Secret holds these keys, then they are read, so that a version that is made
    /// later waits for the Secret. Returns false, without a write, where the store does not have the keys.
    async fn write(
        &self,
        object: &KerberosPrincipal,
        key: &ObjectKey,
        name: &str,
        outcome: &PrincipalOutcome,
    ) -> Result<bool, KeytabSecretError> {
        let exists = |name: &str, uid: &str| {
            let index = self.index.read();
            index.principal_object(&key.0, name).is_some_and(|fact| fact.meta.uid.as_deref() == Some(uid))
        };
        let seen = self.writer.prepare(object, name, exists).await?;
        let (namespace, uid) = (key.0.clone(), seen.uid.clone());
        let holder = HolderId::Secret { namespace, name: name.to_owned(), uid };
        let principals: Vec<Principal> = outcome.client.iter().chain(&outcome.principals).cloned().collect();
        let Some(first) = principals.first() else { return Ok(false) };
        let holders = HolderRecords::new(self.store.clone(), &first.realm);
        let recorded = holders.send(&holder, &principals, None, (self.clock)()).await;
        recorded.map_err(|error| KeytabSecretError::Api(kube::Error::Service(Box::new(error))))?;
        let Some(keytab) = self.keytab(outcome).await else { return Ok(false) };
        self.writer.write(object, &seen, &keytab.octets).await?;
        self.written.lock().insert(key.clone(), (name.to_owned(), digest(&keytab)));
        self.await_arrival(holders, holder, HeldStatement::of_keytab(&keytab.contents));
        Ok(true)
    }

    /// Records the arrival of a Secret in its volumes, once it must be there. After a restart each Secret is written anew, and so
    /// arrives again.
    fn await_arrival(&self, holders: HolderRecords, holder: HolderId, keytab: HeldStatement) {
        let clock = self.clock;
        let arrival = async move {
            tokio::time::sleep(MOUNTED).await;
            loop {
                match holders.arrive(&holder, &keytab, clock()).await {
                    // Not written: another process has the Lease, and does the same.
                    Ok(_) | Err(StoreError::NotWritable { .. }) => return,
                    Err(error) => {
                        tracing::warn!(%error, ?holder, "the arrival of a keytab Secret cannot be recorded: trying again");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        };
        let mut arrivals = self.arrivals.lock();
        while arrivals.try_join_next().is_some() {}
        arrivals.spawn(arrival);
    }

    /// Builds the keytab of an outcome; `None` where the store lacks one of its principals.
    async fn keytab(&self, outcome: &PrincipalOutcome) -> Option<KeytabFile> {
        let mut builder = KeytabBuilder::new(self.cluster_domain().as_deref());
        if let Some(client) = &outcome.client {
            builder.add(&*self.record(client).await?, None);
        }
        for name in &outcome.principals {
            let record = self.record(name).await?;
            let aliases = {
                let index = self.index.read();
                outcome.aliases.iter().filter(|alias| index.alias_target(alias) == Some(name)).cloned().collect()
            };
            builder.add(&record, Some(&Service { name: name.clone(), aliases }));
        }
        builder.finish()
    }

    fn cluster_domain(&self) -> Option<String> {
        self.index.read().followed_realm().map(|realm| realm.spec.cluster_domain().to_owned())
    }

    async fn record(&self, name: &Principal) -> Option<Box<PrincipalRecord>> {
        match self.store.read(name).await {
            Ok(Some(VersionedRecord { record: Record::Principal(record), .. })) => Some(record),
            _ => None,
        }
    }
}

fn digest(keytab: &KeytabFile) -> [u8; 32] {
    Sha256::digest(&*keytab.octets).into()
}
