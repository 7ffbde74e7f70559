//! The limits of answers that go on: each occupies a connection of the listener that pods enrol at.

use crate::endpoints::admin_api::refusal::AdminRefusal;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Streams at a time: an eighth of the listener's connections.
const STREAMS: usize = 64;
/// Streams of one user.
const OF_USER: usize = 8;

/// The open streams, by user.
#[derive(Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

/// A stream that counts until this value is dropped.
pub(super) struct StreamPlace {
    streams: Streams,
    user: String,
}

impl Streams {
    pub(super) fn admit(&self, user: String) -> Result<StreamPlace, AdminRefusal> {
        let mut open = self.lock();
        let of_user = open.get(&user).copied().unwrap_or(0);
        if of_user >= OF_USER || open.values().sum::<usize>() >= STREAMS {
            return Err(AdminRefusal::TooManyStreams);
        }
        open.insert(user.clone(), of_user + 1);
        Ok(StreamPlace { streams: self.clone(), user })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        if let Some(count) = open.get_mut(&self.user) {
            *count = count.saturating_sub(1);
        }
        open.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_some_streams_and_all_users_together_some_more() {
        let streams = Streams::default();
        let of_alice: Vec<_> = (0..OF_USER).map(|_| streams.admit("alice".into()).unwrap()).collect();
        assert!(streams.admit("alice".into()).is_err());
        let others: Vec<_> = (OF_USER..STREAMS).map(|n| streams.admit(format!("user-{n}")).unwrap()).collect();
        assert!(streams.admit("bob".into()).is_err());
        drop(of_alice);
        assert!(streams.admit("bob".into()).is_ok());
        drop(others);
        assert!(streams.lock().is_empty());
    }
}
