//! The keytab Secrets that KerberosPrincipals ask for.

use crate::publish::written::Memory;
use kennel_core::enrolment::Service;
use kennel_core::keytab::{KeytabBuilder, KeytabFile};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_k8s::apply::keytab_secret::{KeytabSecretError, KeytabSecretWriter};
use kennel_k8s::crd::KerberosPrincipal;
use kennel_k8s::index::facts::ObjectKey;
use kennel_k8s::index::namespace::PrincipalOutcome;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::problem::Problem;
use kennel_k8s::render::status::StoreProgress;
use kennel_store::{PrincipalStore, VersionedRecord};
use kennel_wire::message::Principal;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Writes the keytabs of accounts and services into Secrets, and deletes Secrets that are no longer asked for.
pub(crate) struct KeytabSecretPublisher {
    writer: KeytabSecretWriter,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    /// Name and SHA-256 digest of each written Secret, by KerberosPrincipal.
    written: Memory<BTreeMap<ObjectKey, (String, [u8; 32])>>,
}

impl KeytabSecretPublisher {
    pub(crate) fn new(
        writer: KeytabSecretWriter,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
    ) -> KeytabSecretPublisher {
        KeytabSecretPublisher { writer, index, store, written: Memory::default() }
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
        match self.keytab(outcome).await {
            Some(keytab) => self.write(object, key, name, &keytab, kept).await,
            None => Ok(Ok(kept)),
        }
    }

    async fn write(
        &self,
        object: &KerberosPrincipal,
        key: &ObjectKey,
        name: &str,
        keytab: &KeytabFile,
        kept: Option<String>,
    ) -> kube::Result<Result<Option<String>, Problem>> {
        let current = (name.to_owned(), Sha256::digest(&*keytab.octets).into());
        if self.written.lock().get(key) == Some(&current) {
            return Ok(Ok(kept));
        }
        let exists = |name: &str, uid: &str| {
            let index = self.index.read();
            index.principal_object(&key.0, name).is_some_and(|fact| fact.meta.uid.as_deref() == Some(uid))
        };
        match self.writer.write(object, name, &keytab.octets, exists).await {
            Ok(()) => {
                self.written.lock().insert(key.clone(), current);
                Ok(Ok(Some(name.to_owned())))
            }
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
