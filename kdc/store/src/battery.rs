//! The battery: what every backend must do, as tests. A backend implements [`Backend`] and calls [`battery!`](crate::battery!)
//! in a test module; each scenario becomes a test of its own, and panics where the backend breaks a promise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::error::StoreError;
use crate::principal_store::{Change, Expect, PrincipalStore, Revision, VersionedRecord, Watch};
use kennel_core::key_set::{KeySet, KeyState, KeyVersion, StoredKey};
use kennel_core::password_policy::{PasswordPolicy, PolicyRecord};
use kennel_core::pods::PodRef;
use kennel_core::principal::{Attributes, Origin, Owner, PrincipalRecord, Record};
use kennel_core::rotation::holder::{HeldKeys, HolderId, HolderRecord};
use kennel_crypto::{Enctype, Key};
use kennel_wire::message::{KerberosTime, NameType, Principal, PrincipalName, Timestamp};
use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

/// A backend under test.
pub trait Backend: Send + Sync {
    /// Creates a new, empty backend.
    fn new() -> Self;

    /// Opens the backend's store. A scenario drops the store before it opens the store again, and expects the same records.
    fn open(&self) -> impl Future<Output = Arc<dyn PrincipalStore>> + Send;
}

/// Makes a test of each scenario, for a type that implements [`Backend`].
#[macro_export]
macro_rules! battery {
    ($backend:ty) => {
        $crate::battery!(
            $backend:
            a_record_is_created_read_replaced_and_deleted,
            a_write_whose_expectation_fails_changes_nothing,
            concurrent_writers_lose_no_increment,
            revisions_grow_across_deletion_and_reopening,
            records_come_back_whole_after_reopening,
            a_listing_is_in_name_order,
            a_listing_beside_a_writer_is_of_one_revision,
            names_with_odd_characters_do_not_collide,
            the_name_type_does_not_make_another_name,
            a_name_with_nul_is_refused_and_never_found,
            an_alias_is_a_record_of_its_own,
            aliases_of_a_principal_are_those_of_every_write_before,
            a_watcher_sees_changes_after_its_revision_in_order,
            a_watcher_from_another_history_is_told_to_list_again,
            every_watcher_sees_what_concurrent_writers_did_in_order,
        );
    };
    ($backend:ty: $($scenario:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                $crate::battery::$scenario(<$backend as $crate::battery::Backend>::new()).await;
            }
        )+
    };
}

/// A name of the realm `EXAMPLE`.
#[must_use]
pub fn name(components: &[&str]) -> Principal {
    Principal::new(PrincipalName::new(NameType::PRINCIPAL, components.iter().copied()), "EXAMPLE")
}

/// A principal with one key; `mark` is its longest life and distinguishes records.
#[must_use]
pub fn principal(name: &Principal, mark: u32) -> Record {
    let key = Key::new(Enctype::Aes256CtsHmacSha1, &[7; 32]).unwrap();
    let now = Timestamp { time: KerberosTime(1_700_000_000), micros: 5 };
    let version = KeyVersion {
        kvno: 1,
        state: KeyState::Active,
        created: now,
        activated: Some(now),
        retired: None,
        accept: None,
        keys: vec![StoredKey { key, salt: None }],
    };
    let keys = KeySet { versions: vec![version] };
    let mut record = PrincipalRecord::new(name.clone(), Origin::Manual, keys, now, "battery");
    record.max_life = Some(mark);
    Record::Principal(Box::new(record))
}

