//! The loop that programs accesses: renders what the index asks for, lets the KDC decide by it, writes NetworkPolicies, in the
//! order that is safe. A grant: its policies first, then the ticket. A revocation: the ticket first, then the policy. Nothing of it
//! is kept on disk: after a crash at any step, the next holder of the Lease renders the same, and finds by the watch what is
//! missing and what is left over.
//!
//! A grant whose policy has drifted keeps its tickets: the policy is put back within seconds, and an editor of one namespace must
//! not be able to take tickets from the callers of another.

use crate::access::contention::Contention;
use crate::access::drift::DriftEvents;
use crate::access::inbox::AccessInbox;
use crate::access::program::{Listing, News, Program, ProgramStep, Written};
use crate::access::snapshot::{AccessSnapshot, Programmed};
use crate::access::work::{PolicyJob, PolicyWork};
use crate::live::Live;
use crate::publish::Publisher;
use futures_util::stream::{FuturesUnordered, StreamExt};
use kennel_audit::Metrics;
use kennel_k8s::apply::policy::PolicyWriter;
use kennel_k8s::index::facts::PolicyFact;
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::labels::MANAGED_BY;
use kennel_k8s::lease::HeldLease;
use kennel_k8s::policy::kind::{PolicyKey, PolicyKind};
use kennel_k8s::policy::rendered::RenderedPolicy;
use kennel_k8s::render::access::rendered::Rendered;
use kennel_wire::message::{Clock, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};

/// Policies that are written at a time.
const AT_A_TIME: usize = 32;
/// Time during which changes gather before a step.
const GATHER: Duration = Duration::from_millis(20);
/// The same for the results of writes while others are due: each step looks at every policy.
const GATHER_WRITES: Duration = Duration::from_millis(250);
/// Longest time that a revocation waits for requests that began before it. Their answers are under way within milliseconds.
const DRAIN: Duration = Duration::from_millis(500);
/// Interval of the comparison with a full listing, which repairs whatever a lost event broke.
const SWEEP: Duration = Duration::from_secs(600);
/// Longest pause of the loop.
const LOOK: Duration = Duration::from_secs(10);

/// The parts that programming works with.
pub(crate) struct AccessParts {
    pub(crate) index: SharedIndex,
    pub(crate) live: Arc<Live>,
    pub(crate) held: HeldLease,
    pub(crate) policies: PolicyWriter,
    pub(crate) drift_events: DriftEvents,
    pub(crate) inbox: Arc<AccessInbox>,
    /// Held while the index is rendered or written, so that no writer waits for a reader that takes long: requests, which read the
    /// index too, would wait behind that writer.
    pub(crate) turn: Arc<Mutex<()>>,
    pub(crate) programmed: Programmed,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Clock,
}

/// Programs accesses while this process holds the Lease.
pub(crate) struct AccessProgrammer {
    parts: AccessParts,
    /// Away while a step is computed.
    program: Option<Program>,
    steps: JoinSet<(Program, ProgramStep)>,
    news: News,
    /// When the step with the present news is due.
    due: Option<Instant>,
    /// Not before this time does another step begin: half of the time belongs to others.
    rest_until: Instant,
    begun: Instant,
    work: PolicyWork,
    contention: Contention,
    snapshot: Arc<AccessSnapshot>,
    /// The time at which the next grant ends.
    next_end: Option<Instant>,
    sweeps: JoinSet<kube::Result<Vec<RenderedPolicy>>>,
    /// Policies that the watch has reported, or that were written, since the sweep began.
    reported: BTreeSet<PolicyKey>,
}

type WriteResult = (PolicyKey, PolicyJob, kube::Result<Option<Written>>);

impl AccessProgrammer {
    pub(crate) fn new(parts: AccessParts) -> AccessProgrammer {
        let now = Instant::now();
        AccessProgrammer {
            program: Some(Program::new(parts.live.name())),
            parts,
            steps: JoinSet::new(),
            news: News::default(),
            due: None,
            rest_until: now,
            begun: now,
            work: PolicyWork::default(),
            contention: Contention::default(),
            snapshot: Arc::default(),
            next_end: None,
            sweeps: JoinSet::new(),
            reported: BTreeSet::new(),
        }
    }

