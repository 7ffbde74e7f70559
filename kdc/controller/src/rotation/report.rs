//! Versions, holders and what a rotation waits for, for administrators. Any process can say it, not only the one that writes.

use crate::rotation::book::RotationBook;
use crate::rotation::facts::schedule;
use crate::rotation::policy::{NeverRotates, Rotatable, RotationPolicies};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::rotation::holder::{HolderRecord, Holding};
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::Schedule;
use kennel_store::{PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{Principal, Timestamp};

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
    now: Timestamp,
) -> Result<Option<KeyReport>, StoreError> {
    let Some(VersionedRecord { record: Record::Principal(record), .. }) = store.read(name).await? else {
        return Ok(None);
    };
    let (rotatable, holders) = (Rotatable::of_record(&record), book.holder_records(name));
    let mut policy = policies.find(name, rotatable);
    policy.accept = policy.accept.max(book.accept(&record, &policies.realm()));
    let held: Vec<Holding<'_>> = holders.iter().filter_map(|holder| holder.holding_of(name)).collect();
    let schedule = match rotatable {
        Rotatable::Never(never) => Err(never),
        _ => schedule(&record, rotatable, &held, &policy, now.into()).ok_or(NeverRotates::NoKeys),
    };
    Ok(Some(KeyReport { record, holders, policy, schedule }))
}
