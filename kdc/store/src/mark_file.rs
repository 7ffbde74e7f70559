//! The file of the high-water mark: the highest revision that the store is known to have reached, beside the master key and so apart
//! from the store. By it, an older copy of the store's folder is noticed.
//!
//! ```text
//! kennel-store-mark 1
//! revision 4711
//! seal 0123...
//! ```
//! The seal is [`MasterKey::wrap`] of nothing, with revision and format as associated data: who has not the master key can put an older
//! mark back, but make none. The mark lags behind the store, and never runs ahead: whoever writes it passes a durable revision.

use crate::error::StoreError;
use crate::files;
use crate::master_keys::MasterKeys;
use crate::principal_store::Revision;
use kennel_crypto::MasterKey;
use rand_core::OsRng;
use std::io;
use std::path::{Path, PathBuf};

const SUFFIX: &str = ".mark";
const FORMAT: &str = "kennel-store-mark 1";

/// The path of the mark that belongs to a master key: the file of the key, and `.mark`.
#[must_use]
pub fn beside(master_key: &Path) -> PathBuf {
    let mut path = master_key.as_os_str().to_owned();
    path.push(SUFFIX);
    PathBuf::from(path)
}

/// Reads the mark; `None` where there is no file.
///
/// # Errors
/// [`StoreError::MarkFile`] where the file cannot be read, or was not written under one of these master keys.
pub fn load(path: &Path, master: &MasterKeys) -> Result<Option<Revision>, StoreError> {
    match std::fs::read_to_string(path) {
        Ok(text) => match parse(&text, master) {
            Some(revision) => Ok(Some(revision)),
            None => Err(refused(path, "was changed, or written under another master key".to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(path, format!("cannot be read: {error}"))),
    }
}

/// Writes the mark; `revision` must be durable in the store. A crash leaves the old mark or the new one.
///
/// # Errors
/// Those of the file system; the old mark stays.
pub fn write(path: &Path, master: &MasterKey, revision: Revision) -> io::Result<()> {
    let seal = master.wrap(associated(revision).as_bytes(), b"", &mut OsRng);
    let seal: String = seal.iter().map(|octet| format!("{octet:02x}")).collect();
    let text = format!("{}seal {seal}\n", associated(revision));
    files::replace(path, text.as_bytes())
}

fn parse(text: &str, master: &MasterKeys) -> Option<Revision> {
    let (sealed, seal) = text.rsplit_once("seal ")?;
    let revision = Revision(sealed.strip_prefix(FORMAT)?.trim().strip_prefix("revision ")?.parse().ok()?);
    let (digits, rest) = seal.trim_end().as_bytes().as_chunks::<2>();
    let octet = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let seal: Vec<u8> = digits.iter().map(octet).collect::<Option<_>>()?;
    let is_ours = rest.is_empty() && sealed == associated(revision) && master.unwrap(sealed.as_bytes(), &seal).is_ok();
    is_ours.then_some(revision)
}

/// The lines in front of the seal.
fn associated(revision: Revision) -> String {
    format!("{FORMAT}\nrevision {}\n", revision.0)
}

fn refused(path: &Path, reason: String) -> StoreError {
    StoreError::MarkFile { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> MasterKeys {
        MasterKey::generate(&mut OsRng).into()
    }

    #[test]
    fn a_mark_under_either_key_is_read() {
        let (dir, old, new) = (tempfile::tempdir().unwrap(), master(), master());
        let path = dir.path().join("mark");
        let both = MasterKeys::new(old.current().clone(), Some(new.current().clone()));
        for (revision, keys) in [(1, &old), (2, &both)] {
            write(&path, keys.newest(), Revision(revision)).unwrap();
            assert_eq!(load(&path, &both), Ok(Some(Revision(revision))));
        }
        assert!(load(&path, &new).is_ok() && load(&path, &old).is_err());
    }

    #[test]
    fn a_mark_is_read_as_it_was_written_last() {
        let (dir, master) = (tempfile::tempdir().unwrap(), master());
        let path = beside(&dir.path().join("master.key"));
        assert_eq!(path, dir.path().join("master.key.mark"));
        assert_eq!(load(&path, &master), Ok(None));
        for revision in [0, 7, u64::MAX] {
            write(&path, master.newest(), Revision(revision)).unwrap();
            assert_eq!(load(&path, &master), Ok(Some(Revision(revision))));
        }
    }

    #[test]
    fn a_mark_that_was_changed_or_cut_or_is_of_another_key_is_refused() {
        let (dir, master) = (tempfile::tempdir().unwrap(), master());
        let path = dir.path().join("mark");
        write(&path, master.newest(), Revision(4711)).unwrap();
        assert!(load(&path, &self::master()).is_err());
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, String::from_utf8(whole.clone()).unwrap().replace("4711", "4710")).unwrap();
        assert!(load(&path, &master).is_err());
        for length in 0..whole.len() - 1 {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert!(load(&path, &master).is_err(), "{length} octets");
        }
        std::fs::write(&path, b"\xff").unwrap();
        assert!(load(&path, &master).is_err());
    }
}
