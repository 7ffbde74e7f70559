//! One name: from what is wanted and what is stored to the next write, until nothing is left to do. The rules are the
//! core's; here they meet the store.

use super::work::Name;
use crate::clock;
use crate::live::Live;
use kennel_core::accounts::{Action, Conflict, DesiredPrincipal, reconcile, reconcile_alias};
use kennel_core::principal::Record;
use kennel_k8s::index::SharedIndex;
use kennel_store::{Expect, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{KerberosTime, Principal};
use rand::rngs::OsRng;

/// Writes of one name in a row: a name that is not settled by then begins again.
const ROUNDS: usize = 8;

/// How far a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is as it should be; the version of its key, where it has one.
    Made(Option<u32>),
    /// It is not there, as it should be.
    Gone,
    /// It goes on then.
    Waiting(KerberosTime),
    /// Somebody else has it.
    Refused(Conflict),
    /// The store did not take it, or others wrote it all the time: it is tried again.
    Failed,
}

/// Settles a name.
pub(super) async fn settle(name: &Name, index: &SharedIndex, store: &dyn PrincipalStore, live: &Live) -> State {
    for _ in 0..ROUNDS {
        match step(name, index, store, live).await {
            Ok(Some(state)) => return state,
            Ok(None) | Err(StoreError::Conflict) => {}
            Err(error) => {
                tracing::error!(?name, %error, "the store does not take a principal of the cluster");
                return State::Failed;
            }
        }
    }
    State::Failed
}

/// One write, or none (`Some`: settled).
async fn step(
    name: &Name,
    index: &SharedIndex,
    store: &dyn PrincipalStore,
    live: &Live,
) -> Result<Option<State>, StoreError> {
    let (Name::Principal(principal) | Name::Alias(principal)) = name;
    let found = store.read(principal).await?;
    let stored = found.as_ref().map(|versioned| &versioned.record);
    let action = match name {
        Name::Principal(principal) => {
            let desired: Option<DesiredPrincipal> = index.read().desired(principal).cloned();
            let kdc = live.kdc();
            reconcile(desired.as_ref(), stored, kdc.realm(), clock::now(), &mut OsRng)
        }
        Name::Alias(alias) => {
            let target: Option<Principal> = index.read().alias_target(alias).cloned();
            reconcile_alias(alias, target.as_ref(), stored)
        }
    };
    Ok(match action {
        Action::Keep => Some(kept(stored)),
        Action::Wait(then) => Some(State::Waiting(then)),
        Action::Refuse(conflict) => Some(State::Refused(conflict)),
        Action::Put(record) => {
            store.put(&record, found.map_or(Expect::Absent, |v| Expect::Revision(v.revision))).await?;
            None
        }
        Action::Delete => {
            if let Some(VersionedRecord { revision, .. }) = found {
                store.delete(principal, revision).await?;
            }
            None
        }
    })
}

fn kept(stored: Option<&Record>) -> State {
    match stored {
        None => State::Gone,
        Some(Record::Alias { .. }) => State::Made(None),
        Some(Record::Principal(record)) => State::Made(record.keys.active_version().map(|version| version.kvno)),
    }
}
