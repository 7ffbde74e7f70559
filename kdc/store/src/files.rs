//! Files and folders that are there whole or not at all, and that nobody else may read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Writes a new file, 0600. It appears under its name when all of it is on the disk.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] where the name is taken: the file there stays as it is.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = unfinished_name(path);
    let written = write_and_link(&unfinished, path, content);
    let removed = std::fs::remove_file(&unfinished);
    written.and(removed)?;
    sync_folder(parent(path))
}

/// Writes a file, 0600, in place of one that may be there. At every moment, a crash included, the name has the old content or the
/// new one, whole.
///
/// # Errors
/// Those of the file system; the old content stays.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = unfinished_name(path);
    let replaced = write_whole(&unfinished, content).and_then(|()| std::fs::rename(&unfinished, path));
    if replaced.is_err() {
        // The reason of the failure is the one to report.
        let _ = std::fs::remove_file(&unfinished);
    }
    replaced?;
    sync_folder(parent(path))
}

/// A link and not a rename, because a rename would replace what another process has put there meanwhile.
fn write_and_link(unfinished: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    write_whole(unfinished, content)?;
    std::fs::hard_link(unfinished, path)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a folder, 0700, and those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Flushes a folder: a new, renamed or removed name is not on the disk before.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// With the process id, so that two processes do not write into one file.
fn unfinished_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".unfinished-{}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        write_new(&path, b"content").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn replacing_leaves_the_new_content_alone_and_a_failure_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mark");
        for content in [b"one".as_slice(), b"two"] {
            replace(&path, content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let folder = dir.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        replace(&folder, b"three").unwrap_err();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_is_there_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, b"old").unwrap();
        assert_eq!(write_new(&path, b"new").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
