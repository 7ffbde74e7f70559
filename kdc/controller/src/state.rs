//! The progress of each name on its way from the cluster into the store.

use kennel_core::accounts::Conflict;
use kennel_wire::message::{KerberosTime, Principal};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A name to settle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// A principal's own name.
    Principal(Principal),
    /// Another name of a principal.
    Alias(Principal),
}

/// Progress of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// The store holds the name as the cluster asks. The number is the version of its active key, `None` without a key.
    Made(Option<u32>),
    /// The cluster asks for no such name, and the store holds none that the cluster asked for.
    Gone,
    /// Blocked until this time.
    Waiting(KerberosTime),
    /// The name has another owner.
    Refused(Conflict),
    /// The store did not accept the name, or other writers kept changing it: the controller tries again.
    Failed,
}

/// Progress of all names.
#[derive(Debug, Clone, Default)]
pub(crate) struct States(Arc<Mutex<BTreeMap<Name, State>>>);

impl States {
    /// Returns the progress of a name, where it is known.
    pub(crate) fn find(&self, name: &Name) -> Option<State> {
        self.lock().get(name).copied()
    }

    /// Counts the names that are refused or failed.
    pub(crate) fn count_refused(&self) -> usize {
        self.lock().values().filter(|state| matches!(state, State::Refused(_) | State::Failed)).count()
    }

    /// Stores the progress of a name. Returns whether it differs from the one before.
    pub(crate) fn set(&self, name: &Name, state: State) -> bool {
        let mut states = self.lock();
        match state {
            State::Gone => states.remove(name).is_some(),
            _ => states.insert(name.clone(), state) != Some(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_set_again_is_no_change_and_a_name_that_has_gone_is_forgotten() {
        let (states, name) = (States::default(), Name::Principal(Principal::parse("a", "R").unwrap()));
        assert!(!states.set(&name, State::Gone), "it was not known");
        assert!(states.set(&name, State::Failed));
        assert!(!states.set(&name, State::Failed));
        assert_eq!((states.find(&name), states.count_refused()), (Some(State::Failed), 1));
        assert!(states.set(&name, State::Made(Some(1))));
        assert_eq!(states.count_refused(), 0);
        assert!(states.set(&name, State::Gone));
        assert_eq!(states.find(&name), None);
    }
}
