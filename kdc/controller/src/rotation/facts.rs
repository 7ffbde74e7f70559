//! What is kept of a principal: versions and times of its keys, without the keys.

use crate::rotation::policy::Rotatable;
use kennel_core::key_set::{KeySet, KeyState, KeyVersion};
use kennel_core::principal::PrincipalRecord;
use kennel_core::rotation::clock::Moment;
use kennel_core::rotation::holder::{HolderId, Holding};
use kennel_core::rotation::policy::RotationPolicy;
use kennel_core::rotation::schedule::{Rotating, Schedule};
use kennel_store::Revision;
use kennel_wire::message::KerberosTime;

/// The facts of one principal.
#[derive(Debug)]
pub(crate) struct KeyFacts {
    /// Revision of the record that they are of.
    pub(crate) revision: Revision,
    /// The record, whose versions have no keys.
    pub(crate) record: Box<PrincipalRecord>,
    pub(crate) rotatable: Rotatable,
    /// When the principal is due.
    pub(crate) wake: Option<KerberosTime>,
    /// The last that was computed.
    pub(crate) progress: Option<KeyProgress>,
}

/// How far the keys of a principal are, for the status and the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyProgress {
    /// The version that is used.
    pub(crate) kvno: Option<u32>,
    /// The version that is in keytabs and not used yet.
    pub(crate) staged: Option<u32>,
    /// When the KDC began to use the version.
    pub(crate) since: Option<KerberosTime>,
    /// When the next version is due.
    pub(crate) next: Option<KerberosTime>,
    /// Number of versions: keytabs have each of them.
    pub(crate) versions: usize,
    /// Holders, and those of them that have the newest version.
    pub(crate) holders: (usize, usize),
    /// Holders for which the rotation has waited too long.
    pub(crate) stalled: Vec<HolderId>,
}

impl KeyFacts {
    pub(crate) fn of_record(mut record: Box<PrincipalRecord>, revision: Revision) -> KeyFacts {
        let rotatable = Rotatable::of_record(&record);
        // Dropped keys are wiped.
        record.keys = without_keys(&record.keys);
        KeyFacts { revision, record, rotatable, wake: None, progress: None }
    }

    /// The schedule; `None` where the principal never rotates.
    pub(crate) fn schedule(&self, holders: &[Holding<'_>], policy: &RotationPolicy, now: Moment) -> Option<Schedule> {
        schedule(&self.record, self.rotatable, holders, policy, now)
    }

    /// The newest version that holders should have.
    pub(crate) fn newest(&self) -> Option<u32> {
        let versions = self.record.keys.versions.iter();
        versions.filter(|version| version.state != KeyState::Retiring).map(|version| version.kvno).max()
    }
}

/// The schedule of a record; `None` where the principal never rotates.
pub(crate) fn schedule(
    record: &PrincipalRecord,
    rotatable: Rotatable,
    holders: &[Holding<'_>],
    policy: &RotationPolicy,
    now: Moment,
) -> Option<Schedule> {
    match rotatable {
        Rotatable::Never(_) => None,
        Rotatable::ByPolicy | Rotatable::ByOrder => Some(Rotating { record, holders }.schedule(policy, now)),
    }
}

fn without_keys(keys: &KeySet) -> KeySet {
    let bare = |version: &KeyVersion| KeyVersion {
        kvno: version.kvno,
        state: version.state,
        created: version.created,
        activated: version.activated,
        retired: version.retired,
        accept: version.accept,
        keys: Vec::new(),
    };
    KeySet { versions: keys.versions.iter().map(bare).collect() }
}
