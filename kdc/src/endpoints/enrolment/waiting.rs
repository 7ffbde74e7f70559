//! Requests that wait until keys of their pod change. One task follows the store for all of them; a change wakes those that it
//! concerns, and each looks for itself whether an enrolment is due.

use kennel_audit::Metrics;
use kennel_core::pods::{PodRef, PodState, Pods};
use kennel_core::principal::{PrincipalRecord, Record};
use kennel_store::{Change, EntryCache, PrincipalStore, Revision, Watch};
use kennel_wire::message::{Principal, Timestamp};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// Interval at which requests of pods that are gone end.
const POD_CHECK: Duration = Duration::from_secs(10);
/// Pause before a store that did not answer is followed again.
const RETRY: Duration = Duration::from_secs(5);

/// The requests that wait, a bounded number: each occupies a connection. A pod has one of them; where all places are taken, the
/// namespace that has the most gives one up.
#[derive(Clone)]
pub(crate) struct WaitingRequests(Arc<Shared>);

struct Shared {
    places: usize,
    state: Mutex<State>,
    hasher: RandomState,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    /// By the order in which they came.
    waiters: HashMap<Number, Waiter>,
    by_pod: HashMap<String, Number>,
    /// Who waits for a principal, which its hash stands for. Two names of one hash wake each other in vain.
    by_principal: BTreeSet<(u64, Number)>,
    by_namespace: HashMap<String, usize>,
    next: Number,
    is_closed: bool,
}

type Number = u64;

struct Waiter {
    pod: PodRef,
    principals: Vec<u64>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Bell {
    rings: Notify,
    end: OnceLock<PlaceEnd>,
}

/// Why a request may not wait, or not any longer, although nothing is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlaceEnd {
    /// Others have the places.
    NoRoom,
    /// The process stops.
    Stopping,
}

/// The place of one request, until this value is dropped.
pub(super) struct WaitingPlace {
    shared: Arc<Shared>,
    number: Number,
    bell: Arc<Bell>,
}

impl WaitingRequests {
    /// Room for `places` requests.
    pub(crate) fn new(places: usize, metrics: Arc<Metrics>) -> WaitingRequests {
        let shared = Shared { places, state: Mutex::default(), hasher: RandomState::new(), metrics };
        WaitingRequests(Arc::new(shared))
    }

