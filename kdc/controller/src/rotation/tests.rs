//! Rotations in a store, by a clock that the tests set.

use crate::live::Live;
use crate::rotation::book::RotationBook;
use crate::rotation::keys::{StepEnd, perform};
use crate::rotation::orders::{RotationOrder, order};
use crate::rotation::policy::RotationPolicies;
use crate::rotation::rotator::{Rotator, RotatorParts};
use kennel_audit::{Audit, AuditWriter, LineFormat, Metrics, SinkTarget, TrailSettings};
use kennel_core::access::AllowAll;
use kennel_core::key_set::{KeySet, KeyState};
use kennel_core::pods::{NoCluster, PodRef};
use kennel_core::principal::{Origin, PrincipalRecord, Record};
use kennel_core::realm::Realm;
use kennel_core::rotation::event::RotationAction;
use kennel_core::rotation::holder::{HeldKeys, HolderId, HolderRecord};
use kennel_core::rotation::policy::{MissingHolders, RotationPolicy};
use kennel_crypto::Enctype;
use kennel_store::{Expect, MemoryStore, PrincipalStore, Revision};
use kennel_wire::message::{KerberosTime, Principal, Timestamp};
use rand::rngs::OsRng;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const START: i64 = 1_800_000_000;
const INTERVAL: i64 = 1000;
const OVERLAP: i64 = 100;
const PROPAGATION: i64 = 10;
const PATIENCE: i64 = 200;
/// Life of a ticket, and the skew.
const ACCEPT: i64 = 60 + 300;

thread_local! {
    /// Seconds that have passed. Each test has a thread of its own.
    static PASSED: Cell<i64> = const { Cell::new(0) };
    /// Seconds by which the clock of the day was set forward.
    static SET: Cell<i64> = const { Cell::new(0) };
}

fn clock() -> Timestamp {
    Timestamp { time: KerberosTime(START + PASSED.get() + SET.get()), micros: 0 }
}

fn since_boot() -> Duration {
    Duration::from_secs(u64::try_from(PASSED.get()).unwrap())
}

fn realm() -> Realm {
    let seconds = |seconds: i64| u32::try_from(seconds).unwrap();
    let rotation = RotationPolicy {
        interval: Some(seconds(INTERVAL)),
        explicit: false,
        overlap: seconds(OVERLAP),
        propagation: seconds(PROPAGATION),
        patience: seconds(PATIENCE),
        missing: MissingHolders::Wait,
        accept: 0,
    };
    Realm {
        rotation,
        enctypes: vec![Enctype::Aes128CtsHmacSha1],
        max_life: 60,
        max_renewable_life: 0,
        ..Realm::new("R")
    }
}

fn name(text: &str) -> Principal {
    Principal::parse(text, "R").unwrap()
}

/// A store, and the process that rotates its keys.
struct World {
    store: Arc<MemoryStore>,
    live: Arc<Live>,
    process: Option<Process>,
    folder: tempfile::TempDir,
}

/// What a crash ends.
struct Process {
    book: Arc<RotationBook>,
    _tasks: JoinSet<()>,
    trail: AuditWriter,
}

impl World {
    async fn new(principals: &[(&str, Origin)]) -> World {
        World::with(realm(), principals).await
    }

    async fn with(realm: Realm, principals: &[(&str, Origin)]) -> World {
        let store = Arc::new(MemoryStore::new());
        for (text, origin) in principals {
            let keys = KeySet::random(&realm.enctypes, 1, clock(), &mut OsRng);
            let record = PrincipalRecord::new(name(text), *origin, keys, clock(), "test");
            store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.unwrap();
        }
        let live = Arc::new(Live::new(realm, Arc::new(AllowAll), Arc::new(NoCluster)));
        let mut world = World { store, live, process: None, folder: tempfile::tempdir().unwrap() };
        world.start();
        world
    }

