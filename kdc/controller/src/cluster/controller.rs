//! The loop: watches in, names to settle out. It settles nothing before every kind was listed, since an object that is missing
//! until then may only not be known yet. While the API server is away, everything stays as it is.

use crate::cluster::settle::settle;
use crate::cluster::work::Work;
use crate::live::Live;
use crate::publish::Publisher;
use crate::publish::config_map::Published;
use crate::state::{Name, State, States};
use futures_util::stream::{FuturesUnordered, StreamExt};
use kennel_audit::Metrics;
use kennel_core::principal::{Origin, Record};
use kennel_k8s::apply::Applier;
use kennel_k8s::index::IndexChanges;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::watch::{WatchReport, watch_cluster};
use kennel_store::PrincipalStore;
use kennel_wire::message::{Clock, KerberosTime, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names that are settled at a time: the store makes that many writes durable together.
const AT_A_TIME: usize = 64;
/// Events that are applied at a time.
const EVENTS: usize = 1024;
/// Interval of the full resync, which repairs whatever a lost event broke.
const RESYNC: Duration = Duration::from_secs(600);
/// Interval of the check for watches that work again.
const LOOK: Duration = Duration::from_secs(10);
/// Time without a failure after which a watch counts as working; pauses between its tries are shorter.
const SILENT: Duration = Duration::from_secs(90);
/// Pause before a name that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Puts into the store what the cluster asks for.
pub struct Controller {
    client: kube::Client,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    live: Arc<Live>,
    states: States,
    publisher: Arc<Publisher>,
    /// Every kind of object was listed.
    synced: bool,
    /// Everything was settled once since then.
    settled: bool,
    /// Kinds whose watch is broken, with the time of the last failure.
    broken: BTreeMap<&'static str, Instant>,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// States have changed since the refused ones were counted.
    recount: bool,
}

/// What a controller works with.
pub struct ControllerParts {
    /// Watches the cluster.
    pub client: kube::Client,
    /// Writes to the cluster.
    pub applier: Applier,
    /// The cluster's objects as the watches deliver them; shared with those who read it.
    pub index: SharedIndex,
    /// Holds the principals.
    pub store: Arc<dyn PrincipalStore>,
    /// The realm as it is now: the controller makes it follow the KerberosRealm.
    pub live: Arc<Live>,
    /// The data of each enrolled namespace's ConfigMap.
    pub published: Published,
    /// Gauges of the cluster.
    pub metrics: Arc<Metrics>,
    /// The system's clock.
    pub clock: Clock,
}

impl Controller {
    /// A controller that writes nothing before [`Controller::run`].
    #[must_use]
    pub fn new(parts: ControllerParts) -> Controller {
        let ControllerParts { client, applier, index, store, live, published, metrics, clock } = parts;
        let states = States::default();
        let publisher = Publisher::new(applier, index.clone(), store.clone(), states.clone(), published, clock);
        Controller {
            client,
            index,
            store,
            live,
            states,
            publisher: Arc::new(publisher),
            synced: false,
            settled: false,
            broken: BTreeMap::new(),
            metrics,
            clock,
            recount: false,
        }
    }

    /// Runs without end; the caller aborts it at a stop. The store keeps a write that has begun whole or not at all.
    pub async fn run(mut self) {
        let publisher = tokio::spawn(self.publisher.clone().run());
        let mut said = watch_cluster(&self.client).ready_chunks(EVENTS);
        let mut work = Work::default();
        let mut under_way = FuturesUnordered::new();
        let mut resync = tokio::time::interval(RESYNC);
        let mut look = tokio::time::interval(LOOK);
        let begun = Instant::now();
        loop {
            while under_way.len() < AT_A_TIME
                && let Some(name) = work.begin(Instant::now())
            {
                under_way.push(self.settle(name));
            }
            if self.synced && work.is_idle() {
                self.say_settled(begun);
            }
            let due = work.next_due().unwrap_or_else(|| Instant::now() + RESYNC);
            tokio::select! {
                Some(chunk) = said.next() => self.take_in(chunk, &mut work).await,
                Some((name, state)) = under_way.next(), if !under_way.is_empty() => self.take_note(&name, state, &mut work),
                _ = resync.tick() => self.look_at_everything(&mut work).await,
                _ = look.tick() => self.look_at_broken(),
                () = tokio::time::sleep_until(due.into()) => {}
                else => break,
            }
        }
        publisher.abort();
    }

    async fn take_in(&mut self, chunk: Vec<WatchReport>, work: &mut Work) {
        let mut events = Vec::with_capacity(chunk.len());
        let now = (self.clock)().time.0;
        for said in chunk {
            match said {
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
        self.index.apply(events);
        if !self.index.read().is_synced() {
            return;
        }
        let settled = self.index.settle();
        self.follow(&settled);
        work_of(settled, work);
        if !std::mem::replace(&mut self.synced, true) {
            self.metrics.cluster_synced.set(1);
            self.look_at_everything(work).await;
        }
    }

    /// Settles a name on its own, apart from the loop's borrow.
    fn settle(&self, name: Name) -> impl Future<Output = (Name, State)> + use<> {
        let (index, store, live, clock) = (self.index.clone(), self.store.clone(), self.live.clone(), self.clock);
        async move {
            let state = settle(&name, &index, &*store, &live, clock()).await;
            (name, state)
        }
    }

    /// Once for each break, not for each try.
    fn say_broken(&mut self, kind: &'static str, error: &str) {
        if self.broken.insert(kind, Instant::now()).is_none() {
            tracing::warn!(kind, error, "the cluster cannot be watched; the KDC goes on with what it knows");
        }
        self.metrics.watches_broken.set(count(self.broken.len()));
    }

    fn say_mended(&mut self, kind: &'static str) {
        if self.broken.remove(kind).is_some() {
            tracing::info!(kind, "the cluster can be watched again");
            self.metrics.watches_broken.set(count(self.broken.len()));
        }
    }

    /// A watch that works and has no event is silent; a broken one fails again and again.
    fn look_at_broken(&mut self) {
        let silent = self.broken.iter().filter(|(_, failed)| failed.elapsed() > SILENT).map(|(kind, _)| *kind);
        silent.collect::<Vec<_>>().into_iter().for_each(|kind| self.say_mended(kind));
    }

    fn follow(&self, settled: &IndexChanges) {
        if settled.realms {
            let index = self.index.read();
            self.live.follow(index.followed_realm().map(|realm| &realm.spec));
        }
        self.publisher.touch(&settled.namespaces, settled.realms);
        let index = self.index.read();
        self.metrics.principals.set(count(index.wanted().count()));
        self.metrics.namespaces.set(count(index.namespaces().filter(|(_, desire)| desire.enrolled).count()));
    }

    fn take_note(&mut self, name: &Name, state: State, work: &mut Work) {
        work.finished(name);
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
            Ok(listing) => listing.records.iter().for_each(|versioned| match &versioned.record {
                Record::Principal(record) if record.origin == Origin::Kubernetes => {
                    work.add(Name::Principal(record.principal.clone()));
                }
                Record::Alias { alias, origin: Origin::Kubernetes, .. } => work.add(Name::Alias(alias.clone())),
                _ => {}
            }),
            Err(error) => tracing::error!(%error, "the store cannot be listed; it is tried again"),
        }
        self.publisher.forget();
        let index = self.index.read();
        index.wanted().for_each(|name| work.add(Name::Principal(name.clone())));
        index.wanted_aliases().for_each(|name| work.add(Name::Alias(name.clone())));
        self.publisher.touch(index.namespaces().map(|(name, _)| name), true);
    }

    /// Called when nothing is left to do.
    fn say_settled(&mut self, begun: Instant) {
        if std::mem::take(&mut self.recount) {
            self.metrics.refused_names.set(count(self.states.count_refused()));
        }
        if !std::mem::replace(&mut self.settled, true) {
            let principals = self.index.read().wanted().count();
            let seconds = begun.elapsed().as_secs_f64();
            tracing::info!(principals, seconds, "the store holds what the cluster asks for");
        }
    }
}

fn work_of(settled: IndexChanges, work: &mut Work) {
    settled.principals.into_iter().for_each(|name| work.add(Name::Principal(name)));
    settled.aliases.into_iter().for_each(|name| work.add(Name::Alias(name)));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The instant of a time of the system's clock. The limit loses nothing: each resync makes the name due anyway.
fn instant_of(then: KerberosTime, now: Timestamp) -> Instant {
    let micros = then.0.saturating_sub(now.time.0).saturating_mul(1_000_000).saturating_sub(now.micros.into());
    Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(RESYNC * 2)
}
