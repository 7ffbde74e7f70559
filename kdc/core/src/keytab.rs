//! From records to a keytab: every key that a holder needs, under the name of each principal and its aliases.

use crate::enrolment::{GrantedKeys, Service};
use crate::principal::PrincipalRecord;
use crate::short_name;
use kennel_wire::keytab::{self, KeytabEntry};
use kennel_wire::message::{EncryptionKey, Principal};
use zeroize::Zeroizing;

/// A keytab under way.
#[derive(Default)]
pub struct KeytabBuilder {
    cluster_domain: Option<String>,
    entries: Vec<KeytabEntry>,
    contents: Vec<GrantedKeys>,
    aliases: Vec<(Principal, Principal)>,
}

/// A finished keytab.
pub struct KeytabFile {
    /// MIT's file format, version 2.
    pub octets: Zeroizing<Vec<u8>>,
    /// The versions of each principal in it.
    pub contents: Vec<GrantedKeys>,
    /// The other names of these principals in it, each before its principal.
    pub aliases: Vec<(Principal, Principal)>,
}

impl KeytabBuilder {
    /// An empty keytab of a realm. `cluster_domain`: the domain of the cluster, where services are asked for without it too.
    #[must_use]
    pub fn new(cluster_domain: Option<&str>) -> KeytabBuilder {
        KeytabBuilder { cluster_domain: cluster_domain.map(str::to_owned), ..KeytabBuilder::default() }
    }

    /// Adds the keys of a record, under its own name, the aliases of its service, and the short name by which clients of its
    /// namespace ask for the service.
    pub fn add(&mut self, record: &PrincipalRecord, service: Option<&Service>) {
        let canonical = &record.principal;
        self.entries.extend(entries(record, canonical));
        let domain = self.cluster_domain.as_deref();
        let short = service.and_then(|_| short_name::of_service(canonical, domain?));
        for alias in service.into_iter().flat_map(|service| service.aliases.iter().cloned()).chain(short) {
            self.entries.extend(entries(record, &alias));
            self.aliases.push((alias, canonical.clone()));
        }
        let mut kvnos: Vec<u32> = record.keys.versions.iter().map(|version| version.kvno).collect();
        kvnos.sort_unstable_by(|a, b| b.cmp(a));
        self.contents.push(GrantedKeys { principal: record.principal.clone(), kvnos });
    }

    /// The finished keytab; `None` where nothing was added.
    #[must_use]
    pub fn finish(self) -> Option<KeytabFile> {
        (!self.entries.is_empty()).then(|| KeytabFile {
            octets: keytab::encode(&self.entries),
            contents: self.contents,
            aliases: self.aliases,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_set::KeySet;
    use crate::testing::record;
    use kennel_crypto::Enctype;
    use kennel_wire::message::Timestamp;

    /// The names in the keytab of one principal.
    fn names(name: &str, aliases: &[&str], is_service: bool, domain: Option<&str>) -> Vec<String> {
        let mut record = record(name);
        let (aes, now) = ([Enctype::Aes128CtsHmacSha1], Timestamp::default());
        record.keys = KeySet::from_password(&aes, 1, &record.principal, b"x", now).unwrap();
        let parse = |text: &&str| Principal::parse(text, "R").unwrap();
        let service = Service { name: record.principal.clone(), aliases: aliases.iter().map(parse).collect() };
        let mut builder = KeytabBuilder::new(domain);
        builder.add(&record, is_service.then_some(&service));
        let keytab = builder.finish().unwrap();
        assert!(keytab.aliases.iter().all(|(_, canonical)| *canonical == record.principal));
        let read = keytab::decode(&keytab.octets).unwrap();
        let names: Vec<_> = read.iter().map(|entry| entry.principal.to_string()).collect();
        assert_eq!(names.len(), 1 + keytab.aliases.len());
        names
    }

    #[test]
    fn the_keytab_of_a_service_holds_its_short_name_and_that_of_a_pod_or_of_another_realm_does_not() {
        let (domain, web) = (Some("cluster.local"), "HTTP/web.shop.svc.cluster.local");
        let canonical = format!("{web}@R");
        assert_eq!(names(web, &["HTTP/web.shop"], true, domain), [&canonical, "HTTP/web.shop@R", "HTTP/web@R"]);
        assert_eq!(names(web, &["HTTP/web.shop"], true, None), [&canonical, "HTTP/web.shop@R"]);
        for (name, is_service) in [("HTTP/web-0.web.shop.svc.cluster.local", true), ("cart.shop", false)] {
            assert_eq!(names(name, &[], is_service, domain), [format!("{name}@R")]);
        }
    }
}