    /// Ends all requests, and lets no further ones wait: the process stops.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        state.waiters.values().for_each(|waiter| waiter.bell.end(PlaceEnd::Stopping));
    }

    /// The requests that wait.
    pub(super) fn number(&self) -> usize {
        self.0.lock().waiters.len()
    }

    /// Takes a place for a request of a pod that waits for changes of these principals. An earlier request of the pod ends.
    pub(super) fn enter<'a>(
        &self,
        pod: &PodRef,
        principals: impl Iterator<Item = &'a Principal>,
    ) -> Result<WaitingPlace, PlaceEnd> {
        let principals = principals.map(|name| self.0.hasher.hash_one(name)).collect();
        let mut state = self.0.lock();
        if state.is_closed {
            return Err(PlaceEnd::Stopping);
        }
        if let Some(earlier) = state.by_pod.get(&pod.uid).copied() {
            state.end(earlier);
        }
        if state.waiters.len() >= self.0.places && !state.make_room(&pod.namespace) {
            return Err(PlaceEnd::NoRoom);
        }
        let bell = Arc::new(Bell::default());
        let number = state.add(Waiter { pod: pod.clone(), principals, bell: bell.clone() });
        self.0.measure(&state);
        Ok(WaitingPlace { shared: self.0.clone(), number, bell })
    }

    /// Follows the store until it is closed, and wakes requests.
    pub(crate) async fn follow(self, store: Arc<EntryCache>, pods: impl Pods, krbtgt: Principal) {
        let mut revoked = None;
        loop {
            match store.watch(Revision(0)).await {
                Ok(mut watch) => {
                    // What has changed before the watch began.
                    self.0.wake_all();
                    if self.take(&mut *watch, &pods, &krbtgt, &mut revoked).await.is_none() {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "changes of keys cannot be followed: trying again"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Wakes by changes. Returns `None` once the store is closed.
    async fn take(
        &self,
        watch: &mut dyn Watch,
        pods: &impl Pods,
        krbtgt: &Principal,
        revoked: &mut Option<Timestamp>,
    ) -> Option<()> {
        let mut pod_check = interval(POD_CHECK);
        pod_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                change = watch.next() => match change? {
                    Change::Put(versioned) => match &versioned.record {
                        Record::Principal(record) if record.principal == *krbtgt => {
                            self.krbtgt_changed(record, revoked);
                        }
                        record => self.0.wake(record.name()),
                    },
                    Change::Deleted { name, .. } => self.0.wake(&name),
                    Change::Lagged => self.0.wake_all(),
                },
                _ = pod_check.tick() => self.end_gone(pods),
            }
        }
    }

    /// Every ticket is under the krbtgt's keys, but only their revocation ends tickets.
    fn krbtgt_changed(&self, record: &PrincipalRecord, revoked: &mut Option<Timestamp>) {
        if *revoked != record.revoked {
            *revoked = record.revoked;
            self.0.wake_all();
        }
    }

    /// Wakes the requests of pods that are gone, which then end.
    fn end_gone(&self, pods: &impl Pods) {
        let state = self.0.lock();
        let gone = state.waiters.values().filter(|waiter| pods.state(&waiter.pod) == PodState::Gone);
        gone.for_each(|waiter| waiter.bell.rings.notify_one());
    }
}

impl Shared {
    fn wake(&self, name: &Principal) {
        let (state, hash) = (self.lock(), self.hasher.hash_one(name));
        let numbers = state.by_principal.range((hash, Number::MIN)..=(hash, Number::MAX));
        let waiters = numbers.filter_map(|(_, number)| state.waiters.get(number));
        waiters.for_each(|waiter| waiter.bell.rings.notify_one());
    }

    fn wake_all(&self) {
        self.lock().waiters.values().for_each(|waiter| waiter.bell.rings.notify_one());
    }

    fn measure(&self, state: &State) {
        self.metrics.waiting_requests.set(i64::try_from(state.waiters.len()).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, waiter: Waiter) -> Number {
        let number = self.next;
        self.next += 1;
        self.by_principal.extend(waiter.principals.iter().map(|principal| (*principal, number)));
        self.by_pod.insert(waiter.pod.uid.clone(), number);
        *self.by_namespace.entry(waiter.pod.namespace.clone()).or_default() += 1;
        self.waiters.insert(number, waiter);
        number
    }

    fn remove(&mut self, number: Number) -> Option<Waiter> {
        let waiter = self.waiters.remove(&number)?;
        for principal in &waiter.principals {
            self.by_principal.remove(&(*principal, number));
        }
        self.by_pod.remove(&waiter.pod.uid);
        if let Some(of_namespace) = self.by_namespace.get_mut(&waiter.pod.namespace) {
            *of_namespace = of_namespace.saturating_sub(1);
            if *of_namespace == 0 {
                self.by_namespace.remove(&waiter.pod.namespace);
            }
        }
        Some(waiter)
    }

    /// Takes the place of a request.
    fn end(&mut self, number: Number) {
        self.remove(number).into_iter().for_each(|waiter| waiter.bell.end(PlaceEnd::NoRoom));
    }

    /// Takes the place of the oldest request of the namespace that has the most, unless the one that asks has as many.
    fn make_room(&mut self, asking: &str) -> bool {
        let own = self.by_namespace.get(asking).copied().unwrap_or(0);
        let most = self.by_namespace.iter().max_by_key(|(_, number)| **number);
        let Some((namespace, _)) = most.filter(|(_, number)| **number > own + 1) else { return false };
        let of_namespace = self.waiters.iter().filter(|(_, waiter)| waiter.pod.namespace == *namespace);
        let oldest = of_namespace.map(|(number, _)| *number).min();
        oldest.into_iter().for_each(|number| self.end(number));
        oldest.is_some()
    }
}

impl Bell {
    fn end(&self, end: PlaceEnd) {
        // The first reason counts.
        let _ = self.end.set(end);
        self.rings.notify_one();
    }
}

impl WaitingPlace {
    /// Completes at a change since the last call, or since the place was taken.
    pub(super) async fn woken(&self) {
        self.bell.rings.notified().await;
    }

    /// Why the request has to end, if it has to.
    pub(super) fn end(&self) -> Option<PlaceEnd> {
        self.bell.end.get().copied()
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // Nothing is left to remove where another request has the place.
        state.remove(self.number);
        self.shared.measure(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use kennel_core::key_set::KeySet;
    use kennel_core::principal::Origin;
    use kennel_store::{Expect, MemoryStore};

    fn pod(namespace: &str, uid: &str) -> PodRef {
        PodRef { namespace: namespace.into(), name: uid.into(), uid: uid.into() }
    }

    fn name(text: &str) -> Principal {
        Principal::parse(text, "R").unwrap()
    }

    fn requests(places: usize) -> WaitingRequests {
        WaitingRequests::new(places, Arc::new(Metrics::new()))
    }

    fn enter(requests: &WaitingRequests, namespace: &str, uid: &str, principals: &[&str]) -> Option<WaitingPlace> {
        let names: Vec<Principal> = principals.iter().map(|text| name(text)).collect();
        requests.enter(&pod(namespace, uid), names.iter()).ok()
    }

    fn is_woken(place: &WaitingPlace) -> bool {
        place.woken().now_or_never().is_some()
    }

    #[test]
    fn a_change_wakes_those_that_wait_for_the_principal_and_nobody_is_left_behind() {
        let requests = requests(10);
        let a = enter(&requests, "shop", "a", &["HTTP/a", "HTTP/both"]).unwrap();
        let b = enter(&requests, "shop", "b", &["HTTP/b", "HTTP/both"]).unwrap();
        requests.0.wake(&name("HTTP/a"));
        assert_eq!([&a, &b].map(is_woken), [true, false]);
        requests.0.wake(&name("HTTP/both"));
        requests.0.wake(&name("HTTP/other"));
        assert_eq!([&a, &b].map(is_woken), [true, true]);
        assert_eq!(requests.0.metrics.waiting_requests.get(), 2);
        drop((a, b));
        let state = requests.0.lock();
        assert!(state.waiters.is_empty() && state.by_principal.is_empty() && state.by_namespace.is_empty());
        assert_eq!(requests.0.metrics.waiting_requests.get(), 0);
    }

    #[test]
    fn a_pod_has_one_place_which_its_latest_request_takes() {
        let requests = requests(1);
        let first = enter(&requests, "shop", "a", &["HTTP/a"]).unwrap();
        let second = enter(&requests, "shop", "a", &["HTTP/a"]).unwrap();
        assert!(is_woken(&first));
        assert_eq!([&first, &second].map(WaitingPlace::end), [Some(PlaceEnd::NoRoom), None]);
        drop(first);
        requests.0.wake(&name("HTTP/a"));
        assert!(is_woken(&second), "the end of the first takes nothing from the second");
    }

    #[test]
    fn at_the_limit_the_namespace_with_the_most_requests_gives_one_up() {
        let requests = requests(4);
        let flood: Vec<_> = (0..4).map(|n| enter(&requests, "flood", &format!("f{n}"), &["HTTP/f"]).unwrap()).collect();
        assert_eq!(requests.enter(&pod("flood", "f9"), [].into_iter()).err(), Some(PlaceEnd::NoRoom));
        let good = enter(&requests, "good", "g0", &["HTTP/g"]).unwrap();
        let ends: Vec<_> = flood.iter().map(WaitingPlace::end).collect();
        assert_eq!(ends, [Some(PlaceEnd::NoRoom), None, None, None], "the oldest");
        let second = enter(&requests, "good", "g1", &["HTTP/g"]).unwrap();
        assert!(enter(&requests, "good", "g2", &["HTTP/g"]).is_none(), "both have two");
        assert_eq!([&good, &second].map(WaitingPlace::end), [None, None]);
        drop((flood, good, second));
        assert!(requests.0.lock().waiters.is_empty());
    }

    #[test]
    fn a_stop_ends_all_and_lets_nobody_wait_any_more() {
        let requests = requests(4);
        let place = enter(&requests, "shop", "a", &["HTTP/a"]).unwrap();
        requests.close();
        assert!(is_woken(&place));
        assert_eq!(place.end(), Some(PlaceEnd::Stopping));
        assert_eq!(requests.enter(&pod("shop", "b"), [].into_iter()).err(), Some(PlaceEnd::Stopping));
    }

    /// Every pod lives but these.
    #[derive(Clone, Default)]
    struct GonePods(Arc<Mutex<BTreeSet<String>>>);

    impl Pods for GonePods {
        fn state(&self, pod: &PodRef) -> PodState {
            if self.0.lock().unwrap().contains(&pod.uid) { PodState::Gone } else { PodState::Live }
        }
    }

    #[tokio::test]
    async fn the_store_wakes_by_name_a_revoked_krbtgt_wakes_all_and_a_pod_that_is_gone_is_woken() {
        let store = Arc::new(MemoryStore::new());
        let (gone, krbtgt) = (GonePods::default(), Principal::krbtgt("R", "R"));
        let record = |text: &str| {
            let now = Timestamp::default();
            PrincipalRecord::new(name(text), Origin::Manual, KeySet::default(), now, "test")
        };
        let put = async |record: PrincipalRecord| {
            let found = store.read(&record.principal).await.unwrap();
            let expect = found.map_or(Expect::Absent, |found| Expect::Revision(found.revision));
            store.put(&Record::Principal(Box::new(record)), expect).await.unwrap();
        };
        put(record("krbtgt/R")).await;
        let requests = requests(10);
        let cache = EntryCache::open(store.clone(), 10).await.unwrap();
        let follower = tokio::spawn(requests.clone().follow(cache, gone.clone(), krbtgt));
        let [a, b] = ["a", "b"].map(|uid| enter(&requests, "shop", uid, &[&format!("HTTP/{uid}")]).unwrap());
        let settled = async || {
            tokio::time::sleep(Duration::from_millis(100)).await;
            [is_woken(&a), is_woken(&b)]
        };
        settled().await;
        put(record("HTTP/a")).await;
        assert_eq!(settled().await, [true, false]);
        put(record("krbtgt/R")).await;
        assert_eq!(settled().await, [false, false], "a rotation of the krbtgt ends no ticket");
        put(PrincipalRecord { revoked: Some(Timestamp::default()), ..record("krbtgt/R") }).await;
        assert_eq!(settled().await, [true, true]);
        gone.0.lock().unwrap().insert("b".into());
        requests.end_gone(&gone);
        assert_eq!(settled().await, [false, true]);
        follower.abort();
    }
}
