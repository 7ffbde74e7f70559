//! The loop that performs what is due. It asks for a schedule again after each write, so that any end of the process between two
//! steps is as good as a pause.

use crate::rotation::book::RotationBook;
use crate::rotation::keys::{StepEnd, perform};
use crate::rotation::policy::RotationPolicies;
use futures_util::stream::{FuturesUnordered, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota};
use kennel_audit::{Audit, Metrics};
use kennel_core::realm::Realm;
use kennel_core::rotation::clock::{Moment, SteadyClock};
use kennel_core::rotation::event::RotationEvent;
use kennel_store::{PrincipalStore, StoreError};
use kennel_wire::message::{Clock, KerberosTime, Principal, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps that are under way at a time: the store syncs that many writes together.
const AT_A_TIME: usize = 16;
/// Steps a second. Each is a write of the store, an audit line, and a status in the cluster; logins go on beside them.
const RATE: u32 = 200;
/// Principals that are looked at between two pauses for others.
const LOOKS: usize = 256;
/// Longest pause of the loop.
const PAUSE: Duration = Duration::from_secs(2);
/// Seconds after which a step that failed is tried again.
const RETRY: i64 = 2;
/// Seconds by which the clock of the day may differ from the passage of time between two rounds; beyond that, somebody has set
/// the clock, and every schedule is asked for again.
const CLOCK_STEP: u64 = 2;

/// The parts of the loop.
pub struct RotatorParts {
    /// The store, as the process may write it.
    pub store: Arc<dyn PrincipalStore>,
    /// Facts and holders, which another task keeps up to date.
    pub book: Arc<RotationBook>,
    /// The policies.
    pub policies: RotationPolicies,
    /// Whether the process may write now; where not, nothing is tried.
    pub may_write: Box<dyn Fn() -> bool + Send + Sync>,
    /// Receives the principals whose progress has changed.
    pub report: Box<dyn Fn(&Principal) + Send + Sync>,
    /// The trail of steps.
    pub audit: Audit,
    /// The metrics whose gauges the loop sets.
    pub metrics: Arc<Metrics>,
    /// The system's clock.
    pub clock: Clock,
    /// The time since boot, which nobody can set.
    pub since_boot: fn() -> Duration,
}

/// Rotates the keys of a realm.
pub struct Rotator {
    parts: RotatorParts,
    /// Principals whose step waits or is under way, and whether they are to be looked at again afterwards.
    busy: HashMap<Arc<Principal>, bool>,
    queue: VecDeque<Arc<Principal>>,
    pace: DefaultDirectRateLimiter,
    /// The realm in the last round.
    realm: Arc<Realm>,
    /// Compares both clocks.
    steady: SteadyClock,
    /// The clock of the day less the time since boot in the last round, seconds.
    offset: i64,
    /// When namespaces were looked at last.
    namespaces: Instant,
}

type StepResult = (Arc<Principal>, Result<StepEnd, StoreError>);

impl Rotator {
    /// Creates a loop, which writes nothing before [`Rotator::run`].
    #[must_use]
    pub fn new(parts: RotatorParts) -> Rotator {
        let pace =
            DefaultDirectRateLimiter::direct(Quota::per_second(NonZeroU32::new(RATE).unwrap_or(NonZeroU32::MIN)));
        let (now, since_boot) = ((parts.clock)(), (parts.since_boot)());
        let (realm, steady) = (parts.policies.realm(), SteadyClock::new(now, since_boot));
        let offset = offset(now, since_boot);
        Rotator {
            parts,
            busy: HashMap::new(),
            queue: VecDeque::new(),
            pace,
            realm,
            steady,
            offset,
            namespaces: Instant::now(),
        }
    }

    /// Runs without end. The caller aborts the task at a stop, which is safe at any point.
    pub async fn run(mut self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let is_at_work = self.parts.policies.are_known() && (self.parts.may_write)();
            if is_at_work {
                self.look().await;
                while under_way.len() < AT_A_TIME
                    && !self.queue.is_empty()
                    && self.pace.check().is_ok()
                    && let Some(name) = self.queue.pop_front()
                {
                    under_way.push(self.step(name));
                }
            }
            self.count();
            let pause = if is_at_work { self.pause() } else { PAUSE };
            tokio::select! {
                Some(end) = under_way.next(), if !under_way.is_empty() => self.take_note(end),
                () = self.parts.book.changed(), if is_at_work => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Looks at every principal that is due.
    async fn look(&mut self) {
        self.follow_changes();
        loop {
            let (moment, wall) = (self.moment(), (self.parts.clock)().time);
            let due = self.parts.book.take_due(wall, LOOKS);
            if due.is_empty() {
                return;
            }
            for name in due {
                self.look_at(name, moment);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Makes due whatever a changed policy, or a clock that was set, may concern.
    fn follow_changes(&mut self) {
        let (book, policies) = (&self.parts.book, &self.parts.policies);
        let (realm, offset) = (policies.realm(), offset((self.parts.clock)(), (self.parts.since_boot)()));
        let is_other = !Arc::ptr_eq(&realm, &self.realm) || offset.abs_diff(self.offset) >= CLOCK_STEP;
        if is_other {
            (self.realm, self.offset) = (realm, offset);
            book.touch_all();
        }
        // Each step changes a status, and so an object of its namespace, whose principals are looked at together.
        if self.namespaces.elapsed() < PAUSE {
            return;
        }
        self.namespaces = Instant::now();
        let namespaces = book.take_namespaces();
        policies.principals_of(namespaces).iter().for_each(|name| book.touch(name));
    }

    fn look_at(&mut self, name: Arc<Principal>, now: Moment) {
        if let Some(again) = self.busy.get_mut(&name) {
            *again = true;
            return;
        }
        let RotatorParts { book, policies, report, .. } = &self.parts;
        let Some(rotatable) = book.rotatable(&name) else { return };
        let look = book.look(&name, policies.find(&name, rotatable), &self.realm, now);
        if look.news {
            report(&name);
        }
        if look.step {
            self.busy.insert(name.clone(), false);
            self.queue.push_back(name);
        }
    }

    /// Returns a future that performs a step and borrows nothing from the loop.
    fn step(&mut self, name: Arc<Principal>) -> impl Future<Output = StepResult> + use<> {
        let now = self.moment();
        let RotatorParts { store, book, policies, audit, clock, .. } = &self.parts;
        let (store, book, policies) = (store.clone(), book.clone(), policies.clone());
        let (audit, time) = (audit.clone(), clock());
        async move {
            let end = perform(&name, &*store, &book, &policies, now).await;
            if let Ok(StepEnd::Done(action)) = &end {
                let principal = Some((*name).clone());
                audit.record_rotation(RotationEvent { time, principal, action: action.clone(), by: None });
            }
            (name, end)
        }
    }

    fn moment(&mut self) -> Moment {
        self.steady.observe((self.parts.clock)(), (self.parts.since_boot)())
    }

    fn take_note(&mut self, (name, end): StepResult) {
        let again = self.busy.remove(&name).unwrap_or_default();
        let retry = (self.parts.clock)().time.plus(RETRY);
        match end {
            // The change of the record makes the principal due; so does whatever changed meanwhile.
            Ok(StepEnd::Done(action)) => {
                tracing::debug!(principal = %name, action = action.name(), kvnos = ?action.kvnos(), "a step of a rotation");
            }
            Ok(StepEnd::NotDue) => {}
            Ok(StepEnd::BookIsLate) | Err(StoreError::Conflict) => self.parts.book.wake_at(&name, retry),
            Err(error) => {
                tracing::error!(principal = %name, %error, "a step of a rotation cannot be written: trying again");
                self.parts.book.wake_at(&name, retry);
            }
        }
        if again {
            self.parts.book.touch(&name);
        }
    }

    fn count(&self) {
        let counts = self.parts.book.counts();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.parts.metrics.rotations_under_way.set(count(counts.under_way));
        self.parts.metrics.rotation_stalled.set(count(counts.stalled));
    }

    /// The longest time for which nothing is due: wakes are looked at by the clock of the day, which may be set.
    fn pause(&self) -> Duration {
        if !self.queue.is_empty() {
            return Duration::from_secs(1) / RATE;
        }
        let now = (self.parts.clock)();
        let until = |when: KerberosTime| {
            let micros = when.0.saturating_sub(now.time.0).saturating_mul(1_000_000).saturating_sub(now.micros.into());
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        };
        self.parts.book.next_wake().map_or(PAUSE, |when| until(when).min(PAUSE))
    }
}

fn offset(wall: Timestamp, since_boot: Duration) -> i64 {
    wall.time.0.saturating_sub(i64::try_from(since_boot.as_secs()).unwrap_or(i64::MAX))
}
