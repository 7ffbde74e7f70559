//! A ticket with its session key, and the credential cache files (FILE, version 4) that carry them between programs.

use crate::error::ClientError;
use crate::sealing::{key_from_wire, key_to_wire};
use crate::time::TimeOffset;
use kennel_crypto::Key;
use kennel_wire::ccache::{self, Ccache};
use kennel_wire::message::{
    AuthorizationDatum, EncKdcRepPart, HostAddress, KdcRep, KerberosTime, Principal, Ticket, TicketFlags,
};
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

/// The realm of entries in a credential cache that are no tickets but settings of libkrb5.
const CONFIGURATION_REALM: &str = "X-CACHECONF:";

/// A ticket and what a client must know of it to use it. `Debug` shows no key.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names of RFC 4120, section 5.3, say it")]
pub struct Credential {
    pub client: Principal,
    pub server: Principal,
    pub ticket: Ticket,
    /// The key that client and server share through the ticket.
    pub session_key: Key,
    pub flags: TicketFlags,
    pub authtime: KerberosTime,
    pub starttime: KerberosTime,
    pub endtime: KerberosTime,
    pub renew_till: Option<KerberosTime>,
    /// Addresses that the ticket is bound to; empty: none.
    pub addresses: Vec<HostAddress>,
    /// User-to-user: the ticket of the server, in whose session key this one is encrypted.
    pub second_ticket: Option<Ticket>,
    /// Authorization data that the cache file holds beside the ticket; mostly empty.
    pub authdata: Vec<AuthorizationDatum>,
}

impl Credential {
    /// The realm whose tickets this ticket-granting ticket buys.
    ///
    /// # Errors
    /// [`ClientError::NotATgt`].
    pub fn tgs_realm(&self) -> Result<&str, ClientError> {
        self.server.name.krbtgt_realm().ok_or_else(|| ClientError::NotATgt(self.server.to_string()))
    }

    /// The credential of a checked reply. Client and server are named as the KDC names them.
    pub(crate) fn from_reply(rep: &KdcRep, enc: EncKdcRepPart, session_key: Key) -> Credential {
        Credential {
            client: Principal::new(rep.cname.clone(), rep.crealm.clone()),
            server: Principal::new(enc.sname, enc.srealm),
            ticket: rep.ticket.clone(),
            session_key,
            flags: enc.flags,
            authtime: enc.authtime,
            starttime: enc.starttime.unwrap_or(enc.authtime),
            endtime: enc.endtime,
            renew_till: enc.renew_till,
            addresses: enc.caddr.unwrap_or_default(),
            second_ticket: None,
            authdata: Vec::new(),
        }
    }

    /// From an entry of a credential cache.
    ///
    /// # Errors
    /// A ticket that cannot be decoded, or a session key of an unknown enctype or a wrong length.
    pub fn from_ccache(entry: &ccache::CcacheEntry) -> Result<Credential, ClientError> {
        let unset = |time: KerberosTime| (time != KerberosTime::EPOCH).then_some(time);
        let second_ticket = match entry.second_ticket.as_slice() {
            [] => None,
            der => Some(Ticket::decode(der)?),
        };
        Ok(Credential {
            client: entry.client.clone(),
            server: entry.server.clone(),
            ticket: Ticket::decode(&entry.ticket)?,
            session_key: key_from_wire(&entry.key)?,
            flags: entry.flags,
            authtime: entry.authtime,
            starttime: unset(entry.starttime).unwrap_or(entry.authtime),
            endtime: entry.endtime,
            renew_till: unset(entry.renew_till),
            addresses: entry.addresses.clone(),
            second_ticket,
            authdata: entry.authdata.clone(),
        })
    }

    /// The entry of a credential cache.
    #[must_use]
    pub fn to_ccache(&self) -> ccache::CcacheEntry {
        ccache::CcacheEntry {
            client: self.client.clone(),
            server: self.server.clone(),
            key: key_to_wire(&self.session_key),
            authtime: self.authtime,
            starttime: self.starttime,
            endtime: self.endtime,
            renew_till: self.renew_till.unwrap_or(KerberosTime::EPOCH),
            is_skey: self.second_ticket.is_some(),
            flags: self.flags,
            addresses: self.addresses.clone(),
            authdata: self.authdata.clone(),
            ticket: self.ticket.encode(),
            second_ticket: self.second_ticket.as_ref().map(Ticket::encode).unwrap_or_default(),
        }
    }
}

