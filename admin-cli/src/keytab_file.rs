//! Keytab files by the names that libkrb5 gives them: read, and replaced whole, so that no reader sees half of one.

use kennel_wire::keytab::{self, KeytabEntry};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The keytab where neither the environment nor an option names one.
const DEFAULT: &str = "FILE:/etc/krb5.keytab";
/// Only the owner reads a new keytab.
const NEW_MODE: u32 = 0o600;

/// A keytab by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeytabFile {
    /// The name as kadmin shows it: `WRFILE:/path`.
    pub(crate) name: String,
    path: PathBuf,
}

/// A name of another kind than `FILE` and `WRFILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownType(pub(crate) String);

impl KeytabFile {
    /// The keytab of this name; `None`: `KRB5_KTNAME`, else the one of the machine.
    ///
    /// # Errors
    /// See [`UnknownType`].
    pub(crate) fn named(name: Option<&str>) -> Result<KeytabFile, UnknownType> {
        let name = match name {
            Some(name) if name.contains(':') => name.to_owned(),
            Some(path) => format!("WRFILE:{path}"),
            None => std::env::var("KRB5_KTNAME").unwrap_or_else(|_| DEFAULT.to_owned()),
        };
        let path = match name.split_once(':') {
            Some(("FILE" | "WRFILE", path)) => PathBuf::from(path),
            Some(_) => return Err(UnknownType(name)),
            None => PathBuf::from(&name),
        };
        Ok(KeytabFile { name, path })
    }

    /// The entries of the file.
    ///
    /// # Errors
    /// The file cannot be read, or it is no keytab ([`io::ErrorKind::InvalidData`]).
    pub(crate) fn read(&self) -> io::Result<Vec<KeytabEntry>> {
        let octets = zeroize::Zeroizing::new(fs::read(&self.path)?);
        if octets.is_empty() {
            return Ok(Vec::new());
        }
        keytab::decode(&octets).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Adds entries at the end of the file, which is made where it does not exist.
    ///
    /// # Errors
    /// See [`KeytabFile::read`], [`KeytabFile::replace`].
    pub(crate) fn append(&self, entries: &[KeytabEntry]) -> io::Result<()> {
        let mut all = match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        all.extend_from_slice(entries);
        self.replace(&all)
    }

    /// Makes these the entries of the file. Owner and permissions stay.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn replace(&self, entries: &[KeytabEntry]) -> io::Result<()> {
        let octets = keytab::encode(entries);
        // A link stays a link.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let before = fs::metadata(&path).ok();
        if before.as_ref().is_some_and(|found| !found.is_file()) {
            // A pipe or a terminal: there is nothing to replace.
            return OpenOptions::new().write(true).open(&path)?.write_all(&octets);
        }
        let beside = beside(&path);
        let written = write_new(&beside, &octets, before.as_ref());
        let renamed = written.and_then(|()| fs::rename(&beside, &path));
        if renamed.is_err() {
            let _ = fs::remove_file(&beside);
        }
        renamed
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

fn write_new(path: &Path, octets: &[u8], like: Option<&fs::Metadata>) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(NEW_MODE).open(path)?;
    if let Some(like) = like {
        file.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777))?;
        // Only root may give files away; another user's file is then this user's, as after any other program that renames.
        let _ = std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid()));
    }
    file.write_all(octets)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::message::EncryptionKey;
    use kennel_wire::message::KerberosTime;
    use kennel_wire::message::Principal;
    use zeroize::Zeroizing;

    fn entry(kvno: u32) -> KeytabEntry {
        let key = EncryptionKey { keytype: 17, keyvalue: Zeroizing::new(vec![7; 16]) };
        KeytabEntry { principal: Principal::parse("HTTP/x", "R").unwrap(), timestamp: KerberosTime(1), kvno, key }
    }

    #[test]
    fn names_have_the_forms_of_libkrb5() {
        let of = |name| KeytabFile::named(Some(name));
        assert_eq!(of("/tmp/x").unwrap().name, "WRFILE:/tmp/x");
        assert_eq!(of("FILE:/tmp/x").unwrap().path, Path::new("/tmp/x"));
        assert_eq!(of("MEMORY:x"), Err(UnknownType("MEMORY:x".to_owned())));
    }

    #[test]
    fn entries_are_added_and_the_permissions_stay() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("keytab");
        let file = KeytabFile::named(path.to_str()).unwrap();
        file.append(&[entry(1)]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        file.append(&[entry(2), entry(3)]).unwrap();
        let kvnos: Vec<u32> = file.read().unwrap().iter().map(|entry| entry.kvno).collect();
        assert_eq!(kvnos, [1, 2, 3]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_no_keytab_is_not_overwritten() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("text");
        fs::write(&path, "hello").unwrap();
        let file = KeytabFile::named(path.to_str()).unwrap();
        assert_eq!(file.append(&[entry(1)]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read(&path).unwrap(), b"hello");
    }
}
