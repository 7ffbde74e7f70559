//! The keytab of some services: every key that a holder needs, under the name of each and its other names.

use kennel_core::enrolment::{GrantedKeys, Service};
use kennel_core::principal::PrincipalRecord;
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::{EncryptionKey, Principal};
use zeroize::Zeroizing;

/// A keytab under way.
#[derive(Default)]
pub(crate) struct Builder {
    entries: Vec<KeytabEntry>,
    told: Vec<GrantedKeys>,
}

/// A finished keytab.
pub(crate) struct Keytab {
    /// MIT's file format, version 2.
    pub(crate) octets: Zeroizing<Vec<u8>>,
    /// Which versions of which principals are in it.
    pub(crate) told: Vec<GrantedKeys>,
}

impl Builder {
    /// Adds the keys of a record, under its own name and its service's others.
    pub(crate) fn add(&mut self, record: &PrincipalRecord, service: Option<&Service>) {
        let aliases = service.map_or(&[][..], |service| &service.aliases);
        for name in std::iter::once(&record.principal).chain(aliases) {
            self.entries.extend(entries(record, name));
        }
        let mut kvnos: Vec<u32> = record.keys.versions.iter().map(|version| version.kvno).collect();
        kvnos.sort_unstable_by(|a, b| b.cmp(a));
        self.told.push(GrantedKeys { principal: record.principal.clone(), kvnos });
    }

    /// `None` where nothing was added.
    pub(crate) fn finish(self) -> Option<Keytab> {
        (!self.entries.is_empty()).then(|| Keytab { octets: keytab::encode(&self.entries), told: self.told })
    }
}

/// Every key of every version, under a name.
pub(crate) fn entries<'a>(record: &'a PrincipalRecord, name: &'a Principal) -> impl Iterator<Item = KeytabEntry> + 'a {
    let keys = record.keys.versions.iter().flat_map(|version| version.keys.iter().map(move |stored| (version, stored)));
    keys.map(|(version, stored)| KeytabEntry {
        principal: name.clone(),
        timestamp: version.created.time,
        kvno: version.kvno,
        key: EncryptionKey {
            keytype: stored.key.enctype().number(),
            keyvalue: Zeroizing::new(stored.key.expose().to_vec()),
        },
    })
}
