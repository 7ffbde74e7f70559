//! The keys of a principal of a dump: opened, by version, the newest in use.

use crate::key_set::{KeySet, KeyState, KeyVersion, StoredKey, default_salt};
use crate::mit_import::master_keys::SealingKeys;
use crate::mit_import::note::{Note, Notes};
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::{Principal, Timestamp};
use kennel_wire::mit_dump::principal::{DumpKey, DumpPrincipal, DumpSalt};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Kinds of salts in MIT's database.
mod salt_kind {
    pub(super) const NORMAL: i32 = 0;
    pub(super) const V4: i32 = 1;
    pub(super) const NO_REALM: i32 = 2;
    pub(super) const ONLY_REALM: i32 = 3;
    pub(super) const SPECIAL: i32 = 4;
}

/// Whose keys are read, and where what is lost is said.
pub(super) struct KeyReader<'a> {
    pub(super) principal: &'a Principal,
    /// Whether keys without a salt of their own come from a password: a dump does not say it.
    pub(super) from_password: bool,
    /// The name, for notes.
    pub(super) name: &'a str,
    pub(super) notes: &'a mut Notes,
}

impl KeyReader<'_> {
    /// The keys of a principal. The newest version is in use since `changed`; the others were retired `now`, at the latest.
    pub(super) fn key_set(
        &mut self,
        entry: &DumpPrincipal,
        master: &SealingKeys,
        changed: Timestamp,
        now: Timestamp,
    ) -> KeySet {
        let master_kvno = entry.master_kvno();
        let mut versions: BTreeMap<u32, Vec<StoredKey>> = BTreeMap::new();
        for key in &entry.keys {
            if key.kvno == 0 {
                self.notes.add(Note::VersionZero, self.name);
            } else if let Some(stored) = self.stored(key, |key| master.open(key, master_kvno)) {
                let keys = versions.entry(key.kvno).or_default();
                // Kennel has one key for each enctype; MIT offers the first.
                if keys.iter().all(|other| other.key.enctype() != stored.key.enctype()) {
                    keys.push(stored);
                }
            }
        }
        let mut state = KeyState::Active;
        let versions = versions.into_iter().rev().map(|(kvno, mut keys)| {
            keys.sort_by_key(|stored| Enctype::ALL.iter().position(|enctype| *enctype == stored.key.enctype()));
            let state = std::mem::replace(&mut state, KeyState::Retiring);
            let retired = (state == KeyState::Retiring).then_some(now);
            KeyVersion { kvno, state, created: changed, activated: Some(changed), retired, accept: None, keys }
        });
        KeySet { versions: versions.collect() }
    }

    /// The keys of an earlier password.
    pub(super) fn earlier(&mut self, keys: &[DumpKey], history: &SealingKeys) -> Vec<StoredKey> {
        let mut unsaid = Notes::default();
        let KeyReader { principal, name, .. } = *self;
        let mut reader = KeyReader { principal, from_password: true, name, notes: &mut unsaid };
        let stored: Vec<_> = keys.iter().filter_map(|key| reader.stored(key, |key| history.open_any(key))).collect();
        if stored.len() < keys.len() {
            self.notes.add(Note::History, self.name);
        }
        stored
    }

    fn stored(&mut self, key: &DumpKey, open: impl Fn(&DumpKey) -> Option<Zeroizing<Vec<u8>>>) -> Option<StoredKey> {
        let read = Enctype::from_number(key.enctype).ok_or(Note::Enctype(key.enctype)).and_then(|enctype| {
            let salt = self.salt(key.salt.as_ref())?;
            let octets = open(key).ok_or(Note::Sealed)?;
            let key = Key::new(enctype, &octets).map_err(|_| Note::Sealed)?;
            Ok(StoredKey { key, salt })
        });
        read.map_err(|note| self.notes.add(note, self.name)).ok()
    }

    /// The salt as text: Kerberos sends it as text, and MIT's salts are.
    fn salt(&self, salt: Option<&DumpSalt>) -> Result<Option<String>, Note> {
        let Principal { name, realm } = self.principal;
        let normal = || self.from_password.then(|| default_salt(self.principal));
        let Some(DumpSalt { kind, octets }) = salt else { return Ok(normal()) };
        match *kind {
            salt_kind::NORMAL if octets.is_empty() => Ok(normal()),
            salt_kind::NORMAL | salt_kind::SPECIAL => {
                String::from_utf8(octets.clone()).map(Some).map_err(|_| Note::Salt(*kind))
            }
            salt_kind::V4 => Ok(Some(String::new())),
            salt_kind::NO_REALM => Ok(Some(name.components.concat())),
            salt_kind::ONLY_REALM => Ok(Some(realm.clone())),
            other => Err(Note::Salt(other)),
        }
    }
}
