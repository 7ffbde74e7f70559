//! Files of single users, in a pod of several. Heimdal reads no credential cache of another user and none that others may read, so that a
//! file which all users share is none for it: each user that is named gets files of its own in DIR/USER, besides the common ones.

use crate::write::{FileAccess, remove, replace};
use anyhow::Context;
use kennel_wire::enrol::EnrollResponse;
use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The users that get files of their own.
#[derive(Debug)]
pub(crate) struct UserFiles {
    dir: PathBuf,
    users: BTreeSet<u32>,
}

impl UserFiles {
    /// Files of these users below a folder.
    pub(crate) fn new(dir: &Path, users: &[u32]) -> UserFiles {
        UserFiles { dir: dir.to_owned(), users: users.iter().copied().collect() }
    }

    /// Stores the credentials of a response for each user. The common files have to follow: they tell what the users' files hold.
    ///
    /// Service tickets in a user's cache are lost at each refresh, since the agent cannot read the file that it gave away.
    pub(crate) fn keep(&self, response: &EnrollResponse) -> anyhow::Result<()> {
        let keytab = response.keytab.as_ref().map(|keytab| &*keytab.data.0);
        let is_new =
            keytab.is_some_and(|octets| std::fs::read(self.dir.join("keytab")).ok().as_deref() != Some(octets));
        for user in &self.users {
            let folder = self.folder(*user)?;
            let path = folder.join("keytab");
            match keytab {
                Some(octets) if is_new || !path.exists() => give(&path, octets, *user)?,
                Some(_) => {}
                None => remove(&path)?,
            }
            match &response.ticket {
                Some(ticket) => give(&folder.join("ccache"), &ticket.ccache.0, *user)?,
                None => remove(&folder.join("ccache"))?,
            }
        }
        Ok(())
    }

    /// The folder of a user, which the agent keeps, so that it can replace files that are the user's.
    fn folder(&self, user: u32) -> anyhow::Result<PathBuf> {
        let folder = self.dir.join(user.to_string());
        if !folder.is_dir() {
            let made = DirBuilder::new().mode(0o755).create(&folder);
            made.with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        Ok(folder)
    }
}

fn give(path: &Path, octets: &[u8], user: u32) -> anyhow::Result<()> {
    let made = FileAccess { mode: 0o600, group: None, owner: Some(user) };
    replace(path, octets, made).with_context(|| {
        format!("no file for user {user}: only root with the capability CHOWN gives files to other users (--users)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::enrol::{Blob, EnrolledKeytab, EnrolledTicket};
    use nix::unistd::geteuid;
    use std::os::unix::fs::MetadataExt;
    use zeroize::Zeroizing;

    fn response(keytab: Option<&[u8]>, ccache: Option<&[u8]>) -> EnrollResponse {
        let blob = |octets: &[u8]| Blob(Zeroizing::new(octets.to_vec()));
        let end_time = "2026-01-01T00:00:00Z".to_owned();
        EnrollResponse {
            realm: "R".into(),
            client: "web.shop@R".into(),
            ticket: ccache.map(|octets| EnrolledTicket { ccache: blob(octets), end_time: end_time.clone() }),
            keytab: keytab.map(|octets| EnrolledKeytab { data: blob(octets), entries: Vec::new() }),
            krb5_conf: "[libdefaults]\n".into(),
            refetch_before: end_time,
        }
    }

    /// Users whom this process may give files to: itself, and where it is root another one.
    fn users() -> Vec<u32> {
        let own = geteuid();
        if own.is_root() { vec![own.as_raw(), 12_345] } else { vec![own.as_raw()] }
    }

    #[test]
    fn each_user_has_files_that_are_its_own_and_closed_to_all_others() {
        let dir = tempfile::tempdir().unwrap();
        UserFiles::new(dir.path(), &users()).keep(&response(Some(b"keys"), Some(b"tickets"))).unwrap();
        for user in users() {
            for (name, octets) in [("keytab", &b"keys"[..]), ("ccache", b"tickets")] {
                let path = dir.path().join(user.to_string()).join(name);
                let metadata = std::fs::metadata(&path).unwrap();
                assert_eq!((metadata.uid(), metadata.mode() & 0o777), (user, 0o600), "{}", path.display());
                assert_eq!(std::fs::read(&path).unwrap(), octets);
            }
        }
    }

    #[test]
    fn a_keytab_is_written_again_only_where_it_is_another_one_and_goes_where_it_is_given_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let files = UserFiles::new(dir.path(), &users());
        let path = dir.path().join(geteuid().as_raw().to_string()).join("keytab");
        let keep = |octets: &[u8]| {
            files.keep(&response(Some(octets), None)).unwrap();
            // As the common file follows.
            std::fs::write(dir.path().join("keytab"), octets).unwrap();
            std::fs::metadata(&path).unwrap().ino()
        };
        let first = keep(b"one");
        assert_eq!(keep(b"one"), first);
        assert_ne!(keep(b"two"), first);
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        files.keep(&response(None, None)).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn where_files_cannot_be_given_away_the_agent_says_what_it_needs() {
        if geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let error = UserFiles::new(dir.path(), &[0]).keep(&response(Some(b"keys"), None)).unwrap_err();
        assert!(format!("{error:#}").contains("CHOWN"), "{error:#}");
    }
}
