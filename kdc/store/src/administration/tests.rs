//! Operations on a store in memory behind the cache, as a process has them.

use super::*;
use crate::cache::EntryCache;
use crate::memory::MemoryStore;
use kennel_core::admin::caller::AdminService;
use kennel_core::admin::event::AdminTrail;
use kennel_core::admin::operation::{
    FirstKeys, KeyChange, NewPrincipal, PolicyChanges, PrincipalChanges, PrincipalView, Purge,
};
use kennel_core::key_set::KeyState;
use kennel_core::password_policy::PasswordPolicy;
use kennel_core::principal::{Attributes, Origin};
use kennel_crypto::{Enctype, Key, SecretBytes};
use kennel_wire::message::KerberosTime;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn name(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp { time: KerberosTime(seconds), micros: 0 }
}

fn realm() -> RealmNow {
    let realm = Arc::new(Realm { enctypes: vec![Enctype::Aes128CtsHmacSha1], ..Realm::new("R") });
    Arc::new(move || realm.clone())
}

/// Keeps events.
#[derive(Default)]
struct Events(Mutex<Vec<AdminEvent>>);

impl AdminTrail for Events {
    fn accepts(&self) -> bool {
        true
    }

    fn record(&self, event: AdminEvent) {
        self.0.lock().unwrap().push(event);
    }
}

struct Bench {
    cache: Arc<EntryCache>,
    admin: Administration,
    events: Arc<Events>,
}

async fn bench() -> Bench {
    let store: Arc<dyn PrincipalStore> = Arc::new(MemoryStore::new());
    let cache = EntryCache::open(store, 64).await.unwrap();
    let events = Arc::new(Events::default());
    let admin = Administration::new(cache.clone(), realm()).with_trail(events.clone());
    Bench { cache, admin, events }
}

impl Bench {
    async fn local(&self, operation: Operation) -> Result<Answer, AdminRefusal> {
        self.admin.perform(&Caller::Local, operation, at(100)).await
    }

    async fn done(&self, operation: Operation) {
        self.local(operation).await.unwrap();
    }

    async fn get(&self, text: &str) -> Result<Box<PrincipalView>, AdminRefusal> {
        match self.local(Operation::GetPrincipal(name(text))).await? {
            Answer::Principal(view) => Ok(view),
            other => panic!("{other:?}"),
        }
    }

    async fn names(&self) -> Vec<String> {
        match self.local(Operation::ListPrincipals(None)).await.unwrap() {
            Answer::Names(names) => names,
            other => panic!("{other:?}"),
        }
    }

    async fn read(&self, text: &str) -> Option<Record> {
        self.cache.read(&name(text)).await.unwrap().map(|found| found.record)
    }
}

fn create(text: &str, keys: FirstKeys) -> Operation {
    let changes = PrincipalChanges::default();
    Operation::CreatePrincipal(Box::new(NewPrincipal { name: name(text), keys, enctypes: None, changes }))
}