/// A principal in which no field has its default.
#[must_use]
pub fn full_principal(name: &Principal) -> Record {
    let at = |seconds, micros| Timestamp { time: KerberosTime(seconds), micros };
    let key = |enctype: Enctype, salt: Option<&str>| StoredKey {
        key: Key::new(enctype, &vec![enctype.number() as u8; enctype.key_length()]).unwrap(),
        salt: salt.map(str::to_owned),
    };
    let version = |kvno, state, activated, retired, salt| KeyVersion {
        kvno,
        state,
        created: at(1_700_000_000, 1),
        activated,
        retired,
        accept: retired.map(|_| 3_600),
        keys: Enctype::ALL.into_iter().map(|enctype| key(enctype, salt)).collect(),
    };
    let versions = vec![
        version(u32::MAX, KeyState::Staged, None, None, None),
        version(2, KeyState::Active, Some(at(1_700_000_100, 0)), None, Some("EXAMPLEsalt")),
        version(1, KeyState::Retiring, Some(at(0, 0)), Some(at(253_402_300_799, 999_999)), Some("")),
    ];
    Record::Principal(Box::new(PrincipalRecord {
        principal: name.clone(),
        origin: Origin::Kubernetes,
        owner: Some(Owner::account("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")),
        namespace: Some("shop".to_owned()),
        abandoned: Some(at(1_700_000_150, 7)),
        attributes: Attributes::all(),
        max_life: Some(0),
        max_renewable_life: Some(u32::MAX),
        expires: Some(KerberosTime(253_402_300_799)),
        password_expires: Some(KerberosTime(0)),
        session_enctypes: Some(Enctype::ALL.to_vec()),
        keys: KeySet { versions },
        rotation_ordered: Some(at(1_700_000_160, 3)),
        revoked: Some(at(1_700_000_170, 4)),
        unknown_holder: Some(at(1_700_000_180, 5)),
        policy: Some("staff".to_owned()),
        strings: [("require_auth".to_owned(), "pkinit".to_owned()), ("z".to_owned(), String::new())].into(),
        password_history: vec![vec![key(Enctype::ALL[0], Some("EXAMPLEsalt"))], vec![key(Enctype::ALL[0], None)]],
        created: at(1_700_000_000, 0),
        modified: at(1_700_000_200, 999_999),
        modified_by: "admin/admin@EXAMPLE, née \u{1F436}".to_owned(),
    }))
}

/// A holder in which no field has its default.
#[must_use]
pub fn holder() -> Record {
    let at = |seconds| Timestamp { time: KerberosTime(seconds), micros: 8 };
    let pod = PodRef { namespace: "shop".to_owned(), name: "web-0".to_owned(), uid: "5f0c".to_owned() };
    let service = name(&["HTTP", "web.shop"]);
    let realm = service.realm.clone();
    let held = vec![
        HeldKeys { principal: service, kvnos: vec![300, 2] },
        HeldKeys { principal: name(&["web.shop"]), kvnos: Vec::new() },
    ];
    let mut holder = HolderRecord::new(HolderId::Pod(pod), &realm, held, at(1_700_000_000));
    holder.modified = at(1_700_000_300);
    Record::Holder(Box::new(holder))
}

/// A policy in which no field has its default.
#[must_use]
pub fn policy() -> Record {
    let rules = PasswordPolicy {
        min_life: 3_600,
        max_life: u32::MAX,
        min_length: 12,
        min_classes: 3,
        history: 5,
        max_failures: 7,
        failure_count_interval: 60,
        lockout_duration: 300,
        allowed_enctypes: Enctype::ALL.to_vec(),
    };
    let modified = Timestamp { time: KerberosTime(1_700_000_400), micros: 9 };
    Record::Policy(Box::new(PolicyRecord::new("staff", &name(&["x"]).realm, rules, modified, "admin/admin@EXAMPLE")))
}

/// The mark of a record made by [`principal`].
#[must_use]
pub fn mark(record: &Record) -> u32 {
    match record {
        Record::Principal(record) => record.max_life.unwrap(),
        other => panic!("{} has no mark", other.name()),
    }
}

#[allow(missing_docs)]
pub async fn a_record_is_created_read_replaced_and_deleted(backend: impl Backend) {
    let store = backend.open().await;
    let web = name(&["HTTP", "web"]);
    assert_eq!(store.read(&web).await, Ok(None));

    let first = store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let found = store.read(&web).await.unwrap().unwrap();
    assert_eq!(found, VersionedRecord { record: principal(&web, 1), revision: first });

    let second = store.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    let found = store.read(&web).await.unwrap().unwrap();
    assert_eq!(found, VersionedRecord { record: principal(&web, 2), revision: second });

    let third = store.delete(&web, second).await.unwrap();
    assert_eq!(store.read(&web).await, Ok(None));
    assert!(first < second && second < third);
    assert_eq!(store.list().await.unwrap().records, vec![]);
}

