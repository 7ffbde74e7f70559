//! A principal prepared for requests: its record, with every key's sub-keys derived once.

use crate::key_set::{KeyState, KeyVersion};
use crate::name_digest::NameDigest;
use crate::principal::PrincipalRecord;
use kennel_crypto::{Enctype, Key, KeyUsage, PreparedChecksum, PreparedKey};
use std::sync::OnceLock;

/// A record and its prepared keys; shared between threads behind an `Arc` by the store's cache.
#[derive(Debug)]
pub struct Entry {
    /// The record, as the store has it.
    pub record: PrincipalRecord,
    keys: Vec<EntryKey>,
    digest: NameDigest,
}

/// One key of an entry. Each usage is prepared at its first use and then kept.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EntryKey {
    pub kvno: u32,
    pub state: KeyState,
    pub key: Key,
    /// `None` where the key is random, not from a password.
    pub salt: Option<String>,
    // Boxed: a prepared key is over a kilobyte, and most keys of most principals are never used.
    ticket: OnceLock<Box<PreparedKey>>,
    as_rep: OnceLock<Box<PreparedKey>>,
    pa_enc_timestamp: OnceLock<Box<PreparedKey>>,
    as_req: OnceLock<Box<PreparedChecksum>>,
    cammac: OnceLock<Box<PreparedChecksum>>,
    fx_cookie: OnceLock<Box<PreparedKey>>,
}

impl EntryKey {
    /// Returns the key, prepared to seal and open tickets.
    pub fn ticket(&self) -> &PreparedKey {
        self.ticket.get_or_init(|| Box::new(self.key.prepare(KeyUsage::TICKET)))
    }

    /// Returns the key, prepared to seal AS replies.
    pub fn as_rep(&self) -> &PreparedKey {
        self.as_rep.get_or_init(|| Box::new(self.key.prepare(KeyUsage::AS_REP)))
    }

    /// Returns the key, prepared to open encrypted timestamps.
    pub fn pa_enc_timestamp(&self) -> &PreparedKey {
        self.pa_enc_timestamp.get_or_init(|| Box::new(self.key.prepare(KeyUsage::PA_ENC_TIMESTAMP)))
    }

    /// The checksum over an AS-REQ that its reply carries (RFC 6806, section 11).
    #[must_use]
    pub fn as_req_checksum(&self, request: &[u8]) -> Vec<u8> {
        self.as_req.get_or_init(|| Box::new(self.key.prepare_checksum(KeyUsage::AS_REQ))).compute(request)
    }

    /// Returns the key, prepared for the checksums of a CAMMAC (RFC 7751).
    pub fn cammac(&self) -> &PreparedChecksum {
        self.cammac.get_or_init(|| Box::new(self.key.prepare_checksum(KeyUsage::CAMMAC)))
    }

    /// Returns the key, prepared to seal and open FX-COOKIEs.
    pub fn fx_cookie(&self) -> &PreparedKey {
        self.fx_cookie.get_or_init(|| Box::new(self.key.prepare(KeyUsage::FX_COOKIE)))
    }
}

impl Entry {
    /// Prepares a record.
    #[must_use]
    pub fn new(record: PrincipalRecord) -> Entry {
        let keys = record.keys.versions.iter().flat_map(entry_keys).collect();
        let digest = NameDigest::new(&record.principal.name);
        Entry { record, keys, digest }
    }

    /// The digest of the principal's name.
    pub(crate) const fn digest(&self) -> NameDigest {
        self.digest
    }

    /// Every key of every version, newest version first.
    #[must_use]
    pub fn keys(&self) -> &[EntryKey] {
        &self.keys
    }

    /// The keys to issue with.
    pub fn active_keys(&self) -> impl Iterator<Item = &EntryKey> {
        self.keys.iter().filter(|k| k.state == KeyState::Active)
    }

    /// Whether the principal is a person: a name of one component whose keys come from a password. No ticket is sealed under
    /// such a key, since whoever has the ticket could guess the password off line.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.record.principal.name.components.len() == 1 && self.record.keys.password_set().is_some()
    }

    /// The keys to open a ticket with: any version that the set still holds, whatever its state. A sender that knows no version leaves
    /// it out or says 0, as Windows does between realms.
    pub fn key_for(&self, enctype: Enctype, kvno: Option<u32>) -> impl Iterator<Item = &EntryKey> {
        self.keys.iter().filter(move |k| k.key.enctype() == enctype && kvno.is_none_or(|n| n == 0 || n == k.kvno))
    }
}

fn entry_keys(version: &KeyVersion) -> impl Iterator<Item = EntryKey> + '_ {
    version.keys.iter().map(|stored| EntryKey {
        kvno: version.kvno,
        state: version.state,
        key: stored.key.clone(),
        salt: stored.salt.clone(),
        ticket: OnceLock::new(),
        as_rep: OnceLock::new(),
        pa_enc_timestamp: OnceLock::new(),
        as_req: OnceLock::new(),
        cammac: OnceLock::new(),
        fx_cookie: OnceLock::new(),
    })
}
