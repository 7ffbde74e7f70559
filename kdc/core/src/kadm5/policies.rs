//! Policies, both ways.

use crate::admin::operation::{Operation, PolicyChanges};
use crate::kadm5::keysalts;
use crate::password_policy::{PasswordPolicy, PolicyRecord};
use crate::realm::Realm;
use kennel_wire::kadm5::policy::{PolicyEntry, PolicyMask};
use kennel_wire::kadm5::status::Kadm5Status;

/// Fields that MIT Kerberos reserves, and that no client sends.
const RESERVED: PolicyMask =
    PolicyMask::ATTRIBUTES.union(PolicyMask::TICKET_MAX_LIFE).union(PolicyMask::TICKET_MAX_RENEWABLE_LIFE);

/// A policy to be made.
pub(crate) fn create(entry: PolicyEntry, mask: PolicyMask, realm: &Realm) -> Result<Operation, Kadm5Status> {
    let name = named(&entry, mask.contains(PolicyMask::POLICY))?;
    let (changes, default) = (changes(&entry, mask, realm)?, PasswordPolicy::default());
    let policy = PasswordPolicy {
        min_life: changes.min_life.unwrap_or(default.min_life),
        max_life: changes.max_life.unwrap_or(default.max_life),
        min_length: changes.min_length.unwrap_or(default.min_length),
        min_classes: changes.min_classes.unwrap_or(default.min_classes),
        history: changes.history.unwrap_or(default.history),
        max_failures: changes.max_failures.unwrap_or(default.max_failures),
        failure_count_interval: changes.failure_count_interval.unwrap_or(default.failure_count_interval),
        lockout_duration: changes.lockout_duration.unwrap_or(default.lockout_duration),
        allowed_enctypes: changes.allowed_enctypes.unwrap_or(default.allowed_enctypes),
    };
    Ok(Operation::CreatePolicy(name, Box::new(policy)))
}

/// A policy to be changed.
pub(crate) fn modify(entry: PolicyEntry, mask: PolicyMask, realm: &Realm) -> Result<Operation, Kadm5Status> {
    let name = named(&entry, !mask.contains(PolicyMask::POLICY))?;
    Ok(Operation::ModifyPolicy(name, Box::new(changes(&entry, mask, realm)?)))
}

/// A policy as it is shown.
pub(crate) fn shown(record: &PolicyRecord) -> PolicyEntry {
    let rules = &record.rules;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    PolicyEntry {
        name: Some(record.policy().to_owned()),
        min_life: number(rules.min_life),
        max_life: number(rules.max_life),
        min_length: number(rules.min_length),
        min_classes: number(rules.min_classes),
        history: number(rules.history),
        max_failures: rules.max_failures,
        failure_count_interval: number(rules.failure_count_interval),
        lockout_duration: number(rules.lockout_duration),
        allowed_keysalts: Some(keysalts::write(&rules.allowed_enctypes)).filter(|list| !list.is_empty()),
        ..PolicyEntry::default()
    }
}

/// The name of the policy, where the mask is right. A name that is missing is refused (CVE-2015-8630).
fn named(entry: &PolicyEntry, mask_is_right: bool) -> Result<String, Kadm5Status> {
    if !mask_is_right {
        return Err(Kadm5Status::BAD_MASK);
    }
    entry.name.clone().ok_or(Kadm5Status::INVALID_ARGUMENT)
}

fn changes(entry: &PolicyEntry, mask: PolicyMask, realm: &Realm) -> Result<PolicyChanges, Kadm5Status> {
    if mask.intersects(RESERVED) {
        return Err(Kadm5Status::BAD_MASK);
    }
    let asked = |field: PolicyMask, number: i32| match u32::try_from(number) {
        _ if !mask.contains(field) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(Kadm5Status::INVALID_ARGUMENT),
    };
    let allowed = mask.contains(PolicyMask::ALLOWED_KEYSALTS).then(|| entry.allowed_keysalts.as_deref().unwrap_or(""));
    Ok(PolicyChanges {
        min_life: asked(PolicyMask::MIN_LIFE, entry.min_life)?,
        max_life: asked(PolicyMask::MAX_LIFE, entry.max_life)?,
        min_length: asked(PolicyMask::MIN_LENGTH, entry.min_length)?,
        min_classes: asked(PolicyMask::MIN_CLASSES, entry.min_classes)?,
        history: asked(PolicyMask::HISTORY, entry.history)?,
        max_failures: mask.contains(PolicyMask::MAX_FAILURES).then_some(entry.max_failures),
        failure_count_interval: asked(PolicyMask::FAILURE_COUNT_INTERVAL, entry.failure_count_interval)?,
        lockout_duration: asked(PolicyMask::LOCKOUT_DURATION, entry.lockout_duration)?,
        allowed_enctypes: allowed.map(|list| keysalts::parse(list, realm)).transpose()?,
    })
}
