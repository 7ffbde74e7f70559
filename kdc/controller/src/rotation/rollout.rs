//! Restarts the workloads whose programs read their keytab once and have asked for it: annotation `kennel.dev/on-change: rollout`. The
//! agents of such pods have a new key on disk and do not say that they hold it, so that the rotation waits for pods that have begun
//! with it.

use crate::rotation::book::RotationBook;
use kennel_core::pods::PodRef;
use kennel_core::rotation::holder::HolderRecord;
use kennel_k8s::apply::event::{EventSubject, EventWriter};
use kennel_k8s::apply::workload::{RestartError, RestartOutcome, WorkloadWriter};
use kennel_k8s::index::view::SharedIndex;
use kennel_k8s::lease::HeldLease;
use kennel_k8s::problem::{ROLLOUT_REFUSED, ROLLOUT_STARTED};
use kennel_wire::message::{Clock, Principal};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Interval of the search for pods that lack a key.
const INTERVAL: Duration = Duration::from_secs(5);
/// Time for which a pod lacks a key before its workload is restarted: a new pod says a moment after its first keytab that it has it, and
/// the principals of an account may have new keys one after the other.
const GRACE: Duration = Duration::from_secs(15);
/// Pause before a workload is looked at again: it is being restarted by then, or cannot be.
const AGAIN: Duration = Duration::from_secs(30);
/// Workloads that are restarted in one interval: an order to rotate all keys does not restart a cluster in one moment.
const AT_A_TIME: usize = 8;

/// The search.
pub(crate) struct Rollouts {
    pub(crate) realm: Box<str>,
    pub(crate) held: HeldLease,
    pub(crate) index: SharedIndex,
    pub(crate) book: Arc<RotationBook>,
    pub(crate) workloads: WorkloadWriter,
    pub(crate) events: EventWriter,
    pub(crate) clock: Clock,
}

/// A pod that lacks a key, for all of its controller.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Late {
    pod: PodRef,
    principal: Principal,
    kvno: u32,
}

/// What is known of the controllers whose pods lack a key, by UID.
#[derive(Debug, Default)]
struct Waiting(HashMap<Box<str>, Wait>);

#[derive(Debug)]
struct Wait {
    since: Instant,
    /// When its workload was looked at last.
    looked: Option<Instant>,
    /// What was wrong then.
    refusal: Option<String>,
}

impl Rollouts {
    /// Runs without end. The caller aborts the task at a stop, which is safe at any point.
    pub(crate) async fn run(self) {
        let mut waiting = Waiting::default();
        loop {
            tokio::time::sleep(INTERVAL).await;
            if self.held.check().is_err() {
                continue;
            }
            let mut late = self.late();
            for controller in waiting.take_due(&late, Instant::now()) {
                if let Some(late) = late.remove(&controller) {
                    let refusal = self.restart(&late).await.err().map(|error| error.to_string());
                    if let Some(refusal) = waiting.note(&controller, refusal) {
                        self.refuse(&late, &refusal).await;
                    }
                }
            }
        }
    }

    /// A pod of each controller whose pods lack a key.
    fn late(&self) -> HashMap<Box<str>, Late> {
        let index = self.index.read();
        let late = index.rollout_pods().filter_map(|(pod, controller)| {
            let (principal, kvno) = self.book.lacked_by(&HolderRecord::name_of(&pod.uid, &self.realm))?;
            Some((controller.into(), Late { pod, principal, kvno }))
        });
        late.collect()
    }

    async fn restart(&self, late: &Late) -> Result<(), RestartError> {
        let outcome = self.workloads.restart(&late.pod, (self.clock)().time).await?;
        if let RestartOutcome::Restarted(workload) = outcome {
            let Late { pod, principal, kvno } = late;
            tracing::info!(namespace = pod.namespace, %workload, %principal, kvno, "a workload is restarted for its new keys");
            let why = format!("its pods read version {kvno} of the keys of {principal} at their start alone");
            self.events.note(EventSubject::Workload(&pod.namespace, &workload), ROLLOUT_STARTED, &why).await;
        }
        Ok(())
    }