    /// Runs without end. The caller aborts the task at a stop, which is safe at any point.
    pub(crate) async fn run(mut self) {
        let mut writes = FuturesUnordered::new();
        let mut sweep = tokio::time::interval(SWEEP);
        sweep.reset();
        loop {
            // No write begins while a step is computed, since the step must know of every write that is under way.
            while self.program.is_some()
                && writes.len() < AT_A_TIME
                && self.parts.held.check().is_ok()
                && let Some((key, job)) = self.work.begin(Instant::now())
            {
                self.reported.insert(key.clone());
                self.news.begun.insert(key.clone());
                writes.push(self.write(key, job));
            }
            let timer = self.timer();
            tokio::select! {
                () = self.parts.inbox.changed() => self.take_changes(),
                Some(result) = writes.next(), if !writes.is_empty() => self.take_note(result, writes.is_empty()),
                Some(step) = self.steps.join_next(), if !self.steps.is_empty() => match step {
                    Ok((program, step)) => self.perform(program, step).await,
                    Err(error) => self.start_anew(&error),
                },
                Some(Ok(listing)) = self.sweeps.join_next(), if !self.sweeps.is_empty() => self.end_sweep(listing),
                _ = sweep.tick() => self.begin_sweep(),
                () = tokio::time::sleep_until(timer.into()) => {}
            }
            self.look_at_times();
            self.begin_step();
        }
    }

    /// A step that panicked is a fault of ours. The tickets stay as they are until a step from the start ends well.
    fn start_anew(&mut self, error: &JoinError) {
        tracing::error!(%error, "a step of programming accesses failed: starting anew");
        self.program = Some(Program::new(self.parts.live.name()));
        self.news.render = true;
        self.make_due(LOOK);
    }

    fn timer(&self) -> Instant {
        let latest = Instant::now() + LOOK;
        let step = self.due.filter(|_| self.program.is_some()).map(|due| due.max(self.rest_until));
        [step, self.work.next_due(), self.contention.next(), self.next_end]
            .into_iter()
            .flatten()
            .fold(latest, Instant::min)
    }

    fn take_changes(&mut self) {
        let changes = self.parts.inbox.take();
        self.news.render |= changes.render;
        self.reported.extend(changes.policies.iter().cloned());
        self.news.touched.extend(changes.policies);
        self.make_due(GATHER);
    }

    fn make_due(&mut self, gather: Duration) {
        let then = Instant::now() + gather;
        self.due = Some(self.due.map_or(then, |due| due.min(then)));
    }

    /// Renders anew where a grant has ended, and where a policy is no longer contended.
    fn look_at_times(&mut self) {
        let now = Instant::now();
        if self.next_end.is_some_and(|end| end <= now) {
            self.next_end = None;
            self.news.render = true;
            self.make_due(Duration::ZERO);
        }
        if self.contention.settle(now) {
            self.make_due(GATHER);
        }
    }

    /// Computes the next step on a thread of its own, where one is due.
    fn begin_step(&mut self) {
        let now = Instant::now();
        if self.due.is_none_or(|due| due > now) || self.rest_until > now {
            return;
        }
        let Some(mut program) = self.program.take() else { return };
        (self.due, self.begun) = (None, now);
        let news = std::mem::take(&mut self.news);
        let (index, turn, time) = (self.parts.index.clone(), self.parts.turn.clone(), (self.parts.clock)().time);
        self.steps.spawn_blocking(move || {
            let _turn = turn.blocking_lock();
            let step = program.advance(&index.read(), news, time);
            (program, step)
        });
    }

    /// Performs a step: what is revoked first, then the policies.
    async fn perform(&mut self, program: Program, step: ProgramStep) {
        self.rest_until = Instant::now() + self.begun.elapsed();
        if let Some(access) = step.access {
            // A request that began before must not be answered with a ticket after its policy has gone.
            self.parts.live.set_access(access).drained(DRAIN).await;
        }
        self.program = Some(program);
        self.note_drifts(&step.rendered, &step.drifted);
        let due: BTreeSet<&PolicyKey> = step.apply.iter().chain(&step.delete).collect();
        self.work.retain(|key| due.contains(key));
        let applies = step.apply.into_iter().map(|key| (key, PolicyJob::Apply));
        self.work.replace(applies.chain(step.delete.into_iter().map(|key| (key, PolicyJob::Delete))));
        self.next_end = step.rendered.next_expiry.map(|end| instant_of(end, (self.parts.clock)()));
        self.publish(AccessSnapshot {
            contended: step.rendered.policies.keys().filter(|key| self.contention.is_contended(key)).cloned().collect(),
            errors: self.work.errors(),
            waiting: step.waiting,
            generations: step.generations,
            rendered: step.rendered,
            missing: step.missing,
            unknown: step.unknown,
        });
    }
}

