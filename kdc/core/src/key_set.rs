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
    /// The key.
    pub key: Key,
    /// The salt of the password that it came from; `None` for random keys.
    pub salt: Option<String>,
}

/// One version of a principal's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVersion {
    /// Version number, from 1.
    pub kvno: u32,
    /// State.
    pub state: KeyState,
    /// Time of its creation.
    pub created: Timestamp,
    /// When the KDC began to issue with it.
    pub activated: Option<Timestamp>,
    /// When the KDC stopped issuing with it.
    pub retired: Option<Timestamp>,
    /// One key for each enctype, strongest first.
    pub keys: Vec<StoredKey>,
}

/// All versions, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    /// Newest first; kvnos are unique.
    pub versions: Vec<KeyVersion>,
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
        let version =
            KeyVersion { kvno, state: KeyState::Active, created: now, activated: Some(now), retired: None, keys };
        KeySet { versions: vec![version] }
    }

    /// The version that is issued with.
    #[must_use]
    pub fn active_version(&self) -> Option<&KeyVersion> {
        self.versions.iter().find(|v| v.state == KeyState::Active)
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
