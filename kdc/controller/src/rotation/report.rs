//! Versions, holders and what a rotation waits for, for administrators. Any process can say it, not only the one that writes.

use crate::rotation::book::RotationBook;
use crate::rotation::facts::KeyFacts;
use crate::rotation::policy::{NeverRotates, Rotatable, RotationPolicies};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::rotation::holder::{HolderId, HolderRecord};
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::Schedule;
use kennel_store::{PrincipalStore, Revision, StoreError, VersionedRecord};
use kennel_wire::message::{KerberosTime, Principal};

/// The keys of one principal.
#[derive(Debug)]
pub struct KeyReport {
    /// The record.
    pub record: Box<PrincipalRecord>,
    /// Those that hold its keys.
    pub holders: Vec<HolderRecord>,
    /// Its policy.
    pub policy: RotationPolicy,
    /// The schedule, or why there is none.
    pub schedule: Result<Schedule, NeverRotates>,
}

/// Reports the keys of a principal, by its canonical name; `None` where the store has none of this name.
///
/// # Errors
/// Those of the store.
pub async fn key_report(
    store: &dyn PrincipalStore,
    book: &RotationBook,
    policies: &RotationPolicies,
    name: &Principal,
    now: KerberosTime,
) -> Result<Option<KeyReport>, StoreError> {
    let Some(VersionedRecord { record: Record::Principal(record), revision }) = store.read(name).await? else {
        return Ok(None);
    };
    let holders = book.holder_records(name);
    Ok(Some(report(record, revision, holders, policies, now)))
}

fn report(
    record: Box<PrincipalRecord>,
    revision: Revision,
    holders: Vec<HolderRecord>,
    policies: &RotationPolicies,
    now: KerberosTime,
) -> KeyReport {
    let facts = KeyFacts::of_record(&record, revision);
    let policy = policies.find(&record.principal, facts.rotatable);
    let held: Vec<(&HolderId, &[u32])> =
        holders.iter().map(|holder| (&holder.id, holder.versions_of(&record.principal).unwrap_or_default())).collect();
    let schedule = match facts.rotatable {
        Rotatable::Never(never) => Err(never),
        Rotatable::ByPolicy | Rotatable::ByOrder => facts.schedule(&held, &policy, now).ok_or(NeverRotates::NoKeys),
    };
    KeyReport { record, holders, policy, schedule }
}
