//! The header of a store: its format and the ids of its master keys. A text file beside sled's own, read before sled opens
//! anything, because opening is a write for sled.
//!
//! ```text
//! kennel-store 3
//! master-key 0123456789abcdef
//! next-master-key 89abcdef01234567            while the records are wrapped anew under it
//! previous-master-key fedcba9876543210        after a re-wrap
//! ```
//! The header names the next key before anything is under it, and names it as the key of the store when nothing is under the old one:
//! at every moment between, a crash included, a store opens with both keys.

use crate::error::StoreError;
use crate::files;
use crate::master_keys::MasterKeys;
use crate::sled::failure::medium;
use crate::sled::staging;
use std::fs;
use std::io;
use std::path::Path;

/// The format that this version writes. In format 3, records name their master key.
const FORMAT: u32 = 3;
/// The oldest format that is read. Format 1 bound no record to its revision, and its counters were not sealed; nothing in such a store
/// shows that it is not an older copy.
const OLDEST: u32 = 2;
const FILE: &str = "header";

/// The ids of a store's master keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyIds {
    /// The key of the store.
    pub current: String,
    /// The key that the records are being wrapped under anew.
    pub next: Option<String>,
    /// The key before the last re-wrap. Nothing is under it; other places may still name the store by it.
    pub previous: Option<String>,
}

impl MasterKeyIds {
    /// The ids of a store that has never been wrapped anew.
    pub(super) fn of_new_store(current: &str) -> MasterKeyIds {
        MasterKeyIds { current: current.to_owned(), next: None, previous: None }
    }

    /// Every id by which the store may be known.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [Some(&self.current), self.next.as_ref(), self.previous.as_ref()].into_iter().flatten().map(String::as_str)
    }
}

/// The content of a header.
#[derive(Debug)]
pub(super) struct Header {
    format: u32,
    pub(super) ids: MasterKeyIds,
}

impl Header {
    /// Whether an older Kennel wrote it.
    pub(super) fn is_old(&self) -> bool {
        self.format < FORMAT
    }

    /// Reads the header of a store.
    ///
    /// # Errors
    /// [`StoreError::NewerFormat`], [`StoreError::OlderFormat`]; [`StoreError::Damaged`] where the header is missing or cannot be read.
    pub(super) fn read(store: &Path) -> Result<Header, StoreError> {
        let damaged = |reason: String| StoreError::Damaged { path: store.to_owned(), reason };
        let file = staging::current(store).join(FILE);
        let text = fs::read_to_string(&file)
            .map_err(|error| damaged(format!("{} cannot be read: {error}", file.display())))?;
        let mut lines = text.lines();
        let format = lines.next().and_then(|line| line.strip_prefix("kennel-store ")?.parse::<u32>().ok());
        let found = format.ok_or_else(|| damaged(format!("{} names no format", file.display())))?;
        if found > FORMAT {
            return Err(StoreError::NewerFormat { path: store.to_owned(), found, known: FORMAT });
        }
        if found < OLDEST {
            return Err(StoreError::OlderFormat { path: store.to_owned(), found, known: FORMAT });
        }
        let named = |prefix: &str| text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::to_owned);
        let current = named("master-key ").ok_or_else(|| damaged(format!("{} names no master key", file.display())))?;
        let (next, previous) = (named("next-master-key "), named("previous-master-key "));
        Ok(Header { format: found, ids: MasterKeyIds { current, next, previous } })
    }

    /// Returns the master keys of the store, out of the given ones.
    ///
    /// # Errors
    /// [`StoreError::WrongMasterKey`], [`StoreError::MissingMasterKey`].
    pub(super) fn keys(&self, store: &Path, given: &MasterKeys) -> Result<MasterKeys, StoreError> {
        let MasterKeyIds { current, next, .. } = &self.ids;
        match (given.find(current), next) {
            (Some(found), None) => Ok(found.clone().into()),
            (None, None) => {
                Err(StoreError::WrongMasterKey { path: store.to_owned(), stored: current.clone(), given: given.ids() })
            }
            (found, Some(next)) => {
                let missing = |id: &String| StoreError::MissingMasterKey {
                    path: store.to_owned(),
                    from: current.clone(),
                    to: next.clone(),
                    missing: id.clone(),
                    given: given.ids(),
                };
                let found = found.ok_or_else(|| missing(current))?;
                let next = given.find(next).ok_or_else(|| missing(next))?;
                Ok(MasterKeys::new(found.clone(), Some(next.clone())))
            }
        }
    }
}

