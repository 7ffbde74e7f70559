//! The next step of a key set. Ask, write the step, ask again: each step is one write, and whoever stops in between loses
//! nothing.

use crate::key_set::{KeySet, KeyState, KeyVersion};
use crate::rotation::holder::HolderId;
use crate::rotation::policy::{MissingHolders, RotationPolicy};
use kennel_wire::message::{KerberosTime, Timestamp};

/// What is known of one principal.
#[derive(Debug, Clone, Copy)]
pub struct Rotating<'a> {
    /// Its keys.
    pub keys: &'a KeySet,
    /// When somebody asked for a new key; `None` once that key is in use.
    pub ordered: Option<Timestamp>,
    /// Its live holders, and the versions that each has on disk.
    pub holders: &'a [(&'a HolderId, &'a [u32])],
    /// A number of its own out of all numbers, such as a hash of its name: spreads the rotations of many principals.
    pub spread: u32,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the next version, staged.
    Stage,
    /// Issue with this version; the one before is accepted from now on.
    Activate(u32),
    /// Forget these versions: no ticket under them is valid any more.
    Drop(Vec<u32>),
}

/// What the next step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// An order: the principal has no interval, or no key, or its key comes from a password.
    Order,
    /// The next interval.
    Interval,
    /// The end of the overlap or of the propagation.
    Overlap,
    /// Holders that do not have the staged key yet; `stalled`: longer than the policy's patience.
    Holders {
        /// The holders.
        missing: Vec<HolderId>,
        /// Whether the patience has ended.
        stalled: bool,
    },
}

/// The state of one rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The write that is due now.
    pub step: Option<Step>,
    /// When to look again, where nothing happens before.
    pub wake: Option<KerberosTime>,
    /// When the next version is due; `None` without an interval.
    pub next: Option<KerberosTime>,
    /// What the next step waits for.
    pub waiting: Waiting,
}

/// When the next version is made or used.
enum Due {
    Now(Step),
    At(KerberosTime),
    /// Not by the passage of time.
    Never,
}

impl Rotating<'_> {
    /// The schedule at this moment.
    #[must_use]
    pub fn schedule(&self, policy: &RotationPolicy, now: KerberosTime) -> Schedule {
        let staged = self.keys.versions.iter().find(|version| version.state == KeyState::Staged);
        let (due, waiting, next) = match staged {
            Some(staged) => self.activation(staged, policy, now),
            None => self.staging(policy, now),
        };
        let ended: Vec<u32> = self.retiring().filter(|v| accepted_until(v, policy) <= now).map(|v| v.kvno).collect();
        let (step, then) = match due {
            Due::Now(step) => (Some(step), None),
            _ if !ended.is_empty() => (Some(Step::Drop(ended)), None),
            Due::At(time) => (None, Some(time)),
            Due::Never => (None, None),
        };
        let ends = self.retiring().map(|version| accepted_until(version, policy)).filter(|end| *end > now);
        Schedule { wake: if step.is_some() { None } else { ends.chain(then).min() }, step, next, waiting }
    }

    /// When the next version is made.
    fn staging(&self, policy: &RotationPolicy, now: KerberosTime) -> (Due, Waiting, Option<KerberosTime>) {
        let Some(active) = self.keys.active_version().filter(|_| self.keys.password_set().is_none()) else {
            return (Due::Never, Waiting::Order, None);
        };
        if self.ordered.is_some() {
            return (Due::Now(Step::Stage), Waiting::Order, Some(now));
        }
        let Some(interval) = policy.interval else {
            return (Due::Never, Waiting::Order, None);
        };
        // Up to an eighth of the interval earlier: principals that were made in one minute do not rotate in one.
        let earlier = (u64::from(interval) * u64::from(self.spread)) >> 35;
        let life = i64::from(interval) - i64::try_from(earlier).unwrap_or(0);
        let next = active.created.time.plus(life);
        let due = if next <= now { Due::Now(Step::Stage) } else { Due::At(next) };
        (due, Waiting::Interval, Some(next))
    }

    /// When the staged version is used.
    fn activation(
        &self,
        staged: &KeyVersion,
        policy: &RotationPolicy,
        now: KerberosTime,
    ) -> (Due, Waiting, Option<KerberosTime>) {
        let staged_for =
            if self.ordered.is_some() { policy.propagation } else { policy.overlap.max(policy.propagation) };
        let ready = staged.created.time.plus(staged_for.into());
        if now < ready {
            return (Due::At(ready), Waiting::Overlap, Some(ready));
        }
        let lacks = |kvnos: &[u32]| !kvnos.contains(&staged.kvno);
        let missing: Vec<HolderId> =
            self.holders.iter().filter(|(_, kvnos)| lacks(kvnos)).map(|(id, _)| (*id).clone()).collect();
        let limit = staged.created.time.plus(policy.patience.max(staged_for).into());
        let stalled = limit <= now;
        if missing.is_empty() || (stalled && policy.missing == MissingHolders::Proceed) {
            return (Due::Now(Step::Activate(staged.kvno)), Waiting::Overlap, Some(now));
        }
        let due = if stalled { Due::Never } else { Due::At(limit) };
        (due, Waiting::Holders { missing, stalled }, Some(ready))
    }

    fn retiring(&self) -> impl Iterator<Item = &KeyVersion> {
        self.keys.versions.iter().filter(|version| version.state == KeyState::Retiring)
    }
}

/// The end of a retiring version: no ticket under it is valid from then on, by the policy at its retirement and by that of today.
#[must_use]
pub fn accepted_until(version: &KeyVersion, policy: &RotationPolicy) -> KerberosTime {
    let since = version.retired.or(version.activated).unwrap_or(version.created);
    since.time.plus(version.accept.unwrap_or(0).max(policy.accept).into())
}