#[allow(missing_docs)]
pub async fn a_write_whose_expectation_fails_changes_nothing(backend: impl Backend) {
    let store = backend.open().await;
    let (web, other) = (name(&["web"]), name(&["other"]));
    let first = store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let current = store.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    let before = store.list().await;

    let refused = principal(&web, 3);
    let future = Revision(current.0 + 1);
    assert_eq!(store.put(&refused, Expect::Absent).await, Err(StoreError::Conflict));
    assert_eq!(store.put(&refused, Expect::Revision(first)).await, Err(StoreError::Conflict));
    assert_eq!(store.put(&refused, Expect::Revision(future)).await, Err(StoreError::Conflict));
    assert_eq!(store.put(&principal(&other, 3), Expect::Revision(current)).await, Err(StoreError::Conflict));
    assert_eq!(store.delete(&web, first).await, Err(StoreError::Conflict));
    assert_eq!(store.delete(&other, current).await, Err(StoreError::Conflict));
    assert_eq!(store.list().await, before);
}

#[allow(missing_docs)]
pub async fn concurrent_writers_lose_no_increment(backend: impl Backend) {
    const WRITERS: u32 = 8;
    const EACH: u32 = 20;
    let store = backend.open().await;
    let counter = name(&["counter"]);
    store.put(&principal(&counter, 0), Expect::Absent).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (store, counter) = (store.clone(), counter.clone());
            tokio::spawn(async move {
                for _ in 0..EACH {
                    increment(&*store, &counter).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let found = store.read(&counter).await.unwrap().unwrap();
    assert_eq!(mark(&found.record), WRITERS * EACH);
}

async fn increment(store: &dyn PrincipalStore, counter: &Principal) {
    loop {
        let found = store.read(counter).await.unwrap().unwrap();
        let more = principal(counter, mark(&found.record) + 1);
        match store.put(&more, Expect::Revision(found.revision)).await {
            Ok(_) => return,
            Err(StoreError::Conflict) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

#[allow(missing_docs)]
pub async fn revisions_grow_across_deletion_and_reopening(backend: impl Backend) {
    let web = name(&["web"]);
    let mut last = Revision(0);
    for round in 0..3 {
        let store = backend.open().await;
        assert_eq!(store.list().await.unwrap().revision, last, "round {round}");
        let put = store.put(&principal(&web, round), Expect::Absent).await.unwrap();
        assert!(put > last);
        last = store.delete(&web, put).await.unwrap();
        assert!(last > put);
    }
}

#[allow(missing_docs)]
pub async fn records_come_back_whole_after_reopening(backend: impl Backend) {
    let web = name(&["web"]);
    let store = backend.open().await;
    let revision = store.put(&full_principal(&web), Expect::Absent).await.unwrap();
    let listing = store.list().await.unwrap();
    drop(store);
    let store = backend.open().await;
    let record = full_principal(&web);
    assert_eq!(store.read(&web).await, Ok(Some(VersionedRecord { record, revision })));
    assert_eq!(store.list().await, Ok(listing));
}

#[allow(missing_docs)]
pub async fn a_listing_is_in_name_order(backend: impl Backend) {
    let store = backend.open().await;
    let other_realm = Principal::new(name(&["a"]).name, "AN.EARLIER.REALM");
    let sorted = [
        other_realm,
        name(&["HTTP", "a"]),
        name(&["HTTP", "b"]),
        name(&["HTTP-x"]),
        name(&["a"]),
        name(&["a", "b"]),
        name(&["a-b"]),
        name(&["é"]),
    ];
    let mut last = Revision(0);
    for name in sorted.iter().rev() {
        last = store.put(&principal(name, 1), Expect::Absent).await.unwrap();
    }
    let listing = store.list().await.unwrap();
    let names: Vec<_> = listing.records.iter().map(|found| found.record.name().clone()).collect();
    assert_eq!(names, sorted);
    assert_eq!(listing.revision, last);
}

#[allow(missing_docs)]
pub async fn a_listing_beside_a_writer_is_of_one_revision(backend: impl Backend) {
    const ROUNDS: u32 = 40;
    let store = backend.open().await;
    let (first, second) = (name(&["a"]), name(&["b"]));
    let mut at_first = store.put(&principal(&first, 0), Expect::Absent).await.unwrap();
    let mut at_second = store.put(&principal(&second, 0), Expect::Absent).await.unwrap();
    let writing = store.clone();
    let writer = tokio::spawn(async move {
        for round in 1..=ROUNDS {
            at_first = writing.put(&principal(&first, round), Expect::Revision(at_first)).await.unwrap();
            at_second = writing.put(&principal(&second, round), Expect::Revision(at_second)).await.unwrap();
        }
    });
    loop {
        let done = writer.is_finished();
        let listing = store.list().await.unwrap();
        let newest = listing.records.iter().map(|found| found.revision).max();
        assert_eq!(newest, Some(listing.revision), "every write shows in the listing of its revision");
        let (a, b) = (mark(&listing.records[0].record), mark(&listing.records[1].record));
        assert!(a == b || a == b + 1, "{a} was written before {b}");
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

#[allow(missing_docs)]
pub async fn names_with_odd_characters_do_not_collide(backend: impl Backend) {
    let store = backend.open().await;
    let realm_with_slash = Principal::new(name(&["a"]).name, "b/EXAMPLE");
    let names = [
        name(&["a", "b"]),
        name(&["a/b"]),
        name(&["a\\/b"]),
        name(&["a@b"]),
        name(&["a", "", "b"]),
        name(&["a", "b", ""]),
        name(&[" a", "b"]),
        name(&["A", "b"]),
        name(&["ä", "b"]),
        name(&["a\u{308}", "b"]),
        name(&["\u{1F436}"]),
        name(&["%00", "_"]),
        realm_with_slash,
    ];
    for (mark, name) in (0..).zip(&names) {
        store.put(&principal(name, mark), Expect::Absent).await.unwrap();
    }
    for (expected, name) in (0..).zip(&names) {
        let found = store.read(name).await.unwrap().unwrap();
        assert_eq!(found.record, principal(name, expected));
    }
    assert_eq!(store.list().await.unwrap().records.len(), names.len());
}

#[allow(missing_docs)]
pub async fn the_name_type_does_not_make_another_name(backend: impl Backend) {
    let store = backend.open().await;
    let host = Principal::new(PrincipalName::new(NameType::SRV_HST, ["HTTP", "web"]), "EXAMPLE");
    let hint = Principal::new(PrincipalName::new(NameType::UNKNOWN, ["HTTP", "web"]), "EXAMPLE");
    store.put(&principal(&host, 1), Expect::Absent).await.unwrap();
    assert_eq!(store.put(&principal(&hint, 2), Expect::Absent).await, Err(StoreError::Conflict));
    let found = store.read(&hint).await.unwrap().unwrap();
    assert_eq!(found.record.name().name.name_type, NameType::SRV_HST, "as it was stored");
}

#[allow(missing_docs)]
pub async fn a_name_with_nul_is_refused_and_never_found(backend: impl Backend) {
    let store = backend.open().await;
    store.put(&principal(&name(&["a", "b"]), 1), Expect::Absent).await.unwrap();
    let nul = name(&["a\0b"]);
    assert!(matches!(store.put(&principal(&nul, 2), Expect::Absent).await, Err(StoreError::Name { .. })));
    assert_eq!(store.read(&nul).await, Ok(None));
    assert!(matches!(store.delete(&nul, Revision(1)).await, Err(StoreError::Name { .. })));
    assert_eq!(store.list().await.unwrap().records.len(), 1);
}

#[allow(missing_docs)]
pub async fn an_alias_is_a_record_of_its_own(backend: impl Backend) {
    let store = backend.open().await;
    let (short, long) = (name(&["HTTP", "web"]), name(&["HTTP", "web.shop"]));
    let alias = Record::Alias { alias: short.clone(), target: long.clone(), origin: Origin::Manual };
    let revision = store.put(&alias, Expect::Absent).await.unwrap();
    assert_eq!(store.read(&short).await, Ok(Some(VersionedRecord { record: alias, revision })));
    assert_eq!(store.read(&long).await, Ok(None));
    store.put(&principal(&long, 1), Expect::Absent).await.unwrap();
    assert_eq!(store.put(&principal(&short, 2), Expect::Absent).await, Err(StoreError::Conflict));
    store.delete(&short, revision).await.unwrap();
    assert!(store.read(&long).await.unwrap().is_some());
}

/// The aliases of a principal are known after each write, and after reopening.
pub async fn aliases_of_a_principal_are_those_of_every_write_before(backend: impl Backend) {
    let store = backend.open().await;
    let (web, mail) = (name(&["web"]), name(&["mail"]));
    let alias = |text: &str, target: &Principal| Record::Alias {
        alias: name(&[text]),
        target: target.clone(),
        origin: Origin::Manual,
    };
    store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let first = store.put(&alias("a", &web), Expect::Absent).await.unwrap();
    assert_eq!(store.aliases(&web).await.unwrap(), [name(&["a"])]);
    let second = store.put(&alias("b", &web), Expect::Absent).await.unwrap();
    assert_eq!(store.aliases(&web).await.unwrap(), [name(&["a"]), name(&["b"])]);
    store.put(&alias("a", &mail), Expect::Revision(first)).await.unwrap();
    assert_eq!(store.aliases(&web).await.unwrap(), [name(&["b"])]);
    assert_eq!(store.aliases(&mail).await.unwrap(), [name(&["a"])], "the target need not exist");
    store.delete(&name(&["b"]), second).await.unwrap();
    assert!(store.aliases(&web).await.unwrap().is_empty());
    drop(store);
    let store = backend.open().await;
    assert_eq!(store.aliases(&mail).await.unwrap(), [name(&["a"])]);
}

#[allow(missing_docs)]
pub async fn a_watcher_sees_changes_after_its_revision_in_order(backend: impl Backend) {
    let store = backend.open().await;
    let (web, api) = (name(&["web"]), name(&["api"]));
    let first = store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let listed = store.list().await.unwrap().revision;
    assert_eq!(listed, first);
    let mut watch = store.watch(listed).await.unwrap();

    let second = store.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    let third = store.put(&principal(&api, 3), Expect::Absent).await.unwrap();
    let fourth = store.delete(&web, second).await.unwrap();
    let _ = store.put(&principal(&api, 9), Expect::Absent).await.unwrap_err();
    let expected = [
        Change::Put(VersionedRecord { record: principal(&web, 2), revision: second }),
        Change::Put(VersionedRecord { record: principal(&api, 3), revision: third }),
        Change::Deleted { name: web, revision: fourth },
    ];
    for change in &expected {
        assert_eq!(watch.next().await.as_ref(), Some(change));
    }
    let mut later = store.watch(second).await.unwrap();
    assert_eq!(later.next().await.as_ref(), Some(&expected[1]));
}

#[allow(missing_docs)]
pub async fn a_watcher_from_another_history_is_told_to_list_again(backend: impl Backend) {
    let store = backend.open().await;
    let web = name(&["web"]);
    let first = store.put(&principal(&web, 1), Expect::Absent).await.unwrap();
    let mut watch = store.watch(Revision(first.0 + 1000)).await.unwrap();
    assert_eq!(watch.next().await, Some(Change::Lagged));
    let second = store.put(&principal(&web, 2), Expect::Revision(first)).await.unwrap();
    let change = Change::Put(VersionedRecord { record: principal(&web, 2), revision: second });
    assert_eq!(watch.next().await, Some(change));
}

#[allow(missing_docs)]
pub async fn every_watcher_sees_what_concurrent_writers_did_in_order(backend: impl Backend) {
    const WRITERS: u32 = 6;
    const EACH: u32 = 10;
    let store = backend.open().await;
    let since = store.list().await.unwrap().revision;
    let mut watches = vec![store.watch(since).await.unwrap(), store.watch(since).await.unwrap()];
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write_many(store.clone(), writer, EACH))).collect();
    let mut acknowledged = HashSet::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert_eq!(acknowledged.len(), (WRITERS * EACH) as usize, "no revision was given twice");
    for watch in &mut watches {
        let seen = revisions(&mut **watch, acknowledged.len()).await;
        assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), acknowledged);
    }
}

async fn write_many(store: Arc<dyn PrincipalStore>, writer: u32, count: u32) -> Vec<Revision> {
    let mut revisions = Vec::new();
    for mark in 0..count {
        let name = name(&["writer", &format!("{writer}-{mark}")]);
        revisions.push(store.put(&principal(&name, mark), Expect::Absent).await.unwrap());
    }
    revisions
}

async fn revisions(watch: &mut dyn Watch, count: usize) -> Vec<Revision> {
    let mut revisions = Vec::new();
    for _ in 0..count {
        match watch.next().await {
            Some(Change::Put(versioned)) => revisions.push(versioned.revision),
            other => panic!("{other:?}"),
        }
    }
    revisions
}