/// Writes the header of a new store, whose files are in the folder `data` so far.
pub(super) fn write(data: &Path, ids: &MasterKeyIds) -> io::Result<()> {
    files::write_new(&data.join(FILE), text(ids).as_bytes())
}

/// Writes the header of a store in place of the present one, durably: a crash leaves the one or the other.
///
/// # Errors
/// [`StoreError::Medium`]; the present header stays.
pub(super) fn replace(store: &Path, ids: &MasterKeyIds) -> Result<(), StoreError> {
    files::replace(&staging::data(store).join(FILE), text(ids).as_bytes()).map_err(|error| medium(store, &error))
}

fn text(MasterKeyIds { current, next, previous }: &MasterKeyIds) -> String {
    let mut text = format!("kennel-store {FORMAT}\nmaster-key {current}\n");
    for (name, id) in [("next-master-key", next), ("previous-master-key", previous)] {
        id.iter().for_each(|id| text += &format!("{name} {id}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_crypto::MasterKey;
    use rand_core::OsRng;
    use std::sync::Arc;

    fn key() -> Arc<MasterKey> {
        Arc::new(MasterKey::generate(&mut OsRng))
    }

    fn header(ids: MasterKeyIds) -> Header {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(staging::data(dir.path())).unwrap();
        write(&staging::data(dir.path()), &ids).unwrap();
        let header = Header::read(dir.path()).unwrap();
        assert_eq!(header.ids, ids);
        header
    }

    #[test]
    fn a_store_takes_its_keys_out_of_those_that_are_given() {
        let (old, new) = (key(), key());
        let path = Path::new("store");
        let of_old = header(MasterKeyIds::of_new_store(old.id()));
        let both = MasterKeys::new(new.clone(), Some(old.clone()));
        assert_eq!(of_old.keys(path, &both).unwrap().ids(), old.id(), "whichever file holds it");
        let ids = MasterKeyIds { next: Some(new.id().to_owned()), ..MasterKeyIds::of_new_store(old.id()) };
        let between = header(ids);
        let keys = between.keys(path, &both).unwrap();
        assert_eq!((keys.current().id(), keys.newest().id()), (old.id(), new.id()));
        let ids = MasterKeyIds { previous: Some(old.id().to_owned()), ..MasterKeyIds::of_new_store(new.id()) };
        assert_eq!(header(ids).keys(path, &new.into()).unwrap().newest().id(), both.current().id());
    }

    #[test]
    fn a_missing_key_is_named_with_what_to_do() {
        let (old, new, other) = (key(), key(), key());
        let path = Path::new("store");
        let ids = MasterKeyIds { next: Some(new.id().to_owned()), ..MasterKeyIds::of_new_store(old.id()) };
        let between = header(ids);
        for (given, missing) in [(old.clone(), new.id()), (new.clone(), old.id()), (other.clone(), old.id())] {
            let error = between.keys(path, &given.into()).unwrap_err().to_string();
            assert!(error.contains(&format!("{missing} is missing")) && error.contains(".next"), "{error}");
        }
        let whole = header(MasterKeyIds::of_new_store(old.id()));
        let error = whole.keys(path, &MasterKeys::new(new, Some(other))).unwrap_err().to_string();
        assert!(error.contains(&format!("under master key {}", old.id())) && error.contains(".next"), "{error}");
    }

    #[test]
    fn a_header_of_format_2_is_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(staging::data(dir.path())).unwrap();
        fs::write(staging::data(dir.path()).join(FILE), "kennel-store 2\nmaster-key 0123456789abcdef\n").unwrap();
        let header = Header::read(dir.path()).unwrap();
        assert!(header.is_old());
        assert_eq!(header.ids, MasterKeyIds::of_new_store("0123456789abcdef"));
    }
}
