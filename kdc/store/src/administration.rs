//! The operations of administration ([`kennel_core::admin`]) on a store: what an operation needs is read, core decides, and the result is
//! written by compare-and-swap; where somebody else was faster, all begins anew.
//!
//! A renaming is several writes. The record under the new name comes first, and says from which one it comes; both names are good, with the
//! same keys, until the old one is gone. A process that dies in between leaves the mark, and [`Administration::finish_renamings`] of the next
//! one goes on from the old record, so that no change of it is lost. The aliases of a deleted principal go before it does.

use crate::error::StoreError;
use crate::principal_store::{Expect, PrincipalStore, Revision, VersionedRecord};
use kennel_core::admin::caller::Caller;
use kennel_core::admin::decide::{Asker, Facts, Plan, Write, decide, finished, unfinished};
use kennel_core::admin::event::{AdminEvent, AdminTrail, NoTrail};
use kennel_core::admin::logins::{LoginMemory, NoLogins};
use kennel_core::admin::operation::{Answer, Operation, Rights};
use kennel_core::admin::permission::{PermissionFacts, permit};
use kennel_core::admin::refusal::AdminRefusal;
use kennel_core::admin::rights::AccessList;
use kennel_core::password_policy::PolicyRecord;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_wire::message::{Principal, Timestamp};
use rand_core::OsRng;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Semaphore;

#[cfg(test)]
mod tests;

/// Tries of an operation that others contend with.
const ROUNDS: usize = 8;
/// Operations that derive keys from a password at a time: whoever may change his own password shall not have all processors.
const DERIVATIONS: usize = 2;

/// The realm as it is now.
pub type RealmNow = Arc<dyn Fn() -> Arc<Realm> + Send + Sync>;

/// Performs operations on the principals of one realm.
pub struct Administration {
    store: Arc<dyn PrincipalStore>,
    realm: RealmNow,
    access_list: RwLock<Arc<AccessList>>,
    logins: Arc<dyn LoginMemory>,
    trail: Arc<dyn AdminTrail>,
    derivations: Semaphore,
}

impl Administration {
    /// Performs operations on this store, which is the process's own cache where requests are served from one: an operation is done once
    /// they see it. The access list permits nothing yet.
    #[must_use]
    pub fn new(store: Arc<dyn PrincipalStore>, realm: RealmNow) -> Administration {
        Administration {
            store,
            realm,
            access_list: RwLock::default(),
            logins: Arc::new(NoLogins),
            trail: Arc::new(NoTrail),
            derivations: Semaphore::new(DERIVATIONS),
        }
    }

    /// Shows what this memory knows of logins, and makes it forget those of a principal that is unlocked.
    #[must_use]
    pub fn with_logins(self, logins: Arc<dyn LoginMemory>) -> Administration {
        Administration { logins, ..self }
    }

    /// Hands the event of each operation to this trail.
    #[must_use]
    pub fn with_trail(self, trail: Arc<dyn AdminTrail>) -> Administration {
        Administration { trail, ..self }
    }

    /// Decides by this access list from now on.
    pub fn set_access_list(&self, list: AccessList) {
        *self.access_list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }

    fn access_list(&self) -> Arc<AccessList> {
        self.access_list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Performs one operation for a caller.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn perform(&self, caller: &Caller, operation: Operation, now: Timestamp) -> Result<Answer, AdminRefusal> {
        self.perform_recorded(caller, operation, false, now).await
    }

    /// Performs one operation whose event the caller's own protocol records, with its end: nothing is in the trail twice.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn perform_unrecorded(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Answer, AdminRefusal> {
        if !self.trail.accepts() {
            return Err(AdminRefusal::StoreUnavailable);
        }
        Ok(self.attempt(caller, operation, false, now).await?.answer)
    }

