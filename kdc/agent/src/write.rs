//! Files that are there whole or not at all: whoever reads one sees the old content or the new.

use anyhow::Context;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

/// Mode, group and owner of new files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileAccess {
    pub(crate) mode: u32,
    pub(crate) group: Option<u32>,
    /// The process itself by default.
    pub(crate) owner: Option<u32>,
}

/// Writes a file, unless the file has this content already. Returns whether the file was written.
pub(crate) fn replace_if_other(path: &Path, content: &[u8], made: FileAccess) -> anyhow::Result<bool> {
    if std::fs::read(path).is_ok_and(|there| there == content) {
        return Ok(false);
    }
    replace(path, content, made)?;
    Ok(true)
}

/// Writes a file in place of the one that is there.
pub(crate) fn replace(path: &Path, content: &[u8], made: FileAccess) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let written = write(&unfinished, content, made).and_then(|()| std::fs::rename(&unfinished, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written.and_then(|()| sync_folder(path)).with_context(|| {
        format!("{} cannot be written: the folder must be a writable mount, such as a memory emptyDir", path.display())
    })
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, content: &[u8], made: FileAccess) -> io::Result<()> {
    // A killed agent may have left its temporary file behind.
    let _ = std::fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    if made.group.is_some() {
        fchown(&file, None, made.group)?;
    }
    // After the group, and without the umask.
    file.set_permissions(std::fs::Permissions::from_mode(made.mode))?;
    // Last, since the mode is the owner's to set.
    if made.owner.is_some() {
        fchown(&file, made.owner, None)?;
    }
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const MADE: FileAccess = FileAccess { mode: 0o640, group: None, owner: None };

    #[test]
    fn a_file_has_its_mode_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keytab");
        std::fs::write(dir.path().join("keytab.unfinished"), "torn").unwrap();
        replace(&path, b"one", MADE).unwrap();
        replace(&path, b"two", MADE).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_same_content_is_not_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("krb5.conf");
        assert!(replace_if_other(&path, b"a", MADE).unwrap());
        let inode = std::fs::metadata(&path).unwrap().ino();
        assert!(!replace_if_other(&path, b"a", MADE).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().ino(), inode);
        assert!(replace_if_other(&path, b"b", MADE).unwrap());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_what_to_do() {
        let error = format!("{:#}", replace(Path::new("/no/such/folder/ccache"), b"a", MADE).unwrap_err());
        assert!(error.contains("/no/such/folder/ccache") && error.contains("emptyDir"), "{error}");
    }
}
