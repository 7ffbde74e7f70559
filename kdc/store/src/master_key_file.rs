//! The file of the master key: one line of text, readable by its owner alone; or root's and readable by our group, as the
//! kubelet mounts a Secret. The file of the next master key is beside it, with the ending `.next`; a Secret has both as keys, so that
//! an operator adds the next key and takes nothing away.
//!
//! A store without its key is lost. So this module creates a key only where there is no store, never replaces a file, and
//! changes nothing when it refuses.

use crate::error::StoreError;
use crate::files;
use crate::master_keys::MasterKeys;
use crate::sled::SledStore;
use kennel_crypto::MasterKey;
use rand_core::CryptoRngCore;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Longer files are no key files, and are not read.
const LONGEST: u64 = 4096;
const NEXT: &str = ".next";

/// The file of the next master key.
#[must_use]
pub fn next_of(path: &Path) -> PathBuf {
    let mut next = path.as_os_str().to_owned();
    next.push(NEXT);
    PathBuf::from(next)
}

/// Reads the key, and the next one where its file exists. A next key that cannot be used is left out with a warning: a store that needs
/// it says so when it is opened, and every other store is opened all the same.
///
/// # Errors
/// As [`load`], for the key.
pub fn load_keys(path: &Path) -> Result<MasterKeys, StoreError> {
    let current = load(path)?;
    let next = load_next(path).unwrap_or_else(|error| {
        tracing::warn!(%error, "the next master key is not used");
        None
    });
    Ok(MasterKeys::new(Arc::new(current), next.map(Arc::new)))
}

/// Reads the next key; `None` where there is no file.
///
/// # Errors
/// As [`load`].
pub fn load_next(path: &Path) -> Result<Option<MasterKey>, StoreError> {
    let next = next_of(path);
    if is_there(&next)? { load(&next).map(Some) } else { Ok(None) }
}

/// Puts the next key in the place of the key: nothing is under the old one any more.
///
/// # Errors
/// Those of the file system (a mounted Secret is read-only); both files stay then.
pub fn replace_by_next(path: &Path) -> io::Result<()> {
    std::fs::rename(next_of(path), path)?;
    files::sync_folder(files::parent(path))
}

/// Reads the key.
///
/// # Errors
/// [`StoreError::MasterKeyFile`] where the file is missing, may be read or written by others than its owner, or holds
/// no key.
pub fn load(path: &Path) -> Result<MasterKey, StoreError> {
    let file = File::open(path).map_err(|error| refused(path, cannot_be("read", &error)))?;
    let metadata = file.metadata().map_err(|error| refused(path, cannot_be("read", &error)))?;
    let mode = metadata.permissions().mode();
    if mode & forbidden(metadata.uid()) != 0 {
        return Err(refused(path, format!("is open to others (mode {:03o}): chmod 600 it", mode & 0o777)));
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| refused(path, cannot_be("read", &error)))?;
    MasterKey::from_text(&text).map_err(|error| refused(path, format!("holds no key: {error}")))
}

/// Mode bits that the file must not have. Our group may read a file of root's: the kubelet mounts a Secret like that into a
/// pod with an fsGroup.
fn forbidden(owner: u32) -> u32 {
    if owner == 0 { 0o037 } else { 0o077 }
}

/// Makes a new key and its file (0600; the folder must exist). The key is on the disk when this returns.
///
/// # Errors
/// [`StoreError::MasterKeyFile`] where the file exists or cannot be written.
pub fn create(path: &Path, rng: &mut dyn CryptoRngCore) -> Result<MasterKey, StoreError> {
    let key = MasterKey::generate(rng);
    let mut line = key.expose_text();
    // A second allocation would leave a copy of the key behind.
    if line.capacity() == line.len() {
        let mut longer = Zeroizing::new(String::with_capacity(line.len() + 1));
        longer.push_str(&line);
        line = longer;
    }
    line.push('\n');
    files::write_new(path, line.as_bytes()).map_err(|error| refused(path, cannot_be("written", &error)))?;
    Ok(key)
}

/// The keys of the sled store in `store`: read where the file exists, and made only where there is no store yet.
///
/// # Errors
/// As [`load`] and [`create`]; [`StoreError::MasterKeyFile`] where the file is missing beside a store that exists.
pub fn load_or_create(path: &Path, store: &Path, rng: &mut dyn CryptoRngCore) -> Result<MasterKeys, StoreError> {
    if is_there(path)? {
        return load_keys(path);
    }
    if SledStore::exists(store)? {
        let reason = format!("is missing, and the store {} cannot be read without it: put it back", store.display());
        return Err(refused(path, reason));
    }
    Ok(create(path, rng)?.into())
}

