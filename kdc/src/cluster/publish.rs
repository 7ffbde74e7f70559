//! What became of the cluster's objects, told there: the status of our resources, Events where something changes, the
//! ConfigMap of each enrolled namespace, keytab Secrets. Only what has changed is written; what fails is tried again.

use super::controller::States;
use super::keytab;
use super::settle::State;
use super::work::Name;
use crate::clock;
use futures_util::stream::{self, StreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kennel_core::accounts::Conflict;
use kennel_core::enrolment::Service;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_k8s::apply::status::{Made, of_principal, of_realm, realm_taken};
use kennel_k8s::apply::{Applier, SecretError, Subject};
use kennel_k8s::crd::principal::KerberosPrincipalStatus;
use kennel_k8s::crd::realm::KerberosRealmStatus;
use kennel_k8s::crd::{KerberosPrincipal, KerberosRealm};
use kennel_k8s::index::facts::{Key, OwnFact};
use kennel_k8s::index::{Outcome, Problem, SharedIndex};
use kennel_store::{PrincipalStore, VersionedRecord};
use kennel_wire::message::Principal;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Changes gather for so long.
const GATHER: Duration = Duration::from_millis(100);
/// After so long a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Namespaces that are written at a time.
const AT_A_TIME: usize = 8;

/// What every enrolled namespace gets: the keys of its ConfigMap.
#[derive(Clone)]
pub(crate) struct Published(Arc<dyn Fn() -> BTreeMap<String, String> + Send + Sync>);

impl Published {
    /// Asked anew before each write: settings and certificates change.
    pub(crate) fn new(data: impl Fn() -> BTreeMap<String, String> + Send + Sync + 'static) -> Published {
        Published(Arc::new(data))
    }
}

/// Writes to the cluster, one round after the other.
pub(super) struct Publisher {
    applier: Applier,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    states: States,
    published: Published,
    due: Mutex<Due>,
    wake: Notify,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Due {
    namespaces: BTreeSet<String>,
    realms: bool,
}

/// What was written last: objects that cannot be read do not say what stands in them.
#[derive(Default)]
struct Written {
    statuses: BTreeMap<Key, KerberosPrincipalStatus>,
    realms: BTreeMap<String, KerberosRealmStatus>,
    maps: BTreeMap<String, BTreeMap<String, String>>,
    /// Name and digest of the keytab Secret of each KerberosPrincipal.
    secrets: BTreeMap<Key, (String, [u8; 32])>,
    /// Accounts whose names are refused, so that they are told once.
    refused: BTreeSet<Principal>,
    maps_listed: bool,
}

/// What a round writes for a KerberosPrincipal.
struct Step {
    name: String,
    fact: OwnFact<KerberosPrincipal>,
    outcome: Outcome,
    made: Made,
}

impl Publisher {
    pub(super) fn new(
        client: kube::Client,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
        states: States,
        published: Published,
    ) -> Publisher {
        let instance = std::env::var("HOSTNAME").ok();
        let applier = Applier::new(client, instance);
        let (due, wake, written) = (Mutex::default(), Notify::new(), Mutex::default());
        Publisher { applier, index, store, states, published, due, wake, written }
    }

    /// Something changed there.
    pub(super) fn touch<S: Into<String>>(&self, namespaces: impl IntoIterator<Item = S>, realms: bool) {
        {
            let mut due = lock(&self.due);
            due.namespaces.extend(namespaces.into_iter().map(Into::into));
            due.realms |= realms;
        }
        self.wake.notify_one();
    }

    /// Writes anew what cannot be watched, when it is touched next: somebody may have changed or deleted it.
    pub(super) fn forget(&self) {
        let mut written = lock(&self.written);
        written.secrets.clear();
        written.maps.values_mut().for_each(BTreeMap::clear);
    }

    /// Runs without end.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            self.wake.notified().await;
            tokio::time::sleep(GATHER).await;
            let due = std::mem::take(&mut *lock(&self.due));
            if let Err(error) = self.round(&due).await {
                tracing::warn!(%error, "the cluster does not take what became of its objects; it is tried again");
                tokio::time::sleep(RETRY).await;
                self.touch(due.namespaces, due.realms);
            }
        }
    }

    /// Everything is tried; the first error is given.
    async fn round(&self, due: &Due) -> kube::Result<()> {
        self.list_maps().await?;
        let namespaces = due.namespaces.iter().cloned().map(|namespace| self.namespace(namespace));
        let mut results: Vec<kube::Result<()>> = stream::iter(namespaces).buffer_unordered(AT_A_TIME).collect().await;
        if due.realms {
            results.push(self.realms().await);
        }
        results.into_iter().collect()
    }

    async fn namespace(&self, namespace: String) -> kube::Result<()> {
        let namespace = &*namespace;
        let (enrolled, steps, refused) = self.look_at(namespace);
        for (account, uid, message) in refused {
            let subject = Subject::Account { namespace, name: &account, uid: &uid };
            self.applier.event(subject, true, "NameTaken", &message).await;
        }
        for step in steps {
            self.principal(namespace, step).await?;
        }
        self.map(namespace, enrolled).await
    }

    /// What is to be told of a namespace, of one moment.
    fn look_at(&self, namespace: &str) -> (bool, Vec<Step>, Vec<(String, String, String)>) {
        let index = self.index.read();
        let Some(desire) = index.namespace(namespace) else { return Default::default() };
        let step = |(name, outcome): (&String, &Outcome)| {
            let fact = index.principal_object(namespace, name)?.clone();
            let made = self.made(outcome, namespace);
            let mut outcome = outcome.clone();
            let had = |key: Name| !matches!(self.states.of(&key), Some(State::Refused(_)));
            outcome.client = outcome.client.filter(|name| had(Name::Principal(name.clone())));
            outcome.principals.retain(|name| had(Name::Principal(name.clone())));
            outcome.aliases.retain(|name| had(Name::Alias(name.clone())));
            Some(Step { name: name.clone(), fact, outcome, made })
        };
        let steps = desire.outcomes.iter().filter_map(step).collect();
        let mut refused = Vec::new();
        let mut written = lock(&self.written);
        for (name, desired) in &desire.principals {
            match self.states.of(&Name::Principal(name.clone())) {
                Some(State::Refused(conflict)) if desired.owner.object.is_none() => {
                    if written.refused.insert(name.clone()) {
                        let account = name.name.components.first().and_then(|n| n.rsplit_once('.')).map_or("", |n| n.0);
                        refused.push((
                            account.to_owned(),
                            desired.owner.account.clone(),
                            taken(name, conflict, namespace).message,
                        ));
                    }
                }
                _ => _ = written.refused.remove(name),
            }
        }
        (desire.enrolled, steps, refused)
    }

    /// How far the store is with the names of an object.
    fn made(&self, outcome: &Outcome, namespace: &str) -> Made {
        let mut made = Made::default();
        let own = outcome.client.iter().chain(&outcome.principals);
        let principals = own.map(|name| (Name::Principal(name.clone()), name));
        let aliases = outcome.aliases.iter().map(|name| (Name::Alias(name.clone()), name));
        for (key, name) in principals.chain(aliases) {
            match self.states.of(&key) {
                Some(State::Made(kvno)) => made.kvno = made.kvno.max(kvno),
                Some(State::Refused(conflict)) => made.refused.push(taken(name, conflict, namespace)),
                _ => made.waiting += 1,
            }
        }
        made
    }

    async fn principal(&self, namespace: &str, step: Step) -> kube::Result<()> {
        let Step { name, fact, outcome, mut made } = step;
        let key = (namespace.to_owned(), name.clone());
        let old = match &fact.object {
            Ok(object) => object.status.clone(),
            Err(_) => lock(&self.written).statuses.get(&key).cloned(),
        };
        if let Ok(object) = &fact.object {
            match self.secret(object, &key, &outcome, &made).await? {
                Ok(secret) => made.secret = secret,
                Err(problem) => made.refused.push(problem),
            }
        }
        let status = of_principal(&fact.meta, old.as_ref(), &outcome, &made, clock::now().time.0);
        if old.as_ref() == Some(&status) {
            return Ok(());
        }
        if written(self.applier.principal_status(namespace, &name, &status).await)? {
            let old = old.as_ref().map(|old| &*old.conditions);
            self.tell(Subject::Principal(&fact.meta), old, &status.conditions).await;
        }
        lock(&self.written).statuses.insert(key, status);
        Ok(())
    }

    /// The keytab Secret, where one is asked for; gives the one that is there. Inner error: what is wrong with it.
    async fn secret(
        &self,
        object: &KerberosPrincipal,
        key: &Key,
        outcome: &Outcome,
        made: &Made,
    ) -> kube::Result<Result<Option<String>, Problem>> {
        let wanted = object.spec.keytab_secret.as_deref();
        let there = object.status.as_ref().and_then(|status| status.keytab_secret.as_deref());
        if let Some(other) = there.filter(|there| Some(*there) != wanted) {
            self.applier.delete_keytab_secret(object, other).await?;
        }
        let Some(name) = wanted else { return Ok(Ok(None)) };
        let kept = there.filter(|there| *there == name).map(str::to_owned);
        if made.waiting > 0 {
            return Ok(Ok(kept));
        }
        if outcome.client.is_none() && outcome.principals.is_empty() {
            // Why there is none may be told already.
            let told = !outcome.problems.is_empty() || !made.refused.is_empty();
            return Ok(if told { Ok(kept) } else { Err(no_keys(name)) });
        }
        let Some(keytab) = self.keytab(outcome).await else { return Ok(Ok(kept)) };
        let current = (name.to_owned(), Sha256::digest(&*keytab.octets).into());
        if lock(&self.written).secrets.get(key) == Some(&current) {
            return Ok(Ok(kept));
        }
        match self.applier.keytab_secret(object, name, &keytab.octets).await {
            Ok(()) => {
                lock(&self.written).secrets.insert(key.clone(), current);
                Ok(Ok(Some(name.to_owned())))
            }
            Err(SecretError::Api(error)) => Err(error),
            Err(refused) => {
                let reason =
                    if matches!(refused, SecretError::Forbidden) { "SecretsForbidden" } else { "SecretNotOurs" };
                Ok(Err(Problem { reason, message: format!("keytabSecret {name}: {refused}") }))
            }
        }
    }

    async fn keytab(&self, outcome: &Outcome) -> Option<keytab::Keytab> {
        let mut builder = keytab::Builder::default();
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

    async fn record(&self, name: &Principal) -> Option<Box<PrincipalRecord>> {
        match self.store.read(name).await {
            Ok(Some(VersionedRecord { record: Record::Principal(record), .. })) => Some(record),
            _ => None,
        }
    }

    /// Which namespaces have a ConfigMap of ours already: those that are not enrolled any more lose it.
    async fn list_maps(&self) -> kube::Result<()> {
        if lock(&self.written).maps_listed {
            return Ok(());
        }
        let namespaces = self.applier.config_maps().await?;
        let mut written = lock(&self.written);
        written.maps_listed = true;
        let index = self.index.read();
        let mut due = lock(&self.due);
        for namespace in namespaces {
            if !index.namespace(&namespace).is_some_and(|desire| desire.enrolled) {
                due.namespaces.insert(namespace.clone());
            }
            written.maps.entry(namespace).or_default();
        }
        self.wake.notify_one();
        Ok(())
    }

    async fn map(&self, namespace: &str, enrolled: bool) -> kube::Result<()> {
        let before = lock(&self.written).maps.get(namespace).cloned();
        if enrolled {
            let data = (self.published.0)();
            if before.as_ref() != Some(&data) && written(self.applier.config_map(namespace, &data).await)? {
                lock(&self.written).maps.insert(namespace.to_owned(), data);
            }
        } else if before.is_some() {
            self.applier.delete_config_map(namespace).await?;
            lock(&self.written).maps.remove(namespace);
        }
        Ok(())
    }

    async fn realms(&self) -> kube::Result<()> {
        let (realms, followed, counted) = {
            let index = self.index.read();
            let followed = index.followed_realm().and_then(|realm| realm.metadata.name.clone());
            let namespaces = index.namespaces().filter(|(_, desire)| desire.enrolled).count();
            (index.realms().cloned().collect::<Vec<_>>(), followed, (namespaces, index.wanted().count()))
        };
        for fact in realms {
            self.realm(&fact, followed.as_deref(), counted).await?;
        }
        Ok(())
    }

    async fn realm(
        &self,
        fact: &OwnFact<KerberosRealm>,
        followed: Option<&str>,
        counted: (usize, usize),
    ) -> kube::Result<()> {
        let name = fact.meta.name.clone().unwrap_or_default();
        let problem = match (&fact.object, followed) {
            (Err(error), _) => Some(Problem { reason: "Malformed", message: error.clone() }),
            (Ok(realm), Some(followed)) if followed != name => Some(realm_taken(realm, followed)),
            _ => None,
        };
        let old = match &fact.object {
            Ok(object) => object.status.clone(),
            Err(_) => lock(&self.written).realms.get(&name).cloned(),
        };
        let status = of_realm(&fact.meta, old.as_ref(), problem.as_ref(), counted, clock::now().time.0);
        if old.as_ref() != Some(&status) {
            if written(self.applier.realm_status(&name, &status).await)? {
                let old = old.as_ref().map(|old| &*old.conditions);
                self.tell(Subject::Realm(&fact.meta), old, &status.conditions).await;
            }
            lock(&self.written).realms.insert(name, status);
        }
        Ok(())
    }

    /// An Event where Ready is another.
    async fn tell(&self, subject: Subject<'_>, old: Option<&[Condition]>, new: &[Condition]) {
        let ready = |conditions: &[Condition]| conditions.iter().find(|c| c.type_ == "Ready").cloned();
        let (before, Some(now)) = (old.and_then(ready), ready(new)) else { return };
        if now.reason != "Progressing" && before.is_none_or(|before| before.reason != now.reason) {
            self.applier.event(subject, now.status != "True", &now.reason, &now.message).await;
        }
    }
}

/// An object that went meanwhile takes no status, and a namespace that ends no ConfigMap: false, and no error.
fn written(result: kube::Result<()>) -> kube::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(false),
        Err(kube::Error::Api(status)) if status.is_forbidden() && status.message.contains("being terminated") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn no_keys(secret: &str) -> Problem {
    let message = format!(
        "keytabSecret {secret}: there is no key to keep in it: give services and hosts, or credentials: Keytab for the account's own"
    );
    Problem { reason: "NoKeys", message }
}

fn taken(name: &Principal, conflict: Conflict, namespace: &str) -> Problem {
    let (whose, what) = match conflict {
        Conflict::Manual => {
            ("an administrator's principal has this name", "delete it with kadmin (delprinc), or rename the object")
        }
        Conflict::Alias => ("it is an alias that an administrator made", "delete the alias, or rename the object"),
        Conflict::Principal => ("it is the name of a principal of its own", "delete that one, or take the name out"),
    };
    Problem { reason: "NameTaken", message: format!("{name} cannot be had for namespace {namespace}: {whose}; {what}") }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