impl AccessProgrammer {
    /// Returns a future that writes a policy and borrows nothing from the loop.
    fn write(&self, key: PolicyKey, job: PolicyJob) -> impl Future<Output = WriteResult> + use<> {
        let (writer, policy) = (self.parts.policies.clone(), self.snapshot.rendered.policies.get(&key).cloned());
        async move {
            let result = match (job, policy) {
                (PolicyJob::Apply, Some(policy)) => writer.apply(&policy).await.map(|found| {
                    let fact = found.and_then(PolicyFact::from_policy);
                    Some(fact.map_or(Written::Gone, |(_, fact)| Written::Put(fact)))
                }),
                (PolicyJob::Delete, _) => writer.delete(&key).await.map(|()| Some(Written::Gone)),
                (PolicyJob::Apply, None) => Ok(None),
            };
            (key, job, result)
        }
    }

    fn take_note(&mut self, (key, job, result): WriteResult, last: bool) {
        let written = match result {
            Ok(written) => {
                self.work.finished(&key);
                written
            }
            Err(error) => {
                if self.work.error(&key).is_none() {
                    tracing::warn!(policy = %key, ?job, %error, "a policy cannot be written: trying again");
                }
                self.work.failed(&key, error.to_string(), Instant::now());
                None
            }
        };
        self.news.ended.push((key, written));
        self.make_due(if last && self.work.is_idle(Instant::now()) { Duration::ZERO } else { GATHER_WRITES });
    }

    /// Counts and reports policies that somebody else has changed, and keeps those that are contended back.
    fn note_drifts(&mut self, rendered: &Rendered, drifted: &[PolicyKey]) {
        let now = Instant::now();
        for key in drifted {
            let pause = self.contention.note(key, now);
            self.parts.metrics.network_policy_drift.inc();
            tracing::warn!(policy = %key, "somebody has changed or deleted a policy: it is put back");
            if pause > Duration::ZERO {
                self.work.hold_back(key, now + pause);
            }
            self.parts.drift_events.report(rendered, key, pause);
        }
    }

    fn publish(&mut self, snapshot: AccessSnapshot) {
        let metrics = &self.parts.metrics;
        metrics.network_policies.set(count(snapshot.rendered.policies.len()));
        metrics.network_policies_missing.set(count(snapshot.missing.len()));
        metrics.network_policies_contended.set(count(snapshot.contended.len()));
        let old = std::mem::replace(&mut self.snapshot, Arc::new(snapshot));
        self.parts.programmed.set(self.snapshot.clone());
        self.parts.publisher.touch_access(&old, &self.snapshot);
    }

    /// Lists the policies of ours anew, to compare them with what the watch has reported.
    fn begin_sweep(&mut self) {
        if self.sweeps.is_empty() {
            self.reported = BTreeSet::new();
            let (writer, kinds) = (self.parts.policies.clone(), self.parts.index.read().surroundings().writable());
            self.sweeps.spawn(list_ours(writer, kinds));
        }
        self.news.render = true;
        self.make_due(GATHER);
    }

    fn end_sweep(&mut self, listing: kube::Result<Vec<RenderedPolicy>>) {
        match listing {
            Ok(policies) => {
                let listed = policies.into_iter().filter_map(PolicyFact::from_policy).collect();
                self.news.listing = Some(Listing { listed, newer: std::mem::take(&mut self.reported) });
                self.make_due(GATHER);
            }
            Err(error) => tracing::warn!(%error, "the policies cannot be listed: trying again in ten minutes"),
        }
    }
}

/// Lists the policies of ours of these kinds.
async fn list_ours(writer: PolicyWriter, kinds: Vec<PolicyKind>) -> kube::Result<Vec<RenderedPolicy>> {
    let mut found = Vec::new();
    for kind in kinds {
        found.extend(writer.list(kind, &MANAGED_BY.selector()).await?);
    }
    Ok(found)
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Converts a time of the system's clock to an instant, at most a sweep ahead: each sweep renders anew.
fn instant_of(then: i64, now: Timestamp) -> Instant {
    let seconds = u64::try_from(then.saturating_sub(now.time.0)).unwrap_or(0);
    Instant::now() + Duration::from_secs(seconds).min(SWEEP)
}
