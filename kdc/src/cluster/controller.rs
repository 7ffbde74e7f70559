//! The loop: watches in, names to settle out. Nothing is settled before every kind was listed: what is missing until then
//! may only not be known yet. While the API server is away, all stays as it is.

use super::publish::Publisher;
use super::settle::{State, settle};
use super::work::{Name, Work};
use crate::clock;
use crate::live::Live;
use crate::metrics::Metrics;
use futures_util::stream::{FuturesUnordered, StreamExt};
use kennel_core::principal::{Origin, Record};
use kennel_k8s::apply::Applier;
use kennel_k8s::index::IndexChanges;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::watch::{WatchReport, watch_cluster};
use kennel_store::PrincipalStore;
use kennel_wire::message::KerberosTime;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names that are settled at a time: writes of that many are made durable together.
const AT_A_TIME: usize = 64;
/// Events that are taken in at a time.
const EVENTS: usize = 1024;
/// After so long everything is looked at again, whatever was missed.
const RESYNC: Duration = Duration::from_secs(600);
/// How often it is looked at which watches work again.
const LOOK: Duration = Duration::from_secs(10);
/// A watch that did not fail for so long works: pauses between its tries grow to less than that.
const SILENT: Duration = Duration::from_secs(90);
/// After so long a name that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How far each name is.
#[derive(Debug, Clone, Default)]
pub(super) struct States(Arc<Mutex<BTreeMap<Name, State>>>);

impl States {
    pub(super) fn of(&self, name: &Name) -> Option<State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    /// How many names cannot be had.
    fn refused(&self) -> usize {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.values().filter(|state| matches!(state, State::Refused(_) | State::Failed)).count()
    }

    /// Keeps a state; gives whether it is another one.
    fn keep(&self, name: &Name, state: State) -> bool {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            State::Gone => states.remove(name).is_some(),
            _ => states.insert(name.clone(), state) != Some(state),
        }
    }
}

/// Puts into the store what the cluster asks for.
pub(crate) struct Controller {
    client: kube::Client,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    live: Arc<Live>,
    states: States,
    publisher: Arc<Publisher>,
    /// The cluster was listed.
    synced: bool,
    /// Nothing was left to do at some time since then.
    settled: bool,
    /// Kinds whose watch does not work, and when it failed last.
    broken: BTreeMap<&'static str, Instant>,
    metrics: Arc<Metrics>,
    /// States changed since they were counted.
    recount: bool,
}

impl Controller {
    pub(crate) fn new(
        client: kube::Client,
        applier: Applier,
        index: SharedIndex,
        store: Arc<dyn PrincipalStore>,
        live: Arc<Live>,
        published: super::Published,
        metrics: Arc<Metrics>,
    ) -> Controller {
        let states = States::default();
        let publisher = Publisher::new(applier, index.clone(), store.clone(), states.clone(), published);
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
            recount: false,
        }
    }

    /// Runs without end; to be aborted at a stop. Writes that have begun are whole or not there.
    pub(crate) async fn run(mut self) {
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
                under_way.push(settle_owned(name, self.index.clone(), self.store.clone(), self.live.clone()));
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
        let now = clock::now().time.0;
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

    /// A watch that works and has nothing to tell says nothing; one that does not fails again and again.
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
            State::Waiting(then) => work.add_at(instant_of(then), name.clone()),
            State::Failed => work.add_at(Instant::now() + RETRY, name.clone()),
            State::Made(_) | State::Gone | State::Refused(_) => {}
        }
        if self.states.keep(name, state) {
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

    /// Every name that is wanted, and every name of the store that the cluster once asked for.
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

    /// Nothing is left to do.
    fn say_settled(&mut self, begun: Instant) {
        if std::mem::take(&mut self.recount) {
            self.metrics.refused_names.set(count(self.states.refused()));
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

async fn settle_owned(
    name: Name,
    index: SharedIndex,
    store: Arc<dyn PrincipalStore>,
    live: Arc<Live>,
) -> (Name, State) {
    let state = settle(&name, &index, &*store, &live).await;
    (name, state)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// When the system's clock will be there. A time that is far is looked at again at each resync: a limit loses nothing.
fn instant_of(then: KerberosTime) -> Instant {
    let now = clock::now();
    let micros = then.0.saturating_sub(now.time.0).saturating_mul(1_000_000).saturating_sub(now.micros.into());
    Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(RESYNC * 2)
}
