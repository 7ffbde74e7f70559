//! The decision about an operation that the caller may perform: from what the store holds to the writes and the answer.

use crate::admin::keys::{NewVersion, extract_keys, purge_keys, randomize_keys, refuse_locked_down, set_keys};
use crate::admin::logins::Logins;
use crate::admin::names::{Glob, check_new_name, check_not_needed, is_own_krbtgt};
use crate::admin::operation::{Answer, FirstKeys, Operation, Purge};
use crate::admin::password::{check_min_life, check_new_password, password_changed};
use crate::admin::policies::{changed_rules, check_policy_name, check_rules};
use crate::admin::principals::{create, modify, refuse_owned, renamed, view};
use crate::admin::refusal::AdminRefusal;
use crate::admin::strings::{mark_renamed, renamed_from, set_string, strings, unmark_renamed};
use crate::password_policy::{PasswordPolicy, PolicyRecord};
use crate::principal::{Attributes, Origin, PrincipalRecord, Record};
use crate::realm::Realm;
use kennel_wire::message::{Principal, Timestamp};
use rand_core::CryptoRngCore;

/// Who asks, where it matters beyond the permission.
#[derive(Debug, Clone)]
pub struct Asker {
    /// `modified_by` of the records.
    pub by: String,
    /// Whether the principal itself asks: it waits for the least life of its password.
    pub is_self: bool,
    /// Whether the owner of the process asks, from whom no key is locked away.
    pub is_local: bool,
    /// Whether a change of what Kubernetes owns is wanted.
    pub forced: bool,
}

/// What the store holds, as far as the operation is about it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The record under the name that the operation is about: an alias as itself.
    pub named: Option<Record>,
    /// The principal that this name stands for.
    pub subject: Option<Box<PrincipalRecord>>,
    /// The record under the new name, of an alias or after renaming.
    pub other: Option<Record>,
    /// The policy that the operation is about; else that of the principal, as it is afterwards.
    pub policy: Option<PolicyRecord>,
    /// The records of the aliases of the principal, for the operations that [need them](Operation::needs_aliases).
    pub aliases: Vec<Record>,
    /// Every record, for the operations that [need them](Operation::needs_all).
    pub all: Vec<Record>,
    /// What is remembered of the logins of the principal.
    pub logins: Logins,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes the record, where its name is free, or has the record that was found.
    Put(Record),
    /// Deletes the record that was found under this name.
    Delete(Principal),
}

/// What is to be done, in this order. Each write is one of its own, and whoever stops in between leaves nothing that
/// [`unfinished`] does not finish.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The writes.
    pub writes: Vec<Write>,
    /// The answer once they are done.
    pub answer: Answer,
    /// Versions of keys that leave with the answer.
    pub extracted: Vec<u32>,
}

impl Operation {
    /// Whether the decision needs every record.
    #[must_use]
    pub const fn needs_all(&self) -> bool {
        matches!(self, Operation::ListPrincipals(_) | Operation::ListPolicies(_) | Operation::DeletePolicy(_))
    }

    /// Whether the decision needs the aliases of the principal.
    #[must_use]
    pub const fn needs_aliases(&self) -> bool {
        matches!(self, Operation::DeletePrincipal(_) | Operation::RenamePrincipal { .. })
    }

    /// The new name, whose record the decision needs.
    #[must_use]
    pub const fn new_name(&self) -> Option<&Principal> {
        match self {
            Operation::RenamePrincipal { to, .. } => Some(to),
            Operation::CreateAlias { alias, .. } => Some(alias),
            _ => None,
        }
    }

    /// The policy whose record the decision needs. `subject`: the principal as it is now.
    #[must_use]
    pub fn policy<'a>(&'a self, subject: Option<&'a PrincipalRecord>) -> Option<&'a str> {
        match self {
            operation if operation.policy_name().is_some() => operation.policy_name(),
            Operation::CreatePrincipal(new) => new.changes.policy.as_ref()?.as_deref(),
            Operation::ModifyPrincipal(_, changes) => match &changes.policy {
                Some(policy) => policy.as_deref(),
                None => subject?.policy.as_deref(),
            },
            _ => subject?.policy.as_deref(),
        }
    }

    /// Whether the decision derives keys from a password, which takes so long that nobody waits behind it.
    #[must_use]
    pub const fn derives_keys(&self) -> bool {
        match self {
            Operation::ChangePassword { .. } => true,
            Operation::CreatePrincipal(new) => matches!(new.keys, FirstKeys::Password(_)),
            _ => false,
        }
    }
}

