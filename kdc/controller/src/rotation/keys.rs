//! One step of one principal: reads its record, asks for the schedule, and writes the step at the revision that it has read.

use crate::rotation::book::RotationBook;
use crate::rotation::facts::schedule;
use crate::rotation::policy::{Rotatable, RotationPolicies};
use kennel_core::principal::Record;
use kennel_core::rotation::apply::apply;
use kennel_core::rotation::clock::Moment;
use kennel_core::rotation::event::RotationAction;
use kennel_core::rotation::holder::Holding;
use kennel_store::{Expect, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::Principal;
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
    now: Moment,
) -> Result<StepEnd, StoreError> {
    let Some(VersionedRecord { record: Record::Principal(mut record), revision }) = store.read(name).await? else {
        return Ok(StepEnd::NotDue);
    };
    let (rotatable, realm) = (Rotatable::of_record(&record), policies.realm());
    let mut policy = policies.find(name, rotatable);
    policy.accept = policy.accept.max(book.accept(&record, &realm));
    let Some(holders) = book.holders_at(name, revision) else { return Ok(StepEnd::BookIsLate) };
    let holders: Vec<Holding<'_>> = holders.iter().filter_map(|holder| holder.holding_of(name)).collect();
    let schedule = schedule(&record, rotatable, &holders, &policy, now);
    let Some(step) = schedule.and_then(|schedule| schedule.step) else { return Ok(StepEnd::NotDue) };
    let action = RotationAction::of_step(&step, realm.new_keys().next_kvno(&record.keys));
    apply(&mut record, &step, &policy, realm.new_keys(), now, &mut OsRng);
    record.modified = now.stamp();
    BY.clone_into(&mut record.modified_by);
    store.put(&Record::Principal(record), Expect::Revision(revision)).await?;
    Ok(StepEnd::Done(action))
}
