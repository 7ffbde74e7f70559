//! The master keys of a dump: each key of the dump is encrypted under one of them. `K/M` has all of them, each encrypted under the newest;
//! and the newest once more under each older one.

use crate::key_set::default_salt;
use crate::mit_import::enctype_name::enctype_name;
use crate::mit_import::error::ImportError;
use kennel_crypto::{Enctype, Key, KeyUsage, PreparedKey, SecretBytes};
use kennel_wire::message::Principal;
use kennel_wire::mit_dump::principal::{DumpKey, DumpPrincipal};
use kennel_wire::mit_dump::stash::StashedKey;
use zeroize::Zeroizing;

/// The usages of a master key: MIT's, and Heimdal's, which is the letters `HDB`.
const USAGES: [KeyUsage; 2] = [KeyUsage(0), KeyUsage(0x48_44_42)];

/// What opens the keys of a dump.
#[derive(Debug)]
pub enum MasterSecret {
    /// The keys of a stash: one of them is enough.
    Stash(Vec<StashedKey>),
    /// The password that the newest master key comes from.
    Password(SecretBytes),
    /// Nothing: the keys are not encrypted (Heimdal without a master key, or `--decrypt`).
    None,
}

/// Keys that sealed keys of the dump are opened with.
pub(super) struct SealingKeys(Vec<SealingKey>);

struct SealingKey {
    kvno: u32,
    prepared: [PreparedKey; USAGES.len()],
}

impl SealingKey {
    fn new(kvno: u32, key: &Key) -> SealingKey {
        SealingKey { kvno, prepared: USAGES.map(|usage| key.prepare(usage)) }
    }

    fn open(&self, sealed: &DumpKey) -> Option<Zeroizing<Vec<u8>>> {
        let (length, ciphertext) = sealed.sealed.split_first_chunk::<2>()?;
        let mut plaintext = self.prepared.iter().find_map(|key| key.open(ciphertext).ok())?;
        let length = usize::from(u16::from_le_bytes(*length));
        // Padding may follow the key.
        (plaintext.len() >= length).then(|| {
            plaintext.truncate(length);
            plaintext
        })
    }

    fn open_key(&self, sealed: &DumpKey) -> Option<Key> {
        Key::new(Enctype::from_number(sealed.enctype)?, &self.open(sealed)?).ok()
    }
}

impl SealingKeys {
    /// Finds the master keys of a dump. `master` is its `K/M`, where it has one.
    ///
    /// # Errors
    /// [`ImportError::MasterKey`], [`ImportError::MasterEnctype`], [`ImportError::NoMasterEntry`].
    pub(super) fn find(
        secret: &MasterSecret,
        realm: &str,
        master: Option<&DumpPrincipal>,
    ) -> Result<SealingKeys, ImportError> {
        let given = match secret {
            MasterSecret::None => return Ok(SealingKeys(Vec::new())),
            MasterSecret::Stash(stashed) => from_stash(stashed)?,
            MasterSecret::Password(password) => {
                from_password(password, realm, master.ok_or(ImportError::NoMasterEntry)?)?
            }
        };
        let Some(master) = master else { return Ok(SealingKeys(given)) };
        let newest = given.iter().find_map(|key| newest(key, master)).ok_or_else(|| match foreign_enctype(master) {
            Some(enctype) => ImportError::MasterEnctype(enctype),
            None => ImportError::MasterKey,
        })?;
        let opened = master.keys.iter().filter_map(|key| Some((key.kvno, newest.open_key(key)?)));
        Ok(SealingKeys(opened.map(|(kvno, key)| SealingKey::new(kvno, &key)).collect()))
    }

    /// The keys of a principal, such as `kadmin/history`.
    pub(super) fn of_principal(keys: impl IntoIterator<Item = (u32, Key)>) -> SealingKeys {
        SealingKeys(keys.into_iter().map(|(kvno, key)| SealingKey::new(kvno, &key)).collect())
    }

    /// Opens a key that is under the master key `kvno`, or under the lowest one where nothing is said.
    pub(super) fn open(&self, sealed: &DumpKey, kvno: Option<u32>) -> Option<Zeroizing<Vec<u8>>> {
        let named = |key: &&SealingKey| kvno == Some(key.kvno);
        let lowest = || self.0.iter().min_by_key(|key| key.kvno);
        match self.0.iter().find(named).or_else(lowest) {
            Some(key) => key.open(sealed),
            None => bare(sealed),
        }
    }

    /// Opens a key that is under any of these.
    pub(super) fn open_any(&self, sealed: &DumpKey) -> Option<Zeroizing<Vec<u8>>> {
        self.0.iter().find_map(|key| key.open(sealed))
    }
}

/// A key that is not encrypted.
fn bare(sealed: &DumpKey) -> Option<Zeroizing<Vec<u8>>> {
    let (length, key) = sealed.sealed.split_first_chunk::<2>()?;
    (key.len() == usize::from(u16::from_le_bytes(*length))).then(|| Zeroizing::new(key.to_vec()))
}

fn from_stash(stashed: &[StashedKey]) -> Result<Vec<SealingKey>, ImportError> {
    let key = |stashed: &StashedKey| {
        let key = Key::new(Enctype::from_number(stashed.enctype)?, &stashed.octets).ok()?;
        Some(SealingKey::new(stashed.kvno, &key))
    };
    let keys: Vec<_> = stashed.iter().filter_map(key).collect();
    match stashed.first() {
        None => Err(ImportError::MasterKey),
        Some(first) if keys.is_empty() => Err(ImportError::MasterEnctype(enctype_name(first.enctype))),
        Some(_) => Ok(keys),
    }
}

/// The key of each enctype that `K/M` has, under the default salt of its name.
fn from_password(password: &SecretBytes, realm: &str, master: &DumpPrincipal) -> Result<Vec<SealingKey>, ImportError> {
    let name = Principal::parse("K/M", realm).map_err(|_| ImportError::MasterKey)?;
    let mut enctypes: Vec<Enctype> = master.keys.iter().filter_map(|key| Enctype::from_number(key.enctype)).collect();
    enctypes.sort_unstable();
    enctypes.dedup();
    let salt = default_salt(&name);
    let key = |enctype| Key::from_password(enctype, password.expose(), salt.as_bytes(), None).ok();
    Ok(enctypes.into_iter().filter_map(key).map(|key| SealingKey::new(0, &key)).collect())
}

/// The newest master key, opened by a key that is the newest or an older one.
fn newest(given: &SealingKey, master: &DumpPrincipal) -> Option<SealingKey> {
    let under_itself = master.keys.iter().take(1).cloned();
    let under_others = master.newest_master_keys();
    let found = under_itself.chain(under_others).find_map(|key| Some((key.kvno, given.open_key(&key)?)));
    found.map(|(kvno, key)| SealingKey::new(kvno, &key))
}

/// The enctype of the newest master key, where Kennel does not have it.
fn foreign_enctype(master: &DumpPrincipal) -> Option<String> {
    let newest = master.keys.first()?;
    Enctype::from_number(newest.enctype).is_none().then(|| enctype_name(newest.enctype))
}
