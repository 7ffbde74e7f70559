//! The keys of a principal, by version and state.

use kennel_crypto::{CryptoError, Enctype, Key};
use kennel_wire::message::{Principal, Timestamp};
use rand_core::CryptoRngCore;

/// The state of a key version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// In keytabs, never used to issue.
    Staged,
    /// Used to issue. At most one version of a set is active.
    Active,
    /// Accepted, never used to issue.
    Retiring,
}

/// One key, with its salt where it comes from a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Random, or derived from a password.
    pub key: Key,
    /// The salt of the password that it came from; `None` for random keys.
    pub salt: Option<String>,
}

/// One version of a principal's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// Version number, from 1.
    pub kvno: u32,
    /// Whether the KDC issues with this version, or only accepts it.
    pub state: KeyState,
    /// Time of its creation.
    pub created: Timestamp,
    /// When the KDC began to issue with it.
    pub activated: Option<Timestamp>,
    /// When the KDC stopped issuing with it.
    pub retired: Option<Timestamp>,
    /// How long a retired version is accepted at least, seconds; the policy at its retirement.
    pub accept: Option<u32>,
    /// One key for each enctype, strongest first.
    pub keys: Vec<StoredKey>,
}

/// All versions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    /// Newest first; kvnos are unique.
    pub versions: Vec<KeyVersion>,
}

/// The rules of new keys.
#[derive(Debug, Clone, Copy)]
pub struct NewKeys<'a> {
    /// Enctypes, strongest first: a key of each.
    pub enctypes: &'a [Enctype],
    /// Version numbers are above this one.
    pub kvno_floor: u32,
}

impl NewKeys<'_> {
    /// The number of the first version, where none is known.
    #[must_use]
    pub fn first_kvno(&self) -> u32 {
        self.kvno_floor.saturating_add(1)
    }

    /// The number of the version after these. Numbers grow; the newest version is never dropped.
    #[must_use]
    pub fn next_kvno(&self, keys: &KeySet) -> u32 {
        keys.versions.iter().map(|version| version.kvno).max().unwrap_or(0).max(self.kvno_floor).saturating_add(1)
    }
}

impl KeySet {
    /// A set with one active version of random keys.
    pub fn random(enctypes: &[Enctype], kvno: u32, now: Timestamp, rng: &mut dyn CryptoRngCore) -> KeySet {
        let keys = enctypes.iter().map(|e| StoredKey { key: Key::generate(*e, rng), salt: None }).collect();
        KeySet::active(kvno, now, keys)
    }

    /// A set with one active version made from a password with the [`default_salt`].
    ///
    /// # Errors
    /// Those of [`Key::from_password`]; none with the default parameters.
    pub fn from_password(
        enctypes: &[Enctype],
        kvno: u32,
        principal: &Principal,
        password: &[u8],
        now: Timestamp,
    ) -> Result<KeySet, CryptoError> {
        let salt = default_salt(principal);
        let keys = enctypes
            .iter()
            .map(|e| {
                let key = Key::from_password(*e, password, salt.as_bytes(), None)?;
                Ok(StoredKey { key, salt: Some(salt.clone()) })
            })
            .collect::<Result<Vec<_>, CryptoError>>()?;
        Ok(KeySet::active(kvno, now, keys))
    }

    fn active(kvno: u32, now: Timestamp, keys: Vec<StoredKey>) -> KeySet {
        let version = KeyVersion {
            kvno,
            state: KeyState::Active,
            created: now,
            activated: Some(now),
            retired: None,
            accept: None,
            keys,
        };
        KeySet { versions: vec![version] }
    }

    /// When a person last set the password that the active version comes from; `None` where its keys are random. Rotations
    /// make random keys, and so change nothing here.
    #[must_use]
    pub fn password_set(&self) -> Option<Timestamp> {
        self.active_version().filter(|v| v.keys.iter().any(|key| key.salt.is_some())).map(|v| v.created)
    }

    /// Returns the version to issue with.
    #[must_use]
    pub fn active_version(&self) -> Option<&KeyVersion> {
        self.versions.iter().find(|v| v.state == KeyState::Active)
    }
}

impl KeyVersion {
    /// Whether a key of the version comes from this password. Derives one key, which takes some time.
    #[must_use]
    pub fn is_from_password(&self, password: &[u8]) -> bool {
        let salted = self.keys.iter().find_map(|stored| Some((&stored.key, stored.salt.as_ref()?)));
        salted.is_some_and(|(key, salt)| {
            Key::from_password(key.enctype(), password, salt.as_bytes(), None).is_ok_and(|derived| derived == *key)
        })
    }
}

/// The default salt: the realm, then the components, with nothing between (RFC 4120, section 4).
#[must_use]
pub fn default_salt(principal: &Principal) -> String {
    let mut salt = principal.realm.clone();
    for component in &principal.name.components {
        salt.push_str(component);
    }
    salt
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use kennel_wire::message::KerberosTime;

    #[test]
    fn tickets_are_issued_under_the_active_version_of_several_and_under_none_without_one() {
        let version = |kvno, state| KeyVersion {
            kvno,
            state,
            created: Timestamp::default(),
            activated: None,
            retired: None,
            accept: None,
            keys: Vec::new(),
        };
        let (staged, active) = (version(3, KeyState::Staged), version(2, KeyState::Active));
        let retiring = version(1, KeyState::Retiring);
        let set = KeySet { versions: vec![staged.clone(), active.clone(), retiring.clone()] };
        assert_eq!(set.active_version(), Some(&active));
        assert_eq!(KeySet { versions: vec![staged, retiring] }.active_version(), None);
    }

    #[test]
    fn a_password_was_set_when_its_version_was_made_and_random_keys_come_from_none() {
        let (alice, now) = (record("alice").principal, Timestamp { time: KerberosTime(7), micros: 9 });
        let aes = [Enctype::Aes128CtsHmacSha1];
        let mut keys = KeySet::from_password(&aes, 1, &alice, b"secret", now).unwrap();
        assert_eq!(keys.password_set(), Some(now));
        keys.versions[0].state = KeyState::Retiring;
        assert_eq!(keys.password_set(), None, "no password is in force");
        keys.versions[0].state = KeyState::Active;
        keys.versions[0].keys[0].salt = None;
        assert_eq!(keys.password_set(), None, "a random key");
    }

    #[test]
    fn a_new_version_is_above_all_that_are_there_and_above_the_floor() {
        let rules = |kvno_floor| NewKeys { enctypes: &[], kvno_floor };
        let of = |kvno| KeySet::random(&[], kvno, Timestamp::default(), &mut rand_core::OsRng);
        assert_eq!((rules(0).first_kvno(), rules(0).next_kvno(&of(7))), (1, 8));
        assert_eq!((rules(65_536).first_kvno(), rules(65_536).next_kvno(&of(7))), (65_537, 65_537));
        assert_eq!(rules(65_536).next_kvno(&of(65_537)), 65_538);
        assert_eq!(rules(0).next_kvno(&of(u32::MAX)), u32::MAX, "a number that is never reached");
    }

    #[test]
    fn the_default_salt_is_the_realm_and_the_components_with_nothing_between() {
        // RFC 4120, section 4.
        assert_eq!(default_salt(&record("HTTP/web.shop").principal), "RHTTPweb.shop");
    }
}
