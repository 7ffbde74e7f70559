//! The folder of credentials: holds what the last enrolment returned, and no file that it did not return.

use crate::ccache;
use crate::user_files::UserFiles;
use crate::write::{FileAccess, remove, replace, replace_if_other};
use anyhow::Context;
use chrono::DateTime;
use kennel_wire::ccache::Ccache;
use kennel_wire::enrol::{EnrollResponse, HeldVersions, LONGEST_REQUEST};
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::KerberosTime;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The folder that the workload mounts.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    made: FileAccess,
    of_users: UserFiles,
    /// Whether a program has to be told of a new keytab.
    tells: bool,
}

/// Exists while the keytab on disk is one that a program was not told of: beyond a restart of the agent. Holds the versions that the
/// program has read, JSON.
const UNTOLD: &str = "keytab.untold";

/// Times of the stored credentials, seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CredentialTimes {
    /// End of the ticket; `None` without a ticket.
    pub(crate) until: Option<i64>,
    /// Deadline of the next enrolment.
    pub(crate) refetch_before: i64,
}

/// What is on disk, as the KDC is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Statement {
    /// Key versions by principal, as the pod works with them.
    pub(crate) held: HeldVersions,
    /// Those on disk, where the program has not read them.
    pub(crate) on_disk: Option<HeldVersions>,
    /// Authentication time of the ticket.
    pub(crate) ticket_from: Option<KerberosTime>,
}

impl Statement {
    /// Whether a request has room for the names.
    pub(crate) fn is_sayable(&self) -> bool {
        let octets = |(name, kvnos): (&String, &Vec<u32>)| name.len() * 2 + kvnos.len() * 11 + 8;
        self.held.iter().chain(self.on_disk.iter().flatten()).map(octets).sum::<usize>() < LONGEST_REQUEST - 1024
    }
}

impl Folder {
    /// `tells`: whether a program has to be told of a new keytab.
    pub(crate) fn new(dir: &Path, made: FileAccess, tells: bool) -> Folder {
        Folder { dir: dir.to_owned(), made, of_users: UserFiles::new(dir, &[]), tells }
    }

    /// Keeps files for these users besides.
    pub(crate) fn with_users(self, users: &[u32]) -> Folder {
        Folder { of_users: UserFiles::new(&self.dir, users), ..self }
    }

    /// Stores the credentials of a response. Writes krb5.conf first, because the other files are of no use without krb5.conf.
    pub(crate) async fn keep(&self, response: &EnrollResponse, now: i64) -> anyhow::Result<CredentialTimes> {
        let path = |name: &str| self.dir.join(name);
        replace_if_other(&path("krb5.conf"), response.krb5_conf.as_bytes(), self.made)?;
        // Before the common files: what the agent says that it holds is read from those.
        self.of_users.keep(response)?;
        match &response.keytab {
            Some(keytab) => self.replace_keytab(&keytab.data.0)?,
            None => remove(&path("keytab"))?,
        }
        match &response.ticket {
            Some(ticket) => {
                ccache::refresh(&path("ccache"), &ticket.ccache.0, KerberosTime(now), self.made).await?;
            }
            None => remove(&path("ccache"))?,
        }
        let until = response.ticket.as_ref().map(|ticket| seconds(&ticket.end_time)).transpose()?;
        Ok(CredentialTimes { until, refetch_before: seconds(&response.refetch_before)? })
    }
}

impl Folder {
    /// Replaces the keytab. A first one is no change: the program reads it at its start.
    fn replace_keytab(&self, octets: &[u8]) -> anyhow::Result<()> {
        let path = self.dir.join("keytab");
        let there = std::fs::read(&path).map(Zeroizing::new);
        if let Some(read) = there.ok().filter(|there| self.tells && **there != octets)
            && !self.is_untold()
        {
            let read = versions(&keytab::decode(&read).unwrap_or_default());
            replace(&self.dir.join(UNTOLD), &serde_json::to_vec(&read)?, self.made)?;
        }
        replace_if_other(&path, octets, self.made).map(|_| ())
    }

    /// Whether a program has to be told of the keytab on disk.
    pub(crate) fn is_untold(&self) -> bool {
        self.tells && self.dir.join(UNTOLD).exists()
    }

