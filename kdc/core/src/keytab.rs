//! From records to a keytab: every key that a holder needs, under the name of each principal and its aliases.

use crate::enrolment::{GrantedKeys, Service};
use crate::principal::PrincipalRecord;
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::{EncryptionKey, Principal};
use zeroize::Zeroizing;

/// A keytab under way.
#[derive(Default)]
pub struct KeytabBuilder {
    entries: Vec<KeytabEntry>,
    contents: Vec<GrantedKeys>,
}

/// A finished keytab.
pub struct KeytabFile {
    /// MIT's file format, version 2.
    pub octets: Zeroizing<Vec<u8>>,
    /// The versions of each principal in it.
    pub contents: Vec<GrantedKeys>,
}

impl KeytabBuilder {
    /// Adds the keys of a record, under its own name and the aliases of its service.
    pub fn add(&mut self, record: &PrincipalRecord, service: Option<&Service>) {
        let aliases = service.map_or(&[][..], |service| &service.aliases);
        for name in std::iter::once(&record.principal).chain(aliases) {
            self.entries.extend(entries(record, name));
        }
        let mut kvnos: Vec<u32> = record.keys.versions.iter().map(|version| version.kvno).collect();
        kvnos.sort_unstable_by(|a, b| b.cmp(a));
        self.contents.push(GrantedKeys { principal: record.principal.clone(), kvnos });
    }

    /// The finished keytab; `None` where nothing was added.
    #[must_use]
    pub fn finish(self) -> Option<KeytabFile> {
        (!self.entries.is_empty())
            .then(|| KeytabFile { octets: keytab::encode(&self.entries), contents: self.contents })
    }
}

/// Every key of every version, under a name.
pub fn entries<'a>(record: &'a PrincipalRecord, name: &'a Principal) -> impl Iterator<Item = KeytabEntry> + 'a {
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