    /// Performs one operation, also on a principal that objects of the cluster own, and on a policy that principals have.
    /// [`PrincipalChanges::force`] asks the same for one change.
    ///
    /// [`PrincipalChanges::force`]: kennel_core::admin::operation::PrincipalChanges::force
    ///
    /// # Errors
    /// Why nothing was changed.
    pub async fn perform_forced(
        &self,
        caller: &Caller,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Answer, AdminRefusal> {
        self.perform_recorded(caller, operation, true, now).await
    }

    /// Performs an operation, and hands over its event, whatever its end.
    async fn perform_recorded(
        &self,
        caller: &Caller,
        operation: Operation,
        forced: bool,
        now: Timestamp,
    ) -> Result<Answer, AdminRefusal> {
        if !self.trail.accepts() {
            return Err(AdminRefusal::StoreUnavailable);
        }
        let event = event(caller, &operation, forced, now);
        let end = self.attempt(caller, operation, forced, now).await;
        let (answer, kvnos, refusal) = match end {
            Ok(Plan { answer, extracted, .. }) => (Ok(answer), extracted, None),
            Err(refusal) => {
                let name = refusal.name();
                (Err(refusal), Vec::new(), Some(name))
            }
        };
        self.trail.record(AdminEvent { kvnos, refusal, ..event });
        answer
    }

    /// Hands over the event of an operation that somebody else has refused.
    pub fn record_refusal(
        &self,
        caller: &Caller,
        operation: &Operation,
        forced: bool,
        refusal: &'static str,
        now: Timestamp,
    ) {
        self.trail.record(AdminEvent { refusal: Some(refusal), ..event(caller, operation, forced, now) });
    }

    async fn attempt(
        &self,
        caller: &Caller,
        operation: Operation,
        forced: bool,
        now: Timestamp,
    ) -> Result<Plan, AdminRefusal> {
        if let Operation::GetPrivileges = operation {
            let rights = match caller {
                Caller::Principal { client, .. } => self.access_list().rights(client),
                Caller::User { .. } | Caller::Local => Rights::all(),
            };
            return Ok(Plan { writes: Vec::new(), answer: Answer::Rights(rights), extracted: Vec::new() });
        }
        for _ in 0..ROUNDS {
            match self.round(caller, &operation, forced, now).await {
                Ok(plan) => return Ok(plan),
                Err(RoundEnd::Refused(refusal)) => return Err(refusal),
                Err(RoundEnd::Store(StoreError::Conflict)) => {}
                Err(RoundEnd::Store(StoreError::Name { name })) => {
                    let reason = "it has an octet that no name has";
                    return Err(AdminRefusal::BadName { name, reason });
                }
                Err(RoundEnd::Store(error)) => {
                    tracing::error!(%error, operation = operation.name(), "the store did not serve an operation of administration");
                    return Err(AdminRefusal::StoreUnavailable);
                }
            }
        }
        Err(AdminRefusal::StoreUnavailable)
    }

    /// Reads, decides and writes once.
    async fn round(
        &self,
        caller: &Caller,
        operation: &Operation,
        forced: bool,
        now: Timestamp,
    ) -> Result<Plan, RoundEnd> {
        let realm = (self.realm)();
        let mut reads = Reads { store: &*self.store, revisions: HashMap::new() };
        let mut facts = Facts::default();
        if let Some(name) = operation.subject() {
            facts.named = reads.read(name).await?;
            facts.subject = match (&facts.named, operation) {
                // A name that exists is no other name of what is to be created.
                (_, Operation::CreatePrincipal(_)) => None,
                (Some(Record::Alias { target, .. }), _) => reads.principal(&target.clone()).await?,
                (Some(Record::Principal(record)), _) => Some(record.clone()),
                _ => None,
            };
        } else if let (Operation::GetPolicy(_), Caller::Principal { client, .. }) = (operation, caller) {
            facts.subject = reads.principal(client).await?;
        }
        let permission = PermissionFacts { access_list: &self.access_list(), subject: facts.subject.as_deref() };
        let restricted = match permit(caller, operation, permission)? {
            Some(restrictions) => &operation.clone().restricted(&restrictions, now),
            None => operation,
        };
        let asker = asker(caller, facts.subject.as_deref(), forced, &realm.name);
        self.gather(restricted, &mut facts, &mut reads, &realm).await?;
        let unlocked = facts.subject.as_deref().filter(|_| operation.unlocks()).map(|record| record.principal.clone());
        let plan = self.decide(restricted, facts, asker, realm, now).await?;
        self.write(restricted, &plan, &mut reads).await?;
        unlocked.iter().for_each(|principal| self.logins.unlock(principal));
        Ok(plan)
    }

    /// Reads what the decision needs beyond the principal itself.
    async fn gather(
        &self,
        operation: &Operation,
        facts: &mut Facts,
        reads: &mut Reads<'_>,
        realm: &Realm,
    ) -> Result<(), StoreError> {
        if let Some(name) = operation.new_name() {
            facts.other = reads.read(name).await?;
        }
        if let Some(policy) = operation.policy(facts.subject.as_deref()) {
            facts.policy = match reads.read(&PolicyRecord::name_of(policy, &realm.name)).await? {
                Some(Record::Policy(policy)) => Some(*policy),
                _ => None,
            };
        }
        if let (true, Some(subject)) = (operation.needs_aliases(), &facts.subject) {
            facts.aliases = reads.aliases(&subject.principal).await?;
        }
        if operation.needs_all() {
            facts.all = reads.all().await?;
        }
        if let (Operation::GetPrincipal(_), Some(record)) = (operation, &facts.subject) {
            facts.logins = self.logins.logins(&record.principal);
        }
        Ok(())
    }

    /// Decides; where keys are derived from a password, on a thread that no request waits for.
    async fn decide(
        &self,
        operation: &Operation,
        facts: Facts,
        asker: Asker,
        realm: Arc<Realm>,
        now: Timestamp,
    ) -> Result<Plan, AdminRefusal> {
        if !operation.derives_keys() {
            return decide(operation, &facts, &asker, &realm, now, &mut OsRng);
        }
        let _turn = self.derivations.acquire().await;
        let operation = operation.clone();
        let task = tokio::task::spawn_blocking(move || decide(&operation, &facts, &asker, &realm, now, &mut OsRng));
        match task.await {
            Ok(decided) => decided,
            Err(error) => {
                tracing::error!(%error, "an operation of administration ended without a decision");
                Err(AdminRefusal::StoreUnavailable)
            }
        }
    }

    /// Writes a plan.
    async fn write(&self, operation: &Operation, plan: &Plan, reads: &mut Reads<'_>) -> Result<(), StoreError> {
        for (at, write) in plan.writes.iter().enumerate() {
            let written = reads.write(write).await;
            // The target of a new alias went while the alias came: nobody else may have both.
            if let (Err(_), Operation::CreateAlias { alias, .. }) = (&written, operation)
                && at > 0
            {
                reads.write(&Write::Delete(alias.clone())).await?;
            }
            written?;
        }
        Ok(())
    }

    /// Finishes the renamings that a process before this one left half done. Call it before anybody is served.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn finish_renamings(&self, now: Timestamp) -> Result<(), StoreError> {
        for VersionedRecord { record, revision } in self.store.list().await?.records {
            let Record::Principal(record) = record else { continue };
            let Some(operation) = unfinished(&record) else { continue };
            let Operation::RenamePrincipal { from, .. } = &operation else { continue };
            tracing::info!(%from, to = %record.principal, "a renaming that was interrupted is finished");
            match self.store.read(from).await? {
                Some(VersionedRecord { record: Record::Principal(_), .. }) => {
                    if let Err(error) = self.attempt(&Caller::Local, operation, true, now).await {
                        tracing::warn!(%error, to = %record.principal, "a renaming stays unfinished");
                    }
                }
                _ => {
                    let finished = Record::Principal(Box::new(finished(&record)));
                    self.store.put(&finished, Expect::Revision(revision)).await?;
                }
            }
        }
        Ok(())
    }
}