/// A credential cache: the tickets of one client.
#[derive(Debug, Clone)]
pub struct CredentialCache {
    /// Owner of the cache and of its tickets.
    pub client: Principal,
    /// Offset of the KDC's clock, as the exchange that filled the cache proved it.
    pub time_offset: TimeOffset,
    /// In the order of the file.
    pub credentials: Vec<Credential>,
}

impl CredentialCache {
    /// A cache with one ticket.
    #[must_use]
    pub fn new(credential: Credential, time_offset: TimeOffset) -> CredentialCache {
        CredentialCache { client: credential.client.clone(), time_offset, credentials: vec![credential] }
    }

    /// The newest ticket for `server`.
    #[must_use]
    pub fn find(&self, server: &Principal) -> Option<&Credential> {
        self.credentials.iter().rev().find(|c| c.server == *server)
    }

    /// Reads a cache file; skips configuration entries and tickets of unknown enctypes.
    ///
    /// # Errors
    /// [`ClientError::File`], [`ClientError::FileFormat`].
    pub fn read(path: &Path) -> Result<CredentialCache, ClientError> {
        let bytes = read_secret(path)?;
        let cache =
            Ccache::decode(&bytes).map_err(|source| ClientError::FileFormat { path: path.to_owned(), source })?;
        let tickets = cache.credentials.iter().filter(|c| c.server.realm != CONFIGURATION_REALM);
        Ok(CredentialCache {
            client: cache.principal,
            time_offset: cache.kdc_offset.map(TimeOffset::from_ccache).unwrap_or_default(),
            credentials: tickets.filter_map(|c| Credential::from_ccache(c).ok()).collect(),
        })
    }

    /// Writes the cache file: whole or not at all, readable by its owner alone (0600). A program that has the old file open
    /// keeps reading the old file.
    ///
    /// # Errors
    /// [`ClientError::File`].
    pub fn write(&self, path: &Path) -> Result<(), ClientError> {
        let cache = Ccache {
            kdc_offset: self.time_offset.to_ccache(),
            principal: self.client.clone(),
            credentials: self.credentials.iter().map(Credential::to_ccache).collect(),
        };
        write_secret(path, &cache.encode())
    }
}

/// Reads a file that holds keys.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    let read = std::fs::read(path).map(Zeroizing::new);
    read.map_err(|source| ClientError::File { path: path.to_owned(), source })
}

/// Replaces a file that holds keys: a new file beside it (0600 from its first octet), on disk, then renamed.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), ClientError> {
    replace_file(path, bytes).map_err(|source| ClientError::File { path: path.to_owned(), source })
}

fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A rename would put the file into the place of a device.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(std::io::Error::other("no regular file"));
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_kdc::credential;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_cache_file_is_read_as_it_was_written_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("krb5cc");
        std::fs::write(&path, "an old cache").unwrap();
        let mut cache = CredentialCache::new(credential(), TimeOffset::from_micros(-1_500_000));
        cache.credentials.push(Credential { second_ticket: Some(credential().ticket), ..credential() });
        cache.write(&path).unwrap();

        let read = CredentialCache::read(&path).unwrap();
        assert_eq!(read.client, cache.client);
        assert_eq!(read.time_offset, cache.time_offset);
        assert_eq!(format!("{:?}", read.credentials), format!("{:?}", cache.credentials));
        assert_eq!(read.credentials[0].session_key, cache.credentials[0].session_key);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_cache_file_that_makes_no_sense_names_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("krb5cc");
        std::fs::write(&path, "nonsense").unwrap();
        let error = CredentialCache::read(&path).unwrap_err();
        assert!(matches!(error, ClientError::FileFormat { .. }), "{error}");
        assert!(error.to_string().contains("krb5cc"), "{error}");
        let missing = CredentialCache::read(&folder.path().join("none")).unwrap_err();
        assert!(matches!(missing, ClientError::File { .. }), "{missing}");
    }
}
