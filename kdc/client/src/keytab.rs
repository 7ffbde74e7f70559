//! Keytab files and the keys in them.

use crate::credentials::{read_secret, write_secret};
use crate::error::ClientError;
use crate::sealing::key_from_wire;
use kennel_crypto::{Enctype, Key};
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::Principal;
use std::path::Path;

/// The keys of one or more principals.
#[derive(Debug, Clone, Default)]
pub struct Keytab {
    /// In the order of the file.
    pub entries: Vec<KeytabEntry>,
}

impl Keytab {
    /// Reads a keytab file.
    ///
    /// # Errors
    /// [`ClientError::File`], [`ClientError::FileFormat`].
    pub fn read(path: &Path) -> Result<Keytab, ClientError> {
        let bytes = read_secret(path)?;
        let entries =
            keytab::decode(&bytes).map_err(|source| ClientError::FileFormat { path: path.to_owned(), source })?;
        Ok(Keytab { entries })
    }

    /// Writes a keytab file: whole or not at all, readable by its owner alone (0600).
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn write(&self, path: &Path) -> Result<(), ClientError> {
        write_secret(path, &keytab::encode(&self.entries))
    }

    /// Whether the keytab holds any key of `principal`.
    #[must_use]
    pub fn knows(&self, principal: &Principal) -> bool {
        self.of(principal).next().is_some()
    }

    /// The keys of `principal` that may have sealed a ticket of this enctype and, if not `None`, key version;
    /// newest first.
    #[must_use]
    pub fn candidates(&self, principal: &Principal, enctype: i32, kvno: Option<u32>) -> Vec<Key> {
        let mut found: Vec<_> = self
            .of(principal)
            .filter(|e| e.key.keytype == enctype && kvno.is_none_or(|kvno| e.kvno == kvno))
            .filter_map(|e| key_from_wire(&e.key).ok().map(|key| (e.kvno, key)))
            .collect();
        found.sort_by_key(|(kvno, _)| std::cmp::Reverse(*kvno));
        found.into_iter().map(|(_, key)| key).collect()
    }

    /// Whether the keytab holds a key of `principal` with this version.
    #[must_use]
    pub fn has_version(&self, principal: &Principal, kvno: u32) -> bool {
        self.of(principal).any(|e| e.kvno == kvno)
    }

    /// For each enctype that Kennel knows the newest key of `principal`, strongest enctype first.
    #[must_use]
    pub fn newest_keys(&self, principal: &Principal) -> Vec<Key> {
        let newest = |e: Enctype| self.candidates(principal, e.number(), None).into_iter().next();
        Enctype::ALL.into_iter().filter_map(newest).collect()
    }

    fn of<'a>(&'a self, principal: &'a Principal) -> impl Iterator<Item = &'a KeytabEntry> {
        self.entries.iter().filter(move |e| e.principal == *principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::key_to_wire;
    use kennel_wire::message::KerberosTime;
    use rand::rngs::OsRng;

    const AES128: Enctype = Enctype::Aes128CtsHmacSha1;
    const AES256: Enctype = Enctype::Aes256CtsHmacSha1;

    fn web() -> Principal {
        Principal::parse("HTTP/web.shop@DEV.KENNEL", "").unwrap()
    }

    fn keytab(keys: &[(u32, &Key)]) -> Keytab {
        let entry = |(kvno, key): &(u32, &Key)| KeytabEntry {
            principal: web(),
            timestamp: KerberosTime(0),
            kvno: *kvno,
            key: key_to_wire(key),
        };
        Keytab { entries: keys.iter().map(entry).collect() }
    }

    #[test]
    fn the_newest_key_of_each_enctype_is_picked() {
        let [old, new, other] = [AES128, AES128, AES256].map(|e| Key::generate(e, &mut OsRng));
        let keytab = keytab(&[(2, &new), (1, &old), (1, &other)]);
        assert_eq!(keytab.newest_keys(&web()), [other, new.clone()]);
        assert_eq!(keytab.candidates(&web(), AES128.number(), None), [new, old.clone()]);
        assert_eq!(keytab.candidates(&web(), AES128.number(), Some(1)), [old]);
        assert!(keytab.candidates(&web(), AES128.number(), Some(3)).is_empty());
        assert!(!keytab.knows(&Principal::krbtgt("A", "A")));
    }

    #[test]
    fn a_keytab_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.keytab");
        let key = Key::generate(AES256, &mut OsRng);
        keytab(&[(300, &key)]).write(&path).unwrap();
        let read = Keytab::read(&path).unwrap();
        assert_eq!(read.candidates(&web(), AES256.number(), Some(300)), [key]);
    }
}