    /// Starts the process, in place of the one that ran.
    fn start(&mut self) {
        self.crash();
        let sink = SinkTarget::File(self.folder.path().join("audit.log"));
        let settings = TrailSettings { sink, format: LineFormat::Json, noise_lines: 20 };
        let metrics = Arc::new(Metrics::new());
        let (audit, trail) = Audit::start(&settings, metrics.clone(), None, clock).unwrap();
        let book = Arc::new(RotationBook::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(book.clone().follow(self.store.clone()));
        let rotator = Rotator::new(RotatorParts {
            store: self.store.clone(),
            book: book.clone(),
            policies: RotationPolicies::new(self.live.clone(), None),
            may_write: Box::new(|| true),
            report: Box::new(|_| {}),
            audit,
            metrics,
            clock,
            since_boot,
        });
        tasks.spawn(rotator.run());
        self.process = Some(Process { book, _tasks: tasks, trail });
    }

    fn crash(&mut self) {
        if let Some(process) = self.process.take() {
            process.trail.stop();
        }
    }

    fn book(&self) -> &RotationBook {
        &self.process.as_ref().unwrap().book
    }

    /// Lets time pass.
    fn wait(&self, seconds: i64) {
        PASSED.set(PASSED.get() + seconds);
        if let Some(process) = &self.process {
            process.book.touch_all();
        }
    }

    /// The versions of a principal, once nothing changes any more.
    async fn versions(&self, text: &str) -> Vec<(u32, KeyState)> {
        self.settle().await;
        let record = self.record(text).await;
        record.keys.versions.iter().map(|version| (version.kvno, version.state)).collect()
    }

    /// Lets time pass until the next version is staged. Each principal has a moment of its own, near the end of the interval.
    async fn await_stage(&self, text: &str) {
        self.wait(INTERVAL * 7 / 8);
        for _ in 0..20 {
            if self.versions(text).await.iter().any(|(_, state)| *state == Staged) {
                return;
            }
            self.wait(20);
        }
        panic!("{text} does not rotate: {:?}", self.record(text).await.keys.versions);
    }

    async fn record(&self, text: &str) -> PrincipalRecord {
        match self.store.read(&name(text)).await.unwrap().unwrap().record {
            Record::Principal(record) => *record,
            other => panic!("{other:?}"),
        }
    }

    async fn revision(&self) -> Revision {
        self.store.list().await.unwrap().revision
    }

    /// Waits until the store has not changed for a moment.
    async fn settle(&self) {
        let mut last = (self.revision().await, 0);
        while last.1 < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = self.revision().await;
            last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        }
    }

    /// Writes what a pod has on disk.
    async fn holds(&self, uid: &str, principal: &str, kvnos: &[u32]) {
        let id = HolderId::Pod(PodRef { namespace: "shop".into(), name: format!("pod-{uid}"), uid: uid.into() });
        let held = vec![HeldKeys { principal: name(principal), kvnos: kvnos.to_vec() }];
        let record = HolderRecord::new(id, "R", held, clock());
        let found = self.store.read(&record.name).await.unwrap();
        let expect = found.map_or(Expect::Absent, |found| Expect::Revision(found.revision));
        self.store.put(&Record::Holder(Box::new(record)), expect).await.unwrap();
    }

    async fn gone(&self, uid: &str) {
        let holder = HolderRecord::name_of(uid, "R");
        let revision = self.store.read(&holder).await.unwrap().unwrap().revision;
        self.store.delete(&holder, revision).await.unwrap();
    }

    /// Orders a rotation, in a later second than that of the last key: an order asks for a key that is newer than itself.
    async fn order(&self, text: &str) {
        PASSED.set(PASSED.get() + 1);
        let realm = self.live.realm();
        order(&*self.store, &realm, &name(text), RotationOrder::Rotate, "alice", clock()).await.unwrap();
    }

    fn audit(&mut self) -> String {
        self.crash();
        std::fs::read_to_string(self.folder.path().join("audit.log")).unwrap()
    }
}

use KeyState::{Active, Retiring, Staged};