    async fn refuse(&self, late: &Late, refusal: &str) {
        let Late { pod: PodRef { namespace, name, uid }, principal, kvno } = late;
        tracing::warn!(namespace, pod = name, %principal, kvno, refusal, "a workload cannot be restarted for its new keys");
        let message = format!("version {kvno} of the keys of {principal} waits for this pod to be replaced: {refusal}");
        self.events.warn(EventSubject::Pod { namespace, name, uid }, ROLLOUT_REFUSED, &message).await;
    }
}

impl Waiting {
    /// Takes in whose pods lack a key now. Returns the controllers whose workloads are to be looked at.
    fn take_due(&mut self, late: &HashMap<Box<str>, Late>, now: Instant) -> Vec<Box<str>> {
        self.0.retain(|controller, _| late.contains_key(controller));
        for controller in late.keys() {
            let new = Wait { since: now, looked: None, refusal: None };
            self.0.entry(controller.clone()).or_insert(new);
        }
        let is_due = |wait: &Wait| match wait.looked {
            None => now.duration_since(wait.since) >= GRACE,
            Some(looked) => now.duration_since(looked) >= AGAIN,
        };
        let mut due: Vec<_> = self.0.iter_mut().filter(|(_, wait)| is_due(wait)).collect();
        // Those that wait for the longest time come first.
        due.sort_by_key(|(_, wait)| (wait.looked, wait.since));
        due.truncate(AT_A_TIME);
        due.iter_mut().for_each(|(_, wait)| wait.looked = Some(now));
        due.into_iter().map(|(controller, _)| controller.clone()).collect()
    }

    /// Keeps what was wrong with a workload. Returns it where it is another than before.
    fn note(&mut self, controller: &str, refusal: Option<String>) -> Option<String> {
        let wait = self.0.get_mut(controller)?;
        let before = std::mem::replace(&mut wait.refusal, refusal);
        wait.refusal.clone().filter(|refusal| before.as_ref() != Some(refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(controllers: &[&str]) -> HashMap<Box<str>, Late> {
        let late = |name: &&str| {
            let pod = PodRef { namespace: "shop".into(), name: (*name).into(), uid: (*name).into() };
            ((*name).into(), Late { pod, principal: Principal::parse("web", "R").unwrap(), kvno: 2 })
        };
        controllers.iter().map(late).collect()
    }

    fn due(waiting: &mut Waiting, controllers: &[&str], now: Instant) -> Vec<Box<str>> {
        let mut due = waiting.take_due(&late(controllers), now);
        due.sort();
        due
    }

    #[test]
    fn a_workload_is_restarted_after_a_pause_and_looked_at_again_after_a_longer_one() {
        let (mut waiting, begin) = (Waiting::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        assert!(due(&mut waiting, &["a", "b"], begin).is_empty(), "a new pod has not spoken yet");
        assert!(due(&mut waiting, &["b"], at(5)).is_empty());
        assert_eq!(due(&mut waiting, &["a", "b"], at(15)), ["b".into()], "what had its key meanwhile begins anew");
        assert_eq!(due(&mut waiting, &["a", "b"], at(30)), ["a".into()]);
        assert!(due(&mut waiting, &["a", "b"], at(40)).is_empty());
        assert_eq!(due(&mut waiting, &["a", "b"], at(60)), ["a".into(), "b".into()]);
    }

    #[test]
    fn many_workloads_are_restarted_a_few_at_a_time_and_each_has_its_turn() {
        let names: Vec<String> = (0..20).map(|number| format!("w{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (mut waiting, begin) = (Waiting::default(), Instant::now());
        due(&mut waiting, &names, begin);
        let rounds = (0..3).map(|round| due(&mut waiting, &names, begin + GRACE + INTERVAL * round));
        let rounds: Vec<Vec<Box<str>>> = rounds.collect();
        assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [8, 8, 4]);
        let mut all: Vec<Box<str>> = rounds.concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20);
    }

    #[test]
    fn a_refusal_is_told_once_until_it_changes() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        due(&mut waiting, &["a"], now);
        let mut note = |refusal: Option<&str>| waiting.note("a", refusal.map(str::to_owned));
        assert_eq!(note(Some("no")), Some("no".into()));
        assert_eq!(note(Some("no")), None);
        assert_eq!(note(None), None);
        assert_eq!(note(Some("no")), Some("no".into()));
    }
}