fn is_there(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(|error| refused(path, cannot_be("looked for", &error)))
}

fn cannot_be(done: &str, error: &io::Error) -> String {
    format!("cannot be {done}: {error}")
}

fn refused(path: &Path, reason: String) -> StoreError {
    StoreError::MasterKeyFile { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use std::fs::{self, Permissions};

    fn reason(result: Result<MasterKey, StoreError>) -> String {
        match result.unwrap_err() {
            StoreError::MasterKeyFile { reason, .. } => reason,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_created_key_is_loaded_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let created = create(&path, &mut OsRng).unwrap();
        assert_eq!(load(&path).unwrap().id(), created.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().ends_with('\n'));
    }

    #[test]
    fn a_key_file_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let created = create(&path, &mut OsRng).unwrap();
        assert!(reason(create(&path, &mut OsRng)).contains("cannot be written"));
        assert_eq!(load(&path).unwrap().id(), created.id());
    }

    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        create(&path, &mut OsRng).unwrap();
        for mode in [0o604, 0o620, 0o644, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let reason = reason(load(&path));
            assert!(reason.contains(&format!("{mode:o}")), "{reason}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        load(&path).unwrap();
    }

    #[test]
    fn our_group_may_read_a_file_of_root_s_and_no_other() {
        assert_eq!((0o440 & forbidden(0), 0o640 & forbidden(0)), (0, 0));
        assert_ne!(0o440 & forbidden(65532), 0);
        assert_ne!(0o460 & forbidden(0), 0, "nor write to it");
        assert_ne!(0o444 & forbidden(0), 0);
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        for content in [b"".as_slice(), b"kennel-master-key-v1 00", b"\xff\xfe", &[b'0'; 100_000]] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            load(&path).unwrap_err();
        }
        assert!(reason(load(&dir.path().join("other"))).contains("cannot be read"));
    }

    #[test]
    fn a_key_is_made_where_no_store_is_and_kept_from_then_on() {
        let dir = tempfile::tempdir().unwrap();
        let (path, store) = (dir.path().join("master.key"), dir.path().join("store"));
        let created = load_or_create(&path, &store, &mut OsRng).unwrap();
        assert_eq!(load_or_create(&path, &store, &mut OsRng).unwrap().ids(), created.ids());
    }

    #[test]
    fn the_next_key_is_read_beside_the_key_and_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let old = create(&path, &mut OsRng).unwrap();
        assert!(load_keys(&path).unwrap().next().is_none());
        let new = create(&next_of(&path), &mut OsRng).unwrap();
        assert_eq!(next_of(&path), dir.path().join("master.key.next"));
        assert_eq!(load_keys(&path).unwrap().ids(), format!("{} and {}", old.id(), new.id()));
        replace_by_next(&path).unwrap();
        assert_eq!(load_keys(&path).unwrap().ids(), new.id());
        assert!(replace_by_next(&path).is_err() && load(&path).is_ok());
    }

    #[test]
    fn a_next_key_that_cannot_be_used_is_refused_by_name_and_leaves_the_key_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        let key = create(&path, &mut OsRng).unwrap();
        assert!(load_next(&path).unwrap().is_none());
        fs::write(next_of(&path), "no key").unwrap();
        fs::set_permissions(next_of(&path), Permissions::from_mode(0o600)).unwrap();
        let error = load_next(&path).unwrap_err().to_string();
        assert!(error.contains("master.key.next") && error.contains("holds no key"), "{error}");
        assert_eq!(load_keys(&path).unwrap().ids(), key.id());
    }

    /// As the kubelet replaces what a Secret holds: all files at once, by one symbolic link.
    #[test]
    fn a_mounted_secret_is_read_through_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let version = |name: &str| {
            fs::create_dir(dir.path().join(name)).unwrap();
            create(&dir.path().join(name).join("master.key"), &mut OsRng).unwrap()
        };
        let (one, two) = (version("..1"), version("..2"));
        std::os::unix::fs::symlink("..1", dir.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/master.key", dir.path().join("master.key")).unwrap();
        assert_eq!(load_keys(&dir.path().join("master.key")).unwrap().ids(), one.id());
        std::os::unix::fs::symlink("..2", dir.path().join("..data.tmp")).unwrap();
        fs::rename(dir.path().join("..data.tmp"), dir.path().join("..data")).unwrap();
        assert_eq!(load_keys(&dir.path().join("master.key")).unwrap().ids(), two.id());
    }
}