/// How a round ended that did nothing.
enum RoundEnd {
    Refused(AdminRefusal),
    Store(StoreError),
}

impl From<AdminRefusal> for RoundEnd {
    fn from(refusal: AdminRefusal) -> RoundEnd {
        RoundEnd::Refused(refusal)
    }
}

impl From<StoreError> for RoundEnd {
    fn from(error: StoreError) -> RoundEnd {
        RoundEnd::Store(error)
    }
}

fn event(caller: &Caller, operation: &Operation, forced: bool, now: Timestamp) -> AdminEvent {
    AdminEvent {
        time: now,
        caller: caller.clone(),
        operation: operation.name(),
        target: operation.policy_name().map(str::to_owned).or_else(|| operation.subject().map(ToString::to_string)),
        new_name: operation.new_name().map(ToString::to_string),
        kvnos: Vec::new(),
        forced,
        refusal: None,
    }
}

fn asker(caller: &Caller, subject: Option<&PrincipalRecord>, forced: bool, realm: &str) -> Asker {
    let is_self = match caller {
        Caller::Principal { client, .. } => subject.is_some_and(|record| record.principal == *client),
        Caller::User { .. } | Caller::Local => false,
    };
    Asker { by: caller.name(realm), is_self, is_local: *caller == Caller::Local, forced }
}

/// What a round has read, by its revisions: writes replace exactly that.
struct Reads<'a> {
    store: &'a dyn PrincipalStore,
    /// By name, since names are equal whatever their type; `None`: there was no record.
    revisions: HashMap<String, Option<Revision>>,
}

impl Reads<'_> {
    async fn read(&mut self, name: &Principal) -> Result<Option<Record>, StoreError> {
        let found = self.store.read(name).await?;
        self.revisions.insert(name.to_string(), found.as_ref().map(|found| found.revision));
        Ok(found.map(|found| found.record))
    }

    async fn principal(&mut self, name: &Principal) -> Result<Option<Box<PrincipalRecord>>, StoreError> {
        Ok(match self.read(name).await? {
            Some(Record::Principal(record)) => Some(record),
            _ => None,
        })
    }

    async fn aliases(&mut self, target: &Principal) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for alias in self.store.aliases(target).await? {
            // It is what the operation names, or another principal's by now.
            let is_known = self.revisions.contains_key(&alias.to_string());
            let found = if is_known {
                self.store.read(&alias).await?.map(|found| found.record)
            } else {
                self.read(&alias).await?
            };
            records.extend(found);
        }
        Ok(records)
    }

    async fn all(&mut self) -> Result<Vec<Record>, StoreError> {
        let listing = self.store.list().await?.records.into_iter();
        Ok(listing
            .map(|VersionedRecord { record, revision }| {
                // What the decision has seen already counts: a later change of it is a conflict.
                self.revisions.entry(record.name().to_string()).or_insert(Some(revision));
                record
            })
            .collect())
    }

    async fn write(&mut self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::Put(record) => {
                let name = record.name().to_string();
                let expect = self.revisions.get(&name).copied().flatten().map_or(Expect::Absent, Expect::Revision);
                let revision = self.store.put(record, expect).await?;
                self.revisions.insert(name, Some(revision));
            }
            Write::Delete(name) => {
                let found = self.revisions.insert(name.to_string(), None).flatten();
                let Some(revision) = found else { return Err(StoreError::Conflict) };
                self.store.delete(name, revision).await?;
            }
        }
        Ok(())
    }
}
