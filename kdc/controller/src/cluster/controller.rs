//! The controller's loop: takes events of the watches in and settles the names that they change. The loop settles nothing before
//! every kind of object has been listed, since an object that is missing until then may only be unknown. While the API server
//! cannot be reached, the store stays as it is.

use crate::access::drift::DriftEvents;
use crate::access::inbox::AccessInbox;
use crate::access::programmer::{AccessParts, AccessProgrammer};
use crate::access::snapshot::Programmed;
use crate::access::surroundings::SurroundingsWatch;
use crate::access::would_deny::WouldDenyWatch;
use crate::cluster::leased_store::LeasedStore;
use crate::cluster::settle::settle;
use crate::cluster::work::Work;
use crate::live::Live;
use crate::publish::Publisher;
use crate::publish::config_map::Published;
use crate::rotation::book::RotationBook;
use crate::rotation::policy::RotationPolicies;
use crate::rotation::rollout::Rollouts;
use crate::rotation::rotator::{Rotator, RotatorParts};
use crate::rotation::sweep::HolderSweep;
use crate::state::{Name, State, States};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt};
use kennel_audit::{Audit, DecisionLog, Metrics};
use kennel_core::principal::{Origin, Record};
use kennel_k8s::apply::Applier;
use kennel_k8s::index::IndexChanges;
use kennel_k8s::index::surroundings::KdcPods;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::lease::HeldLease;
use kennel_k8s::watch::{WatchReport, watch_cluster};
use kennel_store::{Listing, PrincipalStore};
use kennel_wire::message::{Clock, KerberosTime, Principal, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

/// Names that are settled at a time: the store syncs that many writes together.
const AT_A_TIME: usize = 64;
/// Events that are applied at a time.
const EVENTS: usize = 1024;
/// Events that wait at most. A busy tenant's gather here while others are taken in, so that the next look takes all of them at once.
const WAITING_EVENTS: usize = 8 * EVENTS;
/// Interval of the full resync, which repairs whatever a lost event broke.
const RESYNC: Duration = Duration::from_secs(600);
/// Interval of the check for watches that work again.
const LOOK: Duration = Duration::from_secs(10);
/// Time without a failure after which a watch counts as working; pauses between its tries are shorter.
const SILENT: Duration = Duration::from_secs(90);
/// Pause before a name that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Writes the principals that the cluster asks for into the store.
pub struct Controller {
    client: kube::Client,
    /// The permission to write, which every writer asks before each write.
    held: HeldLease,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    live: Arc<Live>,
    states: States,
    publisher: Arc<Publisher>,
    published: Published,
    /// What the programming of accesses is told.
    accesses: Arc<AccessInbox>,
    /// What runs beside the loop, until it does.
    beside: Option<(AccessProgrammer, SurroundingsWatch, WouldDenyWatch, Rollouts)>,
    /// The keys of the realm, which the rotator reads.
    book: Arc<RotationBook>,
    audit: Audit,
    /// Held while the index is written: see [`AccessParts`].
    turn: Arc<Mutex<()>>,
    /// Whether every kind of object has been listed.
    synced: bool,
    /// Whether every name has been settled once since then.
    settled: bool,
    /// Kinds of objects whose watch is broken, with the time of the last failure.
    broken: BTreeMap<&'static str, Instant>,
    metrics: Arc<Metrics>,
    clock: Clock,
    since_boot: fn() -> Duration,
    /// Whether states have changed since refused names were counted.
    recount: bool,
}

/// The parts from which a controller is built.
pub struct ControllerParts {
    /// The client for watches.
    pub client: kube::Client,
    /// The realm's Lease, which this process holds.
    pub held: HeldLease,
    /// The writer to the cluster.
    pub applier: Applier,
    /// The cluster's objects as the watches deliver them; shared with the KDC and the enrolment API, which read the index.
    pub index: SharedIndex,
    /// The store of the principals.
    pub store: Arc<dyn PrincipalStore>,
    /// The current settings of the realm, which the controller takes from the KerberosRealm.
    pub live: Arc<Live>,
    /// What is programmed of accesses; shared with the enrolment API.
    pub programmed: Programmed,
    /// The KDC's own pods; `None` where the KDC is no pod of the cluster.
    pub kdc: Option<KdcPods>,
    /// The data of the ConfigMap in each enrolled namespace.
    pub published: Published,
    /// The keys of the realm, as another task follows them.
    pub book: Arc<RotationBook>,
    /// The decisions, of which statuses name those that Enforce would make otherwise.
    pub decisions: Arc<DecisionLog>,
    /// The trail of rotations.
    pub audit: Audit,
    /// The metrics whose cluster gauges the controller sets.
    pub metrics: Arc<Metrics>,
    /// The system's clock.
    pub clock: Clock,
    /// The time since boot, which nobody can set.
    pub since_boot: fn() -> Duration,
}

impl Controller {
    /// Creates a controller, which writes nothing before [`Controller::run`].
    #[must_use]
    pub fn new(parts: ControllerParts) -> Controller {
        let ControllerParts {
            client,
            held,
            applier,
            index,
            store,
            live,
            programmed,
            kdc,
            published,
            book,
            decisions,
            audit,
            metrics,
            clock,
            since_boot,
        } = parts;
        let store: Arc<dyn PrincipalStore> = Arc::new(LeasedStore::new(store, held.clone()));
        let states = States::default();
        let (policies, drift_events) =
            (applier.policies.clone(), DriftEvents::new(applier.events.clone(), index.clone()));
        let rollouts = Rollouts {
            realm: live.name().into(),
            held: held.clone(),
            index: index.clone(),
            book: book.clone(),
            workloads: applier.workloads.clone(),
            events: applier.events.clone(),
            clock,
        };
        let publisher = Arc::new(Publisher::new(
            applier,
            index.clone(),
            store.clone(),
            states.clone(),
            programmed.clone(),
            published.clone(),
            book.clone(),
            clock,
        ));
        let (accesses, turn) = (Arc::new(AccessInbox::default()), Arc::default());
        let programmer = AccessProgrammer::new(AccessParts {
            index: index.clone(),
            live: live.clone(),
            held: held.clone(),
            policies,
            drift_events,
            inbox: accesses.clone(),
            turn: Arc::clone(&turn),
            programmed: programmed.clone(),
            publisher: publisher.clone(),
            metrics: metrics.clone(),
            clock,
        });
        let surroundings = SurroundingsWatch {
            client: client.clone(),
            kdc,
            index: index.clone(),
            inbox: accesses.clone(),
            turn: Arc::clone(&turn),
            publisher: publisher.clone(),
            programmed: programmed.clone(),
        };
        let would_deny = WouldDenyWatch {
            decisions,
            index: index.clone(),
            live: live.clone(),
            programmed,
            publisher: publisher.clone(),
            clock,
        };
        Controller {
            client,
            held,
            index,
            store,
            live,
            states,
            publisher,
            published,
            accesses,
            beside: Some((programmer, surroundings, would_deny, rollouts)),
            book,
            audit,
            turn,
            synced: false,
            settled: false,
            broken: BTreeMap::new(),
            metrics,
            clock,
            since_boot,
            recount: false,
        }
    }

    /// Runs without end. The caller aborts the task at a stop, which is safe at any point: each write of the store is atomic.
    pub async fn run(mut self) {
        self.know_records().await;
        // Ends with this future: nothing is published or programmed after a stop, or after the Lease was lost.
        let mut beside = JoinSet::new();
        beside.spawn(self.publisher.clone().run());
        let (sender, mut reports) = mpsc::channel(WAITING_EVENTS);
        if let Some((programmer, surroundings, would_deny, rollouts)) = self.beside.take() {
            beside.spawn(programmer.run());
            beside.spawn(would_deny.run());
            beside.spawn(rollouts.run());
            beside.spawn(surroundings.run(sender.clone()));
        }
        beside.spawn(self.rotator().run());
        beside.spawn(self.sweep().run());
        beside.spawn(receive(watch_cluster(&self.client), sender));
        let mut chunk = Vec::new();
        let mut work = Work::default();
        let mut under_way = FuturesUnordered::new();
        let mut resync = tokio::time::interval(RESYNC);
        let mut look = tokio::time::interval(LOOK);
        let begun = Instant::now();
        loop {
            // A process that is late waits, and looks again at least every 10 seconds.
            while under_way.len() < AT_A_TIME
                && self.held.check().is_ok()
                && let Some(name) = work.begin(Instant::now())
            {
                under_way.push(self.settle(name));
            }
            if self.synced && work.is_idle() {
                self.say_settled(begun);
            }
            if self.synced && self.index.read().has_new_room() {
                self.take_in(Vec::new(), &mut work).await;
                continue;
            }
            let due = work.next_due().unwrap_or_else(|| Instant::now() + RESYNC);
            tokio::select! {
                1.. = reports.recv_many(&mut chunk, EVENTS) => self.take_in(std::mem::take(&mut chunk), &mut work).await,
                Some((name, state)) = under_way.next(), if !under_way.is_empty() => self.take_note(&name, state, &mut work),
                _ = resync.tick() => self.look_at_everything(&mut work).await,
                () = self.book.begun_anew() => self.look_at_everything(&mut work).await,
                _ = look.tick() => self.look_at_broken(),
                () = self.published.touched() => self.publish_everywhere(),
                () = tokio::time::sleep_until(due.into()) => {}
                else => break,
            }
        }
    }

    fn rotator(&self) -> Rotator {
        let (held, index, publisher) = (self.held.clone(), self.index.clone(), self.publisher.clone());
        let krbtgt = Principal::krbtgt(self.live.name(), self.live.name());
        Rotator::new(RotatorParts {
            store: self.store.clone(),
            book: self.book.clone(),
            policies: RotationPolicies::new(self.live.clone(), Some(self.index.clone())),
            may_write: Box::new(move || held.check().is_ok()),
            report: Box::new(move |name| {
                let namespace = index.read().wanted_by(name).map(str::to_owned);
                publisher.touch(namespace, *name == krbtgt);
            }),
            audit: self.audit.clone(),
            metrics: self.metrics.clone(),
            clock: self.clock,
            since_boot: self.since_boot,
        })
    }

    fn sweep(&self) -> HolderSweep {
        let (client, index, book) = (self.client.clone(), self.index.clone(), self.book.clone());
        HolderSweep { client, index, book, store: self.store.clone() }
    }

    async fn take_in(&mut self, chunk: Vec<WatchReport>, work: &mut Work) {
        let mut events = Vec::with_capacity(chunk.len());
        let now = (self.clock)().time.0;
        for report in chunk {
            match report {
                WatchReport::Event { kind, works, event } => {
                    events.push(*event);
                    if works {
                        self.say_mended(kind);
                        self.metrics.last_event.set(now);
                    }
                }
                WatchReport::Broken { kind, error } => self.say_broken(kind, &error),
            }
        }
        self.index.new_pods(&events).into_iter().for_each(|created| self.metrics.observe_pod(created, now));
        let settled = {
            let _turn = self.turn.lock().await;
            self.index.update(events)
        };
        let Some(settled) = settled else { return };
        self.follow(&settled);
        work_of(settled, work);
        if !std::mem::replace(&mut self.synced, true) {
            self.metrics.cluster_synced.set(1);
            self.look_at_everything(work).await;
        }
    }

    /// Gives the index the records that the store holds, which count to the budgets of namespaces. Ends once it could.
    async fn know_records(&self) {
        loop {
            match self.store.list().await {
                Ok(listing) => return self.index.records_exist(cluster_records(&listing)),
                Err(error) => tracing::error!(%error, "the store cannot be listed: trying again"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Returns a future that settles a name and borrows nothing from the loop.
    fn settle(&self, name: Name) -> impl Future<Output = (Name, State)> + use<> {
        let (index, store, live, clock) = (self.index.clone(), self.store.clone(), self.live.clone(), self.clock);
        async move {
            let state = settle(&name, &index, &*store, &live, clock()).await;
            (name, state)
        }
    }

    /// Logs a broken watch once, not at every try.
    fn say_broken(&mut self, kind: &'static str, error: &str) {
        if self.broken.insert(kind, Instant::now()).is_none() {
            tracing::warn!(
                kind,
                error,
                "the cluster cannot be watched: the KDC continues with the objects that it knows"
            );
        }
        self.metrics.watches_broken.set(count(self.broken.len()));
    }

    fn say_mended(&mut self, kind: &'static str) {
        if self.broken.remove(kind).is_some() {
            tracing::info!(kind, "the cluster can be watched again");
            self.metrics.watches_broken.set(count(self.broken.len()));
        }
    }

    /// Ends the breaks of watches that no longer fail. A working watch without events is silent, a broken one fails repeatedly.
    fn look_at_broken(&mut self) {
        let silent = self.broken.iter().filter(|(_, failed)| failed.elapsed() > SILENT).map(|(kind, _)| *kind);
        silent.collect::<Vec<_>>().into_iter().for_each(|kind| self.say_mended(kind));
    }

    /// Has the ConfigMap of each namespace written, if its data has changed.
    fn publish_everywhere(&self) {
        self.publisher.touch(self.index.read().namespaces().map(|(name, _)| name), false);
    }

    fn follow(&self, settled: &IndexChanges) {
        if settled.realms {
            let index = self.index.read();
            self.live.follow(index.followed_realm().map(|realm| &realm.spec));
        }
        self.publisher.touch(&settled.namespaces, settled.realms);
        self.book.touch_namespaces(&settled.namespaces);
        self.accesses.note(settled);
        let index = self.index.read();
        self.metrics.principals.set(count(index.wanted().count()));
        self.metrics.namespaces.set(count(index.namespaces().filter(|(_, desire)| desire.enrolled).count()));
        self.metrics.quota_exceeded.set(count(index.namespaces().filter(|(_, desire)| desire.exceeds_quota).count()));
    }

    fn take_note(&mut self, name: &Name, state: State, work: &mut Work) {
        work.finished(name);
        if let Name::Principal(principal) = name {
            match state {
                State::Waiting(end) => self.index.record_ends(principal, end),
                State::Gone => self.index.record_deleted(principal),
                State::Made(_) | State::Refused(_) | State::Failed => {}
            }
        }
        match state {
            State::Waiting(then) => work.add_at(instant_of(then, (self.clock)()), name.clone()),
            State::Failed => work.add_at(Instant::now() + RETRY, name.clone()),
            State::Made(_) | State::Gone | State::Refused(_) => {}
        }
        if self.states.set(name, state) {
            self.recount = true;
            let index = self.index.read();
            let principal = match name {
                Name::Principal(principal) => Some(principal),
                Name::Alias(alias) => index.alias_target(alias),
            };
            let namespace = principal.and_then(|principal| index.wanted_by(principal));
            self.publisher.touch(namespace, true);
        }
    }

    /// Makes due every name that is wanted, and every name of the store that the cluster once asked for.
    async fn look_at_everything(&self, work: &mut Work) {
        if !self.index.read().is_synced() {
            return;
        }
        match self.store.list().await {
            Ok(listing) => {
                self.index.records_exist(cluster_records(&listing));
                listing.records.iter().for_each(|versioned| match &versioned.record {
                    Record::Principal(record) if record.origin == Origin::Kubernetes => {
                        work.add(Name::Principal(record.principal.clone()));
                    }
                    Record::Alias { alias, origin: Origin::Kubernetes, .. } => work.add(Name::Alias(alias.clone())),
                    _ => {}
                });
            }
            Err(error) => tracing::error!(%error, "the store cannot be listed: trying again"),
        }
        self.publisher.forget();
        let index = self.index.read();
        index.wanted().for_each(|name| work.add(Name::Principal(name.clone())));
        index.wanted_aliases().for_each(|name| work.add(Name::Alias(name.clone())));
        self.publisher.touch(index.namespaces().map(|(name, _)| name), true);
    }

    /// Updates the gauge of refused names, and logs the first time that all names are settled. Called while no name is due.
    fn say_settled(&mut self, begun: Instant) {
        if std::mem::take(&mut self.recount) {
            self.metrics.refused_names.set(count(self.states.count_refused()));
            self.metrics.abandoned_principals.set(count(self.index.read().count_unclaimed()));
        }
        if !std::mem::replace(&mut self.settled, true) {
            let principals = self.index.read().wanted().count();
            let seconds = begun.elapsed().as_secs_f64();
            tracing::info!(principals, seconds, "the store holds what the cluster asks for");
        }
    }
}

/// The principals of a listing that the controller made, each with its namespace.
fn cluster_records(listing: &Listing) -> impl Iterator<Item = (&Principal, Option<&str>)> {
    listing.records.iter().filter_map(|versioned| match &versioned.record {
        Record::Principal(record) if record.origin == Origin::Kubernetes => {
            Some((&record.principal, record.namespace.as_deref()))
        }
        _ => None,
    })
}

fn work_of(settled: IndexChanges, work: &mut Work) {
    settled.principals.into_iter().for_each(|name| work.add(Name::Principal(name)));
    settled.aliases.into_iter().for_each(|name| work.add(Name::Alias(name)));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Converts a time of the system's clock to an instant, at most two resyncs ahead: each resync makes the name due anyway.
fn instant_of(then: KerberosTime, now: Timestamp) -> Instant {
    let micros = then.0.saturating_sub(now.time.0).saturating_mul(1_000_000).saturating_sub(now.micros.into());
    Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(RESYNC * 2)
}
/// Receives reports on a task of its own. A stream that is polled between two looks alone gives a few events each time: as many as its
/// connection has buffered.
async fn receive(mut reports: impl Stream<Item = WatchReport> + Unpin, sender: mpsc::Sender<WatchReport>) {
    while let Some(report) = reports.next().await {
        if sender.send(report).await.is_err() {
            return;
        }
    }
}