fn password(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn cpw(text: &str, new: &str) -> Operation {
    Operation::ChangePassword { name: name(text), password: password(new), rules: KeyChange::default() }
}

fn rename(from: &str, to: &str) -> Operation {
    Operation::RenamePrincipal { from: name(from), to: name(to) }
}

fn alias(alias: &str, target: &str) -> Operation {
    Operation::CreateAlias { alias: name(alias), target: name(target) }
}

fn by(client: &str, initial: bool) -> Caller {
    let (service, peer) = (AdminService::Admin, IpAddr::V4(Ipv4Addr::LOCALHOST));
    Caller::Principal { client: name(client), service, initial, peer }
}

#[tokio::test]
async fn a_change_is_acknowledged_once_the_cache_of_the_process_shows_it() {
    let bench = bench().await;
    bench.done(create("HTTP/web", FirstKeys::Random)).await;
    let kvno = || bench.cache.peek(&name("HTTP/web")).flatten().map(|entry| entry.keys()[0].kvno);
    bench.cache.lookup(&name("HTTP/web")).await.unwrap();
    assert_eq!(kvno(), Some(1));
    bench.done(Operation::RandomizeKeys(name("HTTP/web"), KeyChange::default())).await;
    assert_ne!(kvno(), Some(1), "no request is served by the old keys");
    let found = bench.cache.lookup(&name("HTTP/web")).await.unwrap().unwrap();
    assert_eq!(found.keys()[0].kvno, 2);
}

#[tokio::test]
async fn a_principal_is_made_changed_and_deleted_with_its_aliases() {
    let bench = bench().await;
    bench.done(create("alice", FirstKeys::Password(password("one")))).await;
    assert_eq!(
        bench.local(create("alice", FirstKeys::None)).await.unwrap_err(),
        AdminRefusal::Exists("alice@R".into())
    );
    bench.done(alias("al", "alice")).await;
    bench.done(alias("ally", "al")).await;
    assert_eq!(bench.names().await, ["al@R", "alice@R", "ally@R"]);
    let view = bench.get("ally").await.unwrap();
    assert_eq!((view.record.principal.clone(), &*view.record.modified_by), (name("alice"), "root/admin@R"));
    assert!(view.record.attributes.contains(Attributes::DISALLOW_SERVER));
    bench.done(Operation::DeletePrincipal(name("ally"))).await;
    assert_eq!(bench.names().await, ["al@R", "alice@R"], "an alias goes alone");
    bench.done(Operation::DeletePrincipal(name("alice"))).await;
    assert!(bench.names().await.is_empty());
    let unknown = bench.local(Operation::DeletePrincipal(name("alice"))).await.unwrap_err();
    assert_eq!(unknown, AdminRefusal::UnknownPrincipal("alice@R".into()));
}

#[tokio::test]
async fn a_renamed_principal_keeps_its_keys_salts_and_aliases() {
    let bench = bench().await;
    bench.done(create("alice", FirstKeys::Password(password("one")))).await;
    bench.done(alias("al", "alice")).await;
    let Some(Record::Principal(before)) = bench.read("alice").await else { panic!("no principal") };
    bench.done(create("bob", FirstKeys::None)).await;
    assert_eq!(bench.local(rename("alice", "bob")).await.unwrap_err(), AdminRefusal::Exists("bob@R".into()));
    bench.done(rename("alice", "carol")).await;
    assert_eq!(bench.names().await, ["al@R", "bob@R", "carol@R"]);
    let Some(Record::Principal(after)) = bench.read("carol").await else { panic!("no principal") };
    assert_eq!((&after.keys, &after.strings), (&before.keys, &before.strings), "and no mark is left");
    assert_eq!(after.keys.versions[0].keys[0].salt.as_deref(), Some("Ralice"), "so the password stays good");
    assert_eq!(bench.get("al").await.unwrap().record.principal, name("carol"));
}

/// A store that counts how often all of it is listed.
struct Listed {
    store: MemoryStore,
    listings: AtomicUsize,
}

#[async_trait::async_trait]
impl PrincipalStore for Listed {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        self.store.read(name).await
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        self.store.put(record, expect).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.store.delete(name, expect).await
    }

    async fn list(&self) -> Result<crate::principal_store::Listing, StoreError> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        self.store.list().await
    }

    async fn aliases(&self, target: &Principal) -> Result<Vec<Principal>, StoreError> {
        self.store.aliases(target).await
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn crate::principal_store::Watch>, StoreError> {
        self.store.watch(since).await
    }
}

#[tokio::test]
async fn who_deletes_or_renames_a_principal_reads_its_aliases_and_nothing_else() {
    let store = Arc::new(Listed { store: MemoryStore::new(), listings: AtomicUsize::new(0) });
    let admin = Administration::new(store.clone(), realm());
    for operation in [
        create("alice", FirstKeys::Random),
        alias("al", "alice"),
        rename("alice", "bob"),
        alias("b", "al"),
        Operation::DeletePrincipal(name("bob")),
    ] {
        admin.perform(&Caller::Local, operation, at(100)).await.unwrap();
    }
    assert_eq!(store.listings.load(Ordering::Relaxed), 0);
    assert!(store.store.list().await.unwrap().records.is_empty(), "with its aliases");
}

/// A store whose writes fail after some number of them, as where the process is killed.
struct Dying {
    store: Arc<MemoryStore>,
    left: Mutex<usize>,
}

