//! The master keys of a store: one, or two while its records are wrapped anew from one to the other.
//!
//! The same type says which keys the files hold, before a store is opened, and which keys an open store has.

use kennel_crypto::{CryptoError, MasterKey};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A master key, and the next one where there is one.
#[derive(Debug, Clone)]
pub struct MasterKeys {
    current: Arc<MasterKey>,
    next: Option<Arc<MasterKey>>,
}

impl MasterKeys {
    /// `next` has no effect where it is the same key.
    #[must_use]
    pub fn new(current: Arc<MasterKey>, next: Option<Arc<MasterKey>>) -> MasterKeys {
        let next = next.filter(|next| next.id() != current.id());
        MasterKeys { current, next }
    }

    /// The key that a store is under as a whole until a re-wrap has ended.
    #[must_use]
    pub fn current(&self) -> &Arc<MasterKey> {
        &self.current
    }

    /// The key that records are wrapped under anew.
    #[must_use]
    pub fn next(&self) -> Option<&Arc<MasterKey>> {
        self.next.as_ref()
    }

    /// The key that everything is wrapped under from now on: the next one, where there is one.
    #[must_use]
    pub fn newest(&self) -> &Arc<MasterKey> {
        self.next.as_ref().unwrap_or(&self.current)
    }

    /// The key with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<MasterKey>> {
        self.newest_first().find(|key| key.id() == id)
    }

    /// Both keys, the one first that more is under.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<MasterKey>> {
        self.next.iter().chain([&self.current])
    }

    /// The ids, for messages.
    #[must_use]
    pub fn ids(&self) -> String {
        match &self.next {
            None => self.current.id().to_owned(),
            Some(next) => format!("{} and {}", self.current.id(), next.id()),
        }
    }

    /// Unwraps what is under either key and does not say which.
    ///
    /// # Errors
    /// As [`MasterKey::unwrap`].
    pub fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let newest = self.newest().unwrap(associated, wrapped);
        if self.next.is_some() { newest.or_else(|_| self.current.unwrap(associated, wrapped)) } else { newest }
    }
}

impl From<Arc<MasterKey>> for MasterKeys {
    fn from(key: Arc<MasterKey>) -> MasterKeys {
        MasterKeys::new(key, None)
    }
}

impl From<MasterKey> for MasterKeys {
    fn from(key: MasterKey) -> MasterKeys {
        Arc::new(key).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    fn key() -> Arc<MasterKey> {
        Arc::new(MasterKey::generate(&mut OsRng))
    }

    #[test]
    fn what_is_under_either_key_is_unwrapped_and_nothing_else() {
        let (old, new, other) = (key(), key(), key());
        let keys = MasterKeys::new(old.clone(), Some(new.clone()));
        for key in [&old, &new] {
            assert_eq!(&**keys.unwrap(b"a", &key.wrap(b"a", b"text", &mut OsRng)).unwrap(), b"text");
        }
        assert!(keys.unwrap(b"a", &other.wrap(b"a", b"text", &mut OsRng)).is_err());
        assert_eq!(keys.newest().id(), new.id());
        assert_eq!(keys.ids(), format!("{} and {}", old.id(), new.id()));
        assert!(keys.find(old.id()).is_some() && keys.find(other.id()).is_none());
    }

    #[test]
    fn the_same_key_twice_is_one_key() {
        let one = key();
        let keys = MasterKeys::new(one.clone(), Some(one.clone()));
        assert!(keys.next().is_none() && keys.ids() == one.id());
    }
}
