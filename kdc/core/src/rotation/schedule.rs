//! The next step of a key set. Ask, write the step, ask again: each step is one write, and whoever stops in between loses
//! nothing.

use crate::key_set::{KeyState, KeyVersion};
use crate::principal::PrincipalRecord;
use crate::rotation::clock::Moment;
use crate::rotation::holder::{HolderId, Holding};
use crate::rotation::policy::{MissingHolders, RotationPolicy};
use crate::rotation::repair::{needs_correction, superfluous};
use crate::rotation::slot::next_slot;
use kennel_wire::message::{KerberosTime, Timestamp};

/// Most versions of a set. Old formats of keytabs tell versions apart by eight bits.
pub const MAX_VERSIONS: usize = 255;

/// What is known of one principal.
#[derive(Debug, Clone, Copy)]
pub struct Rotating<'a> {
    /// Its record, as the store has it now.
    pub record: &'a PrincipalRecord,
    /// Its live holders, read from the store after the record. Of a holder that comes later, the keytab is read later too, and
    /// so holds whatever is staged here.
    pub holders: &'a [Holding<'a>],
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Set stamps that are missing or lie in the future to now: a clock was wrong.
    Correct,
    /// Make the next version, staged.
    Stage,
    /// Issue with this version alone; the one before is accepted from now on.
    Activate(u32),
    /// Forget these versions: no ticket under them is valid any more, or none was ever issued.
    Drop(Vec<u32>),
    /// Remember that tickets of the realm live longer than the version in use knows.
    Extend,
}

/// What the next step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// An order: the principal has no interval, or no key, or somebody took its keys by hand.
    Order,
    /// Nothing: the key comes from a password or belongs to a trust, or the principal is abandoned. Whoever takes orders refuses
    /// one for such a principal.
    Nobody,
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
    /// The end of an old version: the set holds [`MAX_VERSIONS`].
    Room,
    /// Nothing: no number is left after the newest version's.
    Kvno,
}

/// The state of one rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The write that is due now.
    pub step: Option<Step>,
    /// When to look again, where nothing happens before: later than now, by the wall clock. `None`: a step is due, or time alone
    /// brings none.
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

/// When, why not earlier, and when the next version is due.
type Progress = (Due, Waiting, Option<KerberosTime>);