#[tokio::test]
async fn a_key_is_used_once_its_holder_has_it_and_the_one_before_goes_with_its_last_ticket() {
    let mut world = World::new(&[("web", Origin::Kubernetes)]).await;
    world.holds("a", "web", &[1]).await;
    assert_eq!(world.versions("web").await, [(1, Active)]);
    world.await_stage("web").await;
    assert_eq!(world.versions("web").await, [(2, Staged), (1, Active)]);
    world.wait(OVERLAP);
    assert_eq!(world.versions("web").await, [(2, Staged), (1, Active)], "the pod does not have it");
    world.holds("a", "web", &[2, 1]).await;
    assert_eq!(world.versions("web").await, [(2, Active), (1, Retiring)]);
    world.wait(ACCEPT + PROPAGATION - 1);
    assert_eq!(world.versions("web").await, [(2, Active), (1, Retiring)]);
    world.wait(1);
    assert_eq!(world.versions("web").await, [(2, Active)]);
    let audit = world.audit();
    let told: Vec<serde_json::Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        told.iter().map(|line| (line["outcome"].as_str().unwrap(), line["kvno"].as_u64().unwrap())).collect();
    assert_eq!(told, [("staged", 2), ("activated", 2), ("dropped", 1)]);
}

#[tokio::test]
async fn a_process_that_ends_after_each_write_makes_one_key_for_each_rotation() {
    let mut world = World::new(&[("web", Origin::Kubernetes), ("krbtgt/R", Origin::Manual)]).await;
    world.holds("a", "web", &[1]).await;
    for round in 1..=5 {
        world.order("web").await;
        world.order("krbtgt/R").await;
        for _ in 0..4 {
            // One write of each at most happens between two crashes.
            let before = world.revision().await;
            world.start();
            for _ in 0..200 {
                if world.revision().await != before {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            world.crash();
            world.wait(PROPAGATION);
            let have: Vec<u32> = world.record("web").await.keys.versions.iter().map(|version| version.kvno).collect();
            world.holds("a", "web", &have).await;
        }
        world.start();
        world.settle().await;
        let have: Vec<u32> = world.record("web").await.keys.versions.iter().map(|version| version.kvno).collect();
        world.holds("a", "web", &have).await;
        world.wait(PROPAGATION);
        world.settle().await;
        for text in ["web", "krbtgt/R"] {
            let record = world.record(text).await;
            assert_eq!(record.keys.active_version().unwrap().kvno, round + 1, "{text}");
            let newest = record.keys.versions.iter().map(|version| version.kvno).max();
            assert_eq!((record.rotation_ordered, newest), (None, Some(round + 1)), "{text}");
        }
    }
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let mut world = World::new(&[("web", Origin::Kubernetes), ("krbtgt/R", Origin::Manual)]).await;
    world.wait(INTERVAL / 2);
    world.holds("a", "web", &[1]).await;
    world.settle().await;
    let before = world.revision().await;
    let next = |world: &World| world.book().progress(&name("web")).unwrap().next;
    world.settle().await;
    let due = next(&world);
    for _ in 0..5 {
        world.start();
        world.settle().await;
        assert_eq!((world.revision().await, next(&world)), (before, due));
    }
}

#[tokio::test]
async fn what_an_administrator_made_rotates_when_somebody_asks_and_the_realm_s_krbtgt_by_itself() {
    let principals = [("HTTP/web", Origin::Manual), ("krbtgt/R", Origin::Manual), ("krbtgt/OTHER", Origin::Manual)];
    let world = World::new(&principals).await;
    world.await_stage("krbtgt/R").await;
    assert_eq!(world.versions("krbtgt/R").await, [(2, Staged), (1, Active)]);
    assert_eq!(world.versions("HTTP/web").await, [(1, Active)]);
    world.order("HTTP/web").await;
    world.order("krbtgt/OTHER").await;
    assert_eq!(world.versions("HTTP/web").await, [(2, Staged), (1, Active)]);
    world.wait(PROPAGATION);
    assert_eq!(world.versions("HTTP/web").await, [(2, Active), (1, Retiring)]);
    world.wait(10 * INTERVAL);
    assert_eq!(world.versions("HTTP/web").await, [(2, Active)]);
    assert_eq!(world.versions("krbtgt/OTHER").await, [(1, Active)]);
}

#[tokio::test]
async fn a_holder_that_does_not_come_stalls_a_rotation_until_it_does_or_is_gone() {
    let world = World::new(&[("web", Origin::Kubernetes)]).await;
    world.holds("a", "web", &[1]).await;
    world.holds("b", "web", &[]).await;
    world.order("web").await;
    world.settle().await;
    world.holds("a", "web", &[2, 1]).await;
    world.wait(PATIENCE - 1);
    world.settle().await;
    let counts = |world: &World| (world.book().counts().under_way, world.book().counts().stalled);
    assert_eq!(counts(&world), (1, 0));
    world.wait(1);
    world.settle().await;
    assert_eq!(counts(&world), (1, 1));
    let account = world.book().account_progress([&name("web")]);
    assert_eq!((account.holders, account.updated, account.kvno), (2, 1, Some(1)));
    let [(_, 2, missing)] = account.stalled.as_slice() else { panic!("{:?}", account.stalled) };
    assert_eq!(missing.iter().map(HolderId::uid).collect::<Vec<_>>(), ["b"]);
    world.gone("b").await;
    assert_eq!(world.versions("web").await, [(2, Active), (1, Retiring)]);
    assert_eq!(counts(&world), (0, 0));
}

#[tokio::test]
async fn a_policy_may_go_on_without_a_holder() {
    let mut realm = realm();
    realm.rotation.missing = MissingHolders::Proceed;
    let world = World::with(realm, &[("web", Origin::Kubernetes)]).await;
    world.holds("a", "web", &[1]).await;
    world.order("web").await;
    world.settle().await;
    world.wait(PATIENCE - 1);
    assert_eq!(world.versions("web").await, [(2, Staged), (1, Active)]);
    world.wait(1);
    assert_eq!(world.versions("web").await, [(2, Active), (1, Retiring)]);
}

#[tokio::test]
async fn nothing_is_decided_by_holders_that_are_older_than_the_record() {
    let world = World::new(&[("web", Origin::Kubernetes)]).await;
    world.order("web").await;
    world.settle().await;
    world.wait(PROPAGATION);
    let policies = RotationPolicies::new(world.live.clone(), None);
    let late = RotationBook::default();
    let end = perform(&name("web"), &*world.store, &late, &policies, clock().into()).await.unwrap();
    assert_eq!(end, StepEnd::BookIsLate);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_and_back_makes_no_key_more() {
    let world = World::new(&[("web", Origin::Kubernetes)]).await;
    world.settle().await;
    for set in [10 * INTERVAL, -10 * INTERVAL, 0] {
        SET.set(set);
        world.book().touch_all();
        world.settle().await;
    }
    assert_eq!(world.versions("web").await, [(1, Active)]);
}

#[tokio::test]
async fn versions_beyond_255_rotate_on() {
    let world = World::new(&[]).await;
    let keys = KeySet::random(&[Enctype::Aes128CtsHmacSha1], 255, clock(), &mut OsRng);
    let record = PrincipalRecord::new(name("web"), Origin::Kubernetes, keys, clock(), "test");
    world.store.put(&Record::Principal(Box::new(record)), Expect::Absent).await.unwrap();
    for kvno in 256..259 {
        world.order("web").await;
        world.settle().await;
        world.wait(PROPAGATION);
        world.settle().await;
        assert_eq!(world.record("web").await.keys.active_version().unwrap().kvno, kvno);
    }
}

#[tokio::test]
async fn a_step_is_told_once_however_many_look() {
    let mut world = World::new(&[("web", Origin::Kubernetes)]).await;
    world.order("web").await;
    for _ in 0..20 {
        world.book().touch_all();
        tokio::task::yield_now().await;
    }
    world.settle().await;
    let staged = RotationAction::Staged(2).name();
    assert_eq!(world.audit().matches(staged).count(), 1);
}
