//! The records of a dump beside those of a store: who keeps a name that both have.

use crate::key_set::KeySet;
use crate::principal::{Origin, PrincipalRecord, Record};
use kennel_crypto::Enctype;
use kennel_wire::message::{Principal, Timestamp};
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;

/// Enctypes of a new key of `krbtgt`.
const ENCTYPES: [Enctype; 4] = [
    Enctype::Aes256CtsHmacSha384,
    Enctype::Aes128CtsHmacSha256,
    Enctype::Aes256CtsHmacSha1,
    Enctype::Aes128CtsHmacSha1,
];

/// Whose keys `krbtgt` has after an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KrbtgtKeys {
    /// Those of the dump: tickets that the old KDC issued stay good, and those that the store's keys issued do not.
    Import,
    /// Those of the store, or new ones where it has none: tickets of the old KDC are refused.
    Keep,
}

/// How records are merged.
#[derive(Debug, Clone, Copy)]
pub struct MergeRules {
    /// Whether a record of the dump takes the place of one that the store has.
    pub replace: bool,
    /// Whose keys `krbtgt` has.
    pub krbtgt: KrbtgtKeys,
}

/// Why records are not merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The store is of another realm.
    #[error("the store belongs to the realm {store}, and the dump to {dump}: give another store")]
    OtherRealm {
        /// The realm of the store.
        store: String,
        /// The realm of the dump.
        dump: String,
    },
    /// The store has names of the dump.
    #[error("the store has {} of the dump's names already ({}): give --replace for the dump's records to take their place", .0.len(), first(.0))]
    Taken(Vec<String>),
    /// Objects of the cluster have names of the dump.
    #[error(
        "the objects of a cluster have {} of the dump's names ({}): delete these from the dump, or the KerberosPrincipals that ask for \
         them",
        .0.len(),
        first(.0)
    )]
    OfKubernetes(Vec<String>),
    /// The dump has no keys of `krbtgt`.
    #[error("the dump has no keys of krbtgt that Kennel has: give --krbtgt keep, for those of the store or new ones")]
    NoKrbtgt,
}

