//! One step of one principal: reads its record, asks for the schedule, and writes the step at the revision that it has read.

use crate::rotation::book::RotationBook;
use crate::rotation::facts::spread;
use crate::rotation::policy::{Rotatable, RotationPolicies};
use kennel_core::key_set::KeyState;
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_core::rotation::apply::apply;
use kennel_core::rotation::event::RotationAction;
use kennel_core::rotation::holder::HolderId;
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::{Rotating, Step};
use kennel_store::{Expect, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{Principal, Timestamp};
use rand::rngs::OsRng;

/// `modified_by` of the records.
const BY: &str = "kennel-rotation";

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StepEnd {
    /// The step was written.
    Done(RotationAction),
    /// No step is due any more.
    NotDue,
    /// The book does not have the record that the store has. It will soon.
    BookIsLate,
}

/// Performs the step that is due, if one is.
pub(crate) async fn perform(
    name: &Principal,
    store: &dyn PrincipalStore,
    book: &RotationBook,
    policies: &RotationPolicies,
    now: Timestamp,
) -> Result<StepEnd, StoreError> {
    let Some(VersionedRecord { record: Record::Principal(record), revision }) = store.read(name).await? else {
        return Ok(StepEnd::NotDue);
    };
    let rotatable = Rotatable::of_record(&record);
    let policy = policies.find(name, rotatable);
    let Some(holders) = book.holders_at(name, revision) else { return Ok(StepEnd::BookIsLate) };
    let Some(step) = due(&record, rotatable, &holders, &policy, now) else { return Ok(StepEnd::NotDue) };
    let action = RotationAction::of_step(&step, record.keys.next_kvno());
    let record = stepped(*record, &step, &policy, policies, now);
    store.put(&Record::Principal(Box::new(record)), Expect::Revision(revision)).await?;
    Ok(StepEnd::Done(action))
}

fn due(
    record: &PrincipalRecord,
    rotatable: Rotatable,
    holders: &[(HolderId, Vec<u32>)],
    policy: &RotationPolicy,
    now: Timestamp,
) -> Option<Step> {
    if matches!(rotatable, Rotatable::Never(_)) {
        return None;
    }
    let holders: Vec<(&HolderId, &[u32])> = holders.iter().map(|(id, kvnos)| (id, &**kvnos)).collect();
    let (keys, spread) = (&record.keys, spread(&record.principal));
    let rotating = Rotating { keys, ordered: record.rotation_ordered, holders: &holders, spread };
    rotating.schedule(policy, now.time).step
}

/// The record after a step.
fn stepped(
    mut record: PrincipalRecord,
    step: &Step,
    policy: &RotationPolicy,
    policies: &RotationPolicies,
    now: Timestamp,
) -> PrincipalRecord {
    apply(&mut record.keys, step, &policies.realm().enctypes, policy.accept, now, &mut OsRng);
    if let Step::Activate(_) = step {
        record.rotation_ordered = None;
    }
    // A policy that shrinks later does not end tickets that are issued from now on.
    for version in record.keys.versions.iter_mut().filter(|version| version.state == KeyState::Active) {
        version.accept = Some(version.accept.unwrap_or(0).max(policy.accept));
    }
    record.modified = now;
    BY.clone_into(&mut record.modified_by);
    record
}