    /// The program was told.
    pub(crate) fn told(&self) -> anyhow::Result<()> {
        remove(&self.dir.join(UNTOLD))
    }

    /// Reads what is on disk, and what of it the program has read. A file that is torn, or not of this format, counts as none.
    pub(crate) fn statement(&self) -> Statement {
        let read = |name: &str| std::fs::read(self.dir.join(name)).map(Zeroizing::new).ok();
        let keytab = read("keytab").and_then(|octets| keytab::decode(&octets).ok()).unwrap_or_default();
        let ccache = read("ccache").and_then(|octets| Ccache::decode(&octets).ok());
        let tickets = ccache.iter().flat_map(|ccache| &ccache.credentials);
        let mut granting = tickets.filter(|ticket| ticket.server.name.krbtgt_realm().is_some());
        let ticket_from = granting.next().map(|ticket| ticket.authtime);
        if !self.is_untold() {
            return Statement { held: versions(&keytab), on_disk: None, ticket_from };
        }
        let held = read(UNTOLD).and_then(|octets| serde_json::from_slice(&octets).ok()).unwrap_or_default();
        Statement { held, on_disk: Some(versions(&keytab)), ticket_from }
    }
}

/// The versions of each principal, newest first. A principal comes before its aliases, which share its keys and are left out.
fn versions(keytab: &[KeytabEntry]) -> HeldVersions {
    let (mut held, mut keys) = (HeldVersions::new(), BTreeSet::new());
    for entry in keytab {
        if keys.insert((entry.kvno, entry.key.keytype, &*entry.key.keyvalue)) {
            held.entry(entry.principal.to_string()).or_default().push(entry.kvno);
        }
    }
    for kvnos in held.values_mut() {
        kvnos.sort_unstable_by(|a, b| b.cmp(a));
        kvnos.dedup();
    }
    held
}