/// Puts the records of a dump beside those of a store of the same realm. Names of the KDC's own services (`kadmin/...`) that both have
/// are the dump's.
///
/// # Errors
/// [`MergeError`]; every name in question is in it.
pub fn merge(
    realm: &str,
    store: Vec<Record>,
    dump: Vec<Record>,
    rules: MergeRules,
    now: Timestamp,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<Record>, MergeError> {
    let krbtgt = Principal::krbtgt(realm, realm);
    let mut merged: BTreeMap<Principal, Record> =
        store.into_iter().map(|record| (record.name().clone(), record)).collect();
    if !merged.is_empty() && !merged.contains_key(&krbtgt) {
        let store = merged.keys().next().map(|name| name.realm.clone()).unwrap_or_default();
        return Err(MergeError::OtherRealm { store, dump: realm.to_owned() });
    }
    let (mut taken, mut of_kubernetes, mut newest) = (Vec::new(), Vec::new(), 0);
    for record in dump {
        let name = record.name().clone();
        if name == krbtgt && rules.krbtgt == KrbtgtKeys::Keep {
            newest = newest_kvno(&record);
            continue;
        }
        match merged.get(&name) {
            Some(present) if origin(present) == Origin::Kubernetes => of_kubernetes.push(name.to_string()),
            Some(_) if !rules.replace && !is_of_the_kdc(&name) => taken.push(name.to_string()),
            _ => _ = merged.insert(name, record),
        }
    }
    if !of_kubernetes.is_empty() {
        return Err(MergeError::OfKubernetes(of_kubernetes));
    }
    if !taken.is_empty() {
        return Err(MergeError::Taken(taken));
    }
    if merged.get(&krbtgt).is_none_or(|record| newest_kvno(record) == 0) {
        if rules.krbtgt == KrbtgtKeys::Import {
            return Err(MergeError::NoKrbtgt);
        }
        // Not the number of a key of the old KDC: its tickets would be taken for damaged ones.
        let keys = KeySet::random(&ENCTYPES, newest.saturating_add(1), now, rng);
        let record = PrincipalRecord::new(krbtgt.clone(), Origin::Manual, keys, now, "import-mit");
        merged.insert(krbtgt, Record::Principal(Box::new(record)));
    }
    Ok(merged.into_values().collect())
}

/// Whether the KDC has the principal without anybody's asking.
fn is_of_the_kdc(name: &Principal) -> bool {
    let own = name.name.krbtgt_realm() == Some(&*name.realm);
    own || matches!(name.name.components.as_slice(), [class, _] if class == "kadmin")
}

fn origin(record: &Record) -> Origin {
    match record {
        Record::Principal(record) => record.origin,
        Record::Alias { origin, .. } => *origin,
        Record::Holder(_) => Origin::Kubernetes,
        Record::Policy(_) => Origin::Manual,
    }
}

/// The number of the newest version; 0 without keys.
fn newest_kvno(record: &Record) -> u32 {
    match record {
        Record::Principal(record) => record.keys.versions.iter().map(|version| version.kvno).max().unwrap_or(0),
        _ => 0,
    }
}

/// Some of the names, for a message.
fn first(names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{shown}, ...") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use rand::rngs::OsRng;

    fn principal(name: &str, kvno: u32, origin: Origin) -> Record {
        let mut record = record(name);
        record.origin = origin;
        record.keys = KeySet::random(&ENCTYPES, kvno, Timestamp::default(), &mut OsRng);
        Record::Principal(Box::new(record))
    }

    fn manual(name: &str, kvno: u32) -> Record {
        principal(name, kvno, Origin::Manual)
    }

    fn merged(
        store: &[Record],
        dump: &[Record],
        replace: bool,
        krbtgt: KrbtgtKeys,
    ) -> Result<Vec<(String, u32)>, MergeError> {
        let rules = MergeRules { replace, krbtgt };
        let records = merge("R", store.to_vec(), dump.to_vec(), rules, Timestamp::default(), &mut OsRng)?;
        Ok(records.iter().map(|record| (record.name().name.to_string(), newest_kvno(record))).collect())
    }

    fn names(names: &[(&str, u32)]) -> Vec<(String, u32)> {
        names.iter().map(|(name, kvno)| ((*name).to_owned(), *kvno)).collect()
    }

    #[test]
    fn an_empty_store_gets_the_realm_with_its_krbtgt_or_a_new_one() {
        let dump = [manual("krbtgt/R", 7), manual("alice", 2)];
        assert_eq!(merged(&[], &dump, false, KrbtgtKeys::Import), Ok(names(&[("alice", 2), ("krbtgt/R", 7)])));
        assert_eq!(merged(&[], &dump, false, KrbtgtKeys::Keep), Ok(names(&[("alice", 2), ("krbtgt/R", 8)])));
        let without = [manual("alice", 2)];
        assert_eq!(merged(&[], &without, false, KrbtgtKeys::Import), Err(MergeError::NoKrbtgt));
        assert_eq!(merged(&[], &without, false, KrbtgtKeys::Keep), Ok(names(&[("alice", 2), ("krbtgt/R", 1)])));
    }

    #[test]
    fn what_the_store_has_is_replaced_only_where_that_is_asked_for() {
        let store = [manual("krbtgt/R", 1), manual("kadmin/admin", 1), manual("alice", 1), manual("bob", 1)];
        let dump = [manual("krbtgt/R", 7), manual("kadmin/admin", 5), manual("alice", 2), manual("eve", 3)];
        let taken = MergeError::Taken(vec!["alice@R".into()]);
        assert_eq!(merged(&store, &dump, false, KrbtgtKeys::Import), Err(taken));
        let all = |krbtgt| names(&[("alice", 2), ("bob", 1), ("eve", 3), ("kadmin/admin", 5), ("krbtgt/R", krbtgt)]);
        assert_eq!(merged(&store, &dump, true, KrbtgtKeys::Import), Ok(all(7)));
        assert_eq!(merged(&store, &dump, true, KrbtgtKeys::Keep), Ok(all(1)));
    }

    #[test]
    fn what_kubernetes_owns_stays_in_every_case() {
        let store = [manual("krbtgt/R", 1), principal("web.shop", 1, Origin::Kubernetes)];
        let dump = [manual("krbtgt/R", 7), manual("web.shop", 2)];
        let error = merged(&store, &dump, true, KrbtgtKeys::Import).unwrap_err();
        assert!(error.to_string().contains("web.shop@R"), "{error}");
    }

    #[test]
    fn the_store_of_another_realm_is_refused() {
        let rules = MergeRules { replace: true, krbtgt: KrbtgtKeys::Keep };
        let error = merge("X", vec![manual("krbtgt/R", 1)], vec![], rules, Timestamp::default(), &mut OsRng);
        assert!(matches!(error, Err(MergeError::OtherRealm { store, .. }) if store == "R"));
    }
}