/// What an operation is decided with.
struct Decision<'a> {
    facts: &'a Facts,
    asker: &'a Asker,
    realm: &'a Realm,
    now: Timestamp,
}

/// Decides about an operation that is permitted.
///
/// # Errors
/// Why nothing is changed.
pub fn decide(
    operation: &Operation,
    facts: &Facts,
    asker: &Asker,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Result<Plan, AdminRefusal> {
    let decision = Decision { facts, asker, realm, now };
    match operation {
        Operation::CreatePrincipal(new) => {
            check_new_name(&new.name, &realm.name, asker.is_local)?;
            refuse_existing(facts.named.as_ref())?;
            let record = create(new, decision.policy(), realm, &asker.by, now, rng)?;
            Ok(done(vec![put(record)]))
        }
        Operation::DeletePrincipal(name) => decision.delete(name),
        Operation::RenamePrincipal { from, to } => decision.rename(from, to),
        Operation::CreateAlias { alias, target } => decision.alias(alias, target),
        Operation::GetPrincipal(name) => {
            let view = view(decision.subject(name)?, facts.logins);
            Ok(answer(Answer::Principal(Box::new(view))))
        }
        Operation::GetStrings(name) => Ok(answer(Answer::Strings(strings(decision.subject(name)?)))),
        Operation::ListPrincipals(pattern) => Ok(answer(Answer::Names(decision.names(pattern.as_deref())))),
        Operation::ListPolicies(pattern) => Ok(answer(Answer::Policies(decision.policies(pattern.as_deref())))),
        Operation::CreatePolicy(..)
        | Operation::ModifyPolicy(..)
        | Operation::DeletePolicy(_)
        | Operation::GetPolicy(_) => decision.about_policy(operation),
        // The shell answers by the access list.
        Operation::GetPrivileges => Err(AdminRefusal::NotSupported("rights are asked of the access list")),
        Operation::ModifyPrincipal(name, _)
        | Operation::ChangePassword { name, .. }
        | Operation::RandomizeKeys(name, _)
        | Operation::SetKeys { name, .. }
        | Operation::ExtractKeys { name, .. }
        | Operation::PurgeKeys(name, _)
        | Operation::SetString { name, .. }
        | Operation::Unlock(name) => decision.change(operation, name, rng),
    }
}

impl Decision<'_> {
    fn policy(&self) -> Option<&PasswordPolicy> {
        self.facts.policy.as_ref().map(|policy| &policy.rules)
    }

    fn subject(&self, name: &Principal) -> Result<&PrincipalRecord, AdminRefusal> {
        self.facts.subject.as_deref().ok_or_else(|| AdminRefusal::UnknownPrincipal(name.to_string()))
    }

    /// A principal that this caller may change, by what owns it.
    fn changeable(&self, name: &Principal) -> Result<&PrincipalRecord, AdminRefusal> {
        let record = self.subject(name)?;
        refuse_owned(record, self.asker.forced)?;
        Ok(record)
    }

    /// The operations that write the record of one principal.
    fn change(
        &self,
        operation: &Operation,
        name: &Principal,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Plan, AdminRefusal> {
        let (policy, now) = (self.policy(), self.now);
        let (found, mut keys) = (self.subject(name)?, None);
        let mut record = found.clone();
        match operation {
            Operation::ModifyPrincipal(_, changes) => {
                refuse_owned(found, self.asker.forced || changes.force)?;
                modify(&mut record, changes, policy)?;
            }
            // The memory of failed logins is no part of the record.
            Operation::Unlock(_) => record.attributes.remove(Attributes::LOCKED),
            Operation::ExtractKeys { kvno, .. } => {
                let extracted =
                    if self.asker.is_local { found.keys.clone().versions } else { extract_keys(found, None)? };
                let extracted: Vec<_> =
                    extracted.into_iter().filter(|version| kvno.is_none_or(|kvno| version.kvno == kvno)).collect();
                if extracted.is_empty() {
                    return Err(AdminRefusal::BadValue("the principal has no keys, or none of this version"));
                }
                record.unknown_holder = Some(now);
                keys = Some(extracted);
            }
            operation => {
                refuse_owned(found, self.asker.forced)?;
                self.change_keys(operation, &mut record, rng)?;
                if let Operation::RandomizeKeys(..) = operation {
                    let new = record.keys.versions.first().cloned();
                    let is_hidden = !self.asker.is_local && refuse_locked_down(found).is_err();
                    keys = Some(new.into_iter().filter(|_| !is_hidden).collect());
                }
            }
        }
        let writes = if record == *found { Vec::new() } else { vec![self.put_changed(record)] };
        let Some(keys) = keys else { return Ok(done(writes)) };
        let extracted = keys.iter().map(|version| version.kvno).collect();
        Ok(Plan { writes, answer: Answer::Keys(keys), extracted })
    }

    fn change_keys(
        &self,
        operation: &Operation,
        record: &mut PrincipalRecord,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), AdminRefusal> {
        let (policy, realm, now) = (self.policy(), self.realm, self.now);
        match operation {
            Operation::ChangePassword { password, rules, .. } => {
                check_new_password(record, policy, password.expose(), self.asker.is_self, realm, now)?;
                *record = password_changed(record, policy, password.expose(), rules, realm, now)?;
                Ok(())
            }
            Operation::RandomizeKeys(_, change) => {
                if let Some(policy) = policy.filter(|_| self.asker.is_self) {
                    check_min_life(record, policy, now)?;
                }
                randomize_keys(record, policy, change, realm, now, rng)
            }
            Operation::SetKeys { keys, kvno, keep_old, .. } => {
                let version = NewVersion { kvno: *kvno, keep_old: *keep_old };
                set_keys(record, policy, keys, version, realm, now)
            }
            Operation::PurgeKeys(_, Purge::All) if is_own_krbtgt(&record.principal) => {
                Err(AdminRefusal::Protected(record.principal.to_string()))
            }
            Operation::PurgeKeys(_, purge) => {
                purge_keys(record, *purge);
                Ok(())
            }
            Operation::SetString { key, value, .. } => set_string(record, key, value.as_deref()),
            _ => Ok(()),
        }
    }

    fn put_changed(&self, mut record: PrincipalRecord) -> Write {
        (record.modified, record.modified_by) = (self.now, self.asker.by.clone());
        put(record)
    }

    /// Aliases go first: without their target they would belong to whoever has its name next.
    fn delete(&self, name: &Principal) -> Result<Plan, AdminRefusal> {
        if let Some(Record::Alias { origin, target, .. }) = &self.facts.named {
            if *origin == Origin::Kubernetes && !self.asker.forced {
                let object = format!("the KerberosPrincipal that {target} is made from");
                return Err(AdminRefusal::OwnedByKubernetes { name: name.to_string(), object });
            }
            return Ok(done(vec![Write::Delete(name.clone())]));
        }
        let record = self.changeable(name)?;
        check_not_needed(&record.principal)?;
        let aliases = self.aliases_of(&record.principal).map(|alias| Write::Delete(alias.clone()));
        Ok(done(aliases.chain([Write::Delete(record.principal.clone())]).collect()))
    }

    /// First the new name, with a mark that says from which one; then the aliases; then the old name goes, and the mark.
    fn rename(&self, from: &Principal, to: &Principal) -> Result<Plan, AdminRefusal> {
        let record = self.changeable(from)?;
        let from = &record.principal;
        check_not_needed(from)?;
        check_new_name(to, &self.realm.name, self.asker.is_local)?;
        match &self.facts.other {
            // A renaming that did not come to its end.
            Some(Record::Principal(begun)) if renamed_from(begun).as_ref() == Some(from) => {}
            other => refuse_existing(other.as_ref())?,
        }
        let mut new = renamed(record, to);
        (new.modified, new.modified_by) = (self.now, self.asker.by.clone());
        let mut begun = new.clone();
        mark_renamed(&mut begun, from, self.now);
        unmark_renamed(&mut new);
        let aliases = self.facts.aliases.iter().filter_map(|record| match record {
            Record::Alias { alias, target, origin } if target == from => {
                Some(Write::Put(Record::Alias { alias: alias.clone(), target: to.clone(), origin: *origin }))
            }
            _ => None,
        });
        let writes = [put(begun)].into_iter().chain(aliases).chain([Write::Delete(from.clone()), put(new)]);
        Ok(done(writes.collect()))
    }

    fn alias(&self, alias: &Principal, target: &Principal) -> Result<Plan, AdminRefusal> {
        let record = self.changeable(target)?;
        check_new_name(alias, &self.realm.name, self.asker.is_local)?;
        if alias.realm != record.principal.realm {
            return Err(AdminRefusal::BadValue("an alias is of the realm of its principal"));
        }
        refuse_existing(self.facts.other.as_ref())?;
        let (alias, target) = (alias.clone(), record.principal.clone());
        // Whoever deletes or renames the target meanwhile finds it changed, and looks for aliases again.
        let target_changed = self.put_changed(record.clone());
        Ok(done(vec![Write::Put(Record::Alias { alias, target, origin: Origin::Manual }), target_changed]))
    }

    fn aliases_of(&self, name: &Principal) -> impl Iterator<Item = &Principal> {
        self.facts.aliases.iter().filter_map(move |record| match record {
            Record::Alias { alias, target, .. } if target == name => Some(alias),
            _ => None,
        })
    }

    fn names(&self, pattern: Option<&str>) -> Vec<String> {
        let names = self.facts.all.iter().filter_map(|record| match record {
            Record::Principal(record) => Some(record.principal.to_string()),
            Record::Alias { alias, .. } => Some(alias.to_string()),
            Record::Holder(_) | Record::Policy(_) => None,
        });
        match pattern.map(|pattern| Glob::of_principals(pattern, &self.realm.name)) {
            None => names.collect(),
            Some(glob) => names.filter(|name| glob.matches(name)).collect(),
        }
    }

    fn policies(&self, pattern: Option<&str>) -> Vec<String> {
        let glob = Glob::new(pattern.unwrap_or("*"));
        let names = self.facts.all.iter().filter_map(|record| match record {
            Record::Policy(policy) => Some(policy.policy()),
            _ => None,
        });
        names.filter(|name| glob.matches(name)).map(str::to_owned).collect()
    }

    fn about_policy(&self, operation: &Operation) -> Result<Plan, AdminRefusal> {
        let found = |name: &str| {
            self.facts.policy.as_ref().ok_or_else(|| AdminRefusal::UnknownPolicy(name.escape_debug().to_string()))
        };
        let written = |name: &str, rules: PasswordPolicy| {
            check_rules(&rules)?;
            let record = PolicyRecord::new(name, &self.realm.name, rules, self.now, self.asker.by.clone());
            Ok(done(vec![Write::Put(Record::Policy(Box::new(record)))]))
        };
        match operation {
            Operation::CreatePolicy(name, rules) => {
                check_policy_name(name)?;
                match self.facts.policy {
                    Some(_) => Err(AdminRefusal::Exists(name.clone())),
                    None => written(name, PasswordPolicy::clone(rules)),
                }
            }
            Operation::ModifyPolicy(name, changes) => written(name, changed_rules(found(name)?.rules.clone(), changes)),
            Operation::DeletePolicy(name) => {
                let policy = found(name)?;
                let has = |record: &Record| matches!(record, Record::Principal(of) if of.policy.as_ref() == Some(name));
                match self.facts.all.iter().any(has) && !self.asker.forced {
                    true => Err(AdminRefusal::PolicyInUse(name.clone())),
                    false => Ok(done(vec![Write::Delete(policy.name.clone())])),
                }
            }
            Operation::GetPolicy(name) => Ok(answer(Answer::Policy(Box::new(found(name)?.clone())))),
            _ => Err(AdminRefusal::NotSupported("this is no operation on a policy")),
        }
    }
}

/// The renaming that a process left half done, as an operation that does the rest: from the old name while it is there.
#[must_use]
pub fn unfinished(record: &PrincipalRecord) -> Option<Operation> {
    let (from, to) = (renamed_from(record)?, record.principal.clone());
    Some(Operation::RenamePrincipal { from, to })
}

/// Takes the mark off a record whose old name is gone.
#[must_use]
pub fn finished(record: &PrincipalRecord) -> PrincipalRecord {
    let mut record = record.clone();
    unmark_renamed(&mut record);
    record
}

fn refuse_existing(found: Option<&Record>) -> Result<(), AdminRefusal> {
    found.map_or(Ok(()), |record| Err(AdminRefusal::Exists(record.name().to_string())))
}

fn put(record: PrincipalRecord) -> Write {
    Write::Put(Record::Principal(Box::new(record)))
}

fn done(writes: Vec<Write>) -> Plan {
    Plan { writes, answer: Answer::Done, extracted: Vec::new() }
}

fn answer(answer: Answer) -> Plan {
    Plan { writes: Vec::new(), answer, extracted: Vec::new() }
}
