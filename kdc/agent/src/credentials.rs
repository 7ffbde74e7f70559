//! The folder of credentials: holds what the last enrolment returned, and no file that it did not return.

use crate::ccache;
use crate::write::{FileAccess, remove, replace_if_other};
use anyhow::Context;
use chrono::DateTime;
use kennel_wire::enrol::EnrollResponse;
use kennel_wire::message::KerberosTime;
use std::path::{Path, PathBuf};

/// The folder that the workload mounts.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    made: FileAccess,
}

/// Times of the stored credentials, seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CredentialTimes {
    /// End of the ticket; `None` without a ticket.
    pub(crate) until: Option<i64>,
    /// Deadline of the next enrolment.
    pub(crate) refetch_before: i64,
}

impl Folder {
    pub(crate) fn new(dir: &Path, made: FileAccess) -> Folder {
        Folder { dir: dir.to_owned(), made }
    }

    /// Stores the credentials of a response. Writes krb5.conf first, because the other files are of no use without krb5.conf.
    pub(crate) async fn keep(&self, response: &EnrollResponse, now: i64) -> anyhow::Result<CredentialTimes> {
        let path = |name: &str| self.dir.join(name);
        replace_if_other(&path("krb5.conf"), response.krb5_conf.as_bytes(), self.made)?;
        match &response.keytab {
            Some(keytab) => _ = replace_if_other(&path("keytab"), &keytab.data.0, self.made)?,
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

fn seconds(text: &str) -> anyhow::Result<i64> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    Ok(time.with_context(|| format!("the KDC sent {text:?}, which is not a time (RFC 3339)"))?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kennel_wire::enrol::{Blob, EnrolledKeytab};

    fn response(keytab: Option<&[u8]>) -> EnrollResponse {
        let keytab = keytab.map(|octets| EnrolledKeytab { data: Blob(octets.to_vec().into()), entries: Vec::new() });
        EnrollResponse {
            realm: "R".into(),
            client: "web.shop@R".into(),
            ticket: None,
            keytab,
            krb5_conf: "[libdefaults]\n".into(),
            refetch_before: "2026-01-01T00:00:00Z".into(),
        }
    }

    #[tokio::test]
    async fn what_is_given_no_more_goes() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), FileAccess { mode: 0o600, group: None });
        let held = folder.keep(&response(Some(b"keys")), 0).await.unwrap();
        assert_eq!(held, CredentialTimes { until: None, refetch_before: 1_767_225_600 });
        assert_eq!(std::fs::read(dir.path().join("keytab")).unwrap(), b"keys");
        folder.keep(&response(None), 0).await.unwrap();
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["krb5.conf"]);
    }
}