pub(crate) fn seconds(text: &str) -> anyhow::Result<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    Ok(time.with_context(|| format!("the KDC sent {text:?}, which is not a time (RFC 3339)"))?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::ccache::CcacheEntry;
    use kennel_wire::enrol::{Blob, EnrolledKeytab, EnrolledTicket};
    use kennel_wire::message::{EncryptionKey, Principal, TicketFlags};
    use std::os::unix::fs::MetadataExt;

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn entry(principal: &str, kvno: u32) -> KeytabEntry {
        let key = EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(kvno.to_be_bytes().repeat(8)) };
        KeytabEntry { principal: name(principal), timestamp: KerberosTime(1), kvno, key }
    }

    fn keytab(entries: &[KeytabEntry]) -> EnrolledKeytab {
        EnrolledKeytab { data: Blob(keytab::encode(entries)), entries: Vec::new() }
    }

    fn response(keytab: Option<EnrolledKeytab>) -> EnrollResponse {
        EnrollResponse {
            realm: "R".into(),
            client: "web.shop@R".into(),
            ticket: None,
            keytab,
            krb5_conf: "[libdefaults]\n".into(),
            refetch_before: "2026-01-01T00:00:00Z".into(),
        }
    }

    fn ticket(authtime: i64) -> EnrolledTicket {
        let (client, server) = (name("web.shop"), name("krbtgt/R"));
        let credential = CcacheEntry {
            client: client.clone(),
            server,
            key: EncryptionKey { keytype: 18, keyvalue: Zeroizing::new(vec![0; 32]) },
            authtime: KerberosTime(authtime),
            starttime: KerberosTime(authtime),
            endtime: KerberosTime(authtime + 3600),
            renew_till: KerberosTime(0),
            is_skey: false,
            flags: TicketFlags::empty(),
            addresses: Vec::new(),
            authdata: Vec::new(),
            ticket: vec![1],
            second_ticket: Vec::new(),
        };
        let ccache = Ccache { kdc_offset: None, principal: client, credentials: vec![credential] };
        EnrolledTicket { ccache: Blob(ccache.encode()), end_time: "2026-01-01T00:00:00Z".into() }
    }

    fn folder(path: &Path) -> Folder {
        Folder::new(path, FileAccess { mode: 0o600, group: None, owner: None }, false)
    }

    #[tokio::test]
    async fn what_is_given_no_more_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        let held = folder.keep(&response(Some(keytab(&[entry("HTTP/a", 1)]))), 0).await.unwrap();
        assert_eq!(held, CredentialTimes { until: None, refetch_before: 1_767_225_600 });
        assert!(dir.path().join("keytab").exists());
        folder.keep(&response(None), 0).await.unwrap();
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["krb5.conf"]);
    }

    #[tokio::test]
    async fn the_same_keytab_is_not_written_again_so_that_nothing_that_watches_the_file_fires() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        let seen = || {
            let metadata = std::fs::metadata(dir.path().join("keytab")).unwrap();
            (metadata.ino(), metadata.mtime_nsec(), metadata.ctime_nsec())
        };
        folder.keep(&response(Some(keytab(&[entry("HTTP/a", 1)]))), 0).await.unwrap();
        let first = seen();
        for _ in 0..3 {
            folder.keep(&response(Some(keytab(&[entry("HTTP/a", 1)]))), 0).await.unwrap();
        }
        assert_eq!(seen(), first);
        folder.keep(&response(Some(keytab(&[entry("HTTP/a", 2), entry("HTTP/a", 1)]))), 0).await.unwrap();
        assert_ne!(seen().0, first.0);
    }

    #[tokio::test]
    async fn a_program_has_to_be_told_of_a_keytab_that_replaces_another_until_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let tells = || Folder::new(dir.path(), FileAccess { mode: 0o600, group: None, owner: None }, true);
        let keep = async |kvno| tells().keep(&response(Some(keytab(&[entry("HTTP/a", kvno)]))), 0).await.unwrap();
        for kvno in [1, 1] {
            keep(kvno).await;
            assert!(!tells().is_untold(), "the first, and the same");
        }
        for kvno in [2, 2] {
            keep(kvno).await;
            assert!(tells().is_untold(), "whatever restarts");
        }
        keep(3).await;
        let versions = |kvno| HeldVersions::from([("HTTP/a@R".into(), vec![kvno])]);
        let statement = tells().statement();
        assert_eq!((statement.held, statement.on_disk), (versions(1), Some(versions(3))), "it has read the first one");
        for torn in ["", "{"] {
            std::fs::write(dir.path().join(UNTOLD), torn).unwrap();
            assert_eq!(tells().statement().held, HeldVersions::new(), "nothing is said of what is not known");
        }
        assert!(!folder(dir.path()).is_untold(), "nobody is to be told");
        tells().told().unwrap();
        assert!(!tells().is_untold());
        assert_eq!((tells().statement().held, tells().statement().on_disk), (versions(3), None));
    }

    #[tokio::test]
    async fn a_statement_is_read_from_disk_by_principal_without_aliases() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        assert_eq!(folder.statement(), Statement::default(), "nothing is there");
        let entries = [("HTTP/a.shop.svc", 300), ("HTTP/a.shop.svc", 2), ("HTTP/a", 300), ("HTTP/a", 2)];
        let entries = entries.map(|(principal, kvno)| entry(principal, kvno));
        let response = EnrollResponse { ticket: Some(ticket(1000)), ..response(Some(keytab(&entries))) };
        folder.keep(&response, 0).await.unwrap();
        let statement = folder.statement();
        assert_eq!(statement.held, HeldVersions::from([("HTTP/a.shop.svc@R".into(), vec![300, 2])]));
        assert_eq!(statement.ticket_from, Some(KerberosTime(1000)));
        assert!(statement.is_sayable());
    }

    #[tokio::test]
    async fn files_that_are_torn_or_of_others_count_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        let whole = keytab(&[entry("HTTP/a", 1)]).data.0;
        let torn = &whole[..whole.len() - 1];
        for (file, octets) in [("keytab", torn), ("keytab", b"\x05\x01"), ("ccache", b"\x05\x04torn")] {
            std::fs::write(dir.path().join(file), octets).unwrap();
            assert_eq!(folder.statement(), Statement::default(), "{file}");
        }
    }

    #[test]
    fn what_no_request_has_room_for_is_not_said() {
        let held = |names: usize| (0..names).map(|n| (format!("HTTP/host-{n}.shop.svc.cluster.local@R"), vec![1, 2]));
        let statement = |names| Statement { held: held(names).collect(), ..Statement::default() };
        assert!(statement(500).is_sayable() && !statement(5000).is_sayable());
        assert!(!Statement { on_disk: Some(held(500).collect()), ..statement(500) }.is_sayable());
    }
}
