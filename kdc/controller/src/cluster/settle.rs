//! Settles one name: compares the wanted with the stored state and does the next write, until the two agree. The core decides;
//! this module reads and writes the store.

use crate::live::Live;
use crate::state::{Name, State};
use kennel_core::accounts::{Action, DesiredPrincipal, reconcile, reconcile_alias};
use kennel_core::principal::Record;
use kennel_k8s::index::view::SharedIndex;
use kennel_store::{Expect, PrincipalStore, StoreError, VersionedRecord};
use kennel_wire::message::{Principal, Timestamp};
use rand::rngs::OsRng;

/// Consecutive writes of one name at most. A name that is not settled by then fails, and the controller tries again.
const ROUNDS: usize = 8;

/// Settles a name.
pub(crate) async fn settle(
    name: &Name,
    index: &SharedIndex,
    store: &dyn PrincipalStore,
    live: &Live,
    now: Timestamp,
) -> State {
    for _ in 0..ROUNDS {
        match step(name, index, store, live, now).await {
            Ok(Some(state)) => return state,
            Ok(None) | Err(StoreError::Conflict) => {}
            Err(error) => {
                tracing::error!(?name, %error, "a principal of the cluster cannot be written to the store: trying again");
                return State::Failed;
            }
        }
    }
    State::Failed
}

/// Does one write and returns `None`, or returns the state of a name that needs none.
async fn step(
    name: &Name,
    index: &SharedIndex,
    store: &dyn PrincipalStore,
    live: &Live,
    now: Timestamp,
) -> Result<Option<State>, StoreError> {
    let (Name::Principal(principal) | Name::Alias(principal)) = name;
    let found = store.read(principal).await?;
    let stored = found.as_ref().map(|versioned| &versioned.record);
    let (is_wanted, action) = match name {
        Name::Principal(principal) => {
            let desired: Option<DesiredPrincipal> = index.read().desired(principal).cloned();
            let kdc = live.kdc();
            (desired.is_some(), reconcile(desired.as_ref(), stored, kdc.realm(), now, &mut OsRng))
        }
        Name::Alias(alias) => {
            let target: Option<Principal> = index.read().alias_target(alias).cloned();
            (target.is_some(), reconcile_alias(alias, target.as_ref(), stored))
        }
    };
    Ok(match action {
        // A record that may stay although no object asks for its name is an administrator's.
        Action::Keep if !is_wanted => Some(State::Gone),
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
        None | Some(Record::Holder(_) | Record::Policy(_)) => State::Gone,
        Some(Record::Alias { .. }) => State::Made(None),
        Some(Record::Principal(record)) => State::Made(record.keys.active_version().map(|version| version.kvno)),
    }
}