impl Rotating<'_> {
    /// The schedule at this moment.
    #[must_use]
    pub fn schedule(&self, policy: &RotationPolicy, now: Moment) -> Schedule {
        let staged = self.versions(KeyState::Staged).max_by_key(|version| version.kvno);
        let (due, waiting, next) = match staged {
            _ if self.stands_still() => (Due::Never, Waiting::Nobody, None),
            Some(staged) => self.activation(staged, policy, now),
            None => self.staging(policy, now),
        };
        let mut ended = superfluous(&self.record.keys);
        ended.extend(self.ends(policy).filter(|(_, end)| now.is_past(*end)).map(|(kvno, _)| kvno));
        let (step, then) = match due {
            _ if needs_correction(self.record, now) => (Some(Step::Correct), None),
            _ if self.outlives(policy, now) => (Some(Step::Extend), None),
            _ if !ended.is_empty() => (Some(Step::Drop(ended)), None),
            _ if self.versions(KeyState::Active).nth(1).is_some() => {
                (self.issuing().map(|v| Step::Activate(v.kvno)), None)
            }
            Due::Now(step) => (Some(step), None),
            Due::At(time) => (None, Some(time)),
            Due::Never => (None, None),
        };
        let wake = self.ends(policy).map(|(_, end)| end).chain(then).min().filter(|_| step.is_none());
        Schedule { step, wake: wake.map(|time| now.wake_at(time)), next, waiting }
    }

    /// When the next version is made.
    fn staging(&self, policy: &RotationPolicy, now: Moment) -> Progress {
        let versions = &self.record.keys.versions;
        let (due, waiting, next) = match (self.order(), self.interval(policy)) {
            (Some(order), _) if order > now.stamp() => (Due::At(order.ceiling()), Waiting::Interval, Some(order.time)),
            (Some(_), _) => (Due::Now(Step::Stage), Waiting::Order, Some(now.sure())),
            (None, Some((created, interval))) => match next_slot(&self.record.principal, created, interval, now.sure())
            {
                next if now.is_past(next) => (Due::Now(Step::Stage), Waiting::Interval, Some(next)),
                next => (Due::At(next), Waiting::Interval, Some(next)),
            },
            (None, None) => return (Due::Never, Waiting::Order, None),
        };
        match due {
            Due::Now(_) if versions.iter().any(|version| version.kvno == u32::MAX) => (Due::Never, Waiting::Kvno, None),
            Due::Now(_) if versions.len() >= MAX_VERSIONS => (Due::Never, Waiting::Room, next),
            due => (due, waiting, next),
        }
    }

    /// When the staged version is used.
    fn activation(&self, staged: &KeyVersion, policy: &RotationPolicy, now: Moment) -> Progress {
        let overlap = if self.order().is_some() { 0 } else { policy.overlap };
        let staged_for = policy.propagation.max(overlap);
        let ready = staged.created.ceiling().plus(staged_for.into());
        let limit = staged.created.ceiling().plus(staged_for.max(policy.patience).into());
        let missing = self.holders.iter().filter(|holding| !holding.has(staged.kvno));
        let missing: Vec<HolderId> = missing.map(|holding| holding.id.clone()).collect();
        let seen = self.holders.iter().filter_map(Holding::seen_from);
        let seen = seen.fold(ready, KerberosTime::max);
        let stalled = now.is_past(limit);
        let due = match policy.missing {
            _ if !now.is_past(ready) => return (Due::At(ready), Waiting::Overlap, Some(ready)),
            _ if missing.is_empty() && !now.is_past(seen) => return (Due::At(seen), Waiting::Overlap, Some(seen)),
            _ if missing.is_empty() => return (Due::Now(Step::Activate(staged.kvno)), Waiting::Overlap, Some(ready)),
            MissingHolders::Proceed if stalled => Due::Now(Step::Activate(staged.kvno)),
            _ if stalled => Due::Never,
            _ => Due::At(limit),
        };
        (due, Waiting::Holders { missing, stalled }, Some(ready))
    }

    /// Whether no key is made or used whatever happens: the principal is gone, or a person knows its password, or the key is that
    /// of a trust, which changes on both sides by hand.
    fn stands_still(&self) -> bool {
        self.record.abandoned.is_some() || self.record.keys.password_set().is_some() || self.is_trust()
    }

    /// When each retiring version ends. The newest of all never does: numbers only grow.
    fn ends(&self, policy: &RotationPolicy) -> impl Iterator<Item = (u32, KerberosTime)> {
        let newest = self.record.keys.versions.iter().map(|version| version.kvno).max();
        let old = self.versions(KeyState::Retiring).filter(move |version| Some(version.kvno) != newest);
        old.map(|version| (version.kvno, accepted_until(version, policy)))
    }

    /// The order that no version fulfils yet: one that is made after it does.
    fn order(&self) -> Option<Timestamp> {
        let unfulfilled = |order: &Timestamp| self.issuing().is_none_or(|version| version.created < *order);
        self.record.rotation_ordered.filter(unfulfilled)
    }

    /// Since when keys are in use and how long, where they change by themselves.
    fn interval(&self, policy: &RotationPolicy) -> Option<(KerberosTime, u32)> {
        let by_hand = self.record.unknown_holder.is_some() && !policy.explicit;
        let interval = policy.interval.filter(|_| !by_hand)?;
        Some((self.issuing()?.created.time, interval))
    }

    /// Whether the realm's tickets live longer than `krbtgt`, which remembers it for all keys, knows.
    fn outlives(&self, policy: &RotationPolicy, now: Moment) -> bool {
        let unaware = |version: &KeyVersion| version.accept.is_none_or(|accept| accept < policy.accept);
        let in_use = |version: &KeyVersion| may_issue(version, policy, now);
        self.is_krbtgt() && self.record.keys.versions.iter().any(|version| in_use(version) && unaware(version))
    }

    fn is_krbtgt(&self) -> bool {
        let principal = &self.record.principal;
        principal.name.krbtgt_realm() == Some(&*principal.realm)
    }

    fn is_trust(&self) -> bool {
        self.record.principal.name.krbtgt_realm().is_some() && !self.is_krbtgt()
    }

    fn issuing(&self) -> Option<&KeyVersion> {
        self.record.keys.active_version()
    }

    fn versions(&self, state: KeyState) -> impl Iterator<Item = &KeyVersion> {
        self.record.keys.versions.iter().filter(move |version| version.state == state)
    }
}

/// Whether some replica issues with a version: it is active, or one does not know yet that it is not.
pub(super) fn may_issue(version: &KeyVersion, policy: &RotationPolicy, now: Moment) -> bool {
    match (version.state, version.retired) {
        (KeyState::Active, _) => true,
        (KeyState::Retiring, Some(retired)) => !now.is_past(retired.ceiling().plus(policy.propagation.into())),
        _ => false,
    }
}

/// The end of a retiring version: no ticket under it is valid from then on, by the policy at its retirement and by that of today.
#[must_use]
pub fn accepted_until(version: &KeyVersion, policy: &RotationPolicy) -> KerberosTime {
    let since = version.retired.or(version.activated).unwrap_or(version.created);
    let accept = version.accept.unwrap_or(0).max(policy.accept);
    since.ceiling().plus(i64::from(accept) + i64::from(policy.propagation))
}
