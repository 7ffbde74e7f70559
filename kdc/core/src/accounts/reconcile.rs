//! The next write for one name.

use crate::accounts::desired::{DesiredPrincipal, Role};
use crate::key_set::KeySet;
use crate::principal::{Attributes, Origin, PrincipalRecord, Record};
use crate::realm::Realm;
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand_core::CryptoRngCore;

/// `modified_by` of the records.
const BY: &str = "kennel-controller";

/// Attributes that follow the cluster; an administrator may set the others.
const OURS: Attributes = Attributes::DISALLOW_ALL.union(Attributes::DISALLOW_SERVER);

/// Next action for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing is to be done.
    Keep,
    /// Write this record in place of what was found.
    Put(Box<Record>),
    /// Delete what was found.
    Delete,
    /// Ask again at this time; nothing is due earlier.
    Wait(KerberosTime),
    /// The name is taken.
    Refuse(Conflict),
}

/// Why the cluster cannot have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// An administrator made a principal of this name.
    Manual,
    /// The name is an alias of some principal.
    Alias,
    /// The desired alias is the own name of a principal.
    Principal,
}

/// The next action for the name of `desired` or `stored`, which are one name; `Keep` once nothing is left to do. Apply it
/// with the revision that was read, and ask again.
pub fn reconcile(
    desired: Option<&DesiredPrincipal>,
    stored: Option<&Record>,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Action {
    match (desired, stored) {
        (None, None) => Action::Keep,
        (None, Some(Record::Principal(record))) => abandoned(record, realm, now),
        (None, Some(Record::Alias { .. } | Record::Holder(_) | Record::Policy(_))) => Action::Keep,
        (Some(desired), None) => put(new_record(desired, now, realm.new_keys().first_kvno(), realm, rng)),
        (Some(_), Some(Record::Alias { .. })) => Action::Refuse(Conflict::Alias),
        // The name is reserved: no object asks for it.
        (Some(_), Some(Record::Holder(_) | Record::Policy(_))) => Action::Refuse(Conflict::Manual),
        (Some(desired), Some(Record::Principal(record))) => match record.origin {
            Origin::Manual => Action::Refuse(Conflict::Manual),
            Origin::Kubernetes => kept_or_replaced(desired, record, realm, now, rng),
        },
    }
}

/// The next action for a name that should be an alias of `target`; `None`: that should be no alias.
#[must_use]
pub fn reconcile_alias(alias: &Principal, target: Option<&Principal>, stored: Option<&Record>) -> Action {
    let ours = |target: &Principal| {
        let (alias, target) = (alias.clone(), target.clone());
        Action::Put(Box::new(Record::Alias { alias, target, origin: Origin::Kubernetes }))
    };
    match (target, stored) {
        (Some(target), None) => ours(target),
        (Some(target), Some(Record::Alias { target: found, origin: Origin::Kubernetes, .. })) if found != target => {
            ours(target)
        }
        (Some(_), Some(Record::Alias { origin: Origin::Manual, .. })) => Action::Refuse(Conflict::Alias),
        (Some(_), Some(Record::Principal(_) | Record::Holder(_) | Record::Policy(_))) => {
            Action::Refuse(Conflict::Principal)
        }
        (None, Some(Record::Alias { origin: Origin::Kubernetes, .. })) => Action::Delete,
        (None, _) | (Some(_), Some(Record::Alias { .. })) => Action::Keep,
    }
}

/// Disables a principal that no object asks for, and deletes it once its last ticket has ended.
fn abandoned(record: &PrincipalRecord, realm: &Realm, now: Timestamp) -> Action {
    if record.origin == Origin::Manual {
        return Action::Keep;
    }
    let Some(since) = record.abandoned else {
        return disabled(record, now);
    };
    let longest = i64::from(realm.max_life.max(realm.max_renewable_life)).saturating_add(realm.clock_skew.into());
    let due = since.time.plus(longest);
    if due <= now.time { Action::Delete } else { Action::Wait(due) }
}

fn kept_or_replaced(
    desired: &DesiredPrincipal,
    record: &PrincipalRecord,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Action {
    if record.owner.as_ref() != Some(&desired.owner) {
        return replaced(desired, record, realm, now, rng);
    }
    let mut wanted = record.clone();
    wanted.attributes = (record.attributes - OURS) | role_attributes(desired.role);
    wanted.abandoned = None;
    wanted.namespace = Some(desired.namespace.clone());
    wanted.session_enctypes.clone_from(&desired.session_enctypes);
    if desired.keys && record.keys.versions.is_empty() {
        wanted.keys = KeySet::random(&realm.enctypes, realm.new_keys().first_kvno(), now, rng);
    }
    if wanted == *record { Action::Keep } else { changed(wanted, now) }
}

/// The older account ends in the second in which it was last disabled; the new one begins in a later second, so that the
/// time of a ticket shows which account it belongs to (Kerberos times are whole seconds).
fn replaced(
    desired: &DesiredPrincipal,
    record: &PrincipalRecord,
    realm: &Realm,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Action {
    let Some(since) = record.abandoned else {
        return disabled(record, now);
    };
    let begin = since.time.plus(1);
    if now.time < begin {
        return Action::Wait(begin);
    }
    put(new_record(desired, now, realm.new_keys().next_kvno(&record.keys), realm, rng))
}

/// Disables the principal: no ticket from now on.
fn disabled(record: &PrincipalRecord, now: Timestamp) -> Action {
    let mut record = record.clone();
    record.abandoned = Some(now);
    record.attributes |= Attributes::DISALLOW_ALL;
    changed(record, now)
}

fn new_record(
    desired: &DesiredPrincipal,
    now: Timestamp,
    kvno: u32,
    realm: &Realm,
    rng: &mut dyn CryptoRngCore,
) -> PrincipalRecord {
    let keys = if desired.keys { KeySet::random(&realm.enctypes, kvno, now, rng) } else { KeySet::default() };
    let mut record = PrincipalRecord::new(desired.name.clone(), Origin::Kubernetes, keys, now, BY);
    record.owner = Some(desired.owner.clone());
    record.namespace = Some(desired.namespace.clone());
    record.attributes = role_attributes(desired.role);
    record.session_enctypes.clone_from(&desired.session_enctypes);
    record
}

fn role_attributes(role: Role) -> Attributes {
    match role {
        Role::Client => Attributes::DISALLOW_SERVER,
        Role::Service => Attributes::empty(),
    }
}

fn changed(mut record: PrincipalRecord, now: Timestamp) -> Action {
    record.modified = now;
    BY.clone_into(&mut record.modified_by);
    put(record)
}

fn put(record: PrincipalRecord) -> Action {
    Action::Put(Box::new(Record::Principal(Box::new(record))))
}