impl Dying {
    fn step(&self) -> Result<(), StoreError> {
        let mut left = self.left.lock().unwrap();
        *left = left.checked_sub(1).ok_or(StoreError::Closed)?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl PrincipalStore for Dying {
    async fn read(&self, name: &Principal) -> Result<Option<VersionedRecord>, StoreError> {
        self.store.read(name).await
    }

    async fn put(&self, record: &Record, expect: Expect) -> Result<Revision, StoreError> {
        self.step()?;
        self.store.put(record, expect).await
    }

    async fn delete(&self, name: &Principal, expect: Revision) -> Result<Revision, StoreError> {
        self.step()?;
        self.store.delete(name, expect).await
    }

    async fn list(&self) -> Result<crate::principal_store::Listing, StoreError> {
        self.store.list().await
    }

    async fn watch(&self, since: Revision) -> Result<Box<dyn crate::principal_store::Watch>, StoreError> {
        self.store.watch(since).await
    }
}

#[tokio::test]
async fn a_renaming_that_is_cut_off_anywhere_leaves_a_name_that_works_and_is_finished_at_the_next_start() {
    for writes in 0..=4 {
        let store = Arc::new(MemoryStore::new());
        let whole = Administration::new(store.clone(), realm());
        for operation in [create("alice", FirstKeys::Password(password("one"))), alias("al", "alice")] {
            whole.perform(&Caller::Local, operation, at(100)).await.unwrap();
        }
        let keys = |record: Option<VersionedRecord>| match record.map(|found| found.record) {
            Some(Record::Principal(record)) => Some(record.keys),
            _ => None,
        };
        let before = keys(store.read(&name("alice")).await.unwrap());
        let dying = Dying { store: store.clone(), left: Mutex::new(writes) };
        let cut = Administration::new(Arc::new(dying), realm());
        let cut = cut.perform(&Caller::Local, rename("alice", "bob"), at(200)).await;
        assert_eq!(cut.is_ok(), writes == 4, "four writes");
        let (old, new) = (store.read(&name("alice")).await.unwrap(), store.read(&name("bob")).await.unwrap());
        assert!([keys(old), keys(new)].contains(&before), "after {writes} writes one of the names works");
        whole.finish_renamings(at(300)).await.unwrap();
        let bench = |text: &'static str| whole.perform(&Caller::Local, Operation::GetPrincipal(name(text)), at(300));
        let expected = if writes == 0 { "alice" } else { "bob" };
        for text in [expected, "al"] {
            let Answer::Principal(view) = bench(text).await.unwrap() else { panic!("no principal") };
            assert_eq!(view.record.principal, name(expected), "after {writes} writes");
        }
        assert_eq!(keys(store.read(&name(expected)).await.unwrap()), before);
        let listed = whole.perform(&Caller::Local, Operation::ListPrincipals(None), at(300)).await.unwrap();
        let Answer::Names(names) = listed else { panic!("no names") };
        assert_eq!(names, ["al@R".to_owned(), format!("{expected}@R")], "after {writes} writes");
        let Some(Record::Principal(end)) = store.read(&name(expected)).await.unwrap().map(|found| found.record) else {
            panic!("no principal")
        };
        assert!(end.strings.is_empty(), "no mark is left");
    }
}

#[tokio::test]
async fn what_the_cluster_owns_is_changed_only_by_force_and_the_message_names_the_object() {
    let bench = bench().await;
    bench.done(create("web.shop", FirstKeys::Random)).await;
    let found = bench.cache.read(&name("web.shop")).await.unwrap().unwrap();
    let Record::Principal(mut record) = found.record else { panic!("no principal") };
    (record.origin, record.namespace) = (Origin::Kubernetes, Some("shop".into()));
    bench.cache.put(&Record::Principal(record), Expect::Revision(found.revision)).await.unwrap();
    let locked = || PrincipalChanges { set: Attributes::LOCKED, ..PrincipalChanges::default() };
    for operation in [
        Operation::ModifyPrincipal(name("web.shop"), Box::new(locked())),
        Operation::DeletePrincipal(name("web.shop")),
        Operation::RandomizeKeys(name("web.shop"), KeyChange::default()),
        Operation::PurgeKeys(name("web.shop"), Purge::Old),
        cpw("web.shop", "x"),
        rename("web.shop", "other"),
        alias("other", "web.shop"),
    ] {
        let said = bench.local(operation).await.unwrap_err().to_string();
        assert!(said.contains("the ServiceAccount web in namespace shop"), "{said}");
    }
    let forced = Operation::ModifyPrincipal(name("web.shop"), Box::new(PrincipalChanges { force: true, ..locked() }));
    bench.done(forced).await;
    bench.admin.perform_forced(&Caller::Local, Operation::DeletePrincipal(name("web.shop")), at(1)).await.unwrap();
    assert!(bench.events.0.lock().unwrap().last().unwrap().forced);
}

#[tokio::test]
async fn policies_rule_passwords_and_are_not_deleted_while_principals_have_them() {
    let bench = bench().await;
    let rules = PasswordPolicy { min_length: 4, history: 2, ..PasswordPolicy::default() };
    bench.done(Operation::CreatePolicy("users".into(), Box::new(rules))).await;
    bench.done(create("alice", FirstKeys::Password(password("one")))).await;
    let named = PrincipalChanges { policy: Some(Some("users".into())), ..PrincipalChanges::default() };
    bench.done(Operation::ModifyPrincipal(name("alice"), Box::new(named))).await;
    assert_eq!(bench.local(cpw("alice", "two")).await.unwrap_err(), AdminRefusal::PasswordTooShort(4));
    bench.done(cpw("alice", "three")).await;
    assert_eq!(bench.local(cpw("alice", "three")).await.unwrap_err(), AdminRefusal::PasswordReused);
    bench.done(cpw("alice", "four")).await;
    assert_eq!(bench.local(cpw("alice", "three")).await.unwrap_err(), AdminRefusal::PasswordReused);
    let delete = || Operation::DeletePolicy("users".into());
    assert_eq!(bench.local(delete()).await.unwrap_err(), AdminRefusal::PolicyInUse("users".into()));
    let changes = PolicyChanges { min_length: Some(1), ..PolicyChanges::default() };
    bench.done(Operation::ModifyPolicy("users".into(), Box::new(changes))).await;
    bench.done(cpw("alice", "two")).await;
    let Answer::Policies(policies) = bench.local(Operation::ListPolicies(Some("u*".into()))).await.unwrap() else {
        panic!("no policies")
    };
    assert_eq!(policies, ["users"]);
    assert_eq!(bench.names().await, ["alice@R"], "policies are no principals");
    bench.done(Operation::DeletePrincipal(name("alice"))).await;
    bench.done(delete()).await;
    let unknown = bench.local(Operation::GetPolicy("users".into())).await.unwrap_err();
    assert_eq!(unknown, AdminRefusal::UnknownPolicy("users".into()));
}

#[tokio::test]
async fn keys_leave_to_whom_the_list_says_and_the_event_names_the_versions() {
    let bench = bench().await;
    bench.done(create("HTTP/web", FirstKeys::Random)).await;
    let extract = || Operation::ExtractKeys { name: name("HTTP/web"), kvno: None };
    let admin = by("alice/admin", false);
    bench.admin.set_access_list(AccessList::parse("*/admin *", "R").unwrap());
    let refused = bench.admin.perform(&admin, extract(), at(7)).await.unwrap_err();
    assert_eq!(refused.name(), "NotPermitted", "to extract keys is no part of *");
    bench.admin.set_access_list(AccessList::parse("*/admin *e", "R").unwrap());
    let Answer::Keys(keys) = bench.admin.perform(&admin, extract(), at(7)).await.unwrap() else { panic!("no keys") };
    let Some(Record::Principal(record)) = bench.read("HTTP/web").await else { panic!("no principal") };
    assert_eq!((&keys, record.unknown_holder), (&record.keys.versions, Some(at(7))), "unchanged");
    let events = bench.events.0.lock().unwrap();
    let of: Vec<_> = events.iter().map(|event| (event.operation, event.outcome(), event.kvnos.clone())).collect();
    assert_eq!(
        of,
        [("create-principal", "done", vec![]), ("extract-keys", "refused", vec![]), ("extract-keys", "done", vec![1]),]
    );
    assert_eq!((events[1].refusal, events[2].target.as_deref()), (Some("NotPermitted"), Some("HTTP/web@R")));
}

#[tokio::test]
async fn an_operation_that_an_event_of_another_kind_stands_for_leaves_none_of_its_own() {
    let bench = bench().await;
    bench.done(create("alice", FirstKeys::Random)).await;
    bench.admin.perform_unrecorded(&Caller::Local, cpw("alice", "two"), at(7)).await.unwrap();
    let of: Vec<_> = bench.events.0.lock().unwrap().iter().map(|event| event.operation).collect();
    assert_eq!(of, ["create-principal"]);
}

#[tokio::test]
async fn nobody_may_anything_without_a_list_but_for_himself() {
    let bench = bench().await;
    bench.done(create("bob", FirstKeys::Password(password("one")))).await;
    let perform = |operation, initial| {
        let bench = &bench;
        async move { bench.admin.perform(&by("bob", initial), operation, at(200)).await.map(|_| ()) }
    };
    assert_eq!(perform(cpw("bob", "two"), true).await, Ok(()));
    assert_eq!(perform(cpw("bob", "three"), false).await, Err(AdminRefusal::TicketNotSufficient));
    assert_eq!(perform(Operation::GetPrincipal(name("bob")), false).await, Ok(()));
    for operation in [Operation::ListPrincipals(None), Operation::GetPrincipal(name("alice")), cpw("alice", "x")] {
        assert_eq!(perform(operation, true).await.unwrap_err().name(), "NotPermitted", "and not whether she exists");
    }
}

#[tokio::test]
async fn a_restriction_of_the_list_is_imposed_on_what_is_made() {
    let bench = bench().await;
    bench.admin.set_access_list(AccessList::parse("sms a * -maxlife 9h -postdateable", "R").unwrap());
    bench.admin.perform(&by("sms", false), create("alice", FirstKeys::Random), at(1)).await.unwrap();
    let made = bench.get("alice").await.unwrap().record;
    assert_eq!((made.max_life, made.attributes), (Some(32_400), Attributes::DISALLOW_POSTDATED));
}

/// The next of some numbers that look random and are the same in each run.
fn next(state: &mut u64, below: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below
}

fn any_operation(state: &mut u64) -> Operation {
    const NAMES: [&str; 5] = ["a", "b", "HTTP/c", "d", "e"];
    let mut pick = || NAMES[next(state, 5) as usize];
    let (one, other) = (name(pick()), name(pick()));
    let keep_old = next(state, 2) == 0;
    let change = KeyChange { enctypes: None, keep_old };
    let key = |kvno| Operation::SetKeys {
        name: one.clone(),
        keys: vec![kennel_core::admin::operation::NewKey {
            key: Key::generate(Enctype::Aes128CtsHmacSha1, &mut OsRng),
            salt: None,
        }],
        kvno,
        keep_old,
    };
    match next(state, 11) {
        0 | 1 => create(&one.name.components.join("/"), FirstKeys::Random),
        2 => Operation::DeletePrincipal(one),
        3 => Operation::RenamePrincipal { from: one, to: other },
        4 | 5 => Operation::CreateAlias { alias: one, target: other },
        6 | 7 => Operation::RandomizeKeys(one, change),
        8 => key(Some(next(state, 20) as u32)),
        9 => Operation::PurgeKeys(one, [Purge::Old, Purge::Below(next(state, 9) as u32)][next(state, 2) as usize]),
        _ => {
            let kvno = Some(next(state, 30) as u32);
            Operation::ModifyPrincipal(one, Box::new(PrincipalChanges { kvno, ..PrincipalChanges::default() }))
        }
    }
}

#[tokio::test]
async fn whatever_is_done_versions_are_ordered_one_is_active_and_aliases_have_targets() {
    for seed in 0..40 {
        let bench = bench().await;
        let mut state = seed;
        for step in 0..120 {
            let operation = any_operation(&mut state);
            let said = format!("seed {seed}, step {step}: {operation:?}");
            let _ = bench.local(operation).await;
            let records: Vec<Record> =
                bench.cache.list().await.unwrap().records.into_iter().map(|found| found.record).collect();
            for record in &records {
                match record {
                    Record::Principal(record) => {
                        let versions = &record.keys.versions;
                        assert!(versions.is_sorted_by(|newer, older| newer.kvno > older.kvno), "{said}");
                        let active = versions.iter().filter(|version| version.state == KeyState::Active).count();
                        assert_eq!(active, usize::from(!versions.is_empty()), "{said}");
                        assert!(record.strings.is_empty(), "{said}");
                    }
                    Record::Alias { target, .. } => {
                        let is_target =
                            |found: &Record| matches!(found, Record::Principal(_)) && found.name() == target;
                        assert!(records.iter().any(is_target), "{said}");
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn of_many_that_change_one_principal_at_once_none_is_lost() {
    let bench = Arc::new(bench().await);
    bench.done(create("HTTP/web", FirstKeys::Random)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let bench = bench.clone();
        let change = KeyChange { enctypes: None, keep_old: true };
        tasks.spawn(async move { bench.local(Operation::RandomizeKeys(name("HTTP/web"), change)).await });
    }
    let mut kvnos = Vec::new();
    while let Some(end) = tasks.join_next().await {
        let Answer::Keys(keys) = end.unwrap().unwrap() else { panic!("no keys") };
        kvnos.push(keys[0].kvno);
    }
    kvnos.sort_unstable();
    assert_eq!(kvnos, [2, 3, 4, 5, 6, 7]);
}
